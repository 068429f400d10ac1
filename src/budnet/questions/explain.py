"""Every filter on the way of a flow with what it says, and the smallest change that would open it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from budnet.questions import asked
from budnet.questions.answer import Answer
from budnet.questions.reach import best_trace, reachable
from budnet.reach import relay
from budnet.reach.engine import Engine
from budnet.reach.invoke import invoke
from budnet.reach.remedy import Remedy, remedies
from budnet.reach.trace import Trace, origin_of, rules_behind


@dataclass(frozen=True, slots=True)
class Explained:
    """A trace, a row for each filter on its way there and back, and what would open it."""

    best: Trace
    note: str
    gates: list[dict[str, Any]]
    hops: list[str]
    changes: list[Remedy]


def explain(engine: Engine, source: str, destination: str, port: str) -> Explained:
    """Of several endpoints the pair that `reach` shows. Raises WrongQuestion."""
    question = asked.who(engine, source, destination)
    protocol, number = asked.port(engine, port, question.destinations)
    best = best_trace(engine, question, protocol, number)
    best = invoke(engine, best) if port == asked.MESH else best
    way, bit = relay.way(engine, best.source, best.destination, beyond=True, call=question.call), engine.alphabet.bit(protocol, number)
    gates: list[dict[str, Any]] = []
    for gate, passed in best.steps:
        rules = [{"rule": name, "origin": str(origin)} for name, origin in rules_behind(engine, way, gate, bit)] if passed else []
        origin = origin_of(engine, gate)
        gates.append({"layer": gate.layer, "object": gate.object, "answer": gate.answer, "passes": passed,
                      "code": gate.code, "rules": rules, "origin": str(origin) if origin.line else None})  # fmt: skip
    return Explained(best, question.note, gates, list(way.hops), remedies(engine, best))


COLUMNS = ("layer", "object", "answer", "passes", "code", "rules", "origin")


def answer(found: Explained) -> Answer:
    """A row for each filter; what would open the flow is in the document."""
    best = found.best
    return Answer("explain", found.gates, COLUMNS, {
        "reachable": reachable(best), "disposition": best.verdict.disposition.value, "gates": found.gates, "hops": found.hops,
        "changes": [{"layer": c.layer, "summary": c.summary, "write": c.write} for c in found.changes],
    })  # fmt: skip
