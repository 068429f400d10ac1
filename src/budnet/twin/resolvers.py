"""What each name server of the twin is told, and which one each node asks."""

from __future__ import annotations

from collections.abc import Sequence

from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.names import PUBLIC_VIEW
from budnet.ir.network import Network
from budnet.twin.nameserver import Zone
from budnet.twin.process import Process
from budnet.twin.servers import dnsmasq
from budnet.twin.tools import Tools

NDOTS = 5
"""Names with fewer dots are looked for in the search list first (Kubernetes' default for pods)."""


def view_of(endpoint: Endpoint) -> str:
    """The view that a name server answers from."""
    return endpoint.vpc if endpoint.kind is EndpointKind.RESOLVER else PUBLIC_VIEW


def process(tools: Tools, network: Network, endpoint: Endpoint, forward: Sequence[tuple[str, str]] = ()) -> Process:
    """The real name server at an endpoint; the public one leaves the zones of `forward` to another. Raises Missing."""
    view = view_of(endpoint)
    records = [dnsmasq.Record(r.name, r.kind, r.data, r.ttl) for r in network.records if r.view == view]
    others = forward if view == PUBLIC_VIEW else ()
    zones = domains(network, view)
    return dnsmasq.resolver(tools, name=endpoint.id, namespace=endpoint.id, records=records, zones=zones, forward=others)


def zone(network: Network, endpoint: Endpoint) -> Zone:
    """What our own name server knows, where the real one is missing."""
    view = view_of(endpoint)
    records: dict[str, list[tuple[str, str, int]]] = {}
    for record in network.records:
        if record.view == view:
            records.setdefault(record.name, []).append((record.kind, record.data, record.ttl))
    return Zone(records, domains(network, view))


def domains(network: Network, view: str) -> tuple[str, ...]:
    """Of these a view knows all there is: its zones, and each host outside them that it has a record for."""
    zones = {z.name for z in network.zones if z.view == view}
    outside = (r.name for r in network.records if r.view == view and not _inside(r.name, zones))
    return tuple(dict.fromkeys([*(z.name for z in network.zones if z.view == view), *outside]))


def _inside(name: str, zones: set[str]) -> bool:
    parts = name.split(".")
    return any(".".join(parts[i:]) in zones for i in range(len(parts)))


def resolv_conf(network: Network, endpoint: Endpoint) -> str:
    """A node's /etc/resolv.conf: a pod's as the kubelet writes it, a machine's with the server of its VPC, outside the public one."""
    server = network.endpoint.get(f"{endpoint.vpc}/resolver" if endpoint.vpc else "internet/name-server")
    families = {a.version for a in endpoint.addresses}
    lines = [f"nameserver {a}" for a in (server.addresses if server else ()) if a.version in families]
    if endpoint.cluster and endpoint.namespace:
        domain = network.cluster[endpoint.cluster].domain
        lines += [f"search {endpoint.namespace}.svc.{domain} svc.{domain} {domain}", f"options ndots:{NDOTS}"]
    return "".join(f"{line}\n" for line in lines)
