"""Cards: boxes that are as large as their text."""

from __future__ import annotations

from dataclasses import dataclass

from budnet.render.diagram.layout import text
from budnet.render.diagram.layout.drawing import Drawing, Look, Tone
from budnet.render.diagram.scene import Edge, Kind, Line, Node, Run, line

NAME, SMALL = 12.0, 10.5
PAD, GAP, STACK = 6.0, 7.0, 3.0
LOOKS = {
    Kind.POD: Look.POD, Kind.HOST: Look.HOST, Kind.BALANCER: Look.BALANCER, Kind.CLIENT: Look.CLIENT, Kind.DESTINATION: Look.CLIENT,
    Kind.INTERNET_GATEWAY: Look.GATEWAY, Kind.EGRESS_ONLY: Look.GATEWAY, Kind.NAT: Look.GATEWAY, Kind.PEERING: Look.PEERING,
    Kind.PROVIDED: Look.GATEWAY, Kind.SUBJECT: Look.SUBJECT,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a card."""

    content: Line
    size: float = SMALL
    tone: Tone = Tone.DARK

    @property
    def height(self) -> float:
        """The line and the air around it."""
        return self.size * 1.22


@dataclass(frozen=True, slots=True)
class Card:
    """A box of text, not placed yet."""

    id: str
    look: Look
    rows: tuple[Row, ...]
    w: float
    h: float
    hint: tuple[str, ...] = ()
    many: bool = False


def heights(rows: tuple[Row, ...]) -> float:
    """The rows under each other."""
    return sum(r.height for r in rows)


def widest(rows: tuple[Row, ...]) -> float:
    """The width that the rows need."""
    return max((text.width(r.content, r.size) for r in rows), default=0.0)


def name_of(node: Node) -> Line:
    """A node's name, and how many of it there are."""
    return (Run(node.title, bold=True), *((Run(f" ×{node.count}"),) if node.count > 1 else ()))


def wrapped(rows: tuple[Row, ...], limit: float) -> tuple[Row, ...]:
    """The rows, none wider than the limit."""
    return tuple(Row(part, r.size, r.tone) for r in rows for part in text.wrap(r.content, r.size, limit))


def node_rows(node: Node) -> tuple[Row, ...]:
    """Name and small print."""
    return (Row(name_of(node), NAME), *(Row(x) for x in node.lines))


def node_card(node: Node, width: float = 0.0, limit: float = 240.0) -> Card:
    """A card of the given width; without one as wide as it takes, up to a limit."""
    inner = (width or limit) - 2 * PAD
    rows = wrapped(node_rows(node), inner)
    w = width or widest(rows) + 2 * PAD
    return Card(node.id, LOOKS[node.kind], rows, w, heights(rows) + 2 * PAD - 2, node.hint, node.count > 1)


def entry_card(edge: Edge, source: str, limit: float = 132.0) -> Card:
    """What comes in, at the place where its arrow ends: from where, how protected, to which ports."""
    tone = Tone.ENCRYPTED if edge.encrypted else Tone.CLEAR
    rows = (Row((Run("from "), Run(source, bold=True))), *(Row(line(x), tone=tone) for x in edge.label))
    rows = wrapped(rows, limit)
    look = Look.ENTRY if edge.encrypted else Look.ENTRY_CLEAR
    return Card(
        f"entry/{edge.source}/{edge.target}/{edge.encrypted}", look, rows, widest(rows) + 2 * PAD, heights(rows) + 2 * PAD - 3, edge.flows
    )


def put(drawing: Drawing, card: Card, x: float, y: float, height: float = 0.0, centred: bool = False) -> None:
    """Draws a card at a place; `height` makes it as tall as its neighbours."""
    h = height or card.h
    if card.many:
        drawing.rect(card.id, (x + STACK, y + STACK, card.w, h), Look.STACK)
    drawing.rect(card.id, (x, y, card.w, h), card.look, card.hint)
    rows(drawing, card.rows, x + (card.w / 2 if centred else PAD), y + (h - heights(card.rows)) / 2 if centred else y + PAD - 1, centred)


def rows(drawing: Drawing, content: tuple[Row, ...], x: float, y: float, centred: bool = False) -> float:
    """Writes rows under each other from a top left (or top middle) point; says where they end."""
    for row in content:
        y += row.height
        drawing.text(x, y - row.size * 0.3, row.content, row.size, "middle" if centred else "start", row.tone)
    return y
