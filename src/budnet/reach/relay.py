"""The way over a link that does not route: to a front, and from there on in a connection of the front's own.

A packet's way ends at the front (`path.py`). What a user asks is whether the client's connection reaches the service: that
is both ways together, with the provider's acceptance between them.
"""

from __future__ import annotations

from budnet.ir.address import Protocol
from budnet.ir.links import Front
from budnet.reach.disposition import Disposition
from budnet.reach.engine import Engine
from budnet.reach.path import ANYHOW, Call, Gate, Path, path
from budnet.reach.points import Point, PointKind

LAYER = "endpoint-service"


def way(engine: Engine, source: Point, destination: Point, beyond: bool = False, call: Call = ANYHOW) -> Path:
    """As `path`; where a front stands between the two, the way by it."""
    front = between(engine, source, destination)
    return path(engine, source, destination, beyond, call) if front is None else _by(engine, source, destination, front, beyond)


def between(engine: Engine, source: Point, destination: Point) -> Front | None:
    """The front by which a point gets at an interface of another VPC."""
    here, there = source.endpoint, destination.endpoint
    if here is None or there is None or destination.kind is not PointKind.INTERFACE:
        return None
    return engine.fronts.get((here.vpc, there.id))


def _by(engine: Engine, source: Point, destination: Point, front: Front, beyond: bool) -> Path:
    near, far = _door(engine, source, front), _behind(engine, destination, front)
    found = Path(source, destination)
    if near is None or far is None:
        found.gates.append(_gate(front, 0, "NO_COMMON_ADDRESS_FAMILY", destination))
        found.stopped = True
        return found
    first = path(engine, source, near, beyond)
    second = path(engine, far, _target(engine, destination, far), beyond)
    found.gates = [*first.gates, _gate(front, _carried(engine, front), "PENDING_ACCEPTANCE", near), *second.gates]
    found.answers = [*first.answers, *second.answers]
    found.hops = [*first.hops, *(h for h in second.hops if h not in first.hops)]
    found.stopped = first.stopped or second.stopped
    found.arrives = second.arrives
    return found


def _carried(engine: Engine, front: Front) -> int:
    """What passes from one connection into the other: the service's ports, once it is accepted."""
    bit = engine.alphabet.bit
    return sum({bit(Protocol.TCP, port) for port in front.ports}) if front.accepted else 0


def _gate(front: Front, passes: int, code: str, peer: Point) -> Gate:
    return Gate(LAYER, front.id, passes, Disposition.NO_ROUTE, code, peer)


def _door(engine: Engine, source: Point, front: Front) -> Point | None:
    """The address that a client of this family connects to: a public one where there is one."""
    endpoint = engine.network.endpoint[front.near]
    if endpoint.public:
        return engine.public_of(endpoint.public[0]) if source.address.version == 4 else None
    return next((p for p in engine.interfaces[front.near] if p.address.version == source.address.version), None)


def _behind(engine: Engine, destination: Point, front: Front) -> Point | None:
    """The address from which the front goes on: it speaks the first family that both have, whatever its client speaks."""
    assert destination.endpoint is not None
    families = [a.version for a in destination.endpoint.addresses]
    return next((p for version in families for p in engine.interfaces[front.far] if p.address.version == version), None)


def _target(engine: Engine, destination: Point, far: Point) -> Point:
    assert destination.endpoint is not None
    return next(p for p in engine.interfaces[destination.endpoint.id] if p.address.version == far.address.version)
