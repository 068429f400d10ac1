"""The mesh's two proofs: by identity, exactly the declared flows can be invoked."""

from __future__ import annotations

from collections.abc import Iterator

from budnet.ir.address import Protocol
from budnet.ir.mesh import AccessControl
from budnet.ir.origin import NOWHERE, Origin
from budnet.reach.engine import Engine
from budnet.reach.invoke import invoke
from budnet.reach.mesh_access import allows
from budnet.reach.points import Point
from budnet.reach.proof import Packet, Proof, Status
from budnet.reach.trace import trace

NOTHING_ELSE, ALL = "nothing-undeclared-over-mesh", "all-declared-over-mesh"


def prove_mesh(engine: Engine) -> list[Proof]:
    """Nothing where there is no mesh."""
    if not engine.network.access_controls:
        return []
    flows = (f for f in engine.network.flows if f.via == "mesh")
    declared = {(s, d): f for f in flows for s in f.sources.endpoints for d in f.destinations.endpoints}
    return [_nothing_else(engine, set(declared)), _all(engine, set(declared))]


def _nothing_else(engine: Engine, declared: set[tuple[str, str]]) -> Proof:
    """Packets do not come into it: what a security group lets through by mistake, the sidecar still refuses."""
    network, count = engine.network, 0
    for control in network.access_controls:
        if control.default_allow:
            summary = f"whoever has a certificate of the mesh may invoke {control.callee.name}"
            return Proof(NOTHING_ELSE, Status.REFUTED, summary, control.origin)
        for caller, identity in network.identity.items():
            count += len(control.endpoints)
            for callee in control.endpoints:
                if caller != callee and allows(control, identity) and (caller, callee) not in declared:
                    rule = next((r.origin for r in control.rules if r.caller == identity), control.origin)
                    return _refuted(engine, NOTHING_ELSE, f"{identity.name} may invoke {control.callee.name}, and no flow declares it",
                                    rule, control, caller, callee)  # fmt: skip
    return Proof(NOTHING_ELSE, Status.PROVED, "nobody may invoke over the mesh whom no flow lets them", NOWHERE, count=count)


def _all(engine: Engine, declared: set[tuple[str, str]]) -> Proof:
    network = engine.network
    for caller, callee in sorted(declared):
        control = network.access_control.get(callee)
        if caller == callee:
            continue
        if control is None:
            return Proof(ALL, Status.REFUTED, f"{callee} has no sidecar to invoke", NOWHERE)
        if not allows(control, network.identity.get(caller)):
            return _refuted(engine, ALL, f"{caller} cannot invoke {control.callee.name}", control.origin, control, caller, callee)
    return Proof(ALL, Status.PROVED, "every declared flow over the mesh can be invoked", NOWHERE, count=len(declared))


def _refuted(engine: Engine, name: str, summary: str, origin: Origin, control: AccessControl, caller: str, callee: str) -> Proof:
    for source, destination in _points(engine, caller, callee):
        found = invoke(engine, trace(engine, source, destination, Protocol.TCP, control.port))
        packet = Packet(source, destination, Protocol.TCP, control.port)
        return Proof(name, Status.REFUTED, summary, origin, packet=packet, trace=found)
    return Proof(name, Status.REFUTED, summary, origin)


def _points(engine: Engine, caller: str, callee: str) -> Iterator[tuple[Point, Point]]:
    """Of a family that both have."""
    for source in engine.interfaces[caller]:
        yield from ((source, d) for d in engine.interfaces[callee] if d.address.version == source.address.version)
