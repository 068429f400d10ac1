"""Links between VPCs, as more than one view shows them."""

from __future__ import annotations

from collections.abc import Iterable

from budnet.ir.links import Link
from budnet.render.diagram.scene import Edge, Kind, Node, line
from budnet.render.diagram.views import words
from budnet.render.diagram.views.alike import written
from budnet.render.diagram.views.facts import Facts

_TITLE = {
    "vpc-peering": "VPC peering", "vpn": "VPN", "aws-privatelink": "AWS PrivateLink", "azure-private-link": "Azure Private Link",
    "public": "public, TLS",
}  # fmt: skip
_DETAIL = {"ipsec": "IPsec ", "wireguard": "WireGuard "}


def links(facts: Facts) -> list[Node]:
    """Links with their methods; those of VPCs that are drawn as one are one."""
    found: dict[str, list[Link]] = {}
    for link in written(facts.network):
        found.setdefault(link_id(facts, *link.between), []).append(link)
    return [_node(facts, id, same) for id, same in found.items()]


def _node(facts: Facts, id: str, same: list[Link]) -> Node:
    titles = ", ".join(dict.fromkeys(f"{_DETAIL.get(x.detail, '')}{_TITLE[x.method]}" for x in same))
    names = tuple(x.id for x in same)
    about = (same[0].id, *_tunnels(facts, same[0])) if len(same) == 1 else ()
    return Node(id, "", Kind.PEERING, titles, tuple(map(line, about)), count=len(names), hint=names)


def _tunnels(facts: Facts, link: Link) -> tuple[str, ...]:
    return (words.plural(len(facts.network.vpn[link.id].tunnels), "tunnel"),) if link.method == "vpn" else ()


def link_id(facts: Facts, one: str, other: str) -> str:
    """The box of the link between two VPCs."""
    return f"link/{'/'.join(sorted((facts.drawn(one), facts.drawn(other))))}"


def link_between(facts: Facts, one: str, other: str) -> tuple[str, ...]:
    """The link that flows between two VPCs go through, if there is one."""
    id = link_id(facts, one, other)
    return (id,) if any(link_id(facts, *p.between) == id for p in written(facts.network)) else ()


def idle(facts: Facts, edges: Iterable[Edge]) -> Iterable[Edge]:
    """A link that none of the edges uses is still there."""
    busy = {via for e in edges for via in e.via}
    for link in written(facts.network):
        id = link_id(facts, *link.between)
        if id not in busy:
            busy.add(id)
            yield Edge(facts.drawn(link.between[0]), facts.drawn(link.between[1]), (id,), link=True)
