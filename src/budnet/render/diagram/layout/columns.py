"""Which VPC stands in which of the page's two columns, and how wide: so that the page fits a sheet with its text as large as can be."""

from __future__ import annotations

from dataclasses import dataclass

from budnet.render.diagram.layout.card import Card, node_card
from budnet.render.diagram.layout.drawing import Point
from budnet.render.diagram.layout.lanes import LANE
from budnet.render.diagram.layout.stack import Stack
from budnet.render.diagram.layout.stack_lines import Drawn, draw_stack
from budnet.render.diagram.scene import Edge, Kind, Scene

EDGE = 18.0
"""The white around the page."""
BETWEEN = 26.0
"""Between two VPCs of a column."""
RATIO = 2**0.5
"""A sheet of paper, lying."""
TOP = 200.0
"""What the outside takes of the page's height, more or less."""
APART = 5.0
"""Lines of two columns that are farther apart than this cannot be taken for one."""
OFFSETS = range(-10, 11)
NOMINAL = 600.0
WIDTHS = range(400, 1700, 50)
SMALLEST = 640.0


@dataclass
class Placed:
    """A VPC on the page. `first`: nothing is between it and the outside."""

    drawn: Drawn
    first: bool
    x: float = 0.0
    y: float = 0.0

    def at(self, point: Point) -> Point:
        """A point of the VPC, on the page."""
        return self.x + point[0], self.y + point[1]

    @property
    def bottom(self) -> float:
        """The height of its lower side."""
        return self.y + self.drawn.h


class Columns:
    """Two columns of VPCs; the second one may be empty. Between them is room for links and for a lane for every line."""

    def __init__(self, scene: Scene) -> None:
        self.cross = [e for e in scene.edges if vpcs_of(scene, e)]
        """The edges between VPCs."""
        drawn = _best(scene, *_columns(scene, [g.id for g in scene.groups if g.kind is Kind.VPC]))
        self.left, self.right = ([Placed(d, i == 0) for i, d in enumerate(column)] for column in drawn)
        self.cards: dict[str, Card] = {n.id: node_card(n, limit=120.0) for n in scene.nodes if n.kind is Kind.PEERING}
        self.bar = max((c.w for c in self.cards.values()), default=0.0)
        outer = [sum(len(p.drawn.gates) + len(p.drawn.inward) for p in c[1:]) for c in (self.left, self.right)]
        around = [n * LANE + 12 if n else 0.0 for n in outer]
        # links of the hub stand at the other VPC only; so the left column has some only below the hub
        low = {x for e in self.cross if e.via for x in vpcs_of(scene, e)} & {p.drawn.id for p in self.left[1:]}
        self.left_bar = self.bar + 12 if low else 0.0
        between = self.left_bar + 24 + len(self.cross) * LANE + (self.bar + 24 if self.bar else 0) if self.right else 0.0
        self.x0 = EDGE + around[0]
        self.x1 = self.x0 + max((p.drawn.w for p in self.left), default=0.0)
        self.x2 = self.x1 + between
        self.x3 = self.x2 + max((p.drawn.w for p in self.right), default=0.0)
        self.width = max(self.x3 + around[1] + EDGE, SMALLEST)
        for placed in self.left:
            placed.x = self.x1 - placed.drawn.w
        for placed in self.right:
            placed.x = self.x2

    @property
    def all(self) -> list[Placed]:
        """Every VPC."""
        return [*self.left, *self.right]

    def stand(self, top: float, lines: dict[str, int]) -> None:
        """Gives every VPC its height. `lines` is how many lines come in from above a lower VPC, which need room there."""
        for column in (self.left, self.right):
            y = top
            for placed in column:
                number = 0 if placed.first else lines.get(placed.drawn.id, 0)
                placed.y = y + (number * LANE + 6 if number else 0)
                y = placed.bottom + BETWEEN
        self._nudge()

    def _nudge(self) -> None:
        """Lines of the two columns must not lie on each other. The right column moves a little, and then every exit that still has to."""
        fixed = [[at for p in column for at in _fixed(p)] for column in (self.left, self.right)]
        if all(fixed):
            apart = {d: min(_room(a, (b[0], b[1] + d)) for a in fixed[0] for b in fixed[1]) for d in range(40)}
            down = next((d for d, room in apart.items() if room >= APART), max(apart, key=lambda d: apart[d]))
            for placed in self.right:
                placed.y += down
        for column, opposite in ((self.left, self.right), (self.right, self.left)):
            for placed in column:
                _move_exits(
                    placed, [y for p in opposite for y in (*(y for _, y in _fixed(p)), *(p.y + y for _, y in p.drawn.exits.values()))]
                )


def vpcs_of(scene: Scene, edge: Edge) -> tuple[str, ...]:
    """The two VPCs of an edge between VPCs; nothing for any other edge."""
    ends = tuple(scene.outermost(x) for x in (edge.source, edge.target))
    return ends if ends[0] != ends[1] and all(x in scene.group and scene.group[x].kind is Kind.VPC for x in ends) else ()


def _fixed(placed: Placed) -> list[tuple[Edge, float]]:
    """The heights at which lines enter a VPC sideways, or at which idle links end."""
    drawn = placed.drawn
    found = [(e, y) for e, (_, y) in drawn.idle.items()] + [(e, y) for e, (y, _, _) in drawn.entries.items()]
    return [(e, placed.y + y) for e, y in found]


def _room(one: tuple[Edge, float], other: tuple[Edge, float]) -> float:
    """How far two lines are from each other; both ends of one line may well be at one height."""
    room = abs(one[1] - other[1])
    return APART if one[0] is other[0] and room < 0.5 else room


def _move_exits(placed: Placed, others: list[float]) -> None:
    """Moves the exits of a VPC up or down its tiers' sides until they are clear of the other lines, as far as there is room."""
    drawn = placed.drawn
    for edge, (x, y) in drawn.exits.items():
        beside = [p.points[0][1] for p in drawn.drawing.paths if p.points[0][0] == x]
        beside += [at for e, (_, at) in drawn.exits.items() if e is not edge]
        room = {o: min([abs(placed.y + y + o - a) for a in others] + [abs(y + o - a) for a in beside] + [APART]) for o in OFFSETS}
        drawn.exits[edge] = (x, y + max(OFFSETS, key=lambda o: (room[o], -abs(o))))


def _columns(scene: Scene, vpcs: list[str]) -> tuple[list[str], list[str]]:
    """The hub first on the left; then every VPC to the column that is shorter."""
    if len(vpcs) < 2:
        return vpcs, []
    links = {v: sum(v in vpcs_of(scene, e) for e in scene.edges) for v in vpcs}
    hub = max(vpcs, key=lambda v: links[v])
    heights = {v: Stack(scene, v, "left").fit(NOMINAL)[1] for v in vpcs}
    left, right = [hub], [v for v in vpcs if v != hub]
    while len(right) > 1 and sum(heights[v] for v in (*left, right[-1])) < sum(heights[v] for v in right):
        left.append(right.pop())
    return left, right


Fit = tuple[float, float, float]
"""The width that a column was given, and the width and height that it became."""


def _best(scene: Scene, left: list[str], right: list[str]) -> tuple[list[Drawn], list[Drawn]]:
    """Tries widths for both columns, and draws the best."""
    one, other = ([Stack(scene, v, side) for v in found] for found, side in ((left, "right"), (right, "left")))
    fits = _fits(one), _fits(other)
    best = min(((a, b) for a in fits[0] for b in fits[1]), key=lambda p: _score(*p))
    return _drawn(one, best[0][0]), _drawn(other, best[1][0])


def _fits(column: list[Stack]) -> list[Fit]:
    if not column:
        return [(0.0, 0.0, 0.0)]
    start = max(s.narrowest for s in column)
    widths = sorted({max(start, float(w)) for w in WIDTHS})
    return [(w, max(s[0] for s in sizes), sum(s[1] + BETWEEN for s in sizes)) for w in widths for sizes in [[s.fit(w) for s in column]]]


def _drawn(column: list[Stack], width: float) -> list[Drawn]:
    for stack in column:
        stack.fit(width)
    return [draw_stack(s) for s in column]


def _score(left: Fit, right: Fit) -> float:
    """The side of the sheet that the page would just fit on."""
    width = left[1] + right[1] + (200 if right[1] else 0) + 2 * EDGE
    return max(width / RATIO, max(left[2], right[2]) + TOP)
