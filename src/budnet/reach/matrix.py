"""All pairs: who can reach whom on which ports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from budnet.packets.transports import Transports
from budnet.reach.engine import Engine, Point, PointKind
from budnet.reach.path import Path, path


@dataclass(frozen=True, slots=True)
class Row:
    """What is delivered from one to another. `one_way`: requests that arrive, but whose answers do not come back."""

    src: str
    dst: str
    allowed: Transports
    one_way: Transports


@dataclass(frozen=True, slots=True)
class Pair:
    """One pair of points with its masks in the engine's alphabet."""

    source: Point
    destination: Point
    forward: int
    """What arrives, whoever listens."""
    answered: int
    """What arrives and whose answer would come back."""
    delivered: int
    """What arrives, is listened to, and is answered."""


def senders(engine: Engine) -> list[Point]:
    """Points that may open a connection: interfaces of ours, and the outside."""
    return [
        p for p in engine.points
        if p.kind is PointKind.OUTSIDE or (p.kind is PointKind.INTERFACE and p.endpoint is not None and p.endpoint.filtered)
    ]  # fmt: skip


def receivers(engine: Engine) -> list[Point]:
    """Points that a connection may be opened to: everything but a NAT gateway's own addresses."""
    return [p for p in engine.points if p.endpoint is not None or p.kind is PointKind.OUTSIDE]


def pairs(engine: Engine) -> Iterator[Pair]:
    """Every ordered pair of points of one address family, the outside with itself left out."""
    targets = receivers(engine)
    for source in senders(engine):
        for destination in targets:
            same_family = source.address.version == destination.address.version
            if not same_family or same(source, destination) or _both_outside(source, destination):
                continue
            way = path(engine, source, destination)
            forward = way.forward & engine.alphabet.all
            answered = forward & way.back
            yield Pair(source, destination, forward, answered, answered & listeners(engine, way))


def listeners(engine: Engine, way: Path) -> int:
    """What answers at the end of a path; past the modelled world, everything may."""
    return engine.alphabet.all if way.arrives is None else engine.listening[way.arrives.id]


def same(a: Point, b: Point) -> bool:
    """Whether both are addresses of one endpoint: nobody opens a connection to itself here."""
    return a is b or (a.endpoint is not None and a.endpoint is b.endpoint)


def _both_outside(a: Point, b: Point) -> bool:
    return a.kind is PointKind.OUTSIDE and b.kind is PointKind.OUTSIDE


def matrix(engine: Engine) -> Iterator[Row]:
    """Rows with something in them, sources in the Network's order. Address families of one pair are joined."""
    joined: dict[tuple[str, str], tuple[int, int]] = {}
    current = ""
    for pair in pairs(engine):
        if pair.source.label != current:
            yield from _rows(engine, joined)
            joined, current = {}, pair.source.label
        one_way = pair.forward & ~pair.delivered & _listening(engine, pair.destination)
        if pair.delivered or one_way:
            key = (pair.source.label, pair.destination.label)
            before = joined.get(key, (0, 0))
            joined[key] = before[0] | pair.delivered, before[1] | one_way
    yield from _rows(engine, joined)


def _listening(engine: Engine, point: Point) -> int:
    return engine.alphabet.all if point.endpoint is None else engine.listening[point.endpoint.id]


def _rows(engine: Engine, joined: dict[tuple[str, str], tuple[int, int]]) -> Iterator[Row]:
    for (src, dst), (delivered, one_way) in joined.items():
        yield Row(src, dst, engine.alphabet.decode(delivered), engine.alphabet.decode(one_way))
