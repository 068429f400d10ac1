"""What fills a tier: namespaces with their services, machines, load balancers; and how they are packed into its width."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from budnet.render.diagram.layout import text
from budnet.render.diagram.layout.card import GAP, PAD, SMALL, STACK, Card, Row, heights, name_of, node_card, node_rows, put, rows, widest
from budnet.render.diagram.layout.drawing import Drawing, Look, Tone
from budnet.render.diagram.scene import Group, Kind, Node, Scene, line

TITLE = 17.0
NARROW, WIDE = 92.0, 150.0
SPACE = GAP + STACK


@dataclass(frozen=True)
class Block:
    """Something that can be laid out in one, two or more columns."""

    cards: tuple[Card, ...]
    group: Group | None = None

    @property
    def _frame(self) -> float:
        return PAD if self.group else 0.0

    @cached_property
    def sizes(self) -> tuple[tuple[float, float], ...]:
        """Width and height in one, two, and more columns, as far as more columns make a difference."""
        return tuple(self._size(columns) for columns in range(1, len(self.cards) + 1))

    @cached_property
    def content(self) -> float:
        """The area that its cards need, without any air."""
        return sum(c.w * c.h for c in self.cards)

    def _size(self, columns: int) -> tuple[float, float]:
        w = columns * self.cards[0].w + (columns - 1) * SPACE
        h = sum(self._row_heights(columns)) + (len(self._row_heights(columns)) - 1) * SPACE
        title = TITLE if self.group else 0.0
        if self.group:
            w = max(w, text.width(line(self.group.title), SMALL))
        return w + 2 * self._frame + STACK, h + title + self._frame + STACK

    def draw(self, drawing: Drawing, x: float, y: float, columns: int) -> None:
        """Draws it with its top left corner at a place."""
        w, h = self.sizes[columns - 1]
        if self.group:
            drawing.rect(self.group.id, (x, y, w, h), Look.NAMESPACE, self.group.hint)
            drawing.text(x + PAD, y + TITLE - 5, line(self.group.title), SMALL, tone=Tone.MUTED)
            y += TITLE
        for i, height in enumerate(self._row_heights(columns)):
            for j, card in enumerate(self.cards[i * columns : (i + 1) * columns]):
                put(drawing, card, x + self._frame + j * (card.w + SPACE), y, height)
            y += height + SPACE

    def _row_heights(self, columns: int) -> list[float]:
        return [max(c.h for c in self.cards[i : i + columns]) for i in range(0, len(self.cards), columns)]


@dataclass(frozen=True)
class Balancer(Block):
    """A load balancer: a wide box, for the names it answers to. They stand in one, two or more columns."""

    node: Node | None = None

    @cached_property
    def sizes(self) -> tuple[tuple[float, float], ...]:
        return tuple(self._size(columns) for columns in range(1, max(1, min(4, len(self._names))) + 1))

    @cached_property
    def content(self) -> float:
        return self.sizes[0][0] * self.sizes[0][1]

    @cached_property
    def _names(self) -> tuple[Row, ...]:
        return tuple(Row(x) for x in self.node.table) if self.node else ()

    @cached_property
    def _head(self) -> tuple[Row, ...]:
        return node_rows(self.node) if self.node else ()

    def _size(self, columns: int) -> tuple[float, float]:
        per = -(-len(self._names) // columns)
        w = max(columns * widest(self._names) + (columns - 1) * 2 * GAP, widest(self._head), NARROW)
        return w + 2 * PAD + STACK, heights(self._head) + heights(self._names[:per]) + 2 * PAD + STACK

    def draw(self, drawing: Drawing, x: float, y: float, columns: int) -> None:
        w, h = self.sizes[columns - 1]
        assert self.node is not None
        put(drawing, Card(self.node.id, Look.BALANCER, self._head, w - STACK, h - STACK, self.node.hint, self.node.count > 1), x, y)
        per = -(-len(self._names) // columns)
        for i in range(columns if per else 0):
            left = x + PAD + i * (widest(self._names) + 2 * GAP)
            rows(drawing, self._names[i * per : (i + 1) * per], left, y + PAD + heights(self._head))


def blocks(scene: Scene, tier: str) -> list[Block]:
    """The blocks of a tier: load balancers first, then namespaces, then what has none."""
    loose = [n for n in scene.inside.get(tier, []) if n.kind is not Kind.NAT]
    out: list[Block] = [Balancer((), None, n) for n in loose if n.kind is Kind.BALANCER]
    width = card_width(scene, tier)
    out += [Block(tuple(node_card(n, width) for n in scene.inside[group.id]), group) for group in scene.below(tier)]
    rest = [n for n in loose if n.kind is not Kind.BALANCER]
    return [*out, *([Block(tuple(node_card(n, width) for n in rest))] if rest else [])]


def card_width(scene: Scene, tier: str) -> float:
    """One width for all services of a tier: what the longest name needs, within reason."""
    groups = [tier, *(g.id for g in scene.below(tier))]
    nodes = [n for g in groups for n in scene.inside.get(g, []) if n.kind in (Kind.POD, Kind.HOST)]
    need = max((text.width(name_of(n), 12.0) for n in nodes), default=0.0) + 2 * PAD
    return min(max(need, NARROW), WIDE)


Place = tuple[Block, int, float, float]
"""A block, in how many columns, and its left upper corner."""


@dataclass(frozen=True, slots=True)
class Packed:
    """Blocks with their places, and what they need in total."""

    places: tuple[Place, ...]
    w: float
    h: float


def pack(found: list[Block], width: float) -> Packed:
    """Shelves, the largest block first. The first shelf is tried in every way, the others as each is best filled."""
    ordered = sorted(found, key=lambda b: -b.content)
    if not ordered:
        return Packed((), 0.0, 0.0)
    return min((_packed(ordered, width, first) for first in _shelves(ordered, width)), key=lambda p: (round(p.h, 2), p.w))


def _packed(left: list[Block], width: float, shelf: Packed) -> Packed:
    places: list[Place] = []
    y = w = 0.0
    while True:
        places += [(block, columns, x, y + dy) for block, columns, x, dy in shelf.places]
        w, y = max(w, shelf.w), y + shelf.h
        taken = {id(place[0]) for place in shelf.places}
        left = [b for b in left if id(b) not in taken]
        if not left:
            return Packed(tuple(places), w, y)
        y += SPACE
        shelf = min(_shelves(left, width), key=lambda s: (round(_waste(s, width), 3), s.h))


def _waste(shelf: Packed, width: float) -> float:
    used = sum(place[0].content for place in shelf.places)
    return (shelf.h * max(width, shelf.w) - used) / used


def _shelves(left: list[Block], width: float) -> list[Packed]:
    """One shelf for every number of columns that fits of the block that leads it: the largest one, or the tallest."""
    tallest = max(left, key=lambda b: b.sizes[-1][1])
    out: list[Packed] = []
    for lead in [left[0]] if tallest is left[0] else [left[0], tallest]:
        numbers = [n for n, size in enumerate(lead.sizes, 1) if size[0] <= width] or [1]
        out += [_shelf([lead, *(b for b in left if b is not lead)], n, width) for n in reversed(numbers)]
    return out


def _shelf(left: list[Block], columns: int, width: float) -> Packed:
    """Beside the first block whatever fits; under each of these again what fits."""
    w, height = left[0].sizes[columns - 1]
    places: list[Place] = [(left[0], columns, 0.0, 0.0)]
    x, rest = w + SPACE, left[1:]
    while rest:
        column, wide = _column(rest, width - x, height)
        if not column:
            break
        places += [(block, n, x + dx, dy) for block, n, dx, dy in column]
        taken = {id(place[0]) for place in column}
        rest = [b for b in rest if id(b) not in taken]
        x += wide + SPACE
    return Packed(tuple(places), x - SPACE, height)


def _column(rest: list[Block], width: float, height: float) -> tuple[list[Place], float]:
    """The first block that fits into the rest of a shelf, as narrow as can be, and others under it."""
    out: list[Place] = []
    limit, y = width, 0.0
    for block in rest:
        fits = [(size[0], n) for n, size in enumerate(block.sizes, 1) if size[0] <= limit and y + size[1] <= height]
        if fits:
            # the one that sets the width is as narrow as can be, those under it as flat as can be
            wide, n = max(fits) if out else min(fits)
            out.append((block, n, 0.0, y))
            limit, y = limit if len(out) > 1 else wide, y + block.sizes[n - 1][1] + SPACE
    return out, limit
