"""Findings that the author knows of and keeps: `accept`, each row with its reason."""

from __future__ import annotations

from collections.abc import Mapping

from budnet.lint.rule import ERROR, Hit, Rule
from budnet.model.topology import Topology
from budnet.source.diagnostic import Diagnostic, error, suggest, warning
from budnet.source.document import Document
from budnet.source.text import quoted

UNKNOWN, NEVER, NOTHING = "D801", "D802", "D803"


def row_for(topology: Topology, by: Rule, hit: Hit) -> int | None:
    """The row of `accept` that a hit falls under, if any. Errors fall under none."""
    if by.severity is ERROR:
        return None
    subjects = set(hit.subject.split(", "))
    rows = enumerate(topology.accept)
    return next((i for i, row in rows if row.finding == by.code and (row.for_ is None or subjects <= set(row.for_))), None)


def problems(document: Document, topology: Topology, codes: Mapping[str, Rule], used: set[int]) -> list[Diagnostic]:
    """Rows that accept what there is not, or what cannot be accepted."""
    found: list[Diagnostic] = []
    for i, row in enumerate(topology.accept):
        span = document.nearest(("accept", i, "finding"))
        known = codes.get(row.finding)
        if known is None:
            help = suggest(row.finding, codes) or "`budnet check --explain` lists them"
            found.append(error(UNKNOWN, f"there is no finding {quoted(row.finding)}", span, help))
        elif known.severity is ERROR:
            found.append(error(NEVER, f"{row.finding} is an error, and errors cannot be accepted", span, known.help))
        elif i not in used:
            found.append(warning(NOTHING, f"nothing here is a case of {row.finding} any more", span, "remove the row, or see its `for`"))
    return found
