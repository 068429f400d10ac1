"""Rows: what the policies of each kind of pod let through, to or from every column.

Pods that the same policies select have one row. Within a row, columns that the same rules mean fare the same: each distinct
combination of rules is decided once, by `reach.tiers`, and looked up for all columns that have it.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from msgspec import Struct

from budnet.ir.filters import Action, AdminPolicy, NetworkPolicy
from budnet.ir.network import Network
from budnet.packets.connections import EVERYTHING, Connections, Ids, distinct
from budnet.reach.semantics import PERHAPS, YES
from budnet.reach.table.columns import Columns, Indices, NamedPorts
from budnet.reach.table.terms import Slots, Step, Terms
from budnet.reach.tiers import Lanes, decide, doubted

_TABLE_BITS = 16
"""Up to so many distinct sets a row's combinations are numbered directly; beyond, they are sorted."""
_SPARE = 16
"""Rows for pods that policies tell apart later."""


@dataclass
class Rows:
    """`of_column[i]` is the row of column i, `ids[row, j]` the connection with column j. Some rows are nobody's."""

    of_column: Ids
    ids: Ids

    def between(self, columns: Indices, others: Indices) -> Ids:
        """The connections of some columns, each with one other."""
        return self.ids[self.of_column[columns], others]


class _Kind(Struct, frozen=True):
    """What decides a row: the policies that select a pod, by place, and its own names for ports where they are asked."""

    policies: tuple[int, ...] = ()
    admin: tuple[int, ...] = ()
    doubtful: tuple[int, ...] = ()
    """Those of `admin`'s kind that may select the pod and may not."""
    unknown: bool = False
    ports: NamedPorts = ()
    on: tuple[str, str] | None = None
    """The cluster and the node of the pod: what it says to its own node no NetworkPolicy stops."""


_NO_COLUMNS: Indices = np.empty(0, np.intp)
_NOBODY = _Kind()
"""Of everybody whom no policy selects."""


class RowMaker:
    """Rows of one direction: made for a whole network, and again where policies change."""

    def __init__(self, network: Network, columns: Columns, terms: Terms, into: Connections, asked: set[int] | None = None) -> None:
        """`asked`: the shapes that have rows at all; with the others there are no connections."""
        self.columns, self.terms, self.into = columns, terms, into
        self.slots: Slots = terms.slots
        shapes = len(columns.shapes)
        self._policies: list[list[int]] = [[] for _ in range(shapes)]
        self._admin: list[list[int]] = [[] for _ in range(shapes)]
        self._doubtful: list[list[int]] = [[] for _ in range(shapes)]
        self._unknown = [False] * shapes
        for number, policy in enumerate(self.slots.policies):
            for shape in self.selected(policy):
                self._policies[shape].append(number)
        for number, admin in enumerate(self.slots.admin):
            for lists, fits in ((self._admin, YES), (self._doubtful, PERHAPS)):
                for shape in self.about(admin, fits):
                    lists[shape].append(number)
        for other in network.unknown_policies:
            if other.ingress if terms.ingress else other.egress:
                for fits in (YES, PERHAPS):
                    for shape in terms.peers.subjects(other.subject, other.cluster, fits).tolist():
                        self._unknown[shape] = True
        self._numbers: dict[_Kind, int] = {_NOBODY: 0}
        self._of_shape = np.zeros(shapes + 1, np.int32)  # the last one is the outside's: shape -1
        for kind, at in self._kinds(range(shapes) if asked is None else asked):
            self._of_shape[at] = self._numbers.setdefault(kind, len(self._numbers))
        if asked is not None:
            self._of_shape[[shape for shape in range(shapes) if shape not in asked]] = len(self._numbers)  # a spare row: nothing
        ids = np.zeros((len(self._numbers) + _SPARE, columns.count), np.int32)
        for kind, row in self._numbers.items():
            ids[row] = self._row(kind)
        self.rows = Rows(self._of_shape[columns.shape], ids)

    # ---- who has which row ----------------------------------------------------------------------------------------------

    def selected(self, policy: NetworkPolicy | None) -> list[int]:
        """The shapes that a NetworkPolicy isolates in this direction."""
        if policy is None or self.terms.rules(policy) is None:
            return []
        found: list[int] = self.terms.peers.selected(policy.selector, policy.cluster, policy.namespace).tolist()
        return found

    def about(self, policy: AdminPolicy | None, fits: int = YES) -> list[int]:
        """The shapes that a cluster-wide policy says something of in this direction; with PERHAPS: may, and may not."""
        if policy is None or not (policy.ingress if self.terms.ingress else policy.egress):
            return []
        found: list[int] = self.terms.peers.subjects(policy.subject, policy.cluster, fits).tolist()
        return found

    def _kinds(self, shapes: Iterable[int]) -> Iterator[tuple[_Kind, int]]:
        """What decides the rows of some shapes, each with the shape."""
        for shape in shapes:
            policies, admin, doubtful = (tuple(of[shape]) for of in (self._policies, self._admin, self._doubtful))
            asks = self.terms.ingress and (any(map(self.terms.named, policies)) or bool(admin or doubtful))
            of = self.columns.shapes[shape]
            on = (of.cluster, of.on) if of.on and (policies or admin or doubtful) else None
            yield _Kind(policies, admin, doubtful, self._unknown[shape], of.ports if asks else (), on), shape

    # ---- changes --------------------------------------------------------------------------------------------------------

    def change(self, shapes: set[int], policies: set[int], admin: set[int]) -> list[int]:
        """Policies at some places are others now: `shapes` are those that the old or the new ones select. Returns the rows
        that were written."""
        self.terms.forget(policies, admin)
        _move(self._policies, shapes, {n: self.selected(self.slots.policies[n]) for n in policies})
        _move(self._admin, shapes, {n: self.about(self.slots.admin[n]) for n in admin})
        _move(self._doubtful, shapes, {n: self.about(self.slots.admin[n], PERHAPS) for n in admin})
        kinds = dict[int, _Kind]()
        for kind, at in self._kinds(shapes):
            kinds[at] = kind
            self._of_shape[at] = 0
        self._free()
        written = {}
        for at, kind in kinds.items():
            if kind not in self._numbers:
                written[kind] = self._take(kind)
            elif not policies.isdisjoint(kind.policies) or not admin.isdisjoint((*kind.admin, *kind.doubtful)):
                written[kind] = self._numbers[kind]
            self._of_shape[at] = self._numbers[kind]
        for kind, row in written.items():
            self.rows.ids[row] = self._row(kind)
        self.rows.of_column[:] = self._of_shape[self.columns.shape]
        return sorted(written.values())

    def _free(self) -> None:
        """Rows that nobody has are given to others."""
        used = set(distinct(self._of_shape).tolist())
        self._numbers = {kind: row for kind, row in self._numbers.items() if row in used}
        self._numbers[_NOBODY] = 0

    def _take(self, kind: _Kind) -> int:
        """A row for a new kind; where none is left there will be more."""
        used = set(self._numbers.values())
        row = next((r for r in range(len(self.rows.ids)) if r not in used), len(self.rows.ids))
        if row == len(self.rows.ids):
            self.rows.ids = np.concatenate([self.rows.ids, np.zeros((_SPARE, self.columns.count), np.int32)])
        self._numbers[kind] = row
        return row

    def refine(self, columns: Columns, terms: Terms, into: Connections, parents: Indices | None) -> None:
        """The same rows in other words, and for finer columns, where `parents` are those that they are parts of."""
        self.columns, self.terms, self.into = columns, terms, into
        if parents is not None:
            self.rows = Rows(self.rows.of_column[parents], np.ascontiguousarray(self.rows.ids[:, parents]))

    # ---- a row ----------------------------------------------------------------------------------------------------------

    def _row(self, kind: _Kind) -> Ids:
        lanes, alphabet = self.terms.lanes, self.terms.alphabet
        if kind == _NOBODY:
            return np.full(self.columns.count, EVERYTHING, np.int32)
        if kind.unknown:
            return np.full(self.columns.count, self.into.id(lanes.perhaps(alphabet.all)), np.int32)
        allowed: dict[int, list[Indices]] = {}
        for policy in kind.policies:
            for where, mask in self.terms.policy(policy, kind.ports):
                allowed.setdefault(mask, []).append(where)
        own, perhaps = self.terms.peers.hosts(*kind.on) if kind.on else (_NO_COLUMNS, _NO_COLUMNS)
        if len(own) and kind.policies:
            allowed.setdefault(lanes.all, []).append(own)
        found = (s for a in (*kind.admin, *kind.doubtful) for s in self.terms.admin(a, kind.ports))
        steps = sorted(found, key=lambda s: s.place)
        layers = [tuple(places) for places in allowed.values()]
        behind = [(number, mask) for number, step in enumerate(steps) for _, mask in step.terms]
        layers += [(where,) for step in steps for where, _ in step.terms]
        masks = list(allowed)

        def fate(code: int) -> int:
            union = _union(masks, code & (1 << len(masks)) - 1)
            if not steps:
                return union if kind.policies else lanes.all
            hit = [0] * len(steps)
            for bit, (number, mask) in enumerate(behind, len(masks)):
                if code >> bit & 1:
                    hit[number] |= mask
            admin, baseline = _grouped(lanes, steps, hit, kind.doubtful)
            return decide(lanes, admin, bool(kind.policies), union, baseline)

        row = self._combine(layers, fate)
        for at in (*own.tolist(), *perhaps.tolist()):
            row[at] = self.into.id(self.into.masks[row[at]] | lanes.perhaps(alphabet.all))
        return row

    def _combine(self, layers: Sequence[tuple[Indices, ...]], fate: Callable[[int], int]) -> Ids:
        """Numbers the combination of layers that each column is in, decides each that occurs, and looks them up."""
        count = self.columns.count
        if len(layers) <= _TABLE_BITS:
            codes = np.zeros(count, np.int32)
            for bit, places in enumerate(layers):
                for where in places:
                    codes[where] |= 1 << bit
            present = np.zeros(1 << len(layers), bool)
            present[codes] = True
            table = np.zeros(1 << len(layers), np.int32)
            for code in np.flatnonzero(present).tolist():
                table[code] = self.into.id(fate(code))
            return table[codes]
        bits = np.zeros((count, len(layers)), bool)
        for bit, places in enumerate(layers):
            for where in places:
                bits[where, bit] = True
        packed = np.packbits(bits, axis=1, bitorder="little")
        distinct, which = np.unique(packed, axis=0, return_inverse=True)
        found = self.into.ids(fate(int.from_bytes(row.tobytes(), "little")) for row in distinct)
        return found[which.ravel()]


def _move(lists: list[list[int]], shapes: Iterable[int], now: Mapping[int, Sequence[int]]) -> None:
    """Some policies select others now: in the lists of some shapes, which are all that they ever selected."""
    for shape in shapes:
        lists[shape] = [n for n in lists[shape] if n not in now]
    for number, selected in now.items():
        for shape in selected:
            insort(lists[shape], number)


def _union(masks: Sequence[int], code: int) -> int:
    """What those of the masks hold whose bits are set."""
    union = 0
    while code:
        bit = (code & -code).bit_length() - 1
        union |= masks[bit]
        code &= code - 1
    return union


_Groups = list[list[list[tuple[Action | None, int]]]]


def _grouped(lanes: Lanes, steps: Sequence[Step], hit: Sequence[int], doubtful: Collection[int]) -> tuple[_Groups, _Groups]:
    """Steps that were hit, as groups of equal priority of policies of rules, for each tier. `doubtful`: policies that may be about
    the pod, and may not."""
    tiers: tuple[dict[int, dict[int, list[tuple[Action | None, int]]]], ...] = ({}, {})
    for step, mask in zip(steps, hit, strict=True):
        if mask:
            baseline, priority, policy, _ = step.place
            tiers[baseline].setdefault(priority, {}).setdefault(policy, []).append((step.action, mask))
    admin, base = (
        [[doubted(lanes, rules) if policy in doubtful else rules for policy, rules in group.items()] for group in tier.values()]
        for tier in tiers
    )
    return admin, base
