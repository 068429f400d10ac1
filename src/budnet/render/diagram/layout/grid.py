"""The page of who reaches whom: places with their classes above, and below them a table with a row and a column for each class."""

from __future__ import annotations

from budnet.render.diagram.layout import legend
from budnet.render.diagram.layout.card import GAP, PAD, SMALL, Card, Row, heights, node_card, put, rows, widest, wrapped
from budnet.render.diagram.layout.drawing import Drawing, Look, Tone
from budnet.render.diagram.scene import Edge, Group, Run, Scene, line
from budnet.render.diagram.views.reach import OUTSIDE, named

EDGE = 18.0
WIDEST = 1100.0
"""Of the upper part: what does not fit beside each other goes below. The table is as wide as it has to be."""
TITLE = 15.0
CELL, HEAD = 96.0, 230.0
"""Limits of the text in a cell, and at the head of a row."""
LEGEND = (
    "A row is who opens connections, a column who answers. On the diagonal: between the members of one class. An empty cell: nothing passes.",
    "A dashed cell: what decides is not modelled, or not known.",
)


def grid(scene: Scene) -> Drawing:
    """The page."""
    drawing = Drawing()
    legend.heading(drawing, scene, EDGE, EDGE - 4)
    bottom = _places(drawing, scene, EDGE + legend.TITLE_HEIGHT)
    bottom = _table(drawing, scene, bottom + 2 * GAP)
    for words in LEGEND:
        bottom += 16.0
        drawing.text(EDGE, bottom, line(words), SMALL, tone=Tone.MUTED)
    drawing.width = max([t.extent[2] for t in drawing.texts] + [r.right for r in drawing.rects]) + EDGE
    drawing.height = bottom + EDGE
    return drawing


def _places(drawing: Drawing, scene: Scene, top: float) -> float:
    """Boxes beside each other, in lines; says where they end."""
    x, y, below = EDGE, top, top
    for group in scene.groups:
        box = _Box(scene, group)
        if x > EDGE and x + box.w > EDGE + WIDEST:
            x, y = EDGE, below + GAP
        box.draw(drawing, x, y)
        x, below = x + box.w + GAP, max(below, y + box.h)
    return below


class _Box:
    """A place and its classes, beside each other up to a width."""

    def __init__(self, scene: Scene, group: Group) -> None:
        self.look = Look.OUTSIDE if group.title == OUTSIDE else Look.NAMESPACE
        self.group = group
        self.placed: list[tuple[Card, float, float]] = []
        title = Row(line(group.title, bold=True), 12.0)
        x, y, below, right = PAD, PAD + TITLE + 3, PAD + TITLE + 3, widest((title,)) + 2 * PAD
        for node in scene.inside[group.id]:
            card = node_card(node, limit=280.0)
            if x > PAD and x + card.w > WIDEST / 2:
                x, y = PAD, below + GAP
            self.placed.append((card, x, y))
            x, below = x + card.w + GAP, max(below, y + card.h)
            right = max(right, x)
        self.title, self.w, self.h = title, right + PAD - GAP + 2, below + PAD

    def draw(self, drawing: Drawing, x: float, y: float) -> None:
        """At a place."""
        drawing.rect(f"place {self.group.id}", (x, y, self.w, self.h), self.look)
        rows(drawing, (self.title,), x + PAD, y + PAD - 2)
        for card, dx, dy in self.placed:
            put(drawing, card, x + dx, y + dy)


def _table(drawing: Drawing, scene: Scene, top: float) -> float:
    said = {(e.source, e.target): wrapped(tuple(Row(line(x)) for x in e.label), CELL) for e in scene.edges}
    edges: dict[tuple[str, str], Edge] = {(e.source, e.target): e for e in scene.edges}
    heads = {n.id: wrapped((Row(named(n)),), HEAD) for n in scene.nodes}
    titles = {n.id: (Row((Run(n.title, bold=True),), 12.0),) for n in scene.nodes}
    left = max((widest(h) for h in heads.values()), default=0.0) + GAP
    wide = {n.id: max([widest(titles[n.id])] + [widest(said[a, b]) for a, b in said if b == n.id]) + 2 * PAD for n in scene.nodes}
    x, starts = EDGE + left, dict[str, float]()
    for node in scene.nodes:
        starts[node.id] = x
        rows(drawing, titles[node.id], x + wide[node.id] / 2, top, centred=True)
        x += wide[node.id] + 4
    y = top + TITLE + 4
    for source in scene.nodes:
        high = max([heights(heads[source.id])] + [heights(said[a, b]) for a, b in said if a == source.id]) + PAD
        rows(drawing, heads[source.id], EDGE, y + (high - heights(heads[source.id])) / 2 - 1)
        for target in scene.nodes:
            edge = edges.get((source.id, target.id))
            if edge is not None:
                cell = said[source.id, target.id]
                look = Look.ENTRY if edge.encrypted else Look.ENTRY_CLEAR
                hint = (f"{source.title} to {target.title}: {'; '.join(edge.label)}",)
                drawing.rect(f"cell {source.id} {target.id}", (starts[target.id], y, wide[target.id], high), look, hint)
                rows(drawing, cell, starts[target.id] + wide[target.id] / 2, y + (high - heights(cell)) / 2 - 1, centred=True)
        y += high + 4
    return y
