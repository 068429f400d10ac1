"""What is odd about policies and Services of either kind of network."""

from __future__ import annotations

from budnet.questions.answer import Answer
from budnet.questions.place import Place
from budnet.reach.review import review
from budnet.source.diagnostic import Diagnostic, in_order
from budnet.source.report import to_json

COLUMNS = ("code", "severity", "summary", "file", "line", "column", "end_line", "end_column", "help", "related")


def lint(place: Place) -> list[Diagnostic]:
    """In the order of files and lines."""
    seen = place.observed
    if seen is None:
        return in_order(review(place.network))
    return in_order(review(seen.network, seen.annotations) + seen.entrances.problems(seen.network.endpoints).found)


def answer(found: list[Diagnostic]) -> Answer:
    """A row for each finding."""
    rows = to_json(found)
    return Answer("lint", rows, COLUMNS, {"findings": rows})
