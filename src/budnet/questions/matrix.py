"""All pairs of either kind of network as one stream of rows, source by source; what is kept in memory grows with one source's row.

Our own networks are asked by endpoint, with who listens; networks that budnet did not write by workload, whoever listens: their
manifests do not say what listens. A workload whose pods do not all fare alike is there by its pods.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
from msgspec import Struct

from budnet.ir.address import ALL_PORTS, Prefix
from budnet.ir.called import named
from budnet.ir.network import Network
from budnet.packets.connections import Ids
from budnet.packets.transports import Transports
from budnet.questions.focus import Focus, Sides
from budnet.questions.outside import meant, within
from budnet.reach.table.columns import Bools, Indices
from budnet.reach.table.doubt import Doubt
from budnet.reach.table.grouped import Party, by_source, everybody, parties
from budnet.reach.table.table import Table

Sets: TypeAlias = tuple[Transports, Transports, Transports]
"""What passes and is answered, what may be and may not, and what passes without its answer coming back."""
NOTHING: Sets = (Transports(), Transports(), Transports())
BY = ("endpoint", "workload", "class")


class Pairs(Protocol):
    """Who is there, and what passes between them: connections are numbers, 0 is none."""

    labels: list[str]
    endpoints: int
    """How many there are of ours, whether or not they are a label of their own."""
    outside: dict[str, tuple[Prefix, ...]]
    """Of labels that stand for a part of the outside: all of its prefixes."""
    both: list[str]
    """Labels whose rows join addresses of both families that do not fare alike."""
    several: Bools
    """By label, whether it is more than one endpoint, and what one of them says to another is a row."""

    def by_source(self, chosen: Bools) -> Iterator[tuple[int, Indices, Ids]]:
        """(source, destinations in their order, connections that are any) of the sources chosen, in their order; sources from
        which nothing passes may be left out. A source may be among its own destinations."""

    def sets(self, connection: int) -> Sets:
        """Of a connection's number."""

    def why(self, source: int, destination: int) -> str:
        """What makes it unknown what passes."""

    def asked(self, source: int) -> Bools:
        """Whom a source could send anything to at all: of its address families, and not both outside."""

    def meant(self, text: str) -> Iterable[str]:
        """Labels of those that a text means as SOURCE or DESTINATION of `reach`; none where it means nobody."""


class Row(Struct, frozen=True):
    """What may be opened from some to some; one of each unless those who fare alike are joined. `why` is that of `unknown`."""

    src: tuple[str, ...]
    dst: tuple[str, ...]
    allowed: Transports
    unknown: Transports
    one_way: Transports
    why: str = ""


def of(network: Network, by: str | None = None, focus: Focus | None = None) -> Pairs:
    """The pairs of a network; `by` of BY but `class`, by default as the head of this file says. What pods of one workload may open
    to each other is among them where `focus` names both sides of a row; a table of all would have as many rows more as workloads."""
    own = focus is not None and bool(focus.workload and focus.peer)
    if network.vpcs:
        from budnet.questions.own import Own  # which has an engine behind it that clusters do without

        return Own(network, by == "workload", own)
    return _Observed(Table(network), by == "endpoint", own)


def rows(pairs: Pairs, focus: Focus) -> Iterator[Row]:
    """Row by row, by source and destination."""
    known: dict[int, tuple[Sets, bool]] = {}
    for source, at, connections in kept(pairs, focus):
        for destination, connection in zip(at.tolist(), connections.tolist(), strict=True):
            if connection not in known:
                sets = pairs.sets(connection) if connection else NOTHING
                known[connection] = sets, focus.wanted(sets)
            sets, wanted = known[connection]
            if wanted:
                why = pairs.why(source, destination) if sets[1] else ""
                yield Row((pairs.labels[source],), (pairs.labels[destination],), *sets, why)


def kept(pairs: Pairs, focus: Focus) -> Iterator[tuple[int, Indices, Ids]]:
    """The same as numbers, by who they are and not yet by what passes. Where denied pairs are wanted they have connection 0."""
    sides = Sides(focus, pairs.labels, pairs.meant)
    if focus.denied:
        yield from _all(pairs, sides)
        return
    for source, at, connections in pairs.by_source(sides.sources):
        keep = sides.of(source)[at] & ((at != source) | pairs.several[at])
        yield source, at[keep], connections[keep]


def _all(pairs: Pairs, sides: Sides) -> Iterator[tuple[int, Indices, Ids]]:
    """Every pair that there could be, also where nothing passes."""
    found = pairs.by_source(sides.sources)
    ahead = next(found, None)
    for source in np.flatnonzero(sides.sources).tolist():
        row = np.zeros(len(pairs.labels), np.int32)
        if ahead is not None and ahead[0] == source:
            row[ahead[1]] = ahead[2]
            ahead = next(found, None)
        at = np.flatnonzero(sides.of(source) & pairs.asked(source) & ((np.arange(len(row)) != source) | pairs.several))
        yield source, at, row[at]


class _Observed:
    """Of clusters: straight from the table."""

    def __init__(self, table: Table, singly: bool, own: bool) -> None:
        self.table, self._parties = table, everybody(table) if singly else parties(table)
        self.labels = [p.label for p in self._parties]
        self.endpoints = len(table.network.endpoints)
        self.outside = {p.label: p.prefixes for p in self._parties if p.prefixes}
        self.both = [p.label for p in self._parties if len(p.columns) > 1 and not table.alike(p.columns)]
        self.several = np.array([own and p.several for p in self._parties], bool)
        families = table.columns.family
        self._families = np.array([_families(families[list(p.columns)].tolist()) for p in self._parties])
        self._inside = np.array([p.columns[0] < table.columns.inside for p in self._parties], bool)
        self._doubt: Doubt | None = None

    def by_source(self, chosen: Bools) -> Iterator[tuple[int, Indices, Ids]]:
        """From blocks of the table."""
        wanted = {id(p) for p, keep in zip(self._parties, chosen.tolist(), strict=True) if keep}
        return by_source(self.table, self._parties, lambda party: id(party) in wanted)

    def sets(self, connection: int) -> Sets:
        """Of a connection's number."""
        return self.table.sets(connection)

    def why(self, source: int, destination: int) -> str:
        """The policies that are not modelled, or what else is not known."""
        if self._doubt is None:
            self._doubt = Doubt(self.table)
        ends: tuple[Party, Party] = self._parties[source], self._parties[destination]
        return self._doubt.why(ends[0].columns[0], ends[1].columns[0])

    def asked(self, source: int) -> Bools:
        """Of one family, and not both outside."""
        found: Bools = (self._families & self._families[source] != 0) & (self._inside | self._inside[source])
        return found

    def meant(self, text: str) -> Iterable[str]:
        """Parts of the outside and those inside by address, and those inside as `ir/called.py` reads names."""
        addresses = within(text)
        endpoints = self.table.network.endpoints
        if addresses is None:
            found = named(endpoints, text)
        else:
            found = [e for e in endpoints if any(a in addresses for a in (*e.addresses, *e.public))] if text != "internet" else []
        return [*(name for e in found for name in (e.service, e.id)), *meant(text, self.outside)]


def _families(columns: Sequence[int]) -> int:
    """As bits: 1 for IPv4, 2 for IPv6; both where the address is not known."""
    return sum({0: 3, 4: 1, 6: 2}[f] for f in set(columns)) if 0 not in columns else 3


def row_json(row: Row, joined: bool = False) -> list[dict[str, Any]]:
    """A row of `budnet matrix --format json`, and a second one for what passes one way. `joined`: each side is a list of names.

    `allowed` is what passes in any case; `unknown` says why something is not known, and `unknown_ports` of which ports; `one_way` is
    that requests arrive and no answer comes back. A row without any of them is a pair between which nothing passes.
    """
    out = []
    ends = {"src": list(row.src), "dst": list(row.dst)} if joined else {"src": row.src[0], "dst": row.dst[0]}
    for transports, one_way in ((row.allowed, False), (row.one_way, True)):
        if transports or (not one_way and (row.unknown or not row.one_way)):
            doubtful = row.unknown if not one_way else Transports()
            out.append(ends | {"allowed": transports_json(transports), "one_way": one_way,
                               "unknown": row.why if doubtful else None, "unknown_ports": transports_json(doubtful)})  # fmt: skip
    return out


def outside_json(pairs: Pairs) -> dict[str, list[str]]:
    """Every prefix of every part of the outside, by what rows call it."""
    return {label: [str(p) for p in prefixes] for label, prefixes in pairs.outside.items()}


COLUMNS = ("src", "dst", "allowed", "one_way", "unknown", "unknown_ports")


def transports_json(transports: Transports) -> list[dict[str, Any]]:
    """`[{"protocol": "TCP", "ports": [[80, 80]]}]`; `"ports": null` is all of them."""
    return [
        {"protocol": protocol.name, "ports": None if ranges == (ALL_PORTS,) else [[r.first, r.last] for r in ranges]}
        for protocol, ranges in transports.parts
    ]
