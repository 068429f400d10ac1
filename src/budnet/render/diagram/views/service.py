"""One service: who may open connections to it, to whom it may open some, and where in the file each of these is written."""

from __future__ import annotations

from collections.abc import Iterable

from budnet.ir.address import Match
from budnet.ir.endpoint import EndpointKind
from budnet.ir.intent import Flow
from budnet.ir.network import Network
from budnet.ir.origin import Origin
from budnet.render.diagram.scene import Edge, Group, Kind, Line, Node, Run, Scene, line
from budnet.render.diagram.views import boxes, words
from budnet.render.diagram.views.facts import OUTSIDE, Facts, Unit, read

SUBJECT, CALLERS, CALLEES = "subject", "caller", "callee"
MANY = 6


def service(network: Network, name: str) -> Scene | None:
    """The view; None where there is no such service."""
    facts = read(network)
    mine = {u.id: u for u in facts.units.values() if u.service == name}
    if not mine:
        return None
    into = [h for h in facts.hops if h.target in mine]
    out = [h for h in facts.hops if h.source in mine]
    files = list(dict.fromkeys(h.flow.origin.file for h in (*into, *out) if h.flow.origin.line))
    rows = boxes.row_names(network)
    groups: dict[str, Group] = {}
    nodes: dict[str, Node] = {SUBJECT: _subject(facts, name, list(mine.values()))}
    callees = [(f"{OUTSIDE}{boxes.row_name(rows, h.flow)}" if h.target.startswith(OUTSIDE) else h.target, h.flow) for h in out]
    edges = [
        _edge(facts, side, place, flows, groups, nodes, len(files) > 1)
        for side, pairs in ((CALLERS, [(h.source, h.flow) for h in into]), (CALLEES, callees))
        for place, flows in _same(pairs)
    ]
    places = ", ".join(dict.fromkeys(boxes.tier_title(facts, facts.tiers[u.tier]) for u in mine.values()))
    number = sum(e.target == SUBJECT for e in edges)
    said = [f"Service {name} in {places}", f"{words.plural(number, 'way')} in, {len(edges) - number} out"]
    said += [f"line numbers are of {', '.join(files)}"] if files else []
    return Scene(f"service {name}", network.name, "; ".join(said), tuple(groups.values()), tuple(nodes.values()), tuple(edges))


def _same(pairs: list[tuple[str, Flow]]) -> Iterable[tuple[str, list[Flow]]]:
    """By far end, port, transport and line of the file: what reads the same is one arrow."""
    found: dict[tuple[str, Match, str, Origin], list[Flow]] = {}
    for place, flow in pairs:
        found.setdefault((place, flow.match, flow.transport, flow.origin), []).append(flow)
    return [(key[0], flows) for key, flows in found.items()]


def _edge(facts: Facts, side: str, place: str, flows: list[Flow], groups: dict[str, Group], nodes: dict[str, Node], full: bool) -> Edge:
    """The edge to a far end; adds the node there, and its group, where they are not there yet. `full`: a line number needs its file."""
    id, flow = f"{side}/{place}", flows[0]
    group = _group(facts, side, place)
    groups.setdefault(group.id, group)
    nodes.setdefault(id, _node(facts, flow, id, place, group.id))
    label = (f"{flow.match} {words.transport(flow.transport)}", words.place(flow.origin) if full else boxes.line_of(flow.origin))
    ends = (id, SUBJECT) if side == CALLERS else (SUBJECT, id)
    return Edge(*ends, (), words.encrypted(flow.transport), label, tuple(dict.fromkeys(words.flow_text(f) for f in flows)))


def _group(facts: Facts, side: str, place: str) -> Group:
    if place in facts.units:
        tier = facts.tiers[facts.units[place].tier]
        box = boxes.tier(facts, tier, "")
        return Group(f"{side}/{tier.id}", "", box.kind, boxes.tier_title(facts, tier), box.lines[:1])
    if place.startswith(OUTSIDE):
        return Group(f"{side}/outside", "", Kind.OUTSIDE, "Outside")
    vpc = facts.vpc_of(place)
    giver = f"VPC {vpc}" if len(facts.alike.get(vpc, ())) < 2 else "each VPC"
    return Group(f"{side}/{vpc}/provided", "", Kind.OUTSIDE, f"given by {giver}")


def _node(facts: Facts, flow: Flow, id: str, place: str, group: str) -> Node:
    if place in facts.units:
        node = boxes.unit(facts, facts.units[place], group)
        namespace = facts.units[place].first.namespace
        return Node(id, group, node.kind, node.title, (line(namespace),) if namespace else (), (), node.count, node.hint)
    if not place.startswith(OUTSIDE):
        single = len(facts.alike.get(facts.vpc_of(place), ())) < 2
        addresses = [str(a) for e in facts.network.endpoints if e.id == place and single for a in e.addresses]
        return Node(id, group, Kind.PROVIDED, place.rpartition("/")[2], (line(", ".join(addresses)),))
    if id.startswith(CALLERS):
        client = boxes.client(facts.network, place, group)
        return Node(id, group, client.kind, client.title, client.lines)
    return Node(id, group, Kind.CLIENT, place.removeprefix(OUTSIDE), (line(_some(boxes.outside_names(flow))),))


def _subject(facts: Facts, name: str, units: list[Unit]) -> Node:
    network, first = facts.network, units[0].first
    kind = "load balancer" if first.kind is EndpointKind.LOAD_BALANCER else "machine"
    where = f"namespace {first.namespace}" if first.namespace else kind
    lines: list[Line] = [line(where + (f", runs {first.software}" if first.software else ""))]
    lines += [line(f"in {boxes.tier_title(facts, facts.tiers[u.tier])}") for u in units[:MANY]]
    everybody = [e for e in network.inside if (e.service or e.id.rpartition("/")[2]) == name]
    lines.append(line(f"addresses {_some(tuple(str(a) for e in everybody for a in e.addresses))}"))
    public = tuple(str(a) for e in everybody for a in e.public)
    lines += [line(f"public {_some(public)}")] if public else []
    lines += [
        (Run(f"{x.name} "), Run(str(boxes.match(x)), words.encrypted(x.transport)), Run(f" {words.transport(x.transport)}"))
        for x in units[0].listeners
    ]
    for cluster_service in [s for s in network.services if set(s.backends) & {e.id for e in everybody}][:MANY]:
        ports = " ".join(str(p.port) for p in cluster_service.ports)
        addresses = ", ".join(map(str, cluster_service.addresses)) or "headless"
        lines.append(line(f"{cluster_service.name}.{cluster_service.namespace} {addresses} on {ports}"))
    hosts = [h.host for e in network.endpoints for h in e.hosts if set(h.backends) & {b.id for b in everybody}]
    lines += [line(f"known as {h}") for h in dict.fromkeys(hosts)]
    table = boxes.table(network, first)
    return Node(
        SUBJECT,
        "",
        Kind.SUBJECT,
        name,
        tuple(lines),
        table,
        len(everybody) if len(units) == 1 else 1,
        (f"declared at {words.place(first.origin)}",),
    )


def _some(names: tuple[str, ...]) -> str:
    """The first few, and how many more."""
    return ", ".join(names[:MANY]) + (f" and {len(names) - MANY} more" if len(names) > MANY else "")
