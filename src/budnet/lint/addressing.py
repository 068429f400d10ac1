"""Ranges and zones."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from ipaddress import ip_network
from itertools import combinations, islice
from typing import cast

from budnet.ir.address import Prefix
from budnet.lint.design import Design, overlap
from budnet.lint.rule import ERROR, WARNING, Hit, changed, rule
from budnet.model.topology import Topology

_PRIVATE = [ip_network(p) for p in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]
_AKS_KEEPS = [ip_network(p) for p in ("169.254.0.0/16", "172.30.0.0/16", "172.31.0.0/16", "192.0.2.0/24")]
# in this order: managed clusters take service ranges from the first by themselves, and none of the others is a cloud's own
_POOLS: dict[int, list[Prefix]] = {
    4: [ip_network("172.20.0.0/14"), ip_network("172.24.0.0/14"), ip_network("10.96.0.0/11")],
    6: [ip_network("fd97::/32")],
}


@rule(
    "D501", ERROR, "a service range inside a network",
    why="Every node translates a ClusterIP's address and port before it routes. Whoever has that address in the network, or behind a link, "
    "is out of reach for pods: they get the Service. Managed clusters may choose such a range: AKS takes 10.0.0.0/16 where none is given.",
    source="Azure, Configure networking in AKS; cilium/cilium issue 31504; Kubernetes, Virtual IPs and Service Proxies",
    url="https://learn.microsoft.com/azure/aks/concepts-network-ip-address-planning",
    help="take a range outside every network, such as 172.20.0.0/16",
)  # fmt: skip
def service_range(design: Design) -> Iterator[Hit]:
    """A cluster's service range overlaps a network's range, its own or another's."""
    for name in design.clusters:
        for i, prefix in design.service_ranges(name):
            for other, _, theirs in design.ranges:
                if overlap(prefix, theirs):
                    yield Hit(("networks", name, "cluster", "services", i), name, f"the service range {prefix} overlaps {theirs} of network '{other}'",
                              str(prefix), _described(design, name, i), partial(_another, design=design, name=name, i=i))  # fmt: skip
                    break


@rule(
    "D504", ERROR, "a service range that the provider refuses",
    why="EKS takes private ranges from /24 to /12 only. AKS takes none that is wider than /12 or that it keeps for itself "
    "(169.254.0.0/16, 172.30.0.0/16, 172.31.0.0/16, 192.0.2.0/24). The cluster is not created.",
    source="AWS, CreateCluster, kubernetesNetworkConfig; Azure, az aks create --service-cidr",
    url="https://docs.aws.amazon.com/eks/latest/APIReference/API_KubernetesNetworkConfigRequest.html",
    help="take one from /24 to /12 such as 172.20.0.0/16",
)  # fmt: skip
def refused_range(design: Design) -> Iterator[Hit]:
    """A service range is not one that the network's provider, where it is written, takes."""
    for name, network in design.clusters.items():
        written = network.cloud.provider if design.is_written("networks", name, "cloud", "provider") else ""
        for i, prefix in design.service_ranges(name):
            if prefix.version == 4 and _refused(written, prefix):
                yield Hit(("networks", name, "cluster", "services", i), name, f"{written} takes no service range {prefix}",
                          str(prefix), _described(design, name, i), partial(_another, design=design, name=name, i=i))  # fmt: skip


def _refused(provider: str, prefix: Prefix) -> bool:
    private = any(prefix.subnet_of(p) for p in _PRIVATE)  # type: ignore[arg-type]
    if provider == "aws":
        return not private or not 12 <= prefix.prefixlen <= 24
    return provider == "azure" and (prefix.prefixlen < 12 or any(prefix.overlaps(p) for p in _AKS_KEEPS))


def _described(design: Design, name: str, i: int) -> str:
    return str(_another(design.topology, design, name, i).networks[name].cluster.services[i])  # type: ignore[union-attr]


def _another(topology: Topology, design: Design, name: str, i: int) -> Topology:
    """With the first free range in place of cluster `name`'s `i`th."""
    cluster = topology.networks[name].cluster
    assert cluster is not None
    now = Design(design.document, topology)
    taken = [p for _, _, p in now.ranges] + [p for other in now.clusters for _, p in now.service_ranges(other)]
    taken += [p for prefixes in topology.addresses.values() for p in prefixes]
    free = _free(cluster.services[i], taken)
    services = [free if at == i else prefix for at, prefix in enumerate(cluster.services)]
    return changed(topology, path=("networks", name, "cluster"), services=services)  # type: ignore[no-any-return]


def _free(prefix: Prefix, taken: list[Prefix]) -> Prefix:
    """A range that overlaps none; as large as `prefix` where that is a usual size. `prefix` itself where there is none."""
    length = min(max(prefix.prefixlen, 16), 24) if prefix.version == 4 else max(prefix.prefixlen, 108)
    candidates = (p for pool in _POOLS[prefix.version] for p in islice(pool.subnets(new_prefix=length), 4096))
    return next((p for p in cast("Iterator[Prefix]", candidates) if not any(overlap(p, t) for t in taken)), prefix)


@rule(
    "D502", WARNING, "two networks with the same addresses",
    why="A router sends an address one way: two networks that share a range can be joined by private endpoints or in public, never by "
    "peering or VPN, and neither can a third be joined with both. Modules that write 10.0.0.0/16 into every cluster make all of them alike.",
    source="AWS, VPC peering limitations (overlapping CIDR blocks); bud-runtime, modules aws-eks and azure-aks",
    url="https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html#vpc-peering-limitations",
    help="give each network a range of its own, out of one plan: `cidr: {pool: 10.64.0.0/10, size: 16}` lets budnet choose",
)  # fmt: skip
def same_range(design: Design) -> Iterator[Hit]:
    """Two networks' ranges overlap, and no private endpoint or public link joins them, which is made for that."""
    fronted = [set(link.between) for link in design.topology.links.values() if link.method not in ("vpc-peering", "vpn")]
    for (one, _, a), (two, i, b) in combinations(design.ranges, 2):
        if one != two and overlap(a, b) and {one, two} not in fronted:
            yield Hit(("networks", two, "cidr", i), f"{one}, {two}", f"{b} of network '{two}' overlaps {a} of network '{one}'", str(b))


@rule(
    "D503", ERROR, "one subnet for all zones",
    why="EKS and Application Load Balancers need subnets in two zones at least, and refuse one. One /24 a tier is one zone: with it, all "
    "of the tier is lost.",
    source="AWS, EKS VPC and subnet requirements (at least two subnets in different zones)",
    url="https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html",
    help="write `zones: 2` or more: every subnet is then split, one part a zone",
)  # fmt: skip
def one_zone(design: Design) -> Iterator[Hit]:
    """A network that is written as AWS's has a cluster and one zone."""
    for name, network in design.clusters.items():
        path = ("networks", name, "cloud")
        if network.cloud.provider != "aws" or network.cloud.zones > 1 or not design.is_written(*path, "provider"):
            continue
        at = (*path, "zones") if design.is_written(*path, "zones") else path
        yield Hit(at, name, f"network '{name}' has a cluster and one zone", "one zone", "as written: the cluster is not created")
