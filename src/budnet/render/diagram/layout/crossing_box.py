"""What stands on the page of crossing flows: nodes with lines at both sides, in VPCs, and lines that are drawn as one tree."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil

from budnet.render.diagram.layout.card import GAP, Card, Row, heights, wrapped
from budnet.render.diagram.layout.drawing import Point
from budnet.render.diagram.scene import Edge, Group, Run

GRID = 11.0
"""All lines of one side stand on a grid, those of the other side half a step off it: so no two lie on each other."""
PITCH = 2 * GRID
MARGIN = 14.0
Key = tuple[object, ...]


@dataclass
class Trunk:
    """Edges that are drawn as one tree: at its root one node, at its leaves one or more."""

    root: str
    edges: list[Edge]
    inward: bool
    """The arrow is at the root."""

    def leaf(self, edge: Edge) -> str:
        """The other end of an edge."""
        return edge.source if self.inward else edge.target


@dataclass
class Spot:
    """A node with a place, and the lines at its two sides, from above."""

    card: Card
    inner: list[Key] = field(default_factory=list)
    outer: list[Key] = field(default_factory=list)
    x: float = 0.0
    y: float = 0.0

    @property
    def h(self) -> float:
        return max(self.card.h, PITCH * max(len(self.inner), len(self.outer)) + 4)

    def at(self, side: list[Key], key: Key) -> float:
        """The height of a line at one of the sides."""
        first = GRID * max(1, round((self.h - PITCH * (len(side) - 1)) / 2 / GRID))
        return self.y + first + PITCH * side.index(key)

    @property
    def step(self) -> float:
        """From its upper side to that of the next."""
        return GRID * ceil((self.h + GAP - 1) / GRID)


@dataclass
class Box:
    """A VPC: services at its inner side, and behind them those that they call."""

    group: Group
    left: bool
    near: dict[str, Spot] = field(default_factory=dict)
    far: dict[str, Spot] = field(default_factory=dict)
    x: float = 0.0
    y: float = 0.0
    near_w: float = 0.0
    far_w: float = 0.0
    label_w: float = 0.0
    lanes_w: float = 0.0
    idle: list[Edge] = field(default_factory=list)

    @property
    def near_x_outer(self) -> float:
        """The side of the near nodes that looks away from the other VPCs."""
        return self.x + self.w - MARGIN - self.label_w - self.near_w if self.left else self.x + MARGIN + self.label_w + self.near_w

    def head(self) -> tuple[Row, ...]:
        """What it is."""
        title = Row((Run(self.group.title, bold=True), Run("  VPC")), 15.0)
        return wrapped((title, *(Row(x) for x in self.group.lines[:2])), max(self.w - 2 * MARGIN, 160.0))

    @property
    def w(self) -> float:
        inside = self.near_w + self.far_w + self.lanes_w + self.label_w + 2 * MARGIN
        return max(inside, 190.0)

    @property
    def h(self) -> float:
        column = max((sum(s.step for s in c.values()) for c in (self.near, self.far)), default=0.0)
        return self.top + MARGIN + column + GRID

    @property
    def top(self) -> float:
        """Where its services begin: below its name, and below the ends of links that nothing uses."""
        return max(heights(self.head()) + 2 * MARGIN, PITCH * len(self.idle) + 2 * GRID)

    def idle_end(self, edge: Edge) -> Point:
        """Where a link that nothing uses ends."""
        return (self.x + self.w if self.left else self.x), snapped(self.y, 0.0 if self.left else GRID / 2) + GRID + PITCH * self.idle.index(
            edge
        )


def snapped(y: float, phase: float) -> float:
    """The next place on the grid."""
    return GRID * ceil((y - phase) / GRID) + phase
