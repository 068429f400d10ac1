"""Kubernetes NetworkPolicies: everything denied in every namespace, and one policy for every service that runs as pods.

Rules name pod ports, never Service ports, because a Service is translated before a policy is asked. Peers in the same
cluster are named by labels that pods really have; everybody else by address.
"""

from __future__ import annotations

from ipaddress import ip_network

from budnet.ir.address import EVERYWHERE, Match, Prefix, Protocol, single
from budnet.ir.endpoint import Cluster, Endpoint, EndpointKind
from budnet.ir.filters import BlockPeer, NetworkPolicy, Operator, PodPeer, PolicyPort, PolicyRule, Requirement, Selector
from budnet.ir.intent import Flow, Side
from budnet.ir.origin import BUILT_IN, Origin
from budnet.resolve import mesh
from budnet.resolve.draft import Draft

NAMESPACE_LABEL = "kubernetes.io/metadata.name"
Peer = PodPeer | BlockPeer
# What a pod must not reach by a rule for the internet: the private ranges, and with them link-local and its metadata.
_NEVER_OUT: dict[int, tuple[str, ...]] = {
    4: ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"),
    6: ("fc00::/7", "fe80::/10"),
}


Rules = dict[tuple[tuple[Peer, ...], tuple[PolicyPort, ...]], Origin]
ByEnd = dict[str, list[Flow]]


def policies(draft: Draft) -> None:
    """The pass."""
    begins, ends = _by_end(draft)
    for cluster in draft.clusters:
        for namespace in cluster.namespaces:
            name = f"{cluster.id}/{namespace.name}/default-deny"
            draft.policies.append(NetworkPolicy(name, cluster.id, namespace.name, (), (), (), cluster.origin))
        first = {e.service: e for e in reversed(draft.endpoints) if e.cluster == cluster.id}
        for service in dict.fromkeys(e.service for e in draft.endpoints if e.cluster == cluster.id):
            # a flow names all replicas of a service in a network, or none: the first one stands for them
            pod = first[service]
            draft.policies.append(_policy(draft, cluster, pod, begins.get(pod.id, []), ends.get(pod.id, [])))


def _by_end(draft: Draft) -> tuple[ByEnd, ByEnd]:
    """Flows by the endpoints that they begin and end at."""
    begins: ByEnd = {}
    ends: ByEnd = {}
    for flow in draft.walked:
        for index, side in ((begins, flow.sources), (ends, flow.destinations)):
            for endpoint in side.endpoints:
                index.setdefault(endpoint, []).append(flow)
    return begins, ends


def _policy(draft: Draft, cluster: Cluster, pod: Endpoint, begins: list[Flow], ends: list[Flow]) -> NetworkPolicy:
    name = f"{cluster.id}/{pod.namespace}/{pod.service}"
    ingress: Rules = {}
    egress: Rules = {}
    for flow in ends:
        ingress.setdefault((_peers(draft, cluster, flow.sources, flow), (_port(flow.match),)), flow.origin)
    for flow in begins:
        if flow.origin is not BUILT_IN:
            egress.setdefault((_peers(draft, cluster, flow.destinations, flow), (_port(flow.match),)), flow.origin)
    dns = tuple(PolicyPort(protocol, 53) for protocol in (Protocol.UDP, Protocol.TCP))
    resolver = tuple(BlockPeer(single(a)) for v in draft.vpcs if v.id == cluster.vpc for a in v.resolver)
    egress.setdefault((resolver, dns), BUILT_IN)
    labels = _selector(app=dict(pod.labels)["app"])
    return NetworkPolicy(name, cluster.id, pod.namespace, labels, _rules(name, "in", ingress), _rules(name, "out", egress), pod.origin)


def _port(match: Match) -> PolicyPort:
    end = match.ports.last if match.ports.last != match.ports.first else None
    return PolicyPort(match.protocol or Protocol.TCP, match.ports.first, end)


def _peers(draft: Draft, cluster: Cluster, side: Side, flow: Flow) -> tuple[Peer, ...]:
    """One side of a flow as this cluster's policies can say it."""
    out: dict[Peer, None] = {}
    endpoints = {e.id: e for e in draft.endpoints}
    for endpoint in (endpoints[e] for e in side.endpoints):
        if endpoint.kind is EndpointKind.POD and endpoint.cluster == cluster.id:
            out[_pod_peer(endpoint, flow)] = None
        elif endpoint.kind is EndpointKind.POD:
            # pods of another cluster have no labels here, and their addresses come and go within their tier
            out.update({BlockPeer(p): None for p in draft.subnet(endpoint.subnet).prefixes})
        elif endpoint.kind is not EndpointKind.EXTERNAL:
            out.update({BlockPeer(single(a)): None for a in endpoint.addresses})
    if side.prefixes:
        families = {p.version for v in draft.vpcs if v.id == cluster.vpc for p in v.prefixes}
        out.update({_outside(draft, p): None for p in EVERYWHERE if p.version in families})
    return tuple(out)


def _outside(draft: Draft, everywhere: Prefix) -> BlockPeer:
    """The internet: everything but the private ranges and what is ours."""
    without: list[Prefix] = [ip_network(p) for p in _NEVER_OUT[everywhere.version]]
    for prefix in (p for v in draft.vpcs for p in v.prefixes if p.version == everywhere.version):
        if not any(prefix.subnet_of(w) for w in without):  # type: ignore[arg-type]
            without.append(prefix)
    return BlockPeer(everywhere, tuple(without))


def _pod_peer(pod: Endpoint, flow: Flow) -> PodPeer:
    labels = dict(pod.labels)
    by_mesh = flow.match.ports.first == mesh.PORT and mesh.APP_ID in labels
    pods = ((mesh.APP_ID, labels[mesh.APP_ID]),) if by_mesh else (("app", labels["app"]),)
    return PodPeer(tuple(Requirement(k, Operator.IN, (v,)) for k, v in pods), _selector(**{NAMESPACE_LABEL: pod.namespace}))


def _selector(**labels: str) -> Selector:
    return tuple(Requirement(k, Operator.IN, (v,)) for k, v in labels.items())


def _rules(name: str, direction: str, rules: dict[tuple[tuple[Peer, ...], tuple[PolicyPort, ...]], Origin]) -> tuple[PolicyRule, ...]:
    return tuple(
        PolicyRule(f"{name}:{direction}:{i}", peers, ports, origin) for i, ((peers, ports), origin) in enumerate(rules.items()) if peers
    )
