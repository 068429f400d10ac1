"""Every filter on the way of a flow with what it says, and the smallest change that would open it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from budnet.ir.address import EVERYWHERE
from budnet.ir.filters import BlockPeer
from budnet.questions import asked
from budnet.questions.answer import Answer
from budnet.questions.reach import best_trace, reach, reachable
from budnet.reach import relay
from budnet.reach.deciding import Tier, deciding, tiers
from budnet.reach.disposition import Disposition
from budnet.reach.engine import Engine
from budnet.reach.invoke import invoke
from budnet.reach.path import Gate, Path
from budnet.reach.remedy import Remedy, remedies
from budnet.reach.trace import Trace, doubts, origin_of, pod_at, rules_behind
from budnet.records import replace
from budnet.source.diagnostic import Severity

if TYPE_CHECKING:
    from budnet.pipeline import Loaded


@dataclass(frozen=True, slots=True)
class Explained:
    """A trace, a row for each filter on its way there and back, and what would open it."""

    best: Trace
    note: str
    gates: list[dict[str, Any]]
    hops: list[str]
    changes: list[Remedy]
    unopened: str
    """Why there is no change, where something blocks the flow."""


def explain(engine: Engine, source: str, destination: str, port: str, loaded: Loaded | None = None) -> Explained:
    """Of several endpoints the pair that `reach` shows. `loaded`: the file, on which a change is tried. Raises WrongQuestion."""
    question = asked.who(engine, source, destination)
    protocol, number = asked.port(engine, port, question.destinations)
    best, others = best_trace(engine, question, protocol, number)
    best = invoke(engine, best) if port == asked.MESH else best
    way, bit = relay.way(engine, best.source, best.destination, beyond=True, call=question.call), engine.alphabet.bit(protocol, number)
    gates = [_row(engine, way, gate, passed, bit) for gate, passed in best.steps]
    changes = remedies(engine, best, question.call)
    if "internet" in (source, destination):
        changes = [_of_a_part(c) for c in changes]
    unopened = ""
    if not changes and any(passed is False for _, passed in best.steps):
        unopened = "no rule that can be written opens it"
    elif changes and loaded is not None:
        changes, unopened = _tried(loaded, changes[0], (source, destination, port))
    note = "; ".join(filter(None, [question.note, others, asked.beyond(engine, protocol)]))
    return Explained(best, note, gates, list(way.hops), changes, unopened)


def _row(engine: Engine, way: Path, gate: Gate, passed: bool | None, bit: int) -> dict[str, Any]:
    """A filter, what it says, and the rules by which it does."""
    rules = [{"rule": name, "origin": str(origin)} for name, origin in rules_behind(engine, way, gate, bit)] if passed else []
    said: list[Tier] = []
    if gate.layer == "network-policy":
        said = tiers(engine, pod_at(way, gate), gate.peer, gate.otherwise is Disposition.DENIED_IN, bit)
    tier = deciding(said)
    origin = tier.origin if tier is not None else origin_of(engine, gate)
    return {
        "layer": gate.layer, "object": gate.object, "direction": _DIRECTION.get((gate.layer, gate.otherwise)), "answer": gate.answer, "passes": passed, "code": gate.code,
        "why": doubts(engine, way, gate) if passed is None else None, "rules": rules,
        "origin": str(origin) if origin.line else None, "tiers": [_tier(t) for t in said],
    }  # fmt: skip


_DIRECTION = {
    (layer, otherwise): direction
    for layer in ("network-policy", "security-group")
    for otherwise, direction in ((Disposition.DENIED_OUT, "egress"), (Disposition.DENIED_IN, "ingress"))
}
"""Which side's rules are asked, where an object has both."""


def _of_a_part(change: Remedy) -> Remedy:
    """A rule for one packet's addresses, where all of the internet was asked about."""
    peer = change.edit.rule.peers[0] if change.edit is not None else None
    if not isinstance(peer, BlockPeer) or peer.prefix.prefixlen == 0:
        return change
    everywhere = EVERYWHERE[peer.prefix.version == 6]
    return replace(change, summary=f"{change.summary}; it opens {peer.prefix} alone, and {everywhere} in its place all of the internet")


def _tier(tier: Tier) -> dict[str, Any]:
    """What a tier says, whether or not one before it has decided already."""
    return {
        "tier": tier.name, "verdict": tier.word, "policies": list(tier.policies), "origin": str(tier.origin) if tier.origin.line else None,
        "rules": [{"rule": r.id, "action": r.action, "origin": str(r.origin) if r.origin.line else None} for r in tier.rules],
    }  # fmt: skip


def _tried(loaded: Loaded, change: Remedy, question: tuple[str, str, str]) -> tuple[list[Remedy], str]:
    """A row, put into the file; or why it does not open the flow: there may be more that the file needs."""
    from budnet import pipeline

    after = pipeline.with_rows(loaded, change.write)
    if after.network is None:
        wrong = next(d for d in after.diagnostics if d.severity is Severity.ERROR)
        return [], f"a row of `{change.layer}` does not do it: {wrong.summary}" + (f"; {wrong.help}" if wrong.help else "")
    then = reach(Engine(after.network), *question).best
    left = next((gate for gate, passed in then.steps if passed is False), None)
    if left is not None:
        return [], f"a row of `{change.layer}` does not do it: {left.layer} {left.object} stops it still"
    said = {d.summary for d in loaded.diagnostics}
    more = [d.summary for d in after.diagnostics if d.summary not in said]
    return [replace(change, summary="; ".join([change.summary, *more]))], ""


COLUMNS = ("layer", "object", "direction", "answer", "passes", "code", "why", "rules", "origin", "tiers")


def answer(found: Explained) -> Answer:
    """A row for each filter; what would open the flow is in the document."""
    best = found.best
    return Answer("explain", found.gates, COLUMNS, {
        "reachable": reachable(best), "disposition": best.verdict.disposition.value, "gates": found.gates, "hops": found.hops,
        "changes": [{"layer": c.layer, "summary": c.summary, "write": c.write} for c in found.changes], "no_change": found.unopened or None,
        "note": found.note or None,
    })  # fmt: skip
