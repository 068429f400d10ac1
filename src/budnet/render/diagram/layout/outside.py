"""The outside, above the VPCs: who comes in, and the table of all that may leave."""

from __future__ import annotations

from dataclasses import dataclass

from budnet.render.diagram.layout.card import GAP, PAD, SMALL, Card, Row, heights, node_card, put, rows, widest, wrapped
from budnet.render.diagram.layout.drawing import Drawing, Look, Tone
from budnet.render.diagram.layout.lanes import LANE
from budnet.render.diagram.scene import Node, Scene, line

COLUMNS = ("row", "ports", "from", "to")
LIMITS = (130.0, 130.0, 230.0)
NARROWEST = 150.0


@dataclass(frozen=True)
class EgressTable:
    """Every egress row, as a table: a picture of arrows to forty host names would say less."""

    title: str
    id: str
    cells: tuple[tuple[tuple[Row, ...], ...], ...]
    widths: tuple[float, ...]
    hints: tuple[str, ...]

    @property
    def w(self) -> float:
        return sum(self.widths) + 2 * GAP * (len(self.widths) - 1) + 2 * PAD

    @property
    def h(self) -> float:
        return 34.0 + sum(self._height(row) for row in self.cells) + PAD

    @staticmethod
    def _height(row: tuple[tuple[Row, ...], ...]) -> float:
        return max(heights(cell) for cell in row) + 3.0

    def draw(self, drawing: Drawing, x: float, y: float) -> None:
        """Draws it with its top left corner at a place."""
        drawing.rect(self.id, (x, y, self.w, self.h), Look.OUTSIDE, self.hints)
        drawing.text(x + PAD, y + 14, line(self.title, bold=True), 12.0)
        at = [x + PAD + sum(self.widths[:i]) + 2 * GAP * i for i in range(len(self.widths))]
        for left, head in zip(at, COLUMNS, strict=True):
            drawing.text(left, y + 28, line(head), 9.0, tone=Tone.MUTED)
        down = y + 31
        for row in self.cells:
            for left, cell in zip(at, row, strict=True):
                rows(drawing, cell, left, down)
            down += self._height(row)


def egress_table(scene: Scene, group: str, limit: float) -> EgressTable | None:
    """The table in a given width, or None where nothing leaves."""
    nodes = scene.inside.get(group, [])
    if group not in scene.group or not nodes:
        return None
    first = [tuple(_cells(node, k) for node in nodes) for k in range(3)]
    widths = [max(max(widest(c) for c in column), 30.0) for column in first]
    last = max(NARROWEST, limit - sum(widths) - 6 * GAP - 2 * PAD)
    hosts = tuple(wrapped((Row(node.table[2], SMALL, Tone.MUTED),), last) for node in nodes)
    widths.append(max(widest(c) for c in hosts))
    cells = tuple(zip(*first, hosts, strict=True))
    hints = tuple(dict.fromkeys(h for n in nodes for h in n.hint))
    return EgressTable(scene.group[group].title, group, cells, tuple(widths), hints)


def _cells(node: Node, column: int) -> tuple[Row, ...]:
    if column == 0:
        return wrapped((Row(line(node.title, bold=True)),), LIMITS[0])
    return wrapped((Row(node.table[column - 1]),), LIMITS[column])


@dataclass
class Client:
    """Someone outside, above the places that its lines go to."""

    card: Card
    x: float = 0.0
    w: float = 0.0

    def draw(self, drawing: Drawing, y: float, height: float) -> None:
        """Draws it with its upper side at a height."""
        wide = Card(self.card.id, self.card.look, self.card.rows, self.w, self.card.h, self.card.hint)
        put(drawing, wide, self.x, y, height, centred=True)


def clients(scene: Scene, group: str, wanted: dict[str, list[float]], start: float, limit: float) -> list[Client]:
    """Places clients from left to right, each as near as possible to the x positions it is wanted at, none beyond the limit."""
    lines = {n.id: len([e for e in scene.edges if e.source == n.id]) for n in scene.nodes}
    nodes = sorted(scene.inside.get(group, []), key=lambda n: min(wanted.get(n.id, [start])))
    out: list[Client] = []
    for node in nodes:
        card = node_card(node, limit=170.0)
        at = wanted.get(node.id) or [start]
        w = max(card.w, max(at) - min(at) + 24, 24 + 2 * LANE * lines[node.id])
        x = max((min(at) + max(at) - w) / 2, out[-1].x + out[-1].w + 2 * GAP if out else start)
        out.append(Client(card, x, w))
    # whoever is too far right moves left, and pushes those on his left before him
    for client in reversed(out):
        client.x = min(client.x, limit - client.w)
        limit = client.x - 2 * GAP
    return out


def row_width(found: list[Client]) -> float:
    """What clients need beside each other."""
    return sum(c.w + 2 * GAP for c in found)
