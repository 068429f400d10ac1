"""The whole network: VPCs, their tiers, gateways, services, and who may open what between tiers."""

from __future__ import annotations

from collections.abc import Iterable

from budnet.ir.cloud import TargetKind
from budnet.ir.intent import Flow
from budnet.ir.network import Network
from budnet.render.diagram.scene import Edge, Group, Kind, Line, Node, Run, Scene, line
from budnet.render.diagram.views import boxes, links, words
from budnet.render.diagram.views.facts import OUTSIDE, Facts, Tier, Unit, read

EGRESS, CLIENTS = "egress", "clients"
RANK = {"public": 0, "private": 1, "isolated": 2}


def architecture(network: Network) -> Scene:
    """The view."""
    facts = read(network)
    edges = (*_inward(facts), *_between(facts), *_outward(facts))
    edges = (*edges, *links.idle(facts, edges))
    used = {e.source for e in edges}
    clients = [
        boxes.client(network, p, CLIENTS) for p in dict.fromkeys(h.source for h in facts.hops) if p.startswith(OUTSIDE) and p in used
    ]
    rows = _rows(facts)
    groups = [
        *([Group(CLIENTS, "", Kind.OUTSIDE, "Outside")] if clients else []),
        *([Group(EGRESS, "", Kind.OUTSIDE, "Egress: all that may leave")] if rows else []),
    ]
    nodes: list[Node] = [*clients, *rows, *links.links(facts)]
    for vpc in facts.alike:
        groups.append(_vpc(facts, vpc))
        nodes += _gateways(facts, vpc)
        for tier in tiers_of(facts, vpc):
            groups.append(_tier(facts, tier))
            _fill(facts, tier, groups, nodes)
    services = len({u.service for u in facts.units.values()})
    counts = [words.plural(len(network.vpcs), "VPC"), words.plural(len({s.tier for s in network.subnets}), "tier")]
    counts += [words.plural(services, "service"), words.plural(len(words.declared(network.flows)), "flow")]
    return Scene("architecture", network.name, f"Network architecture: {', '.join(counts)}", tuple(groups), tuple(nodes), edges)


def tiers_of(facts: Facts, vpc: str) -> list[Tier]:
    """A VPC's tiers from the outside in, as flows mostly go; within one kind as the file has them."""
    nat = {facts.network.subnet[g.subnet].tier for g in facts.network.nat_gateways if g.subnet in facts.network.subnet}
    return sorted(
        (t for t in facts.tiers.values() if t.vpc == vpc), key=lambda t: (RANK.get(t.access, 1), t.access == "public" and t.id not in nat)
    )


def _fill(facts: Facts, tier: Tier, groups: list[Group], nodes: list[Node]) -> None:
    here = [u for u in facts.units.values() if u.tier == tier.id]
    for namespace in dict.fromkeys(u.first.namespace for u in here):
        group = f"{tier.id}/namespace/{namespace}" if namespace else tier.id
        if namespace:
            groups.append(Group(group, tier.id, Kind.NAMESPACE, namespace))
        nodes += [boxes.unit(facts, u, group) for u in here if u.first.namespace == namespace]


def _vpc(facts: Facts, id: str) -> Group:
    """DNS and metadata are asked by everybody; a note says so and spares the picture an arrow from every tier."""
    lines: list[Line] = []
    hint: list[str] = []
    for what, purpose in (("resolver", "DNS"), ("metadata", "metadata")):
        flows = [h.flow for h in facts.hops if h.target == f"{id}/{what}"]
        if flows:
            single = len(facts.alike.get(id, ())) == 1
            addresses = [str(a) for e in facts.network.endpoints if e.id == f"{id}/{what}" and single for a in e.addresses]
            ports = " ".join(dict.fromkeys(words.port(f.match) for f in flows))
            lines.append(line(" ".join(x for x in (purpose, ", ".join(addresses), "on", ports) if x)))
            hint += dict.fromkeys(words.flow_text(f) for f in flows)
    return boxes.vpc(facts, id, tuple(lines), tuple(hint))


def _tier(facts: Facts, tier: Tier) -> Group:
    inside = [h.flow for h in facts.hops if facts.tier_of(h.source) == facts.tier_of(h.target) == tier.id]
    note = [Run("inside: ", bold=True), Run("   ".join(words.by_transport(inside)))] if inside else []
    return boxes.tier(facts, tier, tier.vpc, (tuple(note),) if note else (), _texts(inside))


def _gateways(facts: Facts, vpc: str) -> Iterable[Node]:
    network, single = facts.network, len(facts.alike[vpc]) == 1
    if any(g.vpc == vpc for g in network.internet_gateways):
        yield Node(f"{vpc}/igw", vpc, Kind.INTERNET_GATEWAY, "Internet gateway")
    if any(g.vpc == vpc for g in network.egress_only_gateways):
        yield Node(f"{vpc}/eigw", vpc, Kind.EGRESS_ONLY, "Egress-only gateway (IPv6)")
    nats = [g for g in network.nat_gateways if g.vpc == vpc]
    if nats:
        addresses = tuple(line(f"{g.address} as {g.public}") for g in nats) if single else ()
        yield Node(f"{vpc}/nat", nat_tier(facts, vpc), Kind.NAT, "NAT gateway", addresses, count=len(nats))


def nat_tier(facts: Facts, vpc: str) -> str:
    """The tier that a VPC's NAT gateways sit in; the VPC itself where nobody knows."""
    subnets = [facts.network.subnet[g.subnet].tier for g in facts.network.nat_gateways if g.vpc == vpc and g.subnet in facts.network.subnet]
    return subnets[0] if subnets else vpc


def _inward(facts: Facts) -> list[Edge]:
    found: dict[tuple[str, str, bool], list[Flow]] = {}
    for hop in facts.hops:
        if hop.source.startswith(OUTSIDE) and hop.target in facts.units:
            found.setdefault((hop.source, facts.tier_of(hop.target), words.encrypted(hop.flow.transport)), []).append(hop.flow)
    gates = {g.vpc for g in facts.network.internet_gateways}
    return [_edge(s, t, (f"{v}/igw",) if (v := facts.tiers[t].vpc) in gates else (), e, flows) for (s, t, e), flows in found.items()]


def _between(facts: Facts) -> list[Edge]:
    found: dict[tuple[str, str, bool], list[Flow]] = {}
    for hop in facts.hops:
        if hop.source in facts.units and hop.target in facts.units:
            source, target = facts.tier_of(hop.source), facts.tier_of(hop.target)
            if source != target:
                found.setdefault((source, target, words.encrypted(hop.flow.transport)), []).append(hop.flow)
    out: list[Edge] = []
    for (source, target, encrypted), flows in found.items():
        one, other = facts.tiers[source].vpc, facts.tiers[target].vpc
        out.append(_edge(source, target, links.link_between(facts, one, other) if one != other else (), encrypted, flows))
    return out


def _outward(facts: Facts) -> list[Edge]:
    found: dict[tuple[str, bool], list[tuple[str, Flow]]] = {}
    for hop in facts.hops:
        if hop.target.startswith(OUTSIDE) and hop.source in facts.units:
            found.setdefault((facts.tier_of(hop.source), words.encrypted(hop.flow.transport)), []).append((hop.source, hop.flow))
    return [
        _edge(tier, EGRESS, way, e, list(dict.fromkeys(f for _, f in pairs)))
        for (tier, e), pairs in found.items()
        for way in _ways_out(facts, facts.units[pairs[0][0]])
    ]


def _ways_out(facts: Facts, unit: Unit) -> list[tuple[str, ...]]:
    """The gateways on the way: what the default routes of the unit's subnet say, IPv4 and IPv6. Without any, an arrow that ends nowhere."""
    subnet = facts.network.subnet.get(unit.first.subnet)
    table = facts.network.route_table.get(subnet.route_table) if subnet else None
    vpc = unit.vpc
    known = {
        TargetKind.NAT: (f"{vpc}/nat", f"{vpc}/igw"),
        TargetKind.INTERNET: (f"{vpc}/igw",),
        TargetKind.EGRESS_ONLY: (f"{vpc}/eigw",),
    }
    routes = table.routes if table else ()
    return list(dict.fromkeys(known[r.target] for r in routes if r.destination.prefixlen == 0 and r.target in known)) or [()]


def _rows(facts: Facts) -> list[Node]:
    """Every egress row: how it is called, on which port, who may, and to which names."""
    found: dict[str, list[tuple[str, Flow]]] = {}
    names = boxes.row_names(facts.network)
    for hop in facts.hops:
        if hop.target.startswith(OUTSIDE) and hop.source in facts.units:
            found.setdefault(boxes.row_name(names, hop.flow), []).append((facts.units[hop.source].service, hop.flow))
    out: list[Node] = []
    for name, pairs in found.items():
        flows = [f for _, f in pairs]
        who = ", ".join(dict.fromkeys(s for s, _ in pairs))
        hosts = ", ".join(dict.fromkeys(n for f in flows for n in boxes.outside_names(f)))
        table = (line(", ".join(words.by_transport(flows))), line(who), line(hosts))
        out.append(Node(f"row/{name}", EGRESS, Kind.DESTINATION, name, (), table, hint=_texts(flows)))
    return out


def _edge(source: str, target: str, via: tuple[str, ...], encrypted: bool, flows: list[Flow]) -> Edge:
    return Edge(source, target, via, encrypted, words.by_transport(flows), _texts(flows))


def _texts(flows: list[Flow]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words.flow_text(f) for f in flows))
