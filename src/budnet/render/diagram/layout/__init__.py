"""SCENE -> DRAWING: gives everything a place. Deterministic, and no box, line or text on top of another."""

from __future__ import annotations

from collections.abc import Iterator

from budnet.render.diagram.layout.crossing import crossing
from budnet.render.diagram.layout.drawing import Drawing
from budnet.render.diagram.layout.grid import grid
from budnet.render.diagram.layout.page import architecture
from budnet.render.diagram.layout.star import star
from budnet.render.diagram.scene import Kind, Scene
from budnet.render.diagram.views.reach import REACH


def lay_out(scene: Scene) -> Drawing:
    """Places a scene."""
    drawing = _page(scene)
    drawing.title, drawing.description = f"{scene.title}: {scene.view}", "\n".join([scene.subtitle, *_read_out(scene)])
    return drawing


def _page(scene: Scene) -> Drawing:
    if any(n.kind is Kind.SUBJECT for n in scene.nodes):
        return star(scene)
    if scene.view == REACH:
        return grid(scene)
    return crossing(scene) if scene.view == "cross-cluster" else architecture(scene)


def _read_out(scene: Scene) -> Iterator[str]:
    """The picture in words, for whoever cannot see it: every arrow in a line."""
    for edge in scene.edges:
        yield f"{scene.title_of(edge.source)} to {scene.title_of(edge.target)}: {', '.join(edge.label) or 'a link without flows'}"
