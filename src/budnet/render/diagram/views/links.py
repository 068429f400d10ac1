"""Links between VPCs, as more than one view shows them."""

from __future__ import annotations

from collections.abc import Iterable

from budnet.render.diagram.scene import Edge, Kind, Node, line
from budnet.render.diagram.views.facts import Facts


def links(facts: Facts) -> list[Node]:
    """Peerings; those of VPCs that are drawn as one are one."""
    found: dict[str, list[str]] = {}
    for peering in facts.network.peerings:
        found.setdefault(link_id(facts, *peering.between), []).append(peering.id)
    return [
        Node(id, "", Kind.PEERING, "VPC peering", tuple(line(n) for n in names[:1] if len(names) == 1), count=len(names), hint=tuple(names))
        for id, names in found.items()
    ]


def link_id(facts: Facts, one: str, other: str) -> str:
    """The box of the peering between two VPCs."""
    return f"link/{'/'.join(sorted((facts.drawn(one), facts.drawn(other))))}"


def link_between(facts: Facts, one: str, other: str) -> tuple[str, ...]:
    """The peering that flows between two VPCs go through, if there is one."""
    id = link_id(facts, one, other)
    return (id,) if any(link_id(facts, *p.between) == id for p in facts.network.peerings) else ()


def idle(facts: Facts, edges: Iterable[Edge]) -> Iterable[Edge]:
    """A peering that none of the edges uses is still there."""
    busy = {via for e in edges for via in e.via}
    for peering in facts.network.peerings:
        id = link_id(facts, *peering.between)
        if id not in busy:
            busy.add(id)
            yield Edge(facts.drawn(peering.between[0]), facts.drawn(peering.between[1]), (id,), link=True)
