"""Rules as terms: which columns each rule of each policy is about, and what it says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from budnet.ir.address import Match, PortRange
from budnet.ir.filters import Action, AdminPolicy, AdminRule, NetworkPolicy, PolicyPort, PolicyRule
from budnet.packets.transports import Alphabet
from budnet.reach.table.columns import Columns, Indices, NamedPorts
from budnet.reach.table.peers import Peers
from budnet.reach.tiers import Lanes

Term = tuple[Indices, int]
"""Columns, and what some rule lets through to them, in both halves."""


class Step(Struct, frozen=True):
    """A rule of a cluster-wide policy as terms; `place` is (baseline, priority, policy, rule)."""

    place: tuple[bool, int, int, int]
    action: Action | None
    """None: it may pass on, and may not."""
    terms: tuple[Term, ...]


@dataclass
class Slots:
    """The policies of a network, each at a place that it keeps while others change. An empty place is None."""

    policies: list[NetworkPolicy | None] = field(default_factory=list)
    admin: list[AdminPolicy | None] = field(default_factory=list)


class Terms:
    """Rules of one direction; each policy is looked at once, or once for all pods that call their ports alike."""

    def __init__(self, slots: Slots, columns: Columns, peers: Peers, alphabet: Alphabet, lanes: Lanes, ingress: bool) -> None:
        self.slots, self.columns, self.peers, self.ingress = slots, columns, peers, ingress
        self.alphabet, self.lanes = alphabet, lanes
        self._terms: dict[int, dict[NamedPorts, list[Term]]] = {}
        self._steps: dict[int, dict[NamedPorts, list[Step]]] = {}
        self._meanings: dict[tuple[str, int, str], tuple[NDArray[np.int32], list[int]]] = {}
        self._named: dict[int, bool] = {}

    def forget(self, policies: Iterable[int], admin: Iterable[int]) -> None:
        """What was known of policies at some places: there are others now."""
        for number in policies:
            self._terms.pop(number, None)
            self._named.pop(number, None)
        for number in admin:
            self._steps.pop(number, None)

    def rules(self, policy: NetworkPolicy) -> tuple[PolicyRule, ...] | None:
        """Those of this direction; None where the policy does not isolate in it."""
        return policy.ingress if self.ingress else policy.egress

    def named(self, number: int) -> bool:
        """Whether a policy calls a port by name."""
        known = self._named.get(number)
        if known is None:
            policy = self.slots.policies[number]
            rules = (policy and self.rules(policy)) or ()
            known = self._named[number] = any(isinstance(port.port, str) for rule in rules for port in rule.ports)
        return known

    def policy(self, number: int, ports: NamedPorts) -> list[Term]:
        """What the rules of a NetworkPolicy let through to whom, for pods with some names of ports."""
        key = ports if self.named(number) else ()
        of = self._terms.setdefault(number, {})
        if key not in of:
            policy = self.slots.policies[number]
            assert policy is not None
            of[key] = [t for r in self.rules(policy) or () for t in self._rule(r, policy, key)]
        return of[key]

    def _rule(self, rule: PolicyRule, policy: NetworkPolicy, ports: NamedPorts) -> Iterator[Term]:
        if not rule.peers:
            yield from self._spelt(np.arange(self.columns.count), rule.ports, ports, policy.cluster, self.lanes.known)
            return
        meant = self.peers.meant(rule.peers, policy.cluster, policy.namespace)
        yield from self._spelt(meant, rule.ports, ports, policy.cluster, self.lanes.known)
        perhaps = self.peers.perhaps(rule.peers, policy.cluster)
        yield from self._spelt(perhaps, rule.ports, ports, policy.cluster, self.lanes.perhaps)

    def admin(self, number: int, ports: NamedPorts) -> list[Step]:
        """The same of a cluster-wide policy."""
        of = self._steps.setdefault(number, {})
        if ports not in of:
            policy = self.slots.admin[number]
            assert policy is not None
            rules = policy.ingress if self.ingress else policy.egress
            of[ports] = [s for i, r in enumerate(rules) for s in self._step(policy, (number, i), r, ports)]
        return of[ports]

    def _step(self, policy: AdminPolicy, at: tuple[int, int], rule: AdminRule, ports: NamedPorts) -> Iterator[Step]:
        """A rule, and what it does to those whom it may mean and may not: it lets them through perhaps, denies them perhaps,
        passes them on perhaps."""
        place = policy.tier == "baseline", policy.priority, *at
        meant = self.peers.meant(rule.peers, policy.cluster, "")
        perhaps = self.peers.perhaps(rule.peers, policy.cluster)
        yield Step(place, rule.action, tuple(self._spelt(meant, rule.ports, ports, policy.cluster, self.lanes.known)))
        action, half = self.lanes.doubting(rule.action)
        terms = tuple(self._spelt(perhaps, rule.ports, ports, policy.cluster, half))
        if terms:
            yield Step(place, action, terms)

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
        cluster itself have ports by name, at their own addresses."""
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
            known = self._meanings[key] = np.where(self.columns.public, 0, of_shape[self.columns.shape]), list(masks)
        return known

    def _named_mask(self, port: PolicyPort, ports: NamedPorts) -> int:
        mask = 0
        for name, protocol, number in ports:
            if name == port.port and protocol is port.protocol:
                mask |= self.alphabet.mask(Match(protocol, PortRange(number, number)))
        return mask


def _match(port: PolicyPort) -> Match:
    assert not isinstance(port.port, str)
    return Match(port.protocol) if port.port is None else Match(port.protocol, PortRange(port.port, port.end or port.port))
