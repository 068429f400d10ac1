"""VPCs, their subnets in every zone, their clusters, and the gateways that their subnets need."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from budnet.ir.address import Prefix
from budnet.ir.cloud import Cloud, EgressOnlyGateway, InternetGateway, NatGateway, Subnet, Vpc
from budnet.ir.endpoint import Cluster, Namespace
from budnet.model.network import Network
from budnet.resolve.draft import Draft
from budnet.resolve.outside import PUBLIC_POOL
from budnet.resolve.pins import Exhausted

OVERLAP, OUTSIDE_VPC, TOO_SMALL, NO_PUBLIC, SERVICE_RANGE, NOT_ALLOWED, NO_FAMILY = "R101", "R102", "R103", "R104", "R105", "R106", "R107"

ZONES = "abcdef"
# AWS takes /16 to /28 for a VPC and a subnet; what is wider than /8 is not an address plan but a slip
_WIDEST = {4: 8, 6: 16}
_NARROWEST = {4: 28, 6: 120}


def networks(draft: Draft) -> None:
    """The pass."""
    for name, written in draft.topology.networks.items():
        _network(draft, name, written)
    _no_overlap(draft)


def _network(draft: Draft, name: str, written: Network) -> None:
    path = ("networks", name)
    resolver = tuple(p.network_address + 2 for p in written.cidr)
    cloud = Cloud(written.cloud.provider, written.cloud.region, written.cloud.zones)
    draft.vpcs.append(Vpc(name, tuple(written.cidr), cloud, resolver, draft.origin(*path)))
    for prefix in written.cidr:
        if prefix.prefixlen < _WIDEST[prefix.version]:
            draft.error(NOT_ALLOWED, f"{prefix} is too wide for a network", (*path, "cidr"), f"/{_WIDEST[prefix.version]} is the widest")
    for tier in written.subnets:
        _subnets(draft, name, written, tier)
    _siblings(draft, name, written)
    _gateways(draft, name, written)
    if written.cluster:
        _cluster(draft, name, written)


def _subnets(draft: Draft, vpc: str, written: Network, tier: str) -> None:
    subnet, path = written.subnets[tier], ("networks", vpc, "subnets", tier)
    zones = written.cloud.zones
    parts: list[list[Prefix]] = [[] for _ in range(zones)]
    for prefix in subnet.cidr:
        if not any(_inside(prefix, whole) for whole in written.cidr):
            draft.error(OUTSIDE_VPC, f"{prefix} is not inside {_list(written.cidr)}", (*path, "cidr"),
                        "give it a part of the network's own range, or widen the network's `cidr`",
                        (("the network's range", ("networks", vpc, "cidr")),))  # fmt: skip
        bits = (zones - 1).bit_length()
        if prefix.prefixlen + bits > _NARROWEST[prefix.version]:
            draft.error(TOO_SMALL, f"{prefix} is too small for {zones} zone{'s' * (zones > 1)}", (*path, "cidr"),
                        f"every zone needs at least a /{_NARROWEST[prefix.version]}")  # fmt: skip
            continue
        for i, part in zip(range(zones), prefix.subnets(bits), strict=False):
            parts[i].append(part)
    per_zone = zones > 1 and written.cloud.nat == "per-zone"
    for i, prefixes in enumerate(parts):
        zone = ZONES[i] if zones > 1 else ""
        tier_id = f"{vpc}/{tier}"
        table = f"{tier_id}/{zone}" if per_zone else tier_id
        subnet_id = f"{tier_id}/{zone}" if zone else tier_id
        draft.subnets.append(Subnet(subnet_id, vpc, tier_id, zone, tuple(prefixes), subnet.access, table, tier_id, draft.origin(*path)))


def _siblings(draft: Draft, vpc: str, written: Network) -> None:
    """Subnets of a network that overlap each other."""
    entries = [(tier, prefix) for tier, subnet in written.subnets.items() for prefix in subnet.cidr]
    for (one, a), (two, b) in combinations(entries, 2):
        if _overlap(a, b):
            draft.error(OVERLAP, f"{b} of subnet '{two}' overlaps {a} of subnet '{one}'", ("networks", vpc, "subnets", two, "cidr"),
                        "two subnets of a network share no address", (("the other one", ("networks", vpc, "subnets", one, "cidr")),))  # fmt: skip


def _gateways(draft: Draft, vpc: str, written: Network) -> None:
    origin = draft.origin("networks", vpc)
    subnets = [s for s in draft.subnets if s.vpc == vpc]
    public = [s for s in subnets if s.access == "public"]
    private = [s for s in subnets if s.access == "private"]
    if public:
        draft.internet_gateways.append(InternetGateway(f"{vpc}/internet-gateway", vpc, origin))
    if any(p.version == 6 for s in private for p in s.prefixes):
        draft.egress_only_gateways.append(EgressOnlyGateway(f"{vpc}/egress-only-gateway", vpc, origin))
    if not any(p.version == 4 for s in private for p in s.prefixes):
        return
    homes = [s for s in public if any(p.version == 4 for p in s.prefixes)]
    if not homes:
        tier = private[0].tier.rpartition("/")[2]
        draft.error(NO_PUBLIC, f"subnet '{tier}' is private, and network '{vpc}' has no public IPv4 subnet for its NAT gateway",
                    ("networks", vpc, "subnets", tier, "access"), "add a public subnet, or make this one isolated")  # fmt: skip
        return
    for home in homes if written.cloud.nat == "per-zone" else homes[:1]:
        name = f"{vpc}/nat-{home.zone}" if written.cloud.nat == "per-zone" and home.zone else f"{vpc}/nat"
        prefix = next(p for p in home.prefixes if p.version == 4)
        try:
            address = draft.pins.place(name, prefix)
        except Exhausted:
            draft.error(TOO_SMALL, f"{prefix} has no address left for a NAT gateway", ("networks", vpc, "subnets"))
            continue
        draft.nat_gateways.append(NatGateway(name, vpc, home.id, address, draft.pins.place(f"{name}/public", PUBLIC_POOL), origin))


def _cluster(draft: Draft, vpc: str, written: Network) -> None:
    assert written.cluster is not None
    path = ("networks", vpc, "cluster")
    for prefix in written.cluster.services:
        for other, network in draft.topology.networks.items():
            for theirs in network.cidr:
                if _overlap(prefix, theirs):
                    draft.error(SERVICE_RANGE, f"the service range {prefix} overlaps {theirs} of network '{other}'", (*path, "services"),
                                "take a range outside every network, such as 172.20.0.0/16: pods would take the others' addresses for Services",
                                (("the network's range", ("networks", other, "cidr")),))  # fmt: skip
        if prefix.version not in {p.version for p in written.cidr}:
            draft.error(NO_FAMILY, f"the service range {prefix} is IPv{prefix.version}, and the network has no such addresses", (*path, "services"))
    spaces = sorted({s.namespace for s in draft.topology.services.values() if s.namespace and any(_in_network(n, vpc) for n in s.subnet)})
    namespaces = tuple(Namespace(n, (("kubernetes.io/metadata.name", n),)) for n in spaces)
    cluster = written.cluster
    draft.clusters.append(Cluster(vpc, vpc, tuple(cluster.services), cluster.domain, namespaces, draft.origin(*path)))


def _no_overlap(draft: Draft) -> None:
    """Networks that overlap cannot be linked by routing, and this version has no other link."""
    for (one, a), (two, b) in combinations(_ranges(draft), 2):
        if one != two and _overlap(a, b):
            draft.error(OVERLAP, f"{b} of network '{two}' overlaps {a} of network '{one}'", ("networks", two, "cidr"),
                        "networks that are to know each other need ranges of their own", (("the other one", ("networks", one, "cidr")),))  # fmt: skip


def _ranges(draft: Draft) -> Iterator[tuple[str, Prefix]]:
    for name, network in draft.topology.networks.items():
        yield from ((name, prefix) for prefix in network.cidr)


def _in_network(subnet: str, vpc: str) -> bool:
    return subnet.partition("/")[0] == vpc


def _overlap(a: Prefix, b: Prefix) -> bool:
    return a.version == b.version and a.overlaps(b)


def _inside(part: Prefix, whole: Prefix) -> bool:
    return part.version == whole.version and part.subnet_of(whole)  # type: ignore[arg-type]


def _list(prefixes: list[Prefix]) -> str:
    return ", ".join(str(p) for p in prefixes)
