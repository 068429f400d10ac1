"""The table as people read it: one row for each pair of workloads, and for each part of the outside that fares alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from budnet.ir.address import Prefix
from budnet.packets.transports import Transports
from budnet.reach.table.table import Table

_TOGETHER = 1024
"""Sources whose rows are kept at a time."""


@dataclass(frozen=True, slots=True)
class Party:
    """One side of a row: a workload, a pod that differs from its workload's others, or a part of the outside."""

    label: str
    columns: tuple[int, ...]
    """One; two for a workload with addresses of both families."""
    prefixes: tuple[Prefix, ...] = ()
    """Of the outside: all of its addresses. `label` is the widest of them."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What may be opened from one to another: in any case; perhaps; and what arrives without its answer coming back."""

    src: Party
    dst: Party
    allowed: Transports
    unknown: Transports
    one_way: Transports


def parties(table: Table) -> list[Party]:
    """All sides there are: those inside in the order of their names, then the outside."""
    return [*_inside(table), *_outside(table)]


def cells(table: Table, wanted: Callable[[Party], bool] | None = None) -> Iterator[Cell]:
    """Rows with something in them, by source and destination. A workload's own pods are not listed against each other."""
    known: dict[int, tuple[Transports, Transports, Transports]] = {}
    for src, dst, connection in connections(table, wanted):
        sets = known.get(connection)
        if sets is None:
            sets = known[connection] = table.sets(connection)
        yield Cell(src, dst, *sets)


def connections(
    table: Table, wanted: Callable[[Party], bool] | None = None, among: Sequence[Party] | None = None
) -> Iterator[tuple[Party, Party, int]]:
    """(source, destination, connection's number) of every pair of parties that has any. `among`: other parties than those."""
    everybody = parties(table) if among is None else among
    position = {party.label: i for i, party in enumerate(everybody)}
    holders: list[list[Party]] = [[] for _ in range(table.columns.count)]
    for party in everybody:
        for column in party.columns:
            holders[column].append(party)
    chosen = [p for p in everybody if wanted is None or wanted(p)]
    for start in range(0, len(chosen), _TOGETHER):
        some = chosen[start : start + _TOGETHER]
        rows = table.arriving({c for p in some for c in p.columns})
        for src in some:
            found: dict[int, int] = {}
            for own in src.columns:
                for column, connection in rows.get(own, ()):
                    for dst in holders[column]:
                        at = position[dst.label]
                        found[at] = table.either(found[at], connection) if at in found else connection
            found.pop(position[src.label], None)
            yield from ((src, everybody[at], found[at]) for at in sorted(found))


def _inside(table: Table) -> list[Party]:
    columns: dict[str, list[int]] = {}
    services: dict[str, dict[str, None]] = {}
    for column, members in enumerate(table.columns.members):
        for endpoint in members:
            columns.setdefault(endpoint.id, []).append(column)
            services.setdefault(endpoint.service, {})[endpoint.id] = None
    out = []
    for service, ids in services.items():
        alike = {tuple(columns[i]) for i in ids}
        if len(alike) == 1:
            out.append(Party(service, alike.pop()))
        else:
            out += [Party(i, tuple(columns[i])) for i in ids]
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
        widest = min(prefixes, key=lambda p: (p.prefixlen, p.network_address))
        out.append(Party(str(widest), (members[0],), prefixes))
    return out
