"""The rules of an endpoint: NetworkPolicies and Services where it is a pod, and evidence of closed ports everywhere.

Kubernetes translates a Service's address before it asks the egress policies of the client, so translation is at hook
priority -100 and policies are at 0. A pod always reaches itself.
"""

from __future__ import annotations

from collections.abc import Iterable

from budnet.ir.address import Address, Match, PortRange
from budnet.ir.endpoint import ClusterService, Endpoint, EndpointKind, ServicePort
from budnet.ir.filters import BlockPeer, NetworkPolicy, Operator, PodPeer, PolicyPort, PolicyRule, Requirement, Selector
from budnet.ir.network import Network
from budnet.twin import phrases
from budnet.twin.phrases import FAMILY, Marks
from budnet.twin.plan import Chain, Rule, Ruleset

CLOSED = "type filter hook output priority -20; policy accept"
OUT, IN = "type filter hook output priority 0; policy accept", "type filter hook input priority 0; policy accept"
TRANSLATE = "type nat hook output priority -100; policy accept"
# The first answer of a closed TCP port: a reset with sequence number 0. Of a closed UDP port: an ICMP error.
_RESET = "tcp flags & (fin | syn | rst | ack) == rst | ack tcp sequence 0"
_UNREACHABLE = (
    "icmp type destination-unreachable icmp code port-unreachable",
    "icmpv6 type destination-unreachable icmpv6 code port-unreachable",
)


class Endpoints:
    """Rulesets of endpoints; those of a service's replicas are one value, made once."""

    def __init__(self, network: Network, marks: Marks) -> None:
        self.network, self.marks = network, marks
        self._labels = {e.id: dict(e.labels) for e in network.endpoints}
        self._pods = [e for e in network.endpoints if e.kind is EndpointKind.POD]
        self._translation = {c.id: self._translate(c.id) for c in network.clusters}

    def ruleset(self, endpoint: Endpoint) -> Ruleset:
        """Everything that is done at one endpoint."""
        closed = self.marks.log("NOT_LISTENING", "listener", endpoint.id, endpoint.origin)
        chains = [Chain("closed", tuple(Rule(f"{what} {closed}") for what in (_RESET, *_UNREACHABLE)), CLOSED)]
        if endpoint.kind is EndpointKind.POD:
            chains += self._translation.get(endpoint.cluster, ())
            chains += self._isolate(endpoint, ingress=False)
            chains += self._isolate(endpoint, ingress=True)
        return Ruleset((), tuple(chains))

    # ---- policies -------------------------------------------------------------------------------------------------------

    def _isolate(self, pod: Endpoint, ingress: bool) -> list[Chain]:
        policies = [p for p in self.network.policies if self._applies(p, pod, ingress)]
        if not policies:
            return []
        name = "+".join(p.id for p in policies)
        rules = [Rule(f'{"iifname" if ingress else "oifname"} "lo" accept'), Rule("ct state established,related accept")]
        for policy in policies:
            for rule in (policy.ingress if ingress else policy.egress) or ():
                rules += self._rule(policy, rule, pod, ingress)
        disposition = "DENIED_IN" if ingress else "DENIED_OUT"
        rules.append(Rule(self.marks.drop(disposition, "network-policy", name, policies[-1].origin), name))
        return [Chain("in" if ingress else "out", tuple(rules), IN if ingress else OUT)]

    def _applies(self, policy: NetworkPolicy, pod: Endpoint, ingress: bool) -> bool:
        says = policy.ingress if ingress else policy.egress
        return (
            says is not None and policy.cluster == pod.cluster and policy.namespace == pod.namespace
            and _fits(policy.selector, self._labels[pod.id])
        )  # fmt: skip

    def _rule(self, policy: NetworkPolicy, rule: PolicyRule, pod: Endpoint, ingress: bool) -> list[Rule]:
        """A policy rule in nft: each way to say who, times each way to say what."""
        side = "saddr" if ingress else "daddr"
        out = []
        for ports, among in self._ports(rule.ports, pod.cluster, pod if ingress else None):
            out += [Rule(f"{who}{ports}accept", rule.id) for who in self._who(policy, rule, side, among)]
        return out

    def _who(self, policy: NetworkPolicy, rule: PolicyRule, side: str, among: list[Endpoint] | None) -> list[str]:
        """Matches on the peer's address; `among` keeps only some pods, those that have a port of the right name."""
        if not rule.peers:
            return [""] if among is None else self._addresses(side, (a for e in among for a in e.addresses))
        pods = [e for e in self._pods for p in rule.peers if isinstance(p, PodPeer) and self._is_peer(policy, p, e)]
        found = self._addresses(side, (a for e in pods if among is None or e in among for a in e.addresses))
        for block in (p for p in rule.peers if isinstance(p, BlockPeer)):
            if among is not None:
                inside = (a for e in among for a in e.addresses if _in_block(block, a))
                found += self._addresses(side, inside)
                continue
            without = f"{FAMILY[block.prefix.version]} {side} != {phrases.one_of(block.without)} " if block.without else ""
            found.append(phrases.peer(side, block.prefix) + without)
        return found

    def _addresses(self, side: str, addresses: Iterable[Address]) -> list[str]:
        families = phrases.by_family(dict.fromkeys(addresses))
        return [f"{FAMILY[v]} {side} {phrases.one_of(found)} " for v, found in families.items() if found]

    def _is_peer(self, policy: NetworkPolicy, peer: PodPeer, pod: Endpoint) -> bool:
        if pod.cluster != policy.cluster:
            return False
        if peer.namespaces is None:
            return pod.namespace == policy.namespace and _fits(peer.pods, self._labels[pod.id])
        cluster = self.network.cluster[policy.cluster]
        labels = next((dict(n.labels) for n in cluster.namespaces if n.name == pod.namespace), {})
        return _fits(peer.namespaces, labels) and _fits(peer.pods, self._labels[pod.id])

    def _ports(self, ports: tuple[PolicyPort, ...], cluster: str, own: Endpoint | None) -> list[tuple[str, list[Endpoint] | None]]:
        """Matches on the port, each with the pods it holds for (None: all). A named port is looked up on the destination pod."""
        if not ports:
            return [("", None)]
        out: list[tuple[str, list[Endpoint] | None]] = []
        for port in ports:
            if not isinstance(port.port, str):
                out.append((phrases.transport(_number(port)), None))
                continue
            for pod in [own] if own else self._pods_of(cluster):
                named = (x for x in pod.listeners if x.name == port.port and x.protocol is port.protocol)
                out += [(phrases.transport(Match(x.protocol, PortRange(x.port, x.port))), None if own else [pod]) for x in named]
        return out

    def _pods_of(self, cluster: str) -> list[Endpoint]:
        return [p for p in self._pods if p.cluster == cluster]

    # ---- services -------------------------------------------------------------------------------------------------------

    def _translate(self, cluster: str) -> tuple[Chain, ...]:
        """kube-proxy's work for one cluster: from ClusterIP and port to one of the pods behind it."""
        services = [s for s in self.network.services if s.cluster == cluster]
        rules = [r for s in services for port in s.ports for address in s.addresses for r in self._service(s, port, address)]
        return (Chain("translate", tuple(rules), TRANSLATE),) if rules else ()

    def _service(self, service: ClusterService, port: ServicePort, address: Address) -> list[Rule]:
        family, protocol = FAMILY[address.version], port.protocol.name.lower()
        backends = [a for b in service.backends for a in self.network.endpoint[b].addresses if a.version == address.version]
        if not backends:
            return []
        match = f"{family} daddr {address} {protocol} dport {port.port}"
        if len(backends) == 1:
            at = f"[{backends[0]}]" if address.version == 6 else str(backends[0])
            return [Rule(f"{match} dnat {family} to {at}:{port.target}", service.id)]
        choices = phrases.one_of(f"{i} : {a} . {port.target}" for i, a in enumerate(backends))
        return [Rule(f"{match} dnat {family} to numgen random mod {len(backends)} map {choices}", service.id)]


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
