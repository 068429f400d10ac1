"""VPCs side by side, with what crosses the links between them.

In every VPC the services that take part stand at the side that faces the others; those that an answer goes on to stand behind them.
All vertical stretches between the columns are in lanes to the left of the links, so a line passes its link straight.
"""

from __future__ import annotations

from collections.abc import Iterable

from budnet.records import replace
from budnet.render.diagram.layout import legend, text
from budnet.render.diagram.layout.card import PAD, SMALL, node_card, put, rows
from budnet.render.diagram.layout.crossing_box import GRID, MARGIN, Box, Key, Spot, Trunk, snapped
from budnet.render.diagram.layout.drawing import Drawing, Look, Point, Tone, Wire
from budnet.render.diagram.layout.lanes import LANE, lanes
from budnet.render.diagram.layout.links import bars, cut
from budnet.render.diagram.layout.tree import Branch, tree
from budnet.render.diagram.layout.wires import path
from budnet.render.diagram.scene import Edge, Kind, Line, Scene, line

EDGE = 18.0
BETWEEN = 26.0


def crossing(scene: Scene) -> Drawing:
    """The page."""
    return _Page(scene).build()


class _Page:
    def __init__(self, scene: Scene) -> None:
        self.scene, self.drawing = scene, Drawing()
        self.vpc = {n.id: n.group for n in scene.nodes}
        self.over = [e for e in scene.edges if not e.link and self.vpc[e.source] != self.vpc[e.target]]
        self.further = [e for e in scene.edges if not e.link and self.vpc[e.source] == self.vpc[e.target]]
        self.idle = [e for e in scene.edges if e.link]
        self.cards = {n.id: node_card(n, limit=120.0) for n in scene.nodes if n.kind is Kind.PEERING}
        self.boxes = self._boxes()
        self.trunks: dict[Key, Trunk] = {}
        self.bottom = 0.0

    def build(self) -> Drawing:
        """Everything in its place, then the lines."""
        self._trunks()
        self._sides()
        self._widths()
        self._places()
        legend.heading(self.drawing, self.scene, EDGE, EDGE - 4)
        for box in self.boxes.values():
            self._box(box)
        self._lines_inside()
        self._lines_between()
        self.bottom = max([self.bottom] + [r.bottom for r in self.drawing.rects])
        legend.draw(self.drawing, self.scene, EDGE, self.bottom + 16, self.drawing.width - 2 * EDGE)
        self.drawing.height = self.bottom + 16 + legend.height(self.scene, self.drawing.width - 2 * EDGE) + EDGE
        return self.drawing

    # --- who stands where -----------------------------------------------------------------------------------------------------

    def _boxes(self) -> dict[str, Box]:
        """The VPC with most lines on the left, the others on the right."""
        groups = [g for g in self.scene.groups if g.kind is Kind.VPC]
        ends = [self.vpc.get(x, x) for e in (*self.over, *self.idle) for x in (e.source, e.target)]
        hub = max(groups, key=lambda g: ends.count(g.id)).id if groups else ""
        boxes = {g.id: Box(g, g.id == hub) for g in sorted(groups, key=lambda g: g.id != hub)}
        for edge in self.idle:
            for id in (edge.source, edge.target):
                boxes[id].idle.append(edge)
        near = dict.fromkeys(x for e in self.over for x in (e.source, e.target))
        for node in self._ordered(list(near)):
            boxes[self.vpc[node]].near[node] = Spot(node_card(self.scene.node[node]))
        for node in self._ordered([e.target for e in self.further if e.target not in near]):
            boxes[self.vpc[node]].far[node] = Spot(node_card(self.scene.node[node]))
        return boxes

    def _ordered(self, nodes: list[str]) -> list[str]:
        """Opposite to those that they have lines with, as far as that goes: each at the mean place of its partners."""
        edges = [*self.over, *self.further]
        place = {n.id: float(i) for i, n in enumerate(self.scene.nodes)}
        for _ in range(4):
            for node in nodes:
                partners = [e.target if e.source == node else e.source for e in edges if node in (e.source, e.target)]
                place[node] = sum(place[p] for p in partners) / max(len(partners), 1)
        return sorted(dict.fromkeys(nodes), key=lambda n: (place[n], list(place).index(n)))

    def _trunks(self) -> None:
        for edge in self.over:
            key: Key = ("in", edge.target, edge.label, edge.via)
            self.trunks.setdefault(key, Trunk(edge.target, [], True)).edges.append(edge)
        for edge in self.further:
            key = ("out", edge.source, edge.encrypted)
            self.trunks.setdefault(key, Trunk(edge.source, [], False)).edges.append(edge)

    def _sides(self) -> None:
        """Every line gets its place at the side of its nodes."""
        for key, trunk in self.trunks.items():
            for id in dict.fromkeys([trunk.root, *(trunk.leaf(e) for e in trunk.edges)]):
                spot, box = self._spot(id)
                for one in [key] if trunk.inward or id == trunk.root else [(*key, e.label) for e in trunk.edges if e.target == id]:
                    (spot.inner if trunk.inward or id in box.far else spot.outer).append(one)

    def _spot(self, id: str) -> tuple[Spot, Box]:
        box = self.boxes[self.vpc[id]]
        return (box.near.get(id) or box.far[id]), box

    # --- places ---------------------------------------------------------------------------------------------------------------

    def _widths(self) -> None:
        """How much room labels and lanes take in every VPC."""
        for box in self.boxes.values():
            box.near_w = max((s.card.w for s in box.near.values()), default=0.0)
            box.far_w = max((s.card.w for s in box.far.values()), default=0.0)
            arriving = [t.edges[0] for t in self.trunks.values() if t.inward and self.vpc[t.root] == box.group.id]
            box.label_w = max((_label_w(e) for e in arriving), default=0.0)
            going = [t for t in self.trunks.values() if not t.inward and self.vpc[t.root] == box.group.id]
            labels = max((_label_w(e) for t in going for e in t.edges), default=0.0)
            box.lanes_w = 2 * labels + LANE * len(going) + 16 if going else 0.0

    def _places(self) -> None:
        """The hub on the left, then lanes, links, and the others under each other; the shorter column in the middle of the taller one."""
        left = [b for b in self.boxes.values() if b.left]
        right = [b for b in self.boxes.values() if not b.left]
        self.x1 = EDGE + max((b.w for b in left), default=0.0)
        self.bar = max((c.w for c in self.cards.values()), default=0.0)
        self.bar_x = self.x1 + 30 + LANE * (len([t for t in self.trunks.values() if t.inward]) + len(self.idle))
        self.x2 = self.bar_x + self.bar + (28 if self.bar else 0) if right else self.x1
        top = EDGE + legend.TITLE_HEIGHT + 6
        tall = [sum(b.h + BETWEEN for b in c) - BETWEEN for c in (left, right)]
        for column, height in ((left, tall[0]), (right, tall[1])):
            y = top + (max(tall) - height) / 2
            for box in column:
                box.x, box.y = (self.x1 - box.w if box.left else self.x2), y
                y += box.h + BETWEEN
                self._spots(box)
        self.bottom = max((b.y + b.h for b in self.boxes.values()), default=top)
        width = self.x2 + max((b.w for b in right), default=0.0) + EDGE
        self.drawing.width = max(width, legend.heading_width(self.scene) + 2 * EDGE, 560.0)

    def _spots(self, box: Box) -> None:
        begin = box.y + box.top
        room = box.y + box.h - MARGIN - begin
        near_x = box.x + box.w - MARGIN - box.label_w - box.near_w if box.left else box.x + MARGIN + box.label_w
        far_x = box.x + MARGIN if box.left else box.x + box.w - MARGIN - box.far_w
        for spots, x, phase in ((box.near, near_x, 0.0), (box.far, far_x, GRID / 2)):
            y = snapped(begin + (room - sum(s.step for s in spots.values())) / 2, phase if box.left else GRID / 2 - phase)
            for spot in spots.values():
                spot.x, spot.y = x, y
                y += spot.step

    # --- drawing --------------------------------------------------------------------------------------------------------------

    def _box(self, box: Box) -> None:
        self.drawing.rect(box.group.id, (box.x, box.y, box.w, box.h), Look.VPC, box.group.hint)
        rows(self.drawing, box.head(), box.x + MARGIN, box.y + PAD)
        for spots, width in ((box.near, box.near_w), (box.far, box.far_w)):
            for spot in spots.values():
                put(self.drawing, replace(spot.card, w=width), spot.x, spot.y, spot.h)
        if not box.near:
            self.drawing.text(box.x + MARGIN, box.y + box.h - MARGIN, line("no flow of it crosses a link"), SMALL, tone=Tone.MUTED)

    def _lines_inside(self) -> None:
        for box in self.boxes.values():
            mine = {k: t for k, t in self.trunks.items() if not t.inward and self.vpc[t.root] == box.group.id}
            ends = {k: self._inside_ends(box, k, t) for k, t in mine.items()}
            lane = lanes([(k, *_span([r, *ls])) for k, (r, ls) in ends.items()], apart=6)
            labels = (box.lanes_w - LANE * len(mine) - 16) / 2
            for key, (root, leaves) in ends.items():
                step = 8 + labels + LANE * lane[key]
                x = box.near_x_outer - step if box.left else box.near_x_outer + step
                self._tree(mine[key], root, leaves, x, [])

    def _inside_ends(self, box: Box, key: Key, trunk: Trunk) -> tuple[Point, list[Point]]:
        """Where a tree inside a VPC begins, and where it ends."""
        root = box.near[trunk.root]
        leaves = []
        for edge in trunk.edges:
            one = (*key, edge.label)
            if edge.target in box.far:
                spot = box.far[edge.target]
                leaves.append((spot.x + (box.far_w if box.left else 0), spot.at(spot.inner, one)))
            else:
                spot = box.near[edge.target]
                leaves.append((box.near_x_outer, spot.at(spot.outer, one)))
        return (box.near_x_outer, root.at(root.outer, key)), leaves

    def _lines_between(self) -> None:
        between = {k: t for k, t in self.trunks.items() if t.inward}
        ends = {k: (self._between(t.root, k), [self._between(t.leaf(e), k) for e in t.edges]) for k, t in between.items()}
        idle = {e: (self.boxes[e.source].idle_end(e), self.boxes[e.target].idle_end(e)) for e in self.idle}
        spans: list[tuple[object, float, float]] = [(k, *_span([r, *ls])) for k, (r, ls) in ends.items() if any(y != r[1] for _, y in ls)]
        lane = lanes([*spans, *((e, *_span(points)) for e, points in idle.items())], apart=6)
        through = [
            (y, t.edges[0].via[0]) for k, t in between.items() if t.edges[0].via for x, y in (ends[k][0], *ends[k][1]) if x > self.bar_x
        ]
        through += [(y, e.via[0]) for e, points in idle.items() for x, y in points if x > self.bar_x]
        bars(self.drawing, self.cards, self.bar_x, self.bar, sorted(through))
        heights = [y for y, _ in through]
        for key, (root, leaves) in ends.items():
            self._tree(between[key], root, leaves, self.x1 + 14 + LANE * lane.get(key, 0), heights)
        for edge, (start, end) in idle.items():
            x = self.x1 + 14 + LANE * lane[edge]
            drawn = path(self.scene, (start, (x, start[1]), (x, end[1]), end), [edge])
            self.drawing.paths += cut(drawn, self.bar_x, self.bar, heights)

    def _between(self, id: str, key: Key) -> Point:
        spot, box = self._spot(id)
        return (spot.x + box.near_w if box.left else spot.x), spot.at(spot.inner, key)

    def _tree(self, trunk: Trunk, root: Point, leaves: list[Point], lane: float, through: list[float]) -> None:
        branches, dots = tree(root, leaves, lane)
        wire = Wire.ENCRYPTED if trunk.edges[0].encrypted else Wire.CLEAR
        for branch in branches:
            self._branch(trunk, branch, through)
        self.drawing.dots += [(x, y, wire) for x, y in dots]
        for edge, at in [(trunk.edges[0], root)] if trunk.inward else list(zip(trunk.edges, leaves, strict=True)):
            right = lane > at[0]
            tone = Tone.ENCRYPTED if edge.encrypted else Tone.CLEAR
            self.drawing.text(at[0] + (14 if right else -14), at[1] - 4, _label(edge), SMALL, "start" if right else "end", tone)

    def _branch(self, trunk: Trunk, branch: Branch, through: list[float]) -> None:
        points = branch.points if trunk.inward else tuple(reversed(branch.points))
        edges = trunk.edges if branch.whole else [trunk.edges[branch.leaf]]
        drawn = replace(path(self.scene, points, edges), width=1.4, arrow=branch.whole or not trunk.inward)
        # every branch of a tree may touch what any of them may
        drawn = replace(drawn, ends=path(self.scene, points, trunk.edges).ends)
        self.drawing.paths += cut(drawn, self.bar_x, self.bar, through)


def _span(points: Iterable[Point]) -> tuple[float, float]:
    """The stretch of a lane that a line needs."""
    ys = [y for _, y in points]
    return min(ys), max(ys)


def _label(edge: Edge) -> Line:
    return line(" ".join(edge.label), bold=True)


def _label_w(edge: Edge) -> float:
    return text.width(_label(edge), SMALL) + 28
