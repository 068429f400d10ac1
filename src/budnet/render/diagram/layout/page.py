"""The architecture page: VPCs in one or two columns, the links between the columns, the outside above them.

The VPC with most links stands on the left. A link's box stands beside every VPC but that one, so a line between two VPCs leaves one,
takes a lane between the columns, and passes its link straight on its way into the other.
"""

from __future__ import annotations

from budnet.render.diagram.layout import legend
from budnet.render.diagram.layout.columns import BETWEEN, EDGE, Columns, Placed
from budnet.render.diagram.layout.drawing import Drawing, Path, Point
from budnet.render.diagram.layout.lanes import LANE, lanes
from budnet.render.diagram.layout.links import bars, cut
from budnet.render.diagram.layout.outer import Outside
from budnet.render.diagram.layout.wires import path
from budnet.render.diagram.scene import Edge, Scene


def architecture(scene: Scene) -> Drawing:
    """The page."""
    drawing = Drawing()
    columns = Columns(scene)
    outside = Outside(scene, columns)
    lines: dict[str, int] = {}
    for o in outside.lines:
        lines[o.placed.drawn.id] = lines.get(o.placed.drawn.id, 0) + 1
    columns.stand(outside.end, lines)
    for placed in columns.all:
        drawing.add(placed.drawn.drawing, placed.x, placed.y)
    legend.heading(drawing, scene, EDGE, EDGE - 4)
    outside.draw(drawing)
    _Between(scene, columns).draw(drawing)
    _legend(drawing, scene, columns, outside.width)
    return drawing


class _Between:
    """Lines between VPCs, each through its link's box."""

    def __init__(self, scene: Scene, columns: Columns) -> None:
        self.scene, self.columns = scene, columns
        by_id = {p.drawn.id: p for p in columns.all}
        self.sides = {e: (by_id[scene.outermost(e.source)], by_id[scene.outermost(e.target)]) for e in columns.cross}
        self.ends = {e: self._ends(e, *sides) for e, sides in self.sides.items()}
        self.lane = lanes([(e, a[1], b[1]) for e, (a, b) in self.ends.items() if abs(a[1] - b[1]) > 0.5], apart=6)
        left, right = columns.left[1:], columns.right
        self.boxes = ((columns.x1 + 12, self._through(left)), (columns.x2 - 12 - columns.bar, self._through(right)))

    def _ends(self, edge: Edge, source: Placed, target: Placed) -> tuple[Point, Point]:
        """Where a line leaves, and where it turns to its entry."""
        if edge.link:
            return source.at(source.drawn.idle[edge]), target.at(target.drawn.idle[edge])
        y, x, _ = target.drawn.entries[edge]
        return source.at(source.drawn.exits[edge]), target.at((x, y))

    def _through(self, column: list[Placed]) -> list[tuple[float, str]]:
        """The heights at which lines pass the links that stand at a column, and which link each passes."""
        ends = [(p, at[1], e) for e, sides in self.sides.items() for p, at in zip(sides, self.ends[e], strict=True)]
        return sorted((y, e.via[0]) for p, y, e in ends if e.via and p in column)

    def draw(self, drawing: Drawing) -> None:
        """Draws boxes, then lines."""
        width = self.columns.bar
        for x, through in self.boxes:
            bars(drawing, self.columns.cards, x, width, through)
        for edge in self.ends:
            pieces: list[Path] = [path(self.scene, tuple(self._points(edge)), [edge])]
            for x, through in self.boxes:
                heights = [y for y, id in through if id in edge.via]
                pieces = [part for piece in pieces for part in cut(piece, x, width, heights)]
            drawing.paths += pieces

    def _points(self, edge: Edge) -> list[Point]:
        start, end = self.ends[edge]
        points = [start]
        if edge in self.lane:
            x = self.columns.x1 + self.columns.left_bar + 16 + self.lane[edge] * LANE
            points += [(x, start[1]), (x, end[1])]
        target = self.sides[edge][1]
        last = [] if edge.link else [(end[0], target.y + target.drawn.entries[edge][2])]
        return [*points, end, *last]


def _legend(drawing: Drawing, scene: Scene, columns: Columns, width: float) -> None:
    """In the shorter column if there is room, else below everything."""
    bottom = max([r.bottom for r in drawing.rects], default=EDGE)
    drawing.width = width
    for column in (c for c in (columns.left, columns.right) if c):
        last = column[-1]
        height = legend.height(scene, last.drawn.w)
        if last.bottom + BETWEEN + height <= bottom:
            legend.draw(drawing, scene, last.x, bottom - height, last.drawn.w)
            drawing.height = bottom + EDGE
            return
    legend.draw(drawing, scene, EDGE, bottom + 16, width - 2 * EDGE)
    drawing.height = bottom + 16 + legend.height(scene, width - 2 * EDGE) + EDGE
