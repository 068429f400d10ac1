"""The table as people read it: one row for each pair of workloads, and for each part of the outside that fares alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from msgspec import Struct

from budnet.ir.address import Prefix
from budnet.packets.connections import Ids
from budnet.reach.points import outside_label
from budnet.reach.table.columns import Indices
from budnet.reach.table.table import Table

_TOGETHER = 128
"""Sources whose rows are kept at a time."""


class Party(Struct, frozen=True):
    """One side of a row: a workload, a pod that differs from its workload's others, or a part of the outside."""

    label: str
    columns: tuple[int, ...]
    """One; two for a workload with addresses of both families."""
    prefixes: tuple[Prefix, ...] = ()
    """Of the outside: all of its addresses; `label` is as `outside_label` has it."""
    several: bool = False
    """Whether it is more than one pod, so that what one of them says to another is a question."""


def parties(table: Table) -> list[Party]:
    """All sides there are: those inside in the order of their names, then the outside."""
    return [*_inside(table), *_outside(table)]


def everybody(table: Table) -> list[Party]:
    """The same with every pod for itself."""
    columns: dict[str, list[int]] = {}
    for column, members in enumerate(table.columns.members):
        for endpoint in members:
            columns.setdefault(endpoint.id, []).append(column)
    several = set(table.network.several)
    return [*(Party(i, tuple(columns[i]), several=i in several) for i in sorted(columns)), *_outside(table)]


def by_source(table: Table, among: Sequence[Party], wanted: Callable[[Party], bool] | None = None) -> Iterator[tuple[int, Indices, Ids]]:
    """(source, destinations in their order, connections), parties by their places in `among`. With themselves as well: what
    a workload's pods may open to each other."""
    holders = _Holders(among, table.columns.count)
    chosen = [i for i, p in enumerate(among) if wanted is None or wanted(p)]
    for start in range(0, len(chosen), _TOGETHER):
        some = chosen[start : start + _TOGETHER]
        rows: dict[int, list[tuple[Indices, Ids]]] = {}
        for block, there, found in table.blocks(sorted({c for i in some for c in among[i].columns})):
            for row, source in zip(found, block.tolist(), strict=True):
                at = np.flatnonzero(row)
                rows.setdefault(source, []).append(holders.of(there[at], row[at]))
        for src in some:
            parts = [part for own in among[src].columns for part in rows.get(own, ())]
            if parts:
                yield src, *_joined(table, parts)


class _Holders:
    """Which parties have a column."""

    def __init__(self, parties: Sequence[Party], columns: int) -> None:
        of = np.array([c for p in parties for c in p.columns], np.intp)
        order = np.argsort(of, kind="stable")
        self._parties = np.repeat(np.arange(len(parties)), [len(p.columns) for p in parties])[order]
        self._count = np.bincount(of, minlength=columns)
        self._first = np.cumsum(self._count) - self._count

    def of(self, columns: Indices, connections: Ids) -> tuple[Indices, Ids]:
        """The parties of some columns, each with its column's connection."""
        count = self._count[columns]
        within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        return self._parties[np.repeat(self._first[columns], count) + within], np.repeat(connections, count)


def _joined(table: Table, parts: Sequence[tuple[Indices, Ids]]) -> tuple[Indices, Ids]:
    """By party, each once: what several of its columns have is joined."""
    at, found = (np.concatenate(each) for each in zip(*parts, strict=True))
    order = np.argsort(at, kind="stable")
    at, found = at[order], found[order]
    again = np.flatnonzero(at[1:] == at[:-1]) + 1
    for place in again.tolist():
        found[place] = table.either(int(found[place]), int(found[place - 1]))
    last = np.ones(len(at), bool)
    last[again - 1] = False
    return at[last], found[last]


def _inside(table: Table) -> list[Party]:
    columns: dict[str, list[int]] = {}
    services: dict[str, dict[str, None]] = {}
    for column, members in enumerate(table.columns.members):
        for endpoint in members:
            columns.setdefault(endpoint.id, []).append(column)
            services.setdefault(endpoint.service, {})[endpoint.id] = None
    out = []
    several = set(table.network.several)
    for service, ids in services.items():
        alike = {tuple(columns[i]) for i in ids}
        if len(alike) == 1:
            out.append(Party(service, alike.pop(), several=len(ids) > 1 or not several.isdisjoint(ids)))
        else:
            out += [Party(i, tuple(columns[i]), several=i in several) for i in ids]
    return sorted(out, key=lambda party: party.label)


def _outside(table: Table) -> list[Party]:
    """Parts of the outside that every rule treats alike, as one; parts of different families never are."""
    count, inside = table.columns.count, table.columns.inside
    places = table.columns.place
    both = np.concatenate([table.egress.ids[:, inside:], table.ingress.ids[:, inside:]]).T
    alike: dict[tuple[int, int, bytes], list[int]] = {}
    for row, column in zip(np.ascontiguousarray(both), range(inside, count), strict=True):
        if not table.columns.public[column]:
            alike.setdefault((int(table.columns.family[column]), int(places[column]), row.tobytes()), []).append(column)
    out = []
    for members in alike.values():
        prefixes = table.columns.outside_prefixes(members)
        out.append(Party(outside_label(prefixes), (members[0],), prefixes))
    return out
