"""Lines for edges: how thick, how dashed, and which boxes they may touch."""

from __future__ import annotations

from budnet.render.diagram.layout.drawing import Path, Point, Wire
from budnet.render.diagram.scene import Edge, Scene


def path(scene: Scene, points: tuple[Point, ...], edges: list[Edge], *ends: str) -> Path:
    """A line that stands for some edges. It may touch their ends and what these are in."""
    touched = {x for e in edges for x in (e.source, e.target, *e.via, f"entry/{e.source}/{e.target}/{e.encrypted}")} | set(ends)
    touched |= {group for x in touched for group in scene.around(x)}
    flows = tuple(dict.fromkeys(f for e in edges for f in e.flows))
    wire = Wire.LINK if edges[0].link else Wire.ENCRYPTED if edges[0].encrypted else Wire.CLEAR
    return Path(_clean(points), wire, weight(len(flows)), not edges[0].link, frozenset(touched), flows)


def weight(flows: int) -> float:
    """Three thicknesses, told apart in print: a few flows, some, many."""
    return 1.2 if flows <= 3 else 2.0 if flows <= 12 else 3.0


def _clean(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """Without points that lie on the way between their neighbours."""
    out: list[Point] = []
    for x, y in points:
        if out and abs(out[-1][0] - x) < 0.01 and abs(out[-1][1] - y) < 0.01:
            continue
        if len(out) > 1 and any(abs(out[-2][i] - out[-1][i]) < 0.01 and abs(out[-1][i] - (x, y)[i]) < 0.01 for i in (0, 1)):
            out.pop()
        out.append((x, y))
    return tuple(out)
