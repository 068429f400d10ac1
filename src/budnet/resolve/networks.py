"""VPCs, their subnets in every zone, their clusters, and the gateways that their subnets need."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from itertools import combinations

from budnet.ir.address import Prefix, inside
from budnet.ir.cloud import Cloud, EgressOnlyGateway, InternetGateway, NatGateway, Subnet, Vpc
from budnet.ir.endpoint import Cluster, Namespace
from budnet.model.network import Network
from budnet.resolve.draft import Draft
from budnet.resolve.outside import PUBLIC_POOL
from budnet.resolve.pins import Exhausted
from budnet.source.document import Path

OVERLAP, OUTSIDE_VPC, TOO_SMALL, NO_PUBLIC, NOT_ALLOWED, NO_FAMILY = "R101", "R102", "R103", "R104", "R106", "R107"
ONE_EACH = "R108"

ZONES = "abcdef"
# AWS takes /16 to /28 for a VPC and a subnet; what is wider than /8 is not an address plan but a slip
_UNIQUE_LOCAL = ip_network("fc00::/7")
_WIDEST = {4: 8, 6: 16}
_NARROWEST = {4: 28, 6: 120}
_KEPT: dict[Prefix, str] = {
    ip_network("0.0.0.0/8"): "means this host",
    ip_network("127.0.0.0/8"): "is loopback",
    ip_network("169.254.0.0/16"): "is link-local, with the cloud's own services in it",
    ip_network("224.0.0.0/3"): "is multicast and reserved",
    ip_network("198.18.0.0/15"): "stands for public addresses in budnet",
    ip_network("::/8"): "is reserved",
    ip_network("fe80::/10"): "is link-local",
    ip_network("ff00::/8"): "is multicast",
    ip_network("3fff:1::/48"): "stands for public addresses in budnet",
}


def networks(draft: Draft) -> None:
    """The pass."""
    for name, written in draft.topology.networks.items():
        _network(draft, name, written)
    _no_overlap(draft)


def _network(draft: Draft, name: str, written: Network) -> None:
    path = ("networks", name)
    # AWS: the base of the VPC's primary range plus two; one for each family
    primary = {p.version: p for p in reversed(written.cidr) if p.num_addresses > 2}
    resolver = tuple(primary[version].network_address + 2 for version in sorted(primary))
    cloud = Cloud(written.cloud.provider, written.cloud.region, written.cloud.zones)
    draft.vpcs.append(Vpc(name, tuple(written.cidr), cloud, resolver, draft.origin(*path)))
    for i, prefix in enumerate(written.cidr):
        if _fits(prefix):
            _not_kept(draft, prefix, (*path, "cidr", i))
        else:
            width = "wide" if prefix.prefixlen < _WIDEST[prefix.version] else "narrow"
            draft.error(NOT_ALLOWED, f"{prefix} is too {width} for a network", (*path, "cidr", i),
                        f"take one from /{_WIDEST[prefix.version]} to /{_NARROWEST[prefix.version]}")  # fmt: skip
    for i, j in combinations(range(len(written.cidr)), 2):
        if _overlap(written.cidr[i], written.cidr[j]):
            draft.error(OVERLAP, f"{written.cidr[j]} overlaps {written.cidr[i]}", (*path, "cidr", j), "remove one of the two",
                        (("the other one", (*path, "cidr", i)),))  # fmt: skip
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
    _one_each(draft, subnet.cidr, (*path, "cidr"), "a subnet")
    for at, prefix in enumerate(subnet.cidr):
        if all(map(_fits, written.cidr)) and not any(inside(prefix, whole) for whole in written.cidr):
            draft.error(OUTSIDE_VPC, f"{prefix} is not inside {_list(written.cidr)}", (*path, "cidr", at),
                        "give it a part of the network's own range, or widen the network's `cidr`",
                        (("the network's range", ("networks", vpc, "cidr")),))  # fmt: skip
        bits = (zones - 1).bit_length()
        if prefix.prefixlen + bits > _NARROWEST[prefix.version]:
            draft.error(
                TOO_SMALL,
                f"{prefix} is too small for {zones} zone{'s' * (zones > 1)}",
                (*path, "cidr", at),
                f"take a /{_NARROWEST[prefix.version] - bits} or wider: every zone needs a /{_NARROWEST[prefix.version]}",
            )
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
    entries = [(tier, i, prefix) for tier, subnet in written.subnets.items() for i, prefix in enumerate(subnet.cidr)]
    path = ("networks", vpc, "subnets")
    for (one, i, a), (two, j, b) in combinations(entries, 2):
        if one != two and _overlap(a, b):
            draft.error(
                OVERLAP,
                f"{b} of subnet '{two}' overlaps {a} of subnet '{one}'",
                (*path, two, "cidr", j),
                "give each subnet a part of the network's range of its own",
                (("the other one", (*path, one, "cidr", i)),),
            )


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
            address = draft.pins.place(name, prefix, vpc)
        except Exhausted:
            draft.error(
                TOO_SMALL,
                f"{prefix} has no address left for a NAT gateway",
                ("networks", vpc, "subnets", home.tier.rpartition("/")[2], "cidr"),
                "widen the subnet",
            )
            continue
        draft.nat_gateways.append(NatGateway(name, vpc, home.id, address, draft.pins.place(f"{name}/public", PUBLIC_POOL), origin))


def _cluster(draft: Draft, vpc: str, written: Network) -> None:
    assert written.cluster is not None
    path = ("networks", vpc, "cluster")
    _one_each(draft, written.cluster.services, (*path, "services"), "a cluster")
    for i, prefix in enumerate(written.cluster.services):
        at = (*path, "services", i)
        _not_kept(draft, prefix, at)
        if prefix.version not in {p.version for p in written.cidr}:
            draft.error(NO_FAMILY, f"the service range {prefix} is IPv{prefix.version}, and network '{vpc}' has no such addresses", at,
                        f"take an IPv{10 - prefix.version} range, or give the network an IPv{prefix.version} range as well")  # fmt: skip
    spaces = sorted({s.namespace for s in draft.topology.services.values() if s.namespace and any(_in_network(n, vpc) for n in s.subnet)})
    namespaces = tuple(Namespace(n, (("kubernetes.io/metadata.name", n),)) for n in spaces)
    cluster = written.cluster
    draft.clusters.append(Cluster(vpc, vpc, tuple(cluster.services), cluster.domain, namespaces, draft.origin(*path)))


def _no_overlap(draft: Draft) -> None:
    """Networks may have the same private range (a link that routes between them says so); the internet knows a global one once."""
    for (one, i, a), (two, j, b) in combinations(_ranges(draft), 2):
        if one != two and _overlap(a, b) and b.version == 6 and not b.overlaps(_UNIQUE_LOCAL):
            draft.error(
                OVERLAP,
                f"{b} of network '{two}' overlaps {a} of network '{one}'",
                ("networks", two, "cidr", j),
                "give each network a global range of its own, or unique local addresses (fc00::/7)",
                (("the other one", ("networks", one, "cidr", i)),),
            )


def _ranges(draft: Draft) -> Iterator[tuple[str, int, Prefix]]:
    for name, network in draft.topology.networks.items():
        yield from ((name, i, prefix) for i, prefix in enumerate(network.cidr))


def _fits(network: Prefix) -> bool:
    return _WIDEST[network.version] <= network.prefixlen <= _NARROWEST[network.version]


def _not_kept(draft: Draft, prefix: Prefix, path: Path) -> None:
    for kept, why in _KEPT.items():
        if inside(prefix, kept):
            draft.error(
                NOT_ALLOWED, f"{prefix} cannot be used: {kept} {why}", path, "take a private range, such as one of 10.0.0.0/8 or fd00::/8"
            )


def _one_each(draft: Draft, prefixes: list[Prefix], path: Path, owner: str) -> None:
    for i, prefix in enumerate(prefixes):
        if prefix.version in {p.version for p in prefixes[:i]}:
            draft.error(
                ONE_EACH, f"{owner} has one IPv{prefix.version} range only", (*path, i), "remove one, or take a wider one in place of both"
            )


def _in_network(subnet: str, vpc: str) -> bool:
    return subnet.partition("/")[0] == vpc


def _overlap(a: Prefix, b: Prefix) -> bool:
    return a.version == b.version and a.overlaps(b)


def _list(prefixes: list[Prefix]) -> str:
    return ", ".join(str(p) for p in prefixes)
