"""A tier: its name and range, what comes in and from where, and what is in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from budnet.render.diagram.layout.block import Block, Packed, blocks, pack
from budnet.render.diagram.layout.card import GAP, PAD, SMALL, Card, Row, heights, put, rows, widest, wrapped
from budnet.render.diagram.layout.drawing import Drawing, Look, Tone
from budnet.render.diagram.scene import Group, Kind, Run, Scene

HEAD = 13.0
MARGIN = 10.0
HEADING = 200.0
"""Longer headings are wrapped."""
LOOKS = {Kind.PUBLIC: Look.PUBLIC, Kind.PRIVATE: Look.PRIVATE, Kind.ISOLATED: Look.ISOLATED}


@dataclass
class Slot:
    """An entry card in a tier's upper strip. `x` is its left edge within the tier, once that is known."""

    key: object
    card: Card
    x: float = 0.0

    @property
    def middle(self) -> float:
        return self.x + self.card.w / 2


@dataclass
class TierBox:
    """A tier before it has a place. The strip on top holds the heading and then entries, in the order of the lines that reach them."""

    scene: Scene
    group: Group
    left: list[Slot] = field(default_factory=list)
    top: list[Slot] = field(default_factory=list)
    right: list[Slot] = field(default_factory=list)
    heading: float = 0.0
    indent: float = 0.0
    """Between the entries from the left and those from above, to be left free."""
    indent_x: float = 0.0
    reserve: float = 0.0
    """At the right end of the strip, to be left free."""
    w: float = 0.0
    h: float = 0.0
    packed: Packed = Packed((), 0, 0)

    def heading_rows(self) -> tuple[Row, ...]:
        """What the tier is."""
        title = Row((Run(self.group.title, bold=True), Run(f"  {self.group.kind.value} subnets")), HEAD)
        return wrapped((title, *(Row(x) for x in self.group.lines)), HEADING)

    @property
    def strip(self) -> float:
        """The height of the strip."""
        cards = max((s.card.h for s in self._slots), default=0.0)
        return max(cards, heights(self.heading_rows()))

    @property
    def _slots(self) -> list[Slot]:
        return [*self.left, *self.top, *self.right]

    def needs(self) -> float:
        """The width that the strip needs."""
        return (
            MARGIN
            + self.heading
            + sum(s.card.w + GAP for s in self._slots)
            + MARGIN
            + (3 * GAP if self.right else 0)
            + self.indent
            + self.reserve
        )

    @cached_property
    def blocks(self) -> list[Block]:
        """What fills it."""
        return blocks(self.scene, self.group.id)

    def narrowest(self) -> float:
        """The width that its widest block needs at least, and its strip."""
        return max([b.sizes[0][0] + 2 * MARGIN for b in self.blocks] + [self.needs()])

    def fit(self, width: float) -> None:
        """Packs it into a width and so finds its height."""
        self.w = width
        self.packed = pack(self.blocks, width - 2 * MARGIN)
        inner = self.packed.h + MARGIN if self.packed.places else 0.0
        notes = heights(self._notes())
        self.h = MARGIN + self.strip + MARGIN + inner + (notes + MARGIN - 3 if notes else 0.0)
        x = MARGIN + self.heading + GAP
        for slot in self.left:
            slot.x = x
            x += slot.card.w + GAP
        self.indent_x = x
        x += self.indent
        for slot in self.top:
            slot.x = x
            x += slot.card.w + GAP
        x = width - MARGIN - self.reserve
        for slot in reversed(self.right):
            x -= slot.card.w
            slot.x = x
            x -= GAP

    def _notes(self) -> tuple[Row, ...]:
        return wrapped(tuple(Row(x, SMALL, Tone.MUTED) for x in self.group.notes), max(self.w, 200.0) - 2 * MARGIN)

    def draw(self, drawing: Drawing, x: float, y: float) -> None:
        """Draws it with its top left corner at a place."""
        drawing.rect(self.group.id, (x, y, self.w, self.h), LOOKS[self.group.kind], self.group.hint)
        rows(drawing, self.heading_rows(), x + MARGIN, y + PAD)
        for slot in self._slots:
            put(drawing, slot.card, x + slot.x, y + MARGIN)
        down = y + MARGIN + self.strip + MARGIN
        for block, columns, dx, dy in self.packed.places:
            block.draw(drawing, x + MARGIN + dx, down + dy, columns)
        down += self.packed.h + MARGIN if self.packed.places else 0.0
        rows(drawing, self._notes(), x + MARGIN, down - 3)


def heading_width(found: list[tuple[Row, ...]]) -> float:
    """The width that the headings of a VPC's tiers share, so that entries begin at one line."""
    return max((widest(x) for x in found), default=0.0) + 2 * GAP
