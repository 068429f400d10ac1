"""A route table for every tier: local, the default route that its access says, and the peerings and tunnels that its flows need."""

from __future__ import annotations

from ipaddress import ip_network

from budnet.ir.address import Prefix
from budnet.ir.cloud import NatGateway, Peering, Route, RouteTable, Subnet, TargetKind
from budnet.ir.links import VpnConnection
from budnet.ir.origin import Origin
from budnet.resolve.draft import Draft

Way = Peering | VpnConnection

_DEFAULT: dict[int, Prefix] = {4: ip_network("0.0.0.0/0"), 6: ip_network("::/0")}


def routes(draft: Draft) -> None:
    """The pass."""
    needed = _ways(draft)
    for table in dict.fromkeys(s.route_table for s in draft.subnets):
        subnet = next(s for s in draft.subnets if s.route_table == table)
        vpc = next(v for v in draft.vpcs if v.id == subnet.vpc)
        out = [Route(p, TargetKind.LOCAL, "", vpc.origin) for p in vpc.prefixes]
        out += _defaults(draft, subnet)
        for way, origin in needed.get(subnet.tier, {}).items():
            far = way.between[0] if way.between[1] == subnet.vpc else way.between[1]
            target = TargetKind.PEERING if isinstance(way, Peering) else TargetKind.VPN
            out += [Route(p, target, way.id, origin) for v in draft.vpcs if v.id == far for p in v.prefixes]
        draft.route_tables.append(RouteTable(table, subnet.vpc, tuple(out), subnet.origin))


def _defaults(draft: Draft, subnet: Subnet) -> list[Route]:
    if subnet.access == "isolated":
        return []
    out: list[Route] = []
    for version in sorted({p.version for p in subnet.prefixes}):
        if subnet.access == "public":
            target, via = TargetKind.INTERNET, f"{subnet.vpc}/internet-gateway"
        elif version == 6:
            target, via = TargetKind.EGRESS_ONLY, f"{subnet.vpc}/egress-only-gateway"
        else:
            gateway = _nat(draft, subnet)
            if gateway is None:
                continue
            target, via = TargetKind.NAT, gateway.id
        out.append(Route(_DEFAULT[version], target, via, subnet.origin))
    return out


def _nat(draft: Draft, subnet: Subnet) -> NatGateway | None:
    """The gateway of the subnet's zone; else the network's only one."""
    gateways = [g for g in draft.nat_gateways if g.vpc == subnet.vpc]
    return next((g for g in gateways if g.id.endswith(f"/nat-{subnet.zone}")), gateways[0] if gateways else None)


def _ways(draft: Draft) -> dict[str, dict[Way, Origin]]:
    """Which tiers need which peering or tunnel, in either direction: a tier without flows across a link gets no route to it."""
    tiers = {s.id: s.tier for s in draft.subnets}
    place = {e.id: (e.vpc, tiers[e.subnet]) for e in draft.endpoints if e.filtered}
    needed: dict[str, dict[Way, Origin]] = {}
    ways: tuple[Way, ...] = (*draft.peerings, *draft.vpns)
    for flow in draft.walked:
        sources = {place[e] for e in flow.sources.endpoints if e in place}
        targets = {place[e] for e in flow.destinations.endpoints if e in place}
        for way in ways:
            ends = set(way.between)
            for vpc, tier in sources:
                for far_vpc, far_tier in targets:
                    if vpc != far_vpc and {vpc, far_vpc} == ends:
                        needed.setdefault(tier, {}).setdefault(way, flow.origin)
                        needed.setdefault(far_tier, {}).setdefault(way, flow.origin)
    return needed
