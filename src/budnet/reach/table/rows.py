"""Rows: what the policies of each kind of pod let through, to or from every column.

Pods that the same policies select have one row. Within a row, columns that the same rules mean fare the same: each distinct
combination of rules is decided once, by `reach.tiers`, and looked up for all columns that have it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from budnet.ir.address import Match, PortRange
from budnet.ir.filters import Action, AdminPolicy, AdminRule, BlockPeer, NetworkPolicy, PolicyPort, PolicyRule
from budnet.ir.network import Network
from budnet.packets.connections import EVERYTHING, Connections, Ids
from budnet.packets.transports import Alphabet
from budnet.reach import cuts
from budnet.reach.table.columns import ANY_FAMILY, NO_ATOM, Columns, NamedPorts
from budnet.reach.table.peers import Indices, Peers
from budnet.reach.tiers import Lanes, decide

_FAMILIES = 7
"""Address families go by 0 (not known), 4 and 6."""
_TABLE_BITS = 16
"""Up to so many distinct sets a row's combinations are numbered directly; beyond, they are sorted."""

Term = tuple[Indices, int]
"""Columns, and what some rule lets through to them, in both halves."""


@dataclass(frozen=True)
class Rows:
    """`of_column[i]` is the row of column i, `ids[row, j]` the connection with column j."""

    of_column: Ids
    ids: Ids


@dataclass(frozen=True, slots=True)
class _Kind:
    """What decides a row: the policies that select a pod, by position, and its own names for ports where they are asked."""

    policies: tuple[int, ...] = ()
    admin: tuple[int, ...] = ()
    unknown: bool = False
    ports: NamedPorts = ()
    family: int = ANY_FAMILY
    """Of the pod's own address, where it matters: with whom it speaks, and whose address is not known, has one of the same."""


@dataclass(frozen=True, slots=True)
class _Step:
    """A rule of a cluster-wide policy as terms; `place` is (baseline, priority, policy, rule)."""

    place: tuple[bool, int, int, int]
    action: Action | None
    """None: it may pass on, and may not."""
    terms: tuple[Term, ...]


class RowMaker:
    """Rows of one direction."""

    def __init__(
        self, network: Network, columns: Columns, peers: Peers, alphabet: Alphabet, lanes: Lanes, into: Connections, ingress: bool
    ):
        self.network, self.columns, self.peers, self.ingress = network, columns, peers, ingress
        self.alphabet, self.lanes, self.into = alphabet, lanes, into
        self._terms: dict[tuple[int, NamedPorts, int], list[Term]] = {}
        self._steps: dict[tuple[int, NamedPorts, int], list[_Step]] = {}
        self._meanings: dict[tuple[str, int, str], tuple[NDArray[np.int32], list[int]]] = {}
        self._named = [self._uses_names(p) for p in network.policies]

    def rows(self) -> Rows:
        """All rows of this direction; row 0 is that of everybody whom no policy selects."""
        numbers: dict[_Kind, int] = {_Kind(): 0}
        of_shape = np.zeros((len(self.columns.shapes) + 1, _FAMILIES), np.int32)  # the last one is the outside's: shape -1
        family = self.columns.family if self._asks_family() else np.zeros(self.columns.count, np.int32)
        there: list[list[int]] = [[] for _ in self.columns.shapes]
        for code in np.unique(self.columns.shape[: self.columns.inside] * _FAMILIES + family[: self.columns.inside]).tolist():
            there[code // _FAMILIES].append(code % _FAMILIES)
        for shape, kind in enumerate(self._kinds()):
            for of in there[shape]:
                decides = replace(kind, family=of) if of and kind != _Kind() else kind
                of_shape[shape, of] = numbers.setdefault(decides, len(numbers))
        ids = np.empty((len(numbers), self.columns.count), np.int32)
        for kind, row in numbers.items():
            ids[row] = self._row(kind)
        return Rows(of_shape[self.columns.shape, family], ids)

    def _asks_family(self) -> bool:
        """Whether a rule is by address, and somebody's is not known."""
        unplaced = bool((self.columns.atom == NO_ATOM).any())
        return unplaced and any(isinstance(peer, BlockPeer) for peer in cuts.policy_peers(self.network))

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
        if kind == _Kind():
            return np.full(self.columns.count, EVERYTHING, np.int32)
        if kind.unknown:
            return np.full(self.columns.count, self.into.id(self.lanes.perhaps(self.alphabet.all)), np.int32)
        allowed: dict[int, list[Indices]] = {}
        for policy in kind.policies:
            for where, mask in self._policy(policy, kind.ports, kind.family):
                allowed.setdefault(mask, []).append(where)
        steps = sorted((s for a in kind.admin for s in self._admin(a, kind.ports, kind.family)), key=lambda s: s.place)
        layers = [tuple(places) for places in allowed.values()]
        behind = [(number, mask) for number, step in enumerate(steps) for _, mask in step.terms]
        layers += [(where,) for step in steps for where, _ in step.terms]
        masks = list(allowed)

        def fate(code: int) -> int:
            union = _union(masks, code & (1 << len(masks)) - 1)
            if not steps:
                return union
            hit = [0] * len(steps)
            for bit, (number, mask) in enumerate(behind, len(masks)):
                if code >> bit & 1:
                    hit[number] |= mask
            admin, baseline = _grouped(steps, hit)
            return decide(self.lanes, admin, bool(kind.policies), union, baseline)

        return self._combine(layers, fate)

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

    # ---- rules as terms -------------------------------------------------------------------------------------------------

    def _policy(self, number: int, ports: NamedPorts, family: int) -> list[Term]:
        key = number, ports if self._named[number] else (), family
        known = self._terms.get(key)
        if known is None:
            policy = self.network.policies[number]
            rules = (policy.ingress if self.ingress else policy.egress) or ()
            known = self._terms[key] = [t for r in rules for t in self._rule(r, policy, key[1], family)]
        return known

    def _rule(self, rule: PolicyRule, policy: NetworkPolicy, ports: NamedPorts, family: int) -> Iterator[Term]:
        if not rule.peers:
            yield from self._spelt(np.arange(self.columns.count), rule.ports, ports, policy.cluster, self.lanes.known)
            return
        meant = self.peers.meant(rule.peers, policy.cluster, policy.namespace, family)
        yield from self._spelt(meant, rule.ports, ports, policy.cluster, self.lanes.known)
        perhaps = self.peers.perhaps(rule.peers, policy.cluster, family)
        yield from self._spelt(perhaps, rule.ports, ports, policy.cluster, self.lanes.perhaps)

    def _admin(self, number: int, ports: NamedPorts, family: int) -> list[_Step]:
        key = number, ports, family
        known = self._steps.get(key)
        if known is None:
            policy = self.network.admin_policies[number]
            rules = policy.ingress if self.ingress else policy.egress
            known = self._steps[key] = [s for i, r in enumerate(rules) for s in self._step(policy, (number, i), r, ports, family)]
        return known

    def _step(self, policy: AdminPolicy, at: tuple[int, int], rule: AdminRule, ports: NamedPorts, family: int) -> Iterator[_Step]:
        """A rule, and what it does to those whom it may mean and may not: it lets them through perhaps, denies them perhaps,
        passes them on perhaps."""
        place = policy.tier == "baseline", policy.priority, *at
        meant = self.peers.meant(rule.peers, policy.cluster, "", family)
        yield _Step(place, rule.action, tuple(self._spelt(meant, rule.ports, ports, policy.cluster, self.lanes.known)))
        action, half = self.lanes.doubting(rule.action)
        perhaps = self.peers.perhaps(rule.peers, policy.cluster, family)
        terms = tuple(self._spelt(perhaps, rule.ports, ports, policy.cluster, half))
        if terms:
            yield _Step(place, action, terms)

    def _spelt(
        self, where: Indices, written: tuple[PolicyPort, ...], own: NamedPorts, cluster: str, half: Callable[[int], int]
    ) -> Iterator[Term]:
        """Columns with a rule's ports. A port's name means what the connection's destination calls so: for ingress the pod
        itself, for egress each column for itself."""
        if not len(where):
            return
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
            yield where, half(fixed)
        for port in names:
            for among, mask in self._by_name(where, port, cluster):
                yield among, half(mask)

    def _by_name(self, where: Indices, port: PolicyPort, cluster: str) -> Iterator[tuple[Indices, int]]:
        """Of some columns, those that a port's name means something to, by what it means."""
        numbers, masks = self._meaning(port, cluster)
        here = numbers[where]
        for number in np.flatnonzero(np.bincount(here, minlength=len(masks))).tolist():
            if masks[number]:
                yield where[here == number], masks[number]

    def _meaning(self, port: PolicyPort, cluster: str) -> tuple[NDArray[np.int32], list[int]]:
        """For every column the position of what it calls so in the list of masks; 0 where it is nothing. Only pods of the
        cluster itself have ports by name."""
        key = str(port.port), port.protocol.value, cluster
        known = self._meanings.get(key)
        if known is None:
            masks = {0: 0}
            by_ports: dict[NamedPorts, int] = {}
            of_shape = np.zeros(len(self.columns.shapes) + 1, np.int32)  # the last one is the outside's: shape -1
            for shape, each in enumerate(self.columns.shapes):
                if each.ports and each.cluster == cluster:
                    if each.ports not in by_ports:
                        by_ports[each.ports] = masks.setdefault(self._named_mask(port, each.ports), len(masks))
                    of_shape[shape] = by_ports[each.ports]
            known = self._meanings[key] = of_shape[self.columns.shape], list(masks)
        return known

    def _named_mask(self, port: PolicyPort, ports: NamedPorts) -> int:
        mask = 0
        for name, protocol, number in ports:
            if name == port.port and protocol is port.protocol:
                mask |= self.alphabet.mask(Match(protocol, PortRange(number, number)))
        return mask


def _union(masks: Sequence[int], code: int) -> int:
    """What those of the masks hold whose bits are set."""
    union = 0
    while code:
        bit = (code & -code).bit_length() - 1
        union |= masks[bit]
        code &= code - 1
    return union


def _match(port: PolicyPort) -> Match:
    assert not isinstance(port.port, str)
    return Match(port.protocol) if port.port is None else Match(port.protocol, PortRange(port.port, port.end or port.port))


def _grouped(
    steps: Sequence[_Step], hit: Sequence[int]
) -> tuple[list[list[list[tuple[Action | None, int]]]], list[list[list[tuple[Action | None, int]]]]]:
    """Steps that were hit, as groups of equal priority of policies of rules, for each tier."""
    tiers: tuple[dict[int, dict[int, list[tuple[Action | None, int]]]], ...] = ({}, {})
    for step, mask in zip(steps, hit, strict=True):
        if mask:
            baseline, priority, policy, _ = step.place
            tiers[baseline].setdefault(priority, {}).setdefault(policy, []).append((step.action, mask))
    admin, base = ([list(group.values()) for group in tier.values()] for tier in tiers)
    return admin, base
