"""One service in the middle, as tall as everything that touches it: so every line is straight, and its label stands on it."""

from __future__ import annotations

from dataclasses import dataclass, field

from budnet.records import replace
from budnet.render.diagram.layout import legend, text
from budnet.render.diagram.layout.card import GAP, NAME, PAD, SMALL, Card, Row, heights, name_of, node_card, put, rows, widest, wrapped
from budnet.render.diagram.layout.card import LOOKS as BOXES
from budnet.render.diagram.layout.drawing import Drawing, Look, Tone
from budnet.render.diagram.layout.tier import LOOKS
from budnet.render.diagram.layout.wires import path
from budnet.render.diagram.scene import Edge, Group, Kind, Line, Node, Run, Scene, line, plain

EDGE = 18.0
PITCH = 22.0
HEAD = 37.0
SPACE = 12.0


@dataclass
class Far:
    """A node at a far end and the lines to it."""

    card: Card
    edges: list[Edge]

    @property
    def h(self) -> float:
        return max(self.card.h, PITCH * len(self.edges))


@dataclass
class Cluster:
    """The nodes of one tier."""

    group: Group
    nodes: list[Far] = field(default_factory=list)

    @property
    def h(self) -> float:
        return HEAD + sum(f.h + GAP for f in self.nodes)


def star(scene: Scene) -> Drawing:
    """The page."""
    drawing = Drawing()
    subject = next(n for n in scene.nodes if n.kind is Kind.SUBJECT)
    left, right = (_clusters(scene, subject.id, incoming) for incoming in (True, False))
    widths = [_width(side) for side in (left, right)]
    labels = [max((_label_width(e) for c in side for f in c.nodes for e in f.edges), default=60.0) + 30 for side in (left, right)]
    middle = _subject_rows(subject)
    w = widest(middle) + 4 * PAD
    tall = max([heights(middle) + 4 * PAD] + [sum(c.h + SPACE for c in side) - SPACE for side in (left, right)])
    top = EDGE + legend.TITLE_HEIGHT + 10
    x = [EDGE, EDGE + widths[0] + labels[0]]
    x.append(x[1] + w + labels[1])
    drawing.rect(subject.id, (x[1], top, w, tall), Look.SUBJECT, subject.hint)
    rows(drawing, middle, x[1] + w / 2, top + (tall - heights(middle)) / 2, centred=True)
    for side, at, wide, near in ((left, x[0], widths[0], x[1]), (right, x[2], widths[1], x[1] + w)):
        _column(drawing, scene, side, (at, top + (tall - sum(c.h + SPACE for c in side) + SPACE) / 2, wide), near)
    drawing.width = max(x[2] + widths[1] + EDGE, legend.heading_width(scene) + 2 * EDGE, 480)
    bottom = top + tall + 16
    legend.heading(drawing, scene, EDGE, EDGE - 4)
    legend.draw(drawing, scene, EDGE, bottom, drawing.width - 2 * EDGE)
    drawing.height = bottom + legend.height(scene, drawing.width - 2 * EDGE) + EDGE
    return drawing


def _subject_rows(node: Node) -> tuple[Row, ...]:
    name: Line = (Run(node.title, bold=True), *((Run(f" ×{node.count}"),) if node.count > 1 else ()))
    return wrapped((Row(name, 16.0), *(Row(x) for x in node.lines), *(Row(x, tone=Tone.MUTED) for x in node.table)), 230.0)


def _clusters(scene: Scene, subject: str, incoming: bool) -> list[Cluster]:
    """The far ends on one side, by tier, in the order in which they come up."""
    clusters: dict[str, Cluster] = {}
    far: dict[str, Far] = {}
    for edge in scene.edges:
        id = edge.source if incoming else edge.target
        if id == subject or (edge.target if incoming else edge.source) != subject:
            continue
        if id not in far:
            node = scene.node[id]
            far[id] = Far(_card(node), [])
            clusters.setdefault(node.group, Cluster(scene.group[node.group])).nodes.append(far[id])
        far[id].edges.append(edge)
    return list(clusters.values())


def _card(node: Node) -> Card:
    """A service in one row, so that a page with many is not taller than it must be; others with all that is known of them."""
    if node.kind not in (Kind.POD, Kind.HOST, Kind.BALANCER):
        return node_card(node, limit=200.0)
    small = tuple(Run(f"  {plain(x)}") for x in node.lines)
    row = wrapped((Row((*name_of(node), *small), NAME),), 240.0)
    return Card(node.id, BOXES[node.kind], row, widest(row) + 2 * PAD, heights(row) + 2 * PAD - 2, node.hint, node.count > 1)


def _width(side: list[Cluster]) -> float:
    cards = [f.card.w for c in side for f in c.nodes]
    titles = [max(text.width(line(c.group.title, bold=True), SMALL), *(text.width(x, SMALL) for x in (*c.group.lines, ()))) for c in side]
    return max([*cards, *titles, 80.0]) + 2 * PAD if side else 80.0


def _column(drawing: Drawing, scene: Scene, side: list[Cluster], at: tuple[float, float, float], near: float) -> None:
    x, y, wide = at
    if not side:
        drawing.text(x + wide / 2, y - SPACE / 2, line("nobody"), SMALL, "middle", Tone.MUTED)
    for cluster in side:
        drawing.rect(cluster.group.id, (x, y, wide, cluster.h), LOOKS.get(cluster.group.kind, Look.OUTSIDE))
        head = (Row(line(cluster.group.title, bold=True)), *(Row(x, tone=Tone.MUTED) for x in cluster.group.lines))
        rows(drawing, head, x + PAD + 2, y + 4)
        down = y + HEAD - 2
        for far in cluster.nodes:
            card = Card(far.card.id, far.card.look, far.card.rows, wide - 2 * PAD, far.card.h, far.card.hint, far.card.many)
            put(drawing, card, x + PAD, down, far.h)
            for k, edge in enumerate(far.edges):
                _line(drawing, scene, edge, (x + PAD, x + wide - PAD), near, down + far.h * (k + 0.5) / len(far.edges) + 4)
            down += far.h + GAP
        y += cluster.h + SPACE


def _line(drawing: Drawing, scene: Scene, edge: Edge, sides: tuple[float, float], near: float, y: float) -> None:
    """From the far end's near side to the subject, or back."""
    far = sides[1] if near > sides[1] else sides[0]
    incoming = near > far
    points = ((far, y), (near, y)) if incoming else ((near, y), (far, y))
    drawing.paths.append(replace(path(scene, points, [edge]), width=1.4))
    start = far + 12 if incoming else near + 12
    drawing.text(start, y - 4, _label(edge), SMALL, tone=Tone.ENCRYPTED if edge.encrypted else Tone.CLEAR)


def _label(edge: Edge) -> Line:
    return (Run(edge.label[0], bold=True), *(Run(f"  {more}") for more in edge.label[1:]))


def _label_width(edge: Edge) -> float:
    return text.width(_label(edge), SMALL) + 2 * PAD
