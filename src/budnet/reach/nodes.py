"""Traffic between a pod and the node that it runs on, which no NetworkPolicy stops.

"Traffic to and from the node where a Pod is running is always allowed, regardless of the IP address of the Pod or the node"
(https://kubernetes.io/docs/concepts/services-networking/network-policies/). Pods on a node's network are that node. Of the
cluster-wide kinds nobody says it, so where one of those denies it, it is not known. Where a pod runs is not known before it does.
"""

from __future__ import annotations

from budnet.ir.address import Address
from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.network import Network

SOMEWHERE = "?"
"""On some node, and on which is not known."""
NOWHERE = ""
"""Of whom there is no such question."""


class Nodes:
    """On which node everybody of a cluster is. Networks with VPCs place no pods."""

    def __init__(self, network: Network) -> None:
        self._placed = dict(network.pods_on)
        self._at: dict[tuple[str, Address], str] = {}
        self.any = False
        """Whether anybody is a node, or on its network."""
        for e in () if network.vpcs else network.endpoints:
            if e.cluster and is_host(e):
                self.any = True
                if e.kind is EndpointKind.HOST:
                    self._at |= {(e.cluster, a): e.id for a in e.addresses}

    def of(self, endpoint: Endpoint) -> str:
        """The id of a node; of one that has no endpoint of its own, too."""
        if not self.any or not endpoint.cluster or not (endpoint.kind is EndpointKind.POD or is_host(endpoint)):
            return NOWHERE
        if endpoint.kind is EndpointKind.HOST:
            return endpoint.id
        known = self._placed.get(endpoint.id)
        if known is None and endpoint.host_network:
            known = next((self._at[endpoint.cluster, a] for a in endpoint.addresses if (endpoint.cluster, a) in self._at), None)
        return known or SOMEWHERE

    def together(self, pod: Endpoint, peer: Endpoint | None) -> bool | None:
        """Whether a peer is the node of a pod; None where that is not known."""
        if not self.any or peer is None or not is_host(peer) or peer.cluster != pod.cluster:
            return False
        here, there = self.of(pod), self.of(peer)
        return None if SOMEWHERE in (here, there) else here == there


def is_host(endpoint: Endpoint) -> bool:
    """Whether an endpoint speaks by a node's address."""
    return endpoint.kind is EndpointKind.HOST or (endpoint.kind is EndpointKind.POD and endpoint.host_network)
