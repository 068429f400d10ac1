"""A matrix as rectangles: everybody of some who reaches everybody of others in the same way. Exact, and disjoint.

Sources whose rows agree are one class; of one class the destinations with the same connection are one side of a rectangle. Of
one who is on both sides of it, and is one endpoint, the pair with itself is not meant, and so it may be whatever makes rows agree.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from budnet.packets.connections import Ids, distinct
from budnet.questions.focus import Focus
from budnet.questions.matrix import NOTHING, Pairs, Row, kept
from budnet.reach.table.columns import Indices

_Words = NDArray[np.uint64]


def rectangles(pairs: Pairs, focus: Focus) -> Iterator[Row]:
    """By the first of their sources, then of their destinations. Rows are gone through twice: once to see which agree."""
    wanted = _Wanted(pairs, focus)
    classes = _classes(wanted)
    first = {members[0]: (members, filled) for members, filled in classes}
    for source, at, connections in wanted.rows():
        if source in first:
            members, filled = first[source]
            by: dict[int, list[int]] = {}
            row = [*zip(at.tolist(), connections.tolist(), strict=True), *([(source, filled)] if filled >= 0 else [])]
            for destination, connection in sorted(row):
                by.setdefault(connection, []).append(destination)
            for connection, destinations in by.items():
                yield _row(pairs, members, destinations, connection)


def _row(pairs: Pairs, sources: list[int], destinations: list[int], connection: int) -> Row:
    sets = pairs.sets(connection) if connection else NOTHING
    label = pairs.labels
    why = ""
    if sets[1]:
        ends = [*((s, destinations[0]) for s in sources), *((sources[0], d) for d in destinations)]
        reasons = dict.fromkeys(pairs.why(s, d) for s, d in ends if s != d or pairs.several[s])
        why = next(iter(reasons), "") + (f", and {len(reasons) - 1} more reasons" if len(reasons) > 1 else "")
    return Row(tuple(label[s] for s in sources), tuple(label[d] for d in destinations), *sets, why)


class _Wanted:
    """The rows that are looked for, with only the connections that are."""

    def __init__(self, pairs: Pairs, focus: Focus) -> None:
        self.pairs, self.focus = pairs, focus
        self._known: dict[int, bool] = {}

    def rows(self) -> Iterator[tuple[int, Indices, Ids]]:
        """Of every source with something left."""
        for source, at, connections in kept(self.pairs, self.focus):
            there = distinct(connections).tolist()
            keep = np.isin(connections, [c for c in there if self._wanted(c)])
            if keep.any():
                yield source, at[keep], connections[keep]

    def _wanted(self, connection: int) -> bool:
        if connection not in self._known:
            self._known[connection] = self.focus.wanted(self.pairs.sets(connection) if connection else NOTHING)
        return self._known[connection]


def _classes(wanted: _Wanted) -> list[tuple[list[int], int]]:
    """(sources whose rows agree, what each has towards itself for that: -1 nothing), by their first."""
    tried: dict[int, dict[int, int]] = {}
    order: dict[int, list[tuple[int, int]]] = {}
    for source, at, connections in wanted.rows():
        whole = int(np.bitwise_xor.reduce(_hash(at, connections)))
        options = [(whole, -1)]
        for connection in [] if wanted.pairs.several[source] else distinct(connections).tolist():
            own = _hash(np.array([source], np.intp), np.array([connection], np.int32))
            options.append((whole ^ int(own[0]), connection))
        order[source] = options
        for key, filled in options:
            tried.setdefault(key, {})[source] = filled
    done: set[int] = set()
    out = []
    for source, options in order.items():
        if source in done:
            continue
        # the most who agree; of equals the one without anything towards itself
        key, _ = max(options, key=lambda o: sum(s not in done for s in tried[o[0]]))
        members = [s for s in tried[key] if s not in done]
        done.update(members)
        out.append((members, tried[key][source]))
    return out


Cells = dict[tuple[int, int], int]


def alike(pairs: Pairs) -> tuple[list[list[int]], Cells]:
    """Who fares alike as source and as destination, each class by its first; and for every two classes, and within each, the
    connection of all its pairs, where it is any. Any two of a class can change places, and no cell of the matrix changes.

    Memory goes with the pairs that are something: this is for pictures, not for tens of thousands who all differ.
    """
    rows: dict[int, dict[int, int]] = {}
    whole = np.zeros((len(pairs.labels), 2), np.uint64)
    for source, at, connections in pairs.by_source(np.ones(len(pairs.labels), bool)):
        keep = (at != source) | pairs.several[at]
        at, connections = at[keep], connections[keep]
        rows[source] = dict(zip(at.tolist(), connections.tolist(), strict=True))
        whole[source, 0] = np.bitwise_xor.reduce(_hash(at, connections))
        whole[at, 1] ^= _hash(np.full(len(at), source, np.intp), connections)
    tried: dict[tuple[int, int], list[int]] = {}
    options: list[list[tuple[int, int]]] = []
    every = sorted({c for row in rows.values() for c in row.values()})
    for one in range(len(pairs.labels)):
        filled = [] if pairs.several[one] else every
        own = [0, *(int(h) for h in _hash(np.full(len(filled), one, np.intp), np.array(filled, np.int32)))]
        options.append([(int(whole[one, 0]) ^ h, int(whole[one, 1]) ^ h) for h in own])
        for key in options[-1]:
            tried.setdefault(key, []).append(one)
    classes: list[list[int]] = []
    done: set[int] = set()
    for one, keys in enumerate(options):
        if one not in done:
            key = max(keys, key=lambda k: sum(o not in done for o in tried[k]))
            classes.append([o for o in tried[key] if o not in done])
            done.update(classes[-1])
    cells: Cells = {}
    for i, here in enumerate(classes):
        for j, there in enumerate(classes):
            target = there[0] if i != j else there[-1]
            connection = rows.get(here[0], {}).get(target, 0)
            if connection:
                cells[i, j] = connection
    return classes, cells


def _hash(at: Indices, connections: Ids) -> _Words:
    """Of each pair; a row's is the exclusive or of its pairs'. Two rows that differ agree once in 2**64."""
    out = at.astype(np.uint64) << np.uint64(32) | connections.astype(np.uint64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        out = (out + np.uint64(0x9E3779B97F4A7C15)) * np.uint64(factor)
        out ^= out >> np.uint64(shift)
    return out
