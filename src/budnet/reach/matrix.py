"""All pairs: who can reach whom on which ports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from budnet.packets.transports import Transports
from budnet.reach.engine import Engine, Point, PointKind
from budnet.reach.path import Path
from budnet.reach.relay import way


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
    """Every ordered pair of points between which something arrives, whoever listens. Most pairs end at their source's own
    filters: these are asked first, and only for what they let out is a way looked for."""
    targets = receivers(engine)
    for source in senders(engine):
        lets_out = _lets_out(engine, source)
        for destination in targets:
            if not lets_out[destination.index] or not asked(source, destination):
                continue
            found = way(engine, source, destination)
            forward = found.forward & engine.alphabet.all
            if forward:
                answered = forward & found.back
                yield Pair(source, destination, forward, answered, answered & listeners(engine, found))


def asked(source: Point, destination: Point) -> bool:
    """Whether two points are a pair: of one address family, not both of one endpoint, not both outside."""
    outside = source.kind is PointKind.OUTSIDE and destination.kind is PointKind.OUTSIDE
    return source.address.version == destination.address.version and not same(source, destination) and not outside


def count(engine: Engine) -> int:
    """How many pairs there are, those included between which nothing arrives."""
    targets = receivers(engine)
    total = Counter(p.address.version for p in targets)
    outside = Counter(p.address.version for p in targets if p.kind is PointKind.OUTSIDE)
    own = Counter((p.endpoint.id, p.address.version) for p in targets if p.endpoint is not None and p.kind is not PointKind.OUTSIDE)
    return sum(
        total[p.address.version] - (outside[p.address.version] if p.endpoint is None or p.kind is PointKind.OUTSIDE else own[p.endpoint.id, p.address.version])
        for p in senders(engine)
    )  # fmt: skip


def _lets_out(engine: Engine, source: Point) -> Sequence[int]:
    """What the filters at a source let out, by destination: all of it where the source has none, or where they are not asked."""
    sender = source.endpoint
    if source.kind is PointKind.OUTSIDE or sender is None:
        return [-1] * len(engine.points)
    row = list(engine.groups(sender.groups, False))
    for point in engine.provided[sender.vpc]:
        row[point.index] = -1  # AWS asks no group for what the VPC itself provides
    policies = engine.selecting(sender, False)
    if policies:
        row = [a & b for a, b in zip(row, engine.policies(policies, sender, False), strict=True)]
    for point in engine.behind_fronts(sender.vpc):
        row[point.index] = -1  # its filters are asked about the front
    return row


def listeners(engine: Engine, way: Path) -> int:
    """What answers at the end of a path; past the modelled world, everything may."""
    return engine.alphabet.all if way.arrives is None else engine.listening[way.arrives.id]


def same(a: Point, b: Point) -> bool:
    """Whether both are addresses of one endpoint: nobody opens a connection to itself here."""
    return a is b or (a.endpoint is not None and a.endpoint is b.endpoint)


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
