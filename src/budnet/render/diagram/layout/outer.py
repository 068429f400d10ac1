"""What is above the VPCs, and the lines between there and the VPCs' gateways."""

from __future__ import annotations

from dataclasses import dataclass

from budnet.render.diagram.layout import legend
from budnet.render.diagram.layout.columns import BETWEEN, EDGE, Columns, Placed
from budnet.render.diagram.layout.drawing import Drawing, Point
from budnet.render.diagram.layout.lanes import LANE, lanes
from budnet.render.diagram.layout.outside import clients, egress_table, row_width
from budnet.render.diagram.layout.wires import path
from budnet.render.diagram.scene import Edge, Scene

CLIENTS, EGRESS = "clients", "egress"
WIDEST = 900.0
NEAR = 7.0
"""Two lines nearer than this could not be told apart."""


@dataclass(eq=False)
class Outer:
    """A line between a VPC's upper side and something outside."""

    placed: Placed
    at: Point
    other: str
    edges: tuple[Edge, ...]
    gate: str
    inward: bool
    x: float = 0.0
    """Where it meets the outside."""
    lane: float = 0.0
    """Where it goes around other VPCs, if there are any in its way."""

    @property
    def bottom(self) -> float:
        """The x of its lower end, as far as the gap below the outside is concerned."""
        return self.at[0] if self.placed.first else self.lane


class Outside:
    """Clients on the left, the egress table on the right, and below them the lines that have to move sideways."""

    def __init__(self, scene: Scene, columns: Columns) -> None:
        self.scene, self.columns = scene, columns
        wanted = self._wanted()
        room = row_width(clients(scene, CLIENTS, wanted, columns.x0, 1e9))
        self.table = egress_table(scene, EGRESS, min(columns.width - columns.x0 - EDGE - room - 20, WIDEST))
        wide = self.table.w if self.table else 0.0
        self.width = max(columns.width, room + (wide + 20 if wide else 0.0) + columns.x0 + EDGE)
        self.table_x = self.width - EDGE - wide
        self.clients = clients(scene, CLIENTS, wanted, columns.x0, self.table_x - 20 if self.table else self.table_x)
        # where the table leaves room for the title beside it, it begins at the page's upper edge
        beside = self.table_x > legend.heading_width(scene) + EDGE + 20
        high = (self.table.h if self.table else 0.0) - (legend.TITLE_HEIGHT if beside else 0.0)
        self.bottom = EDGE + legend.TITLE_HEIGHT + max([0.0, high] + [c.card.h for c in self.clients])
        self.lines = self._lines()
        self._arrivals()
        self.tracks = lanes([(o, o.bottom, o.x) for o in self.lines if not o.placed.first or abs(o.x - o.at[0]) > 0.5], apart=4)
        number = max(self.tracks.values(), default=-1) + 1
        self.end = self.bottom + (22 + number * LANE + 8 if self.lines else BETWEEN if self.table or self.clients else 0.0)

    def _wanted(self) -> dict[str, list[float]]:
        """Above the first VPC that they reach: a client as wide as the page would be no help."""
        wanted: dict[str, list[float]] = {}
        for placed in (p for p in self.columns.all if p.first):
            mine: dict[str, list[float]] = {}
            for edge, (x, _) in placed.drawn.inward.items():
                mine.setdefault(edge.source, []).append(placed.x + x)
            wanted = mine | wanted
        return wanted

    def _lines(self) -> list[Outer]:
        out: list[Outer] = []
        for placed in self.columns.all:
            for edge, (x, y) in placed.drawn.inward.items():
                out.append(Outer(placed, (placed.x + x, y), edge.source, (edge,), edge.via[0] if edge.via else "", True))
            out += [Outer(placed, (placed.x + g.at[0], g.at[1]), EGRESS, g.edges, g.node, False) for g in placed.drawn.gates]
        for column, start, step in ((self.columns.left, self.columns.x0 - 10, -LANE), (self.columns.right, self.columns.x3 + 10, LANE)):
            for number, o in enumerate(o for o in out if o.placed in column and not o.placed.first):
                o.lane = start + number * step
        return out

    def _arrivals(self) -> None:
        """Gives every line its place at the outside: straight above where it comes from if there is room, else as near as can be."""
        ranges = {c.card.id: (c.x, c.x + c.w) for c in self.clients}
        if self.table is not None:
            ranges[EGRESS] = (self.table_x, self.table_x + self.table.w)
        used = [o.bottom for o in self.lines]
        for o in sorted(self.lines, key=lambda o: (not o.placed.first, o.at[0])):
            low, high = ranges[o.other]
            wish = o.at[0] if o.placed.first else (low if o.placed in self.columns.left else high)
            o.x = min(max(wish, low + 12), high - 12)
            if o.x != o.at[0] or not o.placed.first:
                o.x = _free(o.x, used, low + 8, high - 8)
                used.append(o.x)

    def draw(self, drawing: Drawing) -> None:
        """Draws it, when the VPCs below have their heights."""
        for client in self.clients:
            client.draw(drawing, self.bottom - client.card.h, client.card.h)
        if self.table is not None:
            self.table.draw(drawing, self.table_x, self.bottom - self.table.h)
        for o in self.lines:
            points = self._points(o)
            ends = [o.other, *([o.gate] if o.gate else [])]
            drawing.paths.append(path(self.scene, tuple(points if o.inward else reversed(points)), list(o.edges), *ends))

    def _points(self, o: Outer) -> list[Point]:
        end = o.at[0], o.placed.y + o.at[1]
        if o not in self.tracks:
            return [(o.x, self.bottom), end]
        y = self.bottom + 14 + self.tracks[o] * LANE
        if o.placed.first:
            return [(o.x, self.bottom), (o.x, y), (end[0], y), end]
        above = o.placed.y - 10 - LANE * [x for x in self.lines if x.placed is o.placed].index(o)
        return [(o.x, self.bottom), (o.x, y), (o.lane, y), (o.lane, above), (end[0], above), end]


def _free(x: float, used: list[float], low: float, high: float) -> float:
    """The place nearest to the wanted one that is not too near to a used one."""
    steps = [x + sign * step * 2 for step in range(200) for sign in (1, -1)]
    return next((c for c in steps if low <= c <= high and all(abs(c - u) >= NEAR for u in used)), x)
