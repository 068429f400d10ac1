"""A route table for every tier: local, the default route that its access says, and the peerings that its flows need."""

from __future__ import annotations

from ipaddress import ip_network

from budnet.ir.address import Prefix
from budnet.ir.cloud import NatGateway, Peering, Route, RouteTable, Subnet, TargetKind
from budnet.ir.origin import Origin
from budnet.resolve.draft import Draft

_DEFAULT: dict[int, Prefix] = {4: ip_network("0.0.0.0/0"), 6: ip_network("::/0")}


def routes(draft: Draft) -> None:
    """The pass."""
    needed = _peerings(draft)
    for table in dict.fromkeys(s.route_table for s in draft.subnets):
        subnet = next(s for s in draft.subnets if s.route_table == table)
        vpc = next(v for v in draft.vpcs if v.id == subnet.vpc)
        out = [Route(p, TargetKind.LOCAL, "", vpc.origin) for p in vpc.prefixes]
        out += _defaults(draft, subnet)
        for peering, origin in needed.get(subnet.tier, {}).items():
            far = peering.between[0] if peering.between[1] == subnet.vpc else peering.between[1]
            out += [Route(p, TargetKind.PEERING, peering.id, origin) for v in draft.vpcs if v.id == far for p in v.prefixes]
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


def _peerings(draft: Draft) -> dict[str, dict[Peering, Origin]]:
    """Which tiers need which peering, in either direction: a tier without flows across a link gets no route to it."""
    tiers = {s.id: s.tier for s in draft.subnets}
    place = {e.id: (e.vpc, tiers[e.subnet]) for e in draft.endpoints if e.filtered}
    needed: dict[str, dict[Peering, Origin]] = {}
    for flow in draft.flows:
        sources = {place[e] for e in flow.sources.endpoints if e in place}
        targets = {place[e] for e in flow.destinations.endpoints if e in place}
        for peering in draft.peerings:
            ends = set(peering.between)
            for vpc, tier in sources:
                for far_vpc, far_tier in targets:
                    if vpc != far_vpc and {vpc, far_vpc} == ends:
                        needed.setdefault(tier, {}).setdefault(peering, flow.origin)
                        needed.setdefault(far_tier, {}).setdefault(peering, flow.origin)
    return needed
