"""Rows: what the policies of each kind of pod let through, to or from every column.

Pods that the same policies select have one row. Within a row, columns that the same rules mean fare the same: each
distinct combination of rules is decided once, by `reach.tiers`, and looked up for all columns that have it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from budnet.ir.address import Match, PortRange
from budnet.ir.filters import Action, AdminPolicy, AdminRule, NamePeer, NetworkPolicy, PolicyPort, PolicyRule
from budnet.ir.network import Network
from budnet.packets.connections import EVERYTHING, Connections, Ids
from budnet.packets.transports import Alphabet
from budnet.reach.table.columns import Columns, NamedPorts
from budnet.reach.table.peers import Indices, Peers
from budnet.reach.tiers import Halves, decide

_TABLE_BITS = 16
"""Up to so many distinct sets a row's combinations are numbered directly; beyond, they are sorted."""

Term = tuple[Indices, int]
"""Columns, and the set that some rule names for them."""


@dataclass(frozen=True)
class Rows:
    """`of_column[i]` is the row of column i, `ids[row, j]` the connection with column j."""

    of_column: Ids
    ids: Ids


@dataclass(frozen=True, slots=True)
class _Kind:
    """What decides a row: the policies that select a pod, by position, and its own names for ports where they are asked."""

    policies: tuple[int, ...]
    admin: tuple[int, ...]
    unknown: bool
    ports: NamedPorts


@dataclass(frozen=True, slots=True)
class _Step:
    """A rule of a cluster-wide policy as terms; `place` is (baseline, priority, policy, rule)."""

    place: tuple[bool, int, int, int]
    action: Action
    sure: tuple[Term, ...]
    perhaps: tuple[Term, ...]


class RowMaker:
    """Rows of one direction."""

    def __init__(
        self, network: Network, columns: Columns, peers: Peers, alphabet: Alphabet, halves: Halves, into: Connections, ingress: bool
    ):
        self.network, self.columns, self.peers, self.ingress = network, columns, peers, ingress
        self.alphabet, self.halves, self.into = alphabet, halves, into
        self._terms: dict[tuple[int, NamedPorts], list[Term]] = {}
        self._steps: dict[tuple[int, NamedPorts], list[_Step]] = {}
        self._named = [self._uses_names(p) for p in network.policies]

    def rows(self) -> Rows:
        """All rows of this direction; row 0 is that of everybody whom no policy selects."""
        numbers: dict[_Kind, int] = {_Kind((), (), False, ()): 0}
        of_shape = np.zeros(len(self.columns.shapes) + 1, np.int32)  # the last one is the outside's: shape -1
        for shape, kind in enumerate(self._kinds()):
            of_shape[shape] = numbers.setdefault(kind, len(numbers))
        ids = np.empty((len(numbers), self.columns.count), np.int32)
        ids[0] = EVERYTHING
        for kind, row in list(numbers.items())[1:]:
            ids[row] = self._row(kind)
        return Rows(of_shape[self.columns.shape], ids)

    # ---- who has which row ----------------------------------------------------------------------------------------------

    def _kinds(self) -> Iterator[_Kind]:
        policies = self._selecting()
        admin: list[list[int]] = [[] for _ in self.columns.shapes]
        for number, policy in enumerate(self.network.admin_policies):
            if policy.ingress if self.ingress else policy.egress:
                for shape in self.peers.subjects(policy.subject, policy.cluster).tolist():
                    admin[shape].append(number)
        unknown = [False] * len(self.columns.shapes)
        for other in self.network.unknown_policies:
            if other.ingress if self.ingress else other.egress:
                for shape in self.peers.subjects(other.subject, other.cluster).tolist():
                    unknown[shape] = True
        for number, shape_ in enumerate(self.columns.shapes):
            asks = self.ingress and (any(self._named[p] for p in policies[number]) or bool(admin[number]))
            yield _Kind(tuple(policies[number]), tuple(admin[number]), unknown[number], shape_.ports if asks else ())

    def _selecting(self) -> list[list[int]]:
        """For each shape the NetworkPolicies that isolate it in this direction."""
        out: list[list[int]] = [[] for _ in self.columns.shapes]
        for number, policy in enumerate(self.network.policies):
            if (policy.ingress if self.ingress else policy.egress) is not None:
                for shape in self.peers.selected(policy.selector, policy.cluster, policy.namespace).tolist():
                    out[shape].append(number)
        return out

    def _uses_names(self, policy: NetworkPolicy) -> bool:
        rules = (policy.ingress if self.ingress else policy.egress) or ()
        return any(isinstance(port.port, str) for rule in rules for port in rule.ports)

    # ---- a row ----------------------------------------------------------------------------------------------------------

    def _row(self, kind: _Kind) -> Ids:
        if kind.unknown:
            return np.full(self.columns.count, self.into.id(self.halves.perhaps(self.alphabet.all)), np.int32)
        allowed: dict[int, list[Indices]] = {}
        for policy in kind.policies:
            for where, mask in self._policy(policy, kind.ports):
                allowed.setdefault(mask, []).append(where)
        steps = sorted((s for a in kind.admin for s in self._admin(a, kind.ports)), key=lambda s: s.place)
        layers = [(tuple(places), mask) for mask, places in allowed.items()]
        first_step = len(layers)
        uses: list[tuple[int, bool, int]] = []  # (step, certain, mask) behind each further layer
        for number, step in enumerate(steps):
            for sure, terms in ((True, step.sure), (False, step.perhaps)):
                for where, mask in terms:
                    layers.append(((where,), mask))
                    uses.append((number, sure, mask))
        masks = list(allowed)
        known = self.halves.known

        def fate(code: int) -> int:
            union = 0
            for bit, mask in enumerate(masks):
                if code >> bit & 1:
                    union |= mask
            if not steps:
                return known(union)
            hit = [0] * len(steps)
            for bit, (number, sure, mask) in enumerate(uses, first_step):
                if code >> bit & 1:
                    hit[number] |= known(mask) if sure else self.halves.perhaps(mask)
            groups = _grouped(steps, hit)
            return decide(self.halves, groups[0], bool(kind.policies), known(union), groups[1])

        return self._combine([where for where, _ in layers], fate)

    def _combine(self, layers: Sequence[tuple[Indices, ...]], fate: object) -> Ids:
        """Numbers the combination of layers that each column is in, decides each that occurs, and looks them up."""
        decide_ = fate
        assert callable(decide_)
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
                table[code] = self.into.id(decide_(code))
            return table[codes]
        bits = np.zeros((count, len(layers)), bool)
        for bit, places in enumerate(layers):
            for where in places:
                bits[where, bit] = True
        packed = np.packbits(bits, axis=1, bitorder="little")
        distinct, which = np.unique(packed, axis=0, return_inverse=True)
        found = self.into.ids(decide_(int.from_bytes(row.tobytes(), "little")) for row in distinct)
        return found[which.ravel()]

    # ---- rules as terms -------------------------------------------------------------------------------------------------

    def _policy(self, number: int, ports: NamedPorts) -> list[Term]:
        key = number, ports if self._named[number] else ()
        known = self._terms.get(key)
        if known is None:
            policy = self.network.policies[number]
            rules = (policy.ingress if self.ingress else policy.egress) or ()
            known = self._terms[key] = [t for r in rules for t in self._rule(r, policy, key[1])]
        return known

    def _rule(self, rule: PolicyRule, policy: NetworkPolicy, ports: NamedPorts) -> Iterator[Term]:
        where = np.arange(self.columns.count) if not rule.peers else self.peers.meant(rule.peers, policy.cluster, policy.namespace)
        yield from self._spelt(where, rule.ports, ports)

    def _admin(self, number: int, ports: NamedPorts) -> list[_Step]:
        known = self._steps.get((number, ports))
        if known is None:
            policy = self.network.admin_policies[number]
            rules = policy.ingress if self.ingress else policy.egress
            known = self._steps[number, ports] = [self._step(policy, number, i, r, ports) for i, r in enumerate(rules)]
        return known

    def _step(self, policy: AdminPolicy, number: int, at: int, rule: AdminRule, ports: NamedPorts) -> _Step:
        sure = self._spelt(self.peers.meant(rule.peers, policy.cluster, ""), rule.ports, ports)
        named = any(isinstance(p, NamePeer) for p in rule.peers)
        perhaps = self._spelt(self.peers.outside(), rule.ports, ports) if named else ()
        return _Step((policy.tier == "baseline", policy.priority, number, at), rule.action, tuple(sure), tuple(perhaps))

    def _spelt(self, where: Indices, written: tuple[PolicyPort, ...], own: NamedPorts) -> Iterator[Term]:
        """Columns with a rule's ports. A port's name means what the connection's destination calls so: for ingress the pod
        itself, for egress each column for itself."""
        fixed, names = 0 if written else self.alphabet.all, []
        for port in written:
            if isinstance(port.port, str):
                names.append(port)
            else:
                fixed |= self.alphabet.mask(_match(port))
        if self.ingress:
            for port in names:
                fixed |= self._named_mask(port, own)
            names = []
        if fixed:
            yield where, fixed
        for port in names:
            yield from self._by_name(where, port)

    def _by_name(self, where: Indices, port: PolicyPort) -> Iterator[Term]:
        masks = np.array([self.into.id(self._named_mask(port, s.ports)) for s in self.columns.shapes] + [0], np.int32)
        of = masks[self.columns.shape[where]]
        for each in np.unique(of[of != 0]).tolist():
            yield where[of == each], self.into.masks[each]

    def _named_mask(self, port: PolicyPort, ports: NamedPorts) -> int:
        mask = 0
        for name, protocol, number in ports:
            if name == port.port and protocol is port.protocol:
                mask |= self.alphabet.mask(Match(protocol, PortRange(number, number)))
        return mask


def _match(port: PolicyPort) -> Match:
    assert not isinstance(port.port, str)
    return Match(port.protocol) if port.port is None else Match(port.protocol, PortRange(port.port, port.end or port.port))


def _grouped(
    steps: Sequence[_Step], hit: Sequence[int]
) -> tuple[list[list[list[tuple[Action, int]]]], list[list[list[tuple[Action, int]]]]]:
    """Steps that were hit, as groups of equal priority of policies of rules, for each tier."""
    tiers: tuple[dict[int, dict[int, list[tuple[Action, int]]]], ...] = ({}, {})
    for step, mask in zip(steps, hit, strict=True):
        if mask:
            baseline, priority, policy, _ = step.place
            tiers[baseline].setdefault(priority, {}).setdefault(policy, []).append((step.action, mask))
    admin, base = ([list(group.values()) for group in tier.values()] for tier in tiers)
    return admin, base
