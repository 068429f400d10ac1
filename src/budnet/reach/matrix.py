"""All pairs: who can reach whom on which ports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from budnet.packets.transports import Transports
from budnet.reach.engine import Engine
from budnet.reach.points import Point, PointKind
from budnet.reach.table.table import Table


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
    """Every ordered pair of points between which something arrives, whoever listens: from the table of all columns."""
    table = Table(engine.network)
    columns = _columns(engine, table)
    there: dict[int, list[Point]] = {}
    for point in receivers(engine):
        there.setdefault(columns[point.index], []).append(point)
    sources = senders(engine)
    arriving = table.arriving({columns[p.index] for p in sources})
    known: dict[int, tuple[int, int]] = {}
    for source in sources:
        found = {d.index: (d, connection) for column, connection in arriving.get(columns[source.index], ()) for d in there.get(column, ())}
        for index in sorted(found):
            destination, connection = found[index]
            if asked(source, destination):
                if connection not in known:
                    known[connection] = _masks(engine, table, connection)
                forward, answered = known[connection]
                yield Pair(source, destination, forward, answered, answered & _listening(engine, destination))


def _columns(engine: Engine, table: Table) -> list[int]:
    """The column of each point; parts of the outside lie in one, or in several that no rule of the Network tells apart."""
    of, outside = table.columns.of, table.columns.of_outside
    return [
        of[p.endpoint.id, p.address] if p.endpoint is not None and p.known
        else table.columns.unplaced[p.endpoint.id, p.address.version] if p.endpoint is not None
        else outside.get(table.columns.at(p.address), -1)
        for p in engine.points
    ]  # fmt: skip


def _masks(engine: Engine, table: Table, connection: int) -> tuple[int, int]:
    """What arrives, and what of it is answered, in the engine's alphabet: it tells all ports apart that the table does."""
    mask = table.connections.masks[connection]
    spelt = (table.alphabet.decode(m) for m in (table.lanes.certain(mask), table.lanes.answered(mask)))
    forward, answered = (engine.alphabet.encode(t) for t in spelt)
    return forward, answered


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


def same(a: Point, b: Point) -> bool:
    """Whether both are addresses of one endpoint: nobody opens a connection to itself here."""
    return a is b or (a.endpoint is not None and a.endpoint is b.endpoint)


def matrix(engine: Engine, found: Iterable[Pair] | None = None) -> Iterator[Row]:
    """Rows with something in them, sources in the Network's order. Address families of one pair are joined. `found`: its pairs,
    where they are known already."""
    joined: dict[tuple[str, str], tuple[int, int]] = {}
    current = ""
    for pair in pairs(engine) if found is None else found:
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
