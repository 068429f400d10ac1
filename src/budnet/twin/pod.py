"""The rules of an endpoint: NetworkPolicies and Services where it is a pod, and evidence of closed ports everywhere.

Kubernetes translates a Service's address before it asks the egress policies of the client, so translation is at hook
priority -100 and policies are at 0. A pod always reaches itself.
"""

from __future__ import annotations

from budnet.ir.address import Address
from budnet.ir.endpoint import ClusterService, Endpoint, EndpointKind, ServicePort
from budnet.ir.network import Network
from budnet.twin import phrases
from budnet.twin.phrases import FAMILY, Marks
from budnet.twin.plan import Chain, Rule, Ruleset
from budnet.twin.policies import Policies

CLOSED = "type filter hook output priority -20; policy accept"
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
        self._policies = Policies(network, marks)
        self._translation = {c.id: self._translate(c.id) for c in network.clusters}

    def ruleset(self, endpoint: Endpoint) -> Ruleset:
        """Everything that is done at one endpoint."""
        closed = self.marks.log("NOT_LISTENING", "listener", endpoint.id, endpoint.origin)
        chains = [Chain("closed", tuple(Rule(f"{what} {closed}") for what in (_RESET, *_UNREACHABLE)), CLOSED)]
        if endpoint.kind is EndpointKind.POD:
            chains += self._translation.get(endpoint.cluster, ())
            chains += self._policies.chains(endpoint, ingress=False)
            chains += self._policies.chains(endpoint, ingress=True)
        return Ruleset((), tuple(chains))

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
