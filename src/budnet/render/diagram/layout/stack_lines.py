"""Draws a VPC that has its size: boxes, the lines inside, and the loose ends that the page takes up."""

from __future__ import annotations

from dataclasses import dataclass, field

from budnet.render.diagram.layout.card import PAD, node_card, put, rows
from budnet.render.diagram.layout.drawing import Drawing, Look, Point
from budnet.render.diagram.layout.lanes import LANE, spread
from budnet.render.diagram.layout.stack import APART, NAT, STEP, Stack
from budnet.render.diagram.layout.tier import MARGIN, Slot
from budnet.render.diagram.layout.wires import path
from budnet.render.diagram.scene import Edge, Node

BAR = 22.0


@dataclass(frozen=True, slots=True)
class Gate:
    """A line that leaves through a gateway: where on the VPC's upper side, and what it stands for."""

    node: str
    at: Point
    edges: tuple[Edge, ...]


@dataclass
class Drawn:
    """A VPC at the origin, and what is open."""

    id: str
    drawing: Drawing
    w: float
    h: float
    exits: dict[Edge, Point] = field(default_factory=dict)
    """Where an edge to another VPC leaves its tier."""
    entries: dict[Edge, tuple[float, float, float]] = field(default_factory=dict)
    """Where an edge from another VPC comes in: the y of its last stretch, the x of its entry, the y of the entry."""
    idle: dict[Edge, Point] = field(default_factory=dict)
    """Where a link without flows ends."""
    inward: dict[Edge, Point] = field(default_factory=dict)
    """Where an edge from outside arrives at the VPC's upper side."""
    gates: list[Gate] = field(default_factory=list)


def draw_stack(stack: Stack) -> Drawn:
    """Draws everything and hands out what is open."""
    return _Pen(stack).draw()


class _Pen:
    def __init__(self, stack: Stack) -> None:
        self.stack, self.ways, self.boxes = stack, stack.ways, stack.boxes
        self.drawing = Drawing()
        self.drawn = Drawn(stack.group.id, self.drawing, stack.w, stack.h)
        self.x0, self.x1, self.tops, self.band = stack.x0, stack.x1, stack.tops, stack.band
        self.right_of: dict[str, float] = {}
        self.leave: dict[tuple[str, Edge], Point] = {}

    def draw(self) -> Drawn:
        stack = self.stack
        self.drawing.rect(stack.group.id, (0, 0, stack.w, stack.h), Look.VPC, stack.group.hint)
        rows(self.drawing, stack.title(), self.x0 + MARGIN, PAD)
        for i, edge in enumerate(self.ways.idle):
            self.drawn.idle[edge] = (0.0 if stack.inner == "left" else stack.w, 12 + APART * i)
        for box, y in zip(self.boxes, self.tops, strict=True):
            box.draw(self.drawing, self.x0, y)
        self._bars()
        self._exits()
        for i, box in enumerate(self.boxes):
            for side, slots in (("top", box.top), ("left", box.left), ("right", box.right)):
                for slot in slots:
                    if isinstance(slot.key, Edge):
                        self._entry(i, side, slot, slot.key)
        self._outward()
        return self.drawn

    def _bars(self) -> None:
        """Gateways lie across the VPC's upper side, above everything that uses them."""
        end = self.x1
        beside, internet = self.stack.egress_only, self.stack.internet
        if beside is not None:
            self._bar(beside, end - self.stack.bar_width(beside), end)
            end -= self.stack.beside
        if internet is not None:
            first = self.boxes[0] if self.boxes else None
            slots = [*first.top, *first.right] if first else []
            begin = min([self.x0 + s.x for s in slots] + [end - 130, end - 40 - LANE * len(self.ways.upward)])
            if self.stack.indent and first:
                begin = min(begin, self.x0 + first.indent_x)
            self._bar(internet, begin, end)

    def _bar(self, node: Node, begin: float, end: float) -> None:
        put(self.drawing, node_card(node, end - begin), begin, self.band - BAR, BAR, centred=True)
        self.right_of[node.id] = end

    def _exits(self) -> None:
        for box, top in zip(self.boxes, self.tops, strict=True):
            for side, edges in zip(("left", "right"), self.ways.exits(box.group.id, self.stack.inner), strict=True):
                for k, edge in enumerate(edges):
                    at = (self.x0 if side == "left" else self.x1, spread(top, top + box.h, len(edges), k))
                    self.leave[side, edge] = at
                    if edge in self.ways.go:
                        self.drawn.exits[edge] = at

    def _entry(self, i: int, side: str, slot: Slot, edge: Edge) -> None:
        """The line to an entry; of what comes from another VPC only where it has to come in."""
        x, end = self.x0 + slot.middle, self.tops[i] + MARGIN
        if side == "top":
            self._straight(i, x, end, edge)
        elif edge in self.ways.left:
            self._by_lane(i, x, end, edge)
        else:
            self.drawn.entries[edge] = (self.stack.tracks[i, side, edge], x, end)

    def _straight(self, i: int, x: float, end: float, edge: Edge) -> None:
        if edge.source in self.ways.row:
            self._path([(x, self.tops[i - 1] + self.boxes[i - 1].h), (x, end)], edge)
        elif edge.via:
            self._path([(x, self.band), (x, end)], edge)
            self.drawn.inward[edge] = (x, self.band - BAR)
        else:
            self.drawn.inward[edge] = (x, end)

    def _by_lane(self, i: int, x: float, end: float, edge: Edge) -> None:
        lane = self.x0 - 12 - self.ways.left_lane[edge] * LANE
        y = self.stack.tracks[i, "left", edge]
        if edge.source in self.ways.row:
            start = self.leave["left", edge]
            self._path([start, (lane, start[1]), (lane, y), (x, y), (x, end)], edge)
            return
        # from outside, past the first tier: down from the gateway into the gap, and from there like all others
        at, first = self.x0 + self.boxes[0].indent_x + STEP * (self.ways.late.index(edge) + 0.5), self.stack.tracks[0, "left", edge]
        self._path([(at, self.band), (at, first), (lane, first), (lane, y), (x, y), (x, end)], edge)
        self.drawn.inward[edge] = (at, self.band - BAR if edge.via else self.band)

    def _outward(self) -> None:
        """From a tier's right side up to its gateway, and from there, all of one kind together, out of the VPC."""
        nat = next((s for box in self.boxes[:1] for s in box.right if s.key == NAT), None)
        to_nat = [e for e in self.ways.outgoing if nat is not None and e.via[0] == nat.card.id]
        for edge in self.ways.outgoing:
            start, lane = self.leave["right", edge], self.x1 + 12 + self.ways.right_lane[edge] * LANE
            x, y = self._arrival(edge), self.stack.tracks[0, "right", edge]
            end = self.tops[0] + MARGIN if edge in to_nat else self.band
            if edge not in to_nat:
                self._gate(edge.via[0], x, edge)
            self._path([start, (lane, start[1]), (lane, y), (x, y), (x, end)], edge)
        if nat is not None and to_nat:
            self._nat_out(nat, to_nat)

    def _arrival(self, edge: Edge) -> float:
        """Where a line to a gateway arrives: side by side from the gateway's right end."""
        beside = edge in self.ways.sideward
        group = self.ways.sideward if beside else self.ways.upward
        end = self.right_of[edge.via[0]] if beside else self.x1 - self.stack.beside - MARGIN
        return end - 12 - LANE * (len(group) - 1 - group.index(edge))

    def _nat_out(self, nat: Slot, edges: list[Edge]) -> None:
        for k, encrypted in enumerate(dict.fromkeys(e.encrypted for e in edges)):
            mine = [e for e in edges if e.encrypted is encrypted and len(e.via) > 1]
            if mine:
                x = self.x0 + nat.x + 12 + 12 * k
                self._gate(mine[0].via[-1], x, *mine)
                points = ((x, self.tops[0] + MARGIN), (x, self.band))
                self.drawing.paths.append(path(self.stack.scene, points, mine, nat.card.id, mine[0].via[-1]))

    def _gate(self, node: str, x: float, *edges: Edge) -> None:
        self.drawn.gates.append(Gate(node, (x, self.band - BAR), edges))

    def _path(self, points: list[Point], edge: Edge) -> None:
        self.drawing.paths.append(path(self.stack.scene, tuple(points), [edge]))
