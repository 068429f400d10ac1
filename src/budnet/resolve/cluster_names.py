"""What a cluster's DNS answers by itself, and the zones of which every view knows all there is.

For Services of a cluster: Kubernetes DNS-Based Service Discovery, version 1.1.0 (kubernetes/dns, docs/specification.md).
For those that clusters share: Multi-Cluster Services DNS (KEP-1645, specification.md). Both want no records for pods by
themselves, so there are none.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from budnet.ir.address import Address, Prefix
from budnet.ir.endpoint import Cluster, ClusterService, Endpoint
from budnet.ir.names import CLUSTERSET, PUBLIC_VIEW, TTL, Record, Zone
from budnet.ir.origin import BUILT_IN, Origin
from budnet.resolve.draft import Draft
from budnet.resolve.outside import NAME_SERVER as PUBLIC_SERVER

VERSION, CLUSTERSET_VERSION = "1.1.0", "1.0.0"
"""Of the specifications, which every zone says of itself."""
NAME_SERVER = "ns.dns"
"""What the name server of a zone is called in it, as CoreDNS does."""


def cluster_names(draft: Draft) -> None:
    """The pass."""
    by_id = {e.id: e for e in draft.endpoints}
    for cluster in draft.clusters:
        draft.records.append(Record(cluster.vpc, f"dns-version.{cluster.domain}", "TXT", VERSION, cluster.origin))
        services = [s for s in draft.services if s.cluster == cluster.id]
        if any(s.zone == CLUSTERSET for s in services):
            draft.records.append(Record(cluster.vpc, f"dns-version.{CLUSTERSET}", "TXT", CLUSTERSET_VERSION, cluster.origin))
        for service in services:
            pods = [by_id[b] for b in service.backends]
            draft.records += _headless(cluster, service, pods) if service.headless else _with_address(cluster, service)
    _zones(draft)


def _with_address(cluster: Cluster, service: ClusterService) -> Iterator[Record]:
    """Section 2.3: A and AAAA to the ClusterIP, SRV for named ports, and the way back."""
    yield from to_addresses(cluster.vpc, service.host, service.addresses, service.origin)
    for port in service.ports:
        if port.name:
            label = f"_{port.name}._{port.protocol.name.lower()}.{service.host}"
            yield Record(cluster.vpc, label, "SRV", f"0 100 {port.port} {service.host}", service.origin)
    for address in service.addresses:
        yield Record(cluster.vpc, address.reverse_pointer, "PTR", service.host, service.origin)


def _headless(cluster: Cluster, service: ClusterService, pods: list[Endpoint]) -> Iterator[Record]:
    """Section 2.4: every pod that is ready, under the Service's name and under its own; SRV at the port of the pod.

    A name that two clusters share has the cluster in the pod's name. The way back belongs to the pod's own cluster.
    """
    shared = service.zone == CLUSTERSET
    numbers: dict[str, int] = {}
    for pod in pods:
        numbers[pod.cluster] = numbers.get(pod.cluster, -1) + 1
        for label, addresses in _labels(service, pod, numbers[pod.cluster]):
            host = f"{label}.{pod.cluster}.{service.host}" if shared else f"{label}.{service.host}"
            yield from to_addresses(cluster.vpc, service.host, addresses, service.origin)
            yield from to_addresses(cluster.vpc, host, addresses, service.origin)
            for port in service.ports:
                if port.name:
                    name = f"_{port.name}._{port.protocol.name.lower()}.{service.host}"
                    yield Record(cluster.vpc, name, "SRV", f"0 100 {port.target} {host}", service.origin)
            for address in addresses if pod.service == service.name and not shared else ():
                yield Record(cluster.vpc, address.reverse_pointer, "PTR", host, service.origin)


def _labels(service: ClusterService, pod: Endpoint, number: int) -> Iterator[tuple[str, tuple[Address, ...]]]:
    """What a pod is called, with its addresses: in a Service of its own by name and number, as a StatefulSet does it.

    Elsewhere it has no hostname, and every address is called after itself, as CoreDNS does it.
    """
    if pod.service == service.name:
        yield f"{service.name}-{number}", pod.addresses
    else:
        yield from ((str(a).replace(".", "-").replace(":", "-"), (a,)) for a in pod.addresses)


def to_addresses(view: str, name: str, addresses: tuple[Address, ...], origin: Origin, ttl: int | None = None) -> Iterator[Record]:
    """A and AAAA records."""
    for address in addresses:
        kind = "A" if address.version == 4 else "AAAA"
        yield Record(view, name, kind, str(address), origin) if ttl is None else Record(view, name, kind, str(address), origin, ttl)


# ---- zones ------------------------------------------------------------------------------------------------------------


def _zones(draft: Draft) -> None:
    clusters = {c.vpc: c for c in draft.clusters}
    for vpc in draft.vpcs:
        found = {draft.topology.domain: BUILT_IN}
        ranges = list(vpc.prefixes)
        if vpc.id in clusters:
            cluster = clusters[vpc.id]
            ranges += cluster.services
            found[cluster.domain] = cluster.origin
            if any(s.zone == CLUSTERSET for s in draft.services if s.cluster == cluster.id):
                found[CLUSTERSET] = cluster.origin
        for name, origin in found.items():
            _zone(draft, Zone(vpc.id, name, origin), vpc.resolver)
        reverse = {name: vpc.origin for prefix in ranges for name in reverse_zones(prefix)}
        draft.zones += [Zone(vpc.id, name, origin) for name, origin in reverse.items()]
    server = next((e for e in draft.endpoints if e.id == PUBLIC_SERVER), None)
    _zone(draft, Zone(PUBLIC_VIEW, draft.topology.domain, BUILT_IN), server.addresses if server else ())


def _zone(draft: Draft, zone: Zone, server: tuple[Address, ...]) -> None:
    """With what every zone has at its head: where it begins, and who answers for it (RFC 1034, section 4.2.1)."""
    host = f"{NAME_SERVER}.{zone.name}"
    times = f"1 7200 1800 86400 {TTL}"
    draft.zones.append(zone)
    draft.records.append(Record(zone.view, zone.name, "SOA", f"{host} hostmaster.{zone.name} {times}", zone.origin))
    draft.records.append(Record(zone.view, zone.name, "NS", host, zone.origin))
    draft.records += to_addresses(zone.view, host, server, zone.origin)


def reverse_zones(prefix: Prefix) -> Iterator[str]:
    """The zones below in-addr.arpa or ip6.arpa that hold exactly a prefix: a label is eight bits, or four of IPv6."""
    bits = 8 if prefix.version == 4 else 4
    labels = -(-prefix.prefixlen // bits)
    for part in ip_network(prefix).subnets(new_prefix=labels * bits):
        whole = part.network_address.reverse_pointer.split(".")
        yield ".".join(whole[len(whole) - labels - 2 :])
