"""The policies of Kubernetes as rules in a pod's own namespace.

The order is that of KEP-2091 and https://network-policy-api.sigs.k8s.io/: cluster-wide policies by priority, the first rule that
matches decides; `Pass` jumps on to NetworkPolicies; where none of those selects the pod, the baseline is asked, and what it does
not decide passes. Policies that are not modelled are not here: what becomes of their packets nobody predicts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import collapse_addresses

from budnet.ir.address import Address, Match, PortRange
from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.filters import (
    Action,
    AdminPolicy,
    AdminRule,
    BlockPeer,
    NamePeer,
    NetworkPolicy,
    NodePeer,
    Operator,
    PodPeer,
    PolicyPort,
    PolicyRule,
    Requirement,
    Selector,
)
from budnet.ir.network import Network
from budnet.twin import phrases
from budnet.twin.phrases import FAMILY, Marks
from budnet.twin.plan import Chain, Rule

OUT, IN = "type filter hook output priority 0; policy accept", "type filter hook input priority 0; policy accept"
Peer = PodPeer | BlockPeer | NodePeer | NamePeer


class Policies:
    """Chains of pods; each selector is looked at once."""

    def __init__(self, network: Network, marks: Marks) -> None:
        self.network, self.marks = network, marks
        self._labels = {e.id: dict(e.labels) for e in network.endpoints}
        # what is on its node's network has the node's address, and no policy means it by its labels
        self._pods = [e for e in network.endpoints if e.kind is EndpointKind.POD and not e.host_network]
        self._on = dict(network.pods_on)
        self._spaces = {(c.id, n.name): dict(n.labels) for c in network.clusters for n in c.namespaces}

    def chains(self, pod: Endpoint, ingress: bool) -> list[Chain]:
        """What one direction of a pod is asked; none where no policy selects it."""
        if pod.host_network:
            return []
        admin = [
            p for p in self.network.admin_policies if (p.ingress if ingress else p.egress) and self._selects(p.subject, p.cluster, "", pod)
        ]
        policies = [p for p in self.network.policies if self._applies(p, pod, ingress)]
        if not admin and not policies:
            return []
        name = "+".join([*(p.id for p in admin), *(p.id for p in policies)])
        way, behind = ("in", "in_behind") if ingress else ("out", "out_behind")
        origin = policies[-1].origin if policies else admin[-1].origin
        drop = self.marks.drop("DENIED_IN" if ingress else "DENIED_OUT", "network-policy", name, origin)
        rules = [Rule(f'{"iifname" if ingress else "oifname"} "lo" accept'), Rule("ct state established,related accept")]
        last = [Rule(f"{who}accept", name) for who in self._own_node(pod, "saddr" if ingress else "daddr")]
        last += [r for p in policies for rule in (p.ingress if ingress else p.egress) or () for r in self._rule(p, rule, pod, ingress)]
        last += [Rule(drop, name)] if policies else self._tier(admin, "baseline", pod, ingress, drop, "accept")
        if not admin:
            return [Chain(way, (*rules, *last), IN if ingress else OUT)]
        rules += self._tier(admin, "admin", pod, ingress, drop, f"goto {behind}")
        return [Chain(way, (*rules, Rule(f"goto {behind}")), IN if ingress else OUT), Chain(behind, tuple(last))]

    def _applies(self, policy: NetworkPolicy, pod: Endpoint, ingress: bool) -> bool:
        says = policy.ingress if ingress else policy.egress
        return says is not None and self._selects(PodPeer(policy.selector), policy.cluster, policy.namespace, pod)

    def _own_node(self, pod: Endpoint, side: str) -> list[str]:
        """The node that a pod runs on, which no NetworkPolicy keeps away from it. Pods on its network have its address."""
        node = self._on.get(pod.id)
        there = (e for e in self.network.endpoints if node and (e.id == node or (e.host_network and self._on.get(e.id) == node)))
        return self._addresses(side, (a for e in there for a in e.addresses))

    # ---- rules ----------------------------------------------------------------------------------------------------------

    def _tier(self, policies: Iterable[AdminPolicy], tier: str, pod: Endpoint, ingress: bool, drop: str, onward: str) -> list[Rule]:
        """The rules of one tier, lower priorities first; `onward` is what `Pass` does."""
        verdicts = {Action.ACCEPT: "accept", Action.DENY: drop, Action.PASS: onward}
        return [
            Rule(f"{who}{verdicts[rule.action]}", rule.id)
            for policy in sorted(policies, key=lambda p: p.priority) if policy.tier == tier
            for rule in (policy.ingress if ingress else policy.egress) if rule.peers
            for who in self._matches(policy.cluster, "", rule, pod, ingress)
        ]  # fmt: skip

    def _rule(self, policy: NetworkPolicy, rule: PolicyRule, pod: Endpoint, ingress: bool) -> list[Rule]:
        return [Rule(f"{who}accept", rule.id) for who in self._matches(policy.cluster, policy.namespace, rule, pod, ingress)]

    def _matches(self, cluster: str, namespace: str, rule: PolicyRule | AdminRule, pod: Endpoint, ingress: bool) -> Iterator[str]:
        """A rule in nft: each way to say who, times each way to say what."""
        side = "saddr" if ingress else "daddr"
        for ports, among in self._ports(rule.ports, cluster, pod if ingress else None):
            for who in self._who(cluster, namespace, rule.peers, side, among):
                yield who + ports

    def _who(self, cluster: str, namespace: str, peers: Iterable[Peer], side: str, among: list[Endpoint] | None) -> list[str]:
        """Matches on the peer's address; `among` keeps only some pods, those that have a port of the right name."""
        if not peers:
            return [""] if among is None else self._addresses(side, (a for e in among for a in e.addresses))
        pods = [e for e in self._pods for p in peers if isinstance(p, PodPeer) and self._selects(p, cluster, namespace, e)]
        found = self._addresses(side, (a for e in pods if among is None or e in among for a in e.addresses))
        for peer in peers:
            if isinstance(peer, NodePeer) and among is None:  # a node has no ports by name
                found += self._addresses(side, (a for e in self._nodes(cluster, peer) for a in e.addresses))
            elif isinstance(peer, BlockPeer):
                found += self._block(peer, side, among)
        return found

    def _block(self, block: BlockPeer, side: str, among: list[Endpoint] | None) -> list[str]:
        if among is not None:
            return self._addresses(side, (a for e in among for a in e.addresses if _in_block(block, a)))
        parts = collapse_addresses(block.without)  # type: ignore[type-var]  # a set of nftables takes no ranges that overlap
        without = f"{FAMILY[block.prefix.version]} {side} != {phrases.one_of(parts)} " if block.without else ""
        return [phrases.peer(side, block.prefix) + without]

    def _nodes(self, cluster: str, peer: NodePeer) -> Iterator[Endpoint]:
        for e in self.network.endpoints:
            if e.kind is EndpointKind.HOST and e.cluster == cluster and _fits(peer.nodes, self._labels[e.id]):
                yield e

    def _addresses(self, side: str, addresses: Iterable[Address]) -> list[str]:
        families = phrases.by_family(dict.fromkeys(addresses))
        return [f"{FAMILY[v]} {side} {phrases.one_of(found)} " for v, found in families.items() if found]

    def _selects(self, peer: PodPeer, cluster: str, namespace: str, pod: Endpoint) -> bool:
        """Whether a pod is meant. Without `namespaces` those of the policy's own; a cluster-wide one has none (`namespace` empty)."""
        if pod.cluster != cluster or pod.host_network:
            return False
        if peer.namespaces is None and namespace:
            return pod.namespace == namespace and _fits(peer.pods, self._labels[pod.id])
        return _fits(peer.namespaces or (), self._spaces.get((cluster, pod.namespace), {})) and _fits(peer.pods, self._labels[pod.id])

    def _ports(self, ports: tuple[PolicyPort, ...], cluster: str, own: Endpoint | None) -> list[tuple[str, list[Endpoint] | None]]:
        """Matches on the port, each with the pods it holds for (None: all). A named port is looked up on the destination pod."""
        if not ports:
            return [("", None)]
        out: list[tuple[str, list[Endpoint] | None]] = []
        for port in ports:
            if not isinstance(port.port, str):
                out.append((phrases.transport(_number(port)), None))
                continue
            for pod in [own] if own else [p for p in self._pods if p.cluster == cluster]:
                named = (x for x in pod.listeners if x.name == port.port and x.protocol is port.protocol)
                out += [(phrases.transport(Match(x.protocol, PortRange(x.port, x.port))), None if own else [pod]) for x in named]
        return out


def _number(port: PolicyPort) -> Match:
    if not isinstance(port.port, int):
        return Match(port.protocol)
    return Match(port.protocol, PortRange(port.port, port.end or port.port))


def _in_block(block: BlockPeer, address: Address) -> bool:
    inside = [p for p in (block.prefix, *block.without) if p.version == address.version and address in p]
    return block.prefix in inside and len(inside) == 1


def _fits(selector: Selector, labels: dict[str, str]) -> bool:
    return all(_requirement(r, labels) for r in selector)


def _requirement(r: Requirement, labels: dict[str, str]) -> bool:
    if r.operator is Operator.IN:
        return labels.get(r.key) in r.values
    if r.operator is Operator.NOT_IN:
        return labels.get(r.key) not in r.values
    return (r.key in labels) is (r.operator is Operator.EXISTS)
