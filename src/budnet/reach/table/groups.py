"""What security groups let through, as words: by where a peer's address lies, and by the groups that the peer is in.

There are nearly as many combinations of groups as there are interfaces, so rows of all columns would be as large as all
pairs. But a rule looks at a peer's address or at its groups only, and of both there are few: a cell is put together from
the two when it is asked for.
"""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
from numpy.typing import NDArray

from budnet.ir.filters import GroupRef, SgRule
from budnet.ir.network import Network
from budnet.packets.addresses import span
from budnet.packets.connections import Words, to_words
from budnet.packets.transports import Alphabet
from budnet.reach.table.columns import Columns

Indices = NDArray[np.intp]


class Groups:
    """One direction's rules. `cells` answers for interfaces of some columns and peers in others."""

    def __init__(self, network: Network, columns: Columns, alphabet: Alphabet, words: int, ingress: bool) -> None:
        self._columns, self._words, self._ingress = columns, words, ingress
        rules = {g.id: g.ingress if ingress else g.egress for g in network.security_groups}
        self._edges = sorted({edge for each in rules.values() for r in each if not isinstance(r.peer, GroupRef) for edge in _edges(r)})
        self._numbers = {g: i for i, g in enumerate(rules)}
        by_atom = np.zeros((len(rules) + 1, len(self._edges) + 1, words), np.uint64)
        by_group = np.zeros((len(rules) + 1, len(rules) + 1, words), np.uint64)
        for number, each in enumerate(rules.values()):
            for rule in each:
                mask = to_words(alphabet.mask(rule.match), words)
                if isinstance(rule.peer, GroupRef):
                    by_group[number, self._numbers[rule.peer.id]] |= mask
                else:
                    first, following = _edges(rule)
                    by_atom[number, bisect_right(self._edges, first) : bisect_right(self._edges, following)] |= mask
        self._combine(by_atom, by_group)
        self._atom = np.array([bisect_right(self._edges, e) for e in columns.edges_of_columns()], np.intp)
        self._everything = to_words(alphabet.all, words)

    def _combine(self, by_atom: Words, by_group: Words) -> None:
        """From single groups to the combinations that interfaces have: the union of their rules."""
        nobody = len(self._numbers)
        sets: dict[tuple[int, ...] | None, int] = {None: 0}
        of_shape = []
        for shape in self._columns.shapes:
            members = None if shape.groups is None else tuple(sorted({self._numbers[g] for g in shape.groups}))
            of_shape.append(sets.setdefault(members, len(sets)))
        of_shape.append(0)  # the outside's: shape -1
        width = max((len(s) for s in sets if s), default=1)
        table = np.full((len(sets), width), nobody, np.intp)
        for members, number in sets.items():
            table[number, : len(members or ())] = members or ()
        self._atoms, self._of_groups = by_atom[table[:, 0]], by_group[table[:, 0]]
        for i in range(1, width):
            self._atoms |= by_atom[table[:, i]]
            self._of_groups |= by_group[table[:, i]]
        self._set = np.array(of_shape, np.intp)[self._columns.shape]
        # a reference means members by their private addresses
        self._members = np.where(self._columns.public[:, None], nobody, table[self._set])
        self._refers = np.logical_or.reduce(self._of_groups != 0, axis=2)

    def cells(self, sources: Indices, destinations: Indices) -> Words:
        """What the groups of one end let through between each pair: shape (sources, destinations, words).

        Both are columns; outwards the groups are the sources', inwards the destinations'. Interfaces that groups are not
        asked of let everything through, and so does what a VPC gives.
        """
        interfaces, peers = (destinations, sources) if self._ingress else (sources, destinations)
        rows, of_interface = np.unique(self._set[interfaces], return_inverse=True)
        atoms, of_peer = np.unique(self._atom[peers], return_inverse=True)
        few = self._atoms[rows[:, None], atoms[None, :]]
        few[rows == 0] = self._everything
        if self._ingress:
            out = np.take(np.take(few.transpose(1, 0, 2), of_interface, axis=1), of_peer, axis=0)
        else:
            out = np.take(np.take(few, of_peer, axis=1), of_interface, axis=0)
            out[:, self._columns.provided[peers]] = self._everything
        self._add_references(out, rows, interfaces, peers)
        return out

    def _add_references(self, out: Words, rows: Indices, interfaces: Indices, peers: Indices) -> None:
        """Rules that name a group, for the peers that are in one which some rule here names, and the interfaces whose rules
        name one that some peer is in."""
        members = self._members[peers]
        named = np.logical_or.reduce(self._refers[rows])
        within = np.flatnonzero(np.logical_or.reduce(named[members], axis=1))
        if not len(within):
            return
        groups, of_peer = np.unique(members[within], return_inverse=True)
        of_peer = of_peer.reshape(len(within), -1)
        sets, of_interface = np.unique(self._set[interfaces], return_inverse=True)
        few = self._of_groups[sets[:, None], groups[None, :]]
        own = np.flatnonzero(np.logical_or.reduce(few != 0, axis=(1, 2))[of_interface])
        few = few[of_interface[own]]
        found = np.take(few, of_peer[:, 0], axis=1)
        for i in range(1, of_peer.shape[1]):
            found |= np.take(few, of_peer[:, i], axis=1)
        if self._ingress:
            out[within[:, None], own[None, :]] |= found.transpose(1, 0, 2)
        else:
            out[own[:, None], within[None, :]] |= found


def _edges(rule: SgRule) -> tuple[int, int]:
    assert not isinstance(rule.peer, GroupRef)
    first, last = span(rule.peer)
    return first, last + 1
