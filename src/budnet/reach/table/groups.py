"""What security groups let through, as words: by where a peer's address lies, and by the groups that the peer is in.

There are nearly as many combinations of groups as there are interfaces, so rows of all columns would be as large as all
pairs. But a rule looks at a peer's address or at its groups only, and of both there are few: a cell is put together from
the two when it is asked for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from budnet.ir.filters import GroupRef, SgRule
from budnet.ir.network import Network
from budnet.packets.addresses import span
from budnet.packets.connections import Words, folded, to_words
from budnet.packets.transports import Alphabet
from budnet.reach.table.columns import Columns, Indices


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
        """The combinations of groups that interfaces have; each means the union of their rules."""
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
        self._in_set, self._by_atom, self._by_group = table, by_atom, by_group
        self._set = np.array(of_shape, np.intp)[self._columns.shape]
        # a reference means members by their private addresses
        self._members = np.where(self._columns.public[:, None], nobody, table[self._set])

    def _rules(self, by_peer: Words, sets: Indices, peers: Indices) -> Words:
        """What each of some combinations lets through to each of some atoms or groups, shape (sets, peers, words): there are
        too many combinations to keep that for all of them."""
        found: Words = by_peer[self._in_set[sets, 0][:, None], peers[None, :]]
        for i in range(1, self._in_set.shape[1]):
            found |= by_peer[self._in_set[sets, i][:, None], peers[None, :]]
        return found

    def cells(self, sources: Indices, destinations: Indices) -> Cells:
        """What the groups of one end let through between each pair. Both are columns; outwards the groups are the sources',
        inwards the destinations'. Interfaces that groups are not asked of let everything through, and so does what a VPC gives.
        """
        interfaces, peers = (destinations, sources) if self._ingress else (sources, destinations)
        sets, of_interface = np.unique(self._set[interfaces], return_inverse=True)
        atoms, of_peer = np.unique(self._atom[peers], return_inverse=True)
        by_atom = self._rules(self._by_atom, sets, np.append(atoms, 0))
        by_atom[sets == 0] = by_atom[:, -1] = self._everything
        if not self._ingress:
            of_peer = np.where(self._columns.provided[peers], len(atoms), of_peer)
        groups, of_member = np.unique(self._members[peers], return_inverse=True)
        by_group = self._rules(self._by_group, sets, groups)
        looks = [Look(by_atom, of_peer), *(Look(by_group, at) for at in of_member.reshape(len(peers), -1).T)]
        return Cells(looks if by_group.any() else looks[:1], of_interface, self._ingress)


class Look(Struct, frozen=True):
    """What interfaces let through to peers by one thing about the peer: `words` by (combination of groups, that thing)."""

    words: Words
    of_peer: Indices


class Cells:
    """What groups let through between some sources and some destinations. There are too many words to keep them for all pairs:
    `folded`, shape (sources, destinations), has theirs over each other, and where these have nothing in common with other
    folded words, the words have not either."""

    def __init__(self, looks: Sequence[Look], of_interface: Indices, ingress: bool) -> None:
        self._looks, self._of_interface, self._ingress = looks, of_interface, ingress
        found = np.zeros((len(of_interface), len(looks[0].of_peer)), np.uint64)
        for look in looks:
            found |= np.take(folded(look.words)[:, look.of_peer], of_interface, axis=0)
        self.folded: Words = np.ascontiguousarray(found.T) if ingress else found

    def words(self, sources: Indices, destinations: Indices) -> Words:
        """Of pairs given by position, shape (pairs, words)."""
        interfaces, peers = (destinations, sources) if self._ingress else (sources, destinations)
        sets = self._of_interface[interfaces]
        found = self._looks[0].words[sets, self._looks[0].of_peer[peers]]
        for look in self._looks[1:]:
            found |= look.words[sets, look.of_peer[peers]]
        return found


def _edges(rule: SgRule) -> tuple[int, int]:
    assert not isinstance(rule.peer, GroupRef)
    first, last = span(rule.peer)
    return first, last + 1
