"""Invocations over the mesh: after the packet has arrived, the callee's sidecar asks who calls."""

from __future__ import annotations

from budnet.reach.disposition import Disposition
from budnet.reach.engine import Engine
from budnet.reach.mesh_access import CODE, LAYER, decide
from budnet.reach.path import Gate
from budnet.reach.trace import Trace
from budnet.records import replace


def invoke(engine: Engine, found: Trace) -> Trace:
    """The trace of a packet to a sidecar, with the sidecar's own word as the last gate; of any other packet, as it is."""
    caller, callee = found.source.endpoint, found.destination.endpoint
    control = engine.network.access_control.get(callee.id) if callee else None
    if control is None or found.port != control.port:
        return found
    word = decide(control, engine.network.identity.get(caller.id) if caller else None)
    passed = word.reachable
    bit = engine.alphabet.bit(found.protocol, found.port)
    gate = Gate(LAYER, control.id, bit if passed else 0, Disposition.DENIED_IN, CODE, found.source)
    verdict = found.verdict
    if not passed and verdict.reachable:
        verdict = word
    elif not passed:
        verdict = replace(verdict, blockers=(*verdict.blockers, word.reason))
    return replace(found, verdict=verdict, steps=(*found.steps, (gate, passed)))
