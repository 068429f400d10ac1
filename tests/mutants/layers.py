"""Networks in which one layer alone decides, so that a fault in it cannot hide behind another layer's denial."""

from __future__ import annotations

from budnet.ir.address import EVERYWHERE, Match
from budnet.ir.cloud import Route, RouteTable, TargetKind
from budnet.ir.filters import AclRule, EgressRule, NetworkAcl, SecurityGroup, SgRule
from budnet.ir.network import Network
from budnet.records import replace


def only(network: Network, *layers: str) -> Network:
    """`groups-in`, `groups-out`, `acls`, `policies`, `egress`: everything but these lets everything pass."""
    groups = tuple(_group(g, "groups-in" in layers, "groups-out" in layers) for g in network.security_groups)
    acls = network.acls if "acls" in layers else tuple(_acl(a) for a in network.acls)
    policies = network.policies if "policies" in layers else ()
    filters = network.egress_filters
    if "egress" not in layers:
        everyone = tuple(e.id for e in network.inside)
        filters = tuple(replace(f, rules=(EgressRule("any", everyone, (), EVERYWHERE, Match(), f.origin),)) for f in filters)
    tables = tuple(_table(network, t) for t in network.route_tables)
    return replace(
        network, route_tables=tables, security_groups=groups, acls=acls, policies=policies, egress_filters=filters, sni_filters=()
    )


def _table(network: Network, table: RouteTable) -> RouteTable:
    """With a route for every peering of its VPC: where filters are open, a way there without a way back would be used."""
    routes = list(table.routes)
    for peering in network.peerings:
        if table.vpc in peering.between:
            far = network.vpc[peering.between[0] if peering.between[1] == table.vpc else peering.between[1]]
            routes += [r for p in far.prefixes if (r := Route(p, TargetKind.PEERING, peering.id, peering.origin)) not in routes]
    return replace(table, routes=tuple({(r.destination, r.target, r.via): r for r in routes}.values()))


def _group(group: SecurityGroup, ingress: bool, egress: bool) -> SecurityGroup:
    anything = tuple(SgRule(f"{group.id}:any:{p}", p, Match(), group.origin) for p in EVERYWHERE)
    return replace(group, ingress=group.ingress if ingress else anything, egress=group.egress if egress else anything)


def _acl(acl: NetworkAcl) -> NetworkAcl:
    anything = tuple(AclRule(f"{acl.id}:any:{i}", i, True, p, Match(), acl.origin) for i, p in enumerate(EVERYWHERE))
    return replace(acl, ingress=anything, egress=anything)
