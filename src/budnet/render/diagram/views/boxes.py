"""The boxes that more than one view shows: services, the outside, links."""

from __future__ import annotations

from budnet.ir.address import Match, PortRange
from budnet.ir.endpoint import Endpoint, EndpointKind, Listener
from budnet.ir.intent import Flow
from budnet.ir.network import Network
from budnet.ir.origin import Origin
from budnet.render.diagram.scene import TIERS, Group, Kind, Line, Node, Run, line
from budnet.render.diagram.views import words
from budnet.render.diagram.views.facts import OUTSIDE, Facts, Tier, Unit

KINDS = {EndpointKind.LOAD_BALANCER: Kind.BALANCER, EndpointKind.ENDPOINT_SERVICE: Kind.BALANCER, EndpointKind.POD: Kind.POD}


def vpc(facts: Facts, id: str, notes: tuple[Line, ...] = (), hint: tuple[str, ...] = ()) -> Group:
    """A VPC's box, or the one box of many that are alike."""
    network, members = facts.network, facts.alike.get(id, (id,))
    known = network.vpc.get(id)
    if known is None:
        return Group(id, "", Kind.VPC, id, (line("no VPC known"),), notes, hint)
    title = id if len(members) == 1 else f"{members[0]} … {members[-1]} ×{len(members)}"
    ranges = words.prefixes(known.prefixes)
    if len(members) > 1:
        ranges = f"{ranges} … {words.prefixes(network.vpc[members[-1]].prefixes)}"
    cloud = " · ".join(x for x in (known.cloud.provider, known.cloud.region, words.plural(known.cloud.zones, "zone")) if x)
    cluster = [line(f"ClusterIPs {words.prefixes(c.services)}") for c in network.clusters if c.vpc == id and len(members) == 1]
    everybody = (f"stands for {', '.join(members)}",) if len(members) > 1 else ()
    return Group(id, "", Kind.VPC, title, (line(ranges), line(cloud), *cluster), notes, (*everybody, *hint))


def tier(facts: Facts, tier: Tier, parent: str, notes: tuple[Line, ...] = (), hint: tuple[str, ...] = ()) -> Group:
    """A tier's box with its range and what of it lies in which zone."""
    kind = next((k for k in TIERS if k.value == tier.access), Kind.PRIVATE)
    lines = _ranges(tier) if len(facts.alike[tier.vpc]) == 1 else [f"{' and '.join(f'/{p.prefixlen}' for p in tier.prefixes)} in each"]
    return Group(tier.id, parent, kind, tier.name, tuple(line(x) for x in lines if x), notes, hint)


def tier_title(facts: Facts, tier: Tier) -> str:
    """`vpc/tier`, or the tier of many VPCs that are alike."""
    members = facts.alike[tier.vpc]
    return f"{tier.vpc}/{tier.name}" if len(members) == 1 else f"{tier.name} of {members[0]} … {members[-1]} ×{len(members)}"


def _ranges(tier: Tier) -> list[str]:
    """The whole range, then the zones: in one line if they are few and short."""
    zones = [f"{zone} {words.prefixes(prefixes)}" for zone, prefixes in tier.zones if zone and len(tier.zones) > 1]
    if any(len(prefixes) > 1 for _, prefixes in tier.zones):
        return zones or [str(p) for p in tier.prefixes]
    if len(zones) > 3:
        zones = [f"zones {', '.join(zone for zone, _ in tier.zones)}"]
    return [words.prefixes(tier.prefixes), ", ".join(zones)]


def unit(facts: Facts, unit: Unit, group: str) -> Node:
    """A service's box: its name, how many there are, its ports."""
    first = unit.first
    kind = KINDS.get(first.kind, Kind.HOST)
    lines: list[Line] = [ports(unit.listeners)] if unit.listeners else []
    if first.public and len(facts.alike[unit.vpc]) == 1:
        lines += [line(f"public {', '.join(map(str, e.public))}") for e in unit.endpoints]
    hint = tuple(f"{e.id} {', '.join(map(str, e.addresses))}" for e in unit.endpoints)
    return Node(unit.id, group, kind, unit.service, tuple(lines), table(facts.network, first), len(unit.endpoints), hint)


def ports(listeners: tuple[Listener, ...]) -> Line:
    """Ports in a row; bold where the connection is protected."""
    rows = sorted({(words.port_order(m), words.port(m), words.encrypted(x.transport)) for x in listeners for m in [match(x)]})
    return words.spaced((text, bold) for _, text, bold in rows)


def match(listener: Listener) -> Match:
    """A listener as filters write it."""
    return Match(listener.protocol, PortRange(listener.port, listener.port))


def table(network: Network, balancer: Endpoint) -> tuple[Line, ...]:
    """The names that a load balancer answers to, and who stands behind each."""
    out: list[Line] = []
    for route in balancer.hosts:
        behind = dict.fromkeys(service(network, id) for id in route.backends)
        out.append((Run(route.host, bold=True), Run(f" to {', '.join(behind)} {route.port}")))
    return tuple(out)


def service(network: Network, endpoint_id: str) -> str:
    """The service of an endpoint; the last part of its id where nobody said."""
    endpoint = network.endpoint.get(endpoint_id)
    return endpoint.service if endpoint is not None and endpoint.service else endpoint_id.rpartition("/")[2]


def client(network: Network, place: str, group: str) -> Node:
    """Whoever is outside and opens connections to us."""
    name = place.removeprefix(OUTSIDE)
    known = [words.prefixes(g.prefixes) for g in network.address_groups if g.name == name]
    return Node(place, group, Kind.CLIENT, name, (line(known[0] if known else "any address"),))


RowNames = dict[tuple[Origin, Match], str]


def row_names(network: Network) -> RowNames:
    """The names of egress rows, by where they are written: a flow does not carry its row's name."""
    return {(r.origin, r.match): r.id.partition(":")[0] for f in network.egress_filters for r in f.rules}


def row_name(names: RowNames, flow: Flow) -> str:
    """The egress row that a flow to the outside was written in; its destination where there is none."""
    return names.get((flow.origin, flow.match)) or flow.destinations.name


def outside_names(flow: Flow) -> tuple[str, ...]:
    """Host names that a flow to the outside may go to; its prefixes where it has no names."""
    names = tuple(id.partition("/")[2] for id in flow.destinations.endpoints)
    return names or tuple(map(str, flow.destinations.prefixes))


def line_of(origin: Origin) -> str:
    """Where to look in the one file that the picture's subtitle names."""
    return f"line {origin.line}" if origin.line else "built-in"
