"""What crosses a link between VPCs, who opens it, who answers, and where it goes on from there."""

from __future__ import annotations

from budnet.ir.address import Match
from budnet.ir.network import Network
from budnet.render.diagram.scene import Edge, Node, Scene, line
from budnet.render.diagram.views import boxes, links, words
from budnet.render.diagram.views.alike import written
from budnet.render.diagram.views.facts import Facts, Hop, read

Key = tuple[str, str, Match, str]


def crossing(network: Network) -> Scene:
    """The view."""
    facts = read(network)
    inside = [h for h in facts.hops if h.source in facts.units and h.target in facts.units]
    over = [h for h in inside if facts.vpc_of(h.source) != facts.vpc_of(h.target)]
    answering = {h.target for h in over}
    further = [h for h in inside if h.source in answering and h.source != h.target and facts.vpc_of(h.source) == facts.vpc_of(h.target)]
    edges = [*_edges(facts, over), *_edges(facts, further)]
    edges += links.idle(facts, edges)
    used = dict.fromkeys(p for e in edges if not e.link for p in (e.source, e.target))
    vpcs = dict.fromkeys([*(facts.vpc_of(p) for p in used), *(v for e in edges if e.link for v in (e.source, e.target))])
    groups = tuple(boxes.vpc(facts, v) for v in facts.alike if v in vpcs or not vpcs)
    nodes = (*(_node(facts, id) for id in facts.units if id in used), *links.links(facts))
    number = len({h.flow for h in over})
    said = (
        f"{words.plural(number, 'flow')} over {words.plural(len(written(network)), 'link')}, and where they go on"
        if number
        else "no flow crosses a link"
    )
    return Scene("cross-cluster", network.name, f"Between clusters: {said}", groups, nodes, tuple(edges))


def _node(facts: Facts, id: str) -> Node:
    unit = facts.units[id]
    node = boxes.unit(facts, unit, unit.vpc)
    tier = facts.tiers[unit.tier]
    return Node(node.id, node.group, node.kind, node.title, (line(tier.name),), (), node.count, node.hint)


def _edges(facts: Facts, hops: list[Hop]) -> list[Edge]:
    found: dict[Key, list[Hop]] = {}
    for hop in hops:
        found.setdefault((hop.source, hop.target, hop.flow.match, hop.flow.transport), []).append(hop)
    return [_edge(facts, key, same) for key, same in found.items()]


def _edge(facts: Facts, key: Key, hops: list[Hop]) -> Edge:
    source, target, match, transport = key
    one, other = facts.vpc_of(source), facts.vpc_of(target)
    via = links.link_between(facts, one, other) if one != other else ()
    flows = tuple(dict.fromkeys(words.flow_text(h.flow) for h in hops))
    return Edge(source, target, via, words.encrypted(transport), (f"{match} {words.transport(transport)}",), flows)
