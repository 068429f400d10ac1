"""What the policies of Kubernetes let through between one pod and one peer: the meaning, one pair at a time.

`reach/table/rows.py` says the same for all pairs at once, and is tested to be equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_network
from typing import TYPE_CHECKING

from msgspec import Struct

from budnet.ir.address import EVERYWHERE
from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.filters import (
    Action,
    AdminPolicy,
    AdminRule,
    BlockPeer,
    NamePeer,
    NetworkPolicy,
    NodePeer,
    PodPeer,
    PolicyPort,
    PolicyRule,
    UnknownPolicy,
)
from budnet.packets.addresses import AddressSet
from budnet.reach import semantics
from budnet.reach.nodes import Nodes
from budnet.reach.points import Point, PointKind
from budnet.reach.semantics import NO, PERHAPS, YES
from budnet.reach.tiers import Lanes, Rules, decide, doubted

if TYPE_CHECKING:
    from budnet.reach.engine import Engine

PODS_ARE_GIVEN = AddressSet.of(ip_network(p) for p in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"))
"""Where the address of a pod is not known it is one of these (RFC 1918, RFC 6598, RFC 4193)."""


class Admission(Struct, frozen=True):
    """What passes in any case, what may pass, and the policies that were asked (none: everything passes)."""

    passes: int
    perhaps: int
    policies: tuple[NetworkPolicy | AdminPolicy | UnknownPolicy, ...]
    """Those as well that are about the pod only perhaps."""
    name: str = ""
    """Of those that are in any case, or else of all."""


def _name(policies: Iterable[NetworkPolicy | AdminPolicy | UnknownPolicy]) -> str:
    return "+".join(p.id for p in policies)


def covers(block: BlockPeer) -> bool:
    """Whether a prefix has every address that a pod of its family could have."""
    return not (_of_family(block) - _addresses(block))


def covers_partly(block: BlockPeer) -> bool:
    """Whether a prefix has some of these addresses, and not all of them."""
    return bool(_of_family(block) & _addresses(block)) and not covers(block)


def _of_family(block: BlockPeer) -> AddressSet:
    return PODS_ARE_GIVEN & AddressSet.of([EVERYWHERE[block.prefix.version == 6]])


def _addresses(block: BlockPeer) -> AddressSet:
    return AddressSet.of([block.prefix]) - AddressSet.of(block.without)


class Admissions:
    """Answers for one Network."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.network = engine, engine.network
        self.lanes = Lanes(engine.alphabet.all, unknown=True)
        self.nodes = Nodes(engine.network)
        self._known: dict[tuple[str, int, bool], Admission] = {}

    def between(self, pod: Endpoint, peer: Point, ingress: bool) -> Admission:
        """What passes between a pod and a peer; `ingress`: towards the pod."""
        known = self._known.get((pod.id, peer.index, ingress))
        if known is None:
            known = self._known[pod.id, peer.index, ingress] = self._between(pod, peer, ingress)
        return known

    def _between(self, pod: Endpoint, peer: Point, ingress: bool) -> Admission:
        if pod.kind is not EndpointKind.POD or pod.host_network:
            return Admission(self.engine.alphabet.all, 0, ())
        unknown = [
            p for p in self.network.unknown_policies if (p.ingress if ingress else p.egress) and self._about(p.subject, pod, p.cluster)
        ]
        policies = self.engine.selecting(pod, ingress)
        admin = [p for p in self.network.admin_policies if (p.ingress if ingress else p.egress) and self._about(p.subject, pod, p.cluster)]
        asked: tuple[NetworkPolicy | AdminPolicy | UnknownPolicy, ...] = (*admin, *policies, *unknown)
        if unknown:
            return Admission(0, self.engine.alphabet.all, asked, _name(asked))
        own_node = self.nodes.together(pod, peer.endpoint if peer.kind is PointKind.INTERFACE else None)
        allowed = self.lanes.all if own_node else 0
        for policy in policies:
            for rule in (policy.ingress if ingress else policy.egress) or ():
                allowed |= self.rule(rule, policy.cluster, policy.namespace, pod, peer, ingress)
        mask = decide(self.lanes, self._groups(admin, "admin", pod, peer, ingress), bool(policies), allowed,
                      self._groups(admin, "baseline", pod, peer, ingress))  # fmt: skip
        if own_node is not False:
            mask |= self.lanes.perhaps(self.engine.alphabet.all)
        sure = [p for p in admin if self._about(p.subject, pod, p.cluster) == YES]
        return Admission(self.lanes.certain(mask), self.lanes.doubtful(mask), asked, _name([*sure, *policies] or asked))

    def rule(self, rule: PolicyRule, cluster: str, namespace: str, pod: Endpoint, peer: Point, ingress: bool) -> int:
        """What one rule of a NetworkPolicy lets through, in both lanes."""
        fits = max((self._fits(p, cluster, namespace, peer) for p in rule.peers), default=YES)
        ports = self._ports(rule.ports, cluster, pod, peer, ingress)
        return (0, self.lanes.perhaps(ports), self.lanes.known(ports))[fits]

    def hits(self, rule: AdminRule, policy: AdminPolicy, pod: Endpoint, peer: Point, ingress: bool) -> int:
        """Which ports a rule of a cluster-wide policy is about in any case."""
        fits = self._fits_both(rule, policy, pod, peer)
        return self._ports(rule.ports, policy.cluster, pod, peer, ingress) if fits == YES else 0

    def touches(self, rule: AdminRule, policy: AdminPolicy, pod: Endpoint, peer: Point, ingress: bool) -> int:
        """Which ports a rule of a cluster-wide policy is about in any case, or may be."""
        fits = self._fits_both(rule, policy, pod, peer)
        return self._ports(rule.ports, policy.cluster, pod, peer, ingress) if fits != NO else 0

    @staticmethod
    def is_selectable(endpoint: Endpoint) -> bool:
        """Whether policies select somebody by labels: pods with an address of their own."""
        return endpoint.kind is EndpointKind.POD and not endpoint.host_network

    def _groups(self, policies: Iterable[AdminPolicy], tier: str, pod: Endpoint, peer: Point, ingress: bool) -> list[list[Rules]]:
        """The policies of a tier by priority, each with those of its rules that fit the peer."""
        found: dict[int, list[Rules]] = {}
        for policy in sorted(policies, key=lambda p: p.priority):
            if policy.tier == tier:
                rules = [
                    r for rule in (policy.ingress if ingress else policy.egress) for r in self._admin(rule, policy, pod, peer, ingress)
                ]
                sure = self._about(policy.subject, pod, policy.cluster) == YES
                found.setdefault(policy.priority, []).append(rules if sure else doubted(self.lanes, rules))
        return list(found.values())

    def _admin(
        self, rule: AdminRule, policy: AdminPolicy, pod: Endpoint, peer: Point, ingress: bool
    ) -> Iterator[tuple[Action | None, int]]:
        """A rule with what it matches. Whom it may mean and may not, it lets through, denies or passes on perhaps."""
        fits = max((self._fits(p, policy.cluster, "", peer) for p in rule.peers), default=NO)
        ports = self._ports(rule.ports, policy.cluster, pod, peer, ingress)
        if fits == YES:
            yield rule.action, self.lanes.known(ports)
        if fits == PERHAPS:
            action, half = self.lanes.doubting(rule.action)
            yield action, half(ports)

    # ---- peers and ports ------------------------------------------------------------------------------------------------

    def _about(self, subject: PodPeer, pod: Endpoint, cluster: str) -> int:
        return self._is_pod(subject, cluster, "", pod) if pod.cluster == cluster else NO

    def _fits_both(self, rule: AdminRule, policy: AdminPolicy, pod: Endpoint, peer: Point) -> int:
        """Whether a rule is about a pod, as its policy's subject, and a peer."""
        fits = max((self._fits(p, policy.cluster, "", peer) for p in rule.peers), default=NO)
        return min(fits, self._about(policy.subject, pod, policy.cluster))

    def _fits(self, peer: PodPeer | BlockPeer | NodePeer | NamePeer, cluster: str, namespace: str, point: Point) -> int:
        if isinstance(peer, NamePeer):
            return PERHAPS if point.kind is PointKind.OUTSIDE else NO
        if isinstance(peer, BlockPeer):
            if point.known:
                return YES if semantics.block_contains(peer, point.address) else NO
            if point.address.version != peer.prefix.version:
                return NO
            return YES if covers(peer) else PERHAPS if covers_partly(peer) else NO
        endpoint = point.endpoint if point.kind is PointKind.INTERFACE else None
        if endpoint is None or endpoint.cluster != cluster:
            return NO
        if isinstance(peer, NodePeer):
            return self._on_node(peer, endpoint, point)
        return self._is_pod(peer, cluster, namespace, endpoint)

    def _on_node(self, peer: NodePeer, endpoint: Endpoint, point: Point) -> int:
        """Nodes are meant by their addresses, which hostNetwork pods have as well."""
        hosts = (e for e in self.network.endpoints if e.kind is EndpointKind.HOST and e.cluster == endpoint.cluster)
        nodes = [e for e in hosts if semantics.selects(peer.nodes, self.engine.labels(e))]
        if endpoint in nodes or (point.known and any(point.address in e.addresses for e in nodes)):
            return YES
        return PERHAPS if nodes and endpoint.host_network and not point.known else NO

    def _is_pod(self, peer: PodPeer, cluster: str, namespace: str, pod: Endpoint) -> int:
        """Whether labels mean a pod; without `namespaces` those of the policy's own, or, of a cluster-wide one, of all."""
        if pod.host_network:
            return NO
        place = semantics.PolicyPlace(cluster, namespace or pod.namespace)
        return semantics.pod_matches(peer, pod, self.engine.labels(pod), self.engine.space(pod), place)

    def _ports(self, written: tuple[PolicyPort, ...], cluster: str, pod: Endpoint, peer: Point, ingress: bool) -> int:
        """A port's name means what the connection's destination calls so; only pods of the cluster have such names."""
        if not written:
            return self.engine.alphabet.all
        target = pod if ingress else self.engine.pod_at(peer.index, cluster)
        mask = 0
        for port in written:
            for found in semantics.policy_ports(port, target):
                mask |= self.engine.alphabet.mask(found)
        return mask
