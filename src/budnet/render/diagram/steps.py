"""SCENE -> the plain arrows of it, for formats that lay things out themselves: every gateway on the way is a stop of its own."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import ceil

from budnet.render.diagram.scene import TIERS, Edge, Kind, Scene, plain


@dataclass(frozen=True, slots=True)
class Step:
    """An arrow from one box to the next."""

    source: str
    target: str
    label: tuple[str, ...]
    encrypted: bool
    link: bool
    many: bool


def steps(scene: Scene) -> list[Step]:
    """The arrows, each once, in the order of the edges. A link is a word of the label: arrows through one box could not be told apart."""
    out: dict[Step, None] = {}
    for edge in scene.edges:
        stops = [v for v in edge.via if scene.node[v].kind is not Kind.PEERING]
        over = [_link(scene, v) for v in edge.via if scene.node[v].kind is Kind.PEERING]
        way = [edge.source, *stops, edge.target]
        # what comes in is labelled where it arrives, what goes out where it leaves: the rest of the way is shared
        labelled = len(way) - 2 if edge.source in scene.node else 0
        for i, (one, other) in enumerate(pairwise(way)):
            label = (*edge.label, *over) if i == labelled else ()
            out[Step(one, other, label, edge.encrypted, edge.link, _many(edge) and i == labelled)] = None
    return list(out)


def below(scene: Scene) -> list[tuple[str, str]]:
    """Which node to put under which: without a hint, a hundred services that no arrow ends at would stand in one endless row."""
    ends = {x for e in scene.edges for x in (e.source, e.target)}
    out: list[tuple[str, str]] = []
    for nodes in scene.inside.values():
        free = [n.id for n in nodes if n.group and n.id not in ends]
        columns = max(3, ceil(len(free) ** 0.5))
        out += list(zip(free, free[columns:], strict=False))
    return out


def _link(scene: Scene, id: str) -> str:
    node = scene.node[id]
    return f"over {node.title}{f' ×{node.count}' if node.count > 1 else ''}"


def _many(edge: Edge) -> bool:
    return len(edge.flows) > 12


def text_of(scene: Scene, id: str) -> list[str]:
    """Everything that a node or a group says, line by line."""
    if id in scene.group:
        group = scene.group[id]
        kind = f" ({group.kind.value})" if group.kind in (*TIERS, Kind.VPC, Kind.NAMESPACE) else ""
        return [f"{group.title}{kind}", *(plain(x) for x in group.lines)]
    node = scene.node[id]
    head = f"{node.title} ×{node.count}" if node.count > 1 else node.title
    return [head, *(plain(x) for x in (*node.lines, *node.table))]
