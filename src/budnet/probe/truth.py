"""The comparison: every question, what was predicted, what was observed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from budnet.ir.address import spelt_one
from budnet.ir.network import Network
from budnet.probe.answer import Answer
from budnet.probe.in_twin import InTwin
from budnet.probe.predicted import Predicted
from budnet.probe.question import Question, questions
from budnet.twin.lab import Twin

Progress = Callable[[int, int], None]
Predict = Callable[[Question], list[Answer]]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A question to which the two gave different answers."""

    question: Question
    predicted: Answer
    observed: Answer

    def __str__(self) -> str:
        row = self.json()
        what = spelt_one(self.question.protocol, self.question.port)
        return f"{row['src']} -> {row['dst']} {what}: predicted {row['predicted']}, observed {row['observed']} ({row['origin']})"

    def json(self) -> dict[str, Any]:
        """A row of `budnet probe --format json`."""
        origin = self.observed.origin if self.observed.origin and self.observed.origin.line else self.predicted.origin
        return {
            "src": self.question.source, "dst": self.question.destination, "protocol": self.question.protocol.name, "port": self.question.port,
            "predicted": str(self.predicted), "observed": str(self.observed), "origin": str(origin) if origin else None,
        }  # fmt: skip


@dataclass
class Truth:
    """What came of asking. `seconds` is the time of the packets; `fates` counts observed dispositions."""

    questions: int = 0
    agree: int = 0
    disagree: list[Disagreement] = field(default_factory=list)
    fates: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    left_out: int = 0
    """Questions that were not asked (`sample.py`)."""
    rows: list[tuple[Question, Answer, Answer]] = field(default_factory=list)
    """Every question with what was predicted and what was observed: an auditor's table."""
    notes: list[str] = field(default_factory=list)
    """What was not asked, and why."""

    def add(self, question: Question, predicted: Sequence[Answer], observed: Answer) -> None:
        """One question with both answers. A Service may be answered by any of its pods."""
        self.questions += 1
        self.fates[observed.disposition] = self.fates.get(observed.disposition, 0) + 1
        match = next((p for p in predicted if p.agrees(observed)), None)
        self.rows.append((question, match or predicted[0], observed))
        if match is not None:
            self.agree += 1
        else:
            self.disagree.append(Disagreement(question, predicted[0], observed))

    def join(self, other: Truth) -> None:
        """Adds another table's rows to this one's."""
        self.questions += other.questions
        self.agree += other.agree
        self.disagree += other.disagree
        self.left_out += other.left_out
        self.rows += other.rows
        self.seconds += other.seconds
        self.notes += other.notes
        for fate, count in other.fates.items():
            self.fates[fate] = self.fates.get(fate, 0) + count

    @property
    def omission(self) -> str:
        """What was left out, in words; empty where nothing was."""
        said = f"{self.left_out} more were not asked: between members of a fleet, each asked the next one only (`budnet probe --all` asks them)"
        return said if self.left_out else ""

    def json(self) -> dict[str, Any]:
        """`budnet probe --format json`."""
        rows = [d.json() for d in self.disagree]
        return {"questions": self.questions, "agree": self.agree, "disagree": rows, "left_out": self.left_out,
                "fates": self.fates, "notes": self.notes, "seconds": round(self.seconds, 3)}  # fmt: skip


def truth(
    network: Network,
    twin: Twin,
    asked: Sequence[Question] | None = None,
    progress: Progress | None = None,
    predicted: Predict | None = None,
) -> Truth:
    """Asks both. `asked` defaults to every question the Network raises, `predicted` to what the prover says of it."""
    rows = list(questions(network)) if asked is None else list(asked)
    predicted, in_twin = predicted or Predicted(network), InTwin(network, twin)
    table = Truth()
    answers: dict[int, Answer] = {}
    start = time.perf_counter()
    for number, observed in in_twin.ask(rows):
        answers[number] = observed
        if progress and not len(answers) % 500:
            progress(len(answers), len(rows))
    table.seconds = time.perf_counter() - start
    for number, question in enumerate(rows):
        table.add(question, predicted(question), answers[number])
    return table
