"""Which way every line of a VPC takes between its tiers, and the lanes that it takes beside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from budnet.render.diagram.layout.lanes import lanes
from budnet.render.diagram.scene import Edge, Kind, Scene


@dataclass
class Ways:
    """The edges of one VPC. `row` counts its tiers from above; `beside` is the gateway that stands beside the others, if there is one."""

    row: dict[str, int]
    beside: str = ""
    top: list[Edge] = field(default_factory=list)
    """From the row just above, straight down."""
    left: list[Edge] = field(default_factory=list)
    """From any other row, by a lane on the left."""
    late: list[Edge] = field(default_factory=list)
    """Those of `left` that come from outside, past the first row."""
    come: list[Edge] = field(default_factory=list)
    """From another VPC."""
    go: list[Edge] = field(default_factory=list)
    """To another VPC."""
    out: list[Edge] = field(default_factory=list)
    """To the outside, by a lane on the right. What has no way out at all is no line."""
    idle: list[Edge] = field(default_factory=list)
    """Links without flows."""

    def gap(self, edge: Edge) -> float:
        """Where an edge begins, in half rows: an even number is the gap above a row, an odd one the row itself."""
        return 2 * self.row[edge.source] + 1 if edge.source in self.row else 0

    @cached_property
    def left_lane(self) -> dict[Edge, int]:
        """Lanes on the left, from the tiers outwards."""
        return lanes([(e, self.gap(e), 2 * self.row[e.target]) for e in self.left])

    @cached_property
    def right_lane(self) -> dict[Edge, int]:
        """Lanes on the right, from the tiers outwards."""
        return lanes([(e, self.gap(e), 0) for e in self.out])

    @cached_property
    def outgoing(self) -> list[Edge]:
        """What leaves for the outside, the outermost lane first: in this order the lines arrive from left to right."""
        return sorted(self.out, key=lambda e: -self.right_lane[e])

    @cached_property
    def upward(self) -> list[Edge]:
        """What leaves by the NAT or the internet gateway, which lie above each other: all these lines stand side by side."""
        return [e for e in self.outgoing if e.via[0] != self.beside]

    @cached_property
    def sideward(self) -> list[Edge]:
        """What leaves by the gateway beside them."""
        return [e for e in self.outgoing if e.via[0] == self.beside]

    def entries(self, i: int, inner: str) -> tuple[list[Edge], list[Edge], list[Edge]]:
        """What comes into a row from the left, from above and from the right, each in the order in which the lines arrive."""
        here = [e for e in self.left if self.row[e.target] == i]
        above = sorted((e for e in here if self.gap(e) < 2 * i), key=lambda e: -self.left_lane[e])
        below = sorted((e for e in here if self.gap(e) > 2 * i), key=lambda e: self.left_lane[e])
        come = [e for e in self.come if self.row[e.target] == i]
        top = sorted((e for e in self.top if self.row[e.target] == i), key=lambda e: (e.source, not e.encrypted))
        return [*above, *below, *(come if inner == "left" else [])], top, come if inner == "right" else []

    def exits(self, tier: str, inner: str) -> tuple[list[Edge], list[Edge]]:
        """What leaves a tier by its left and its right side, from above: upward lines, those to other VPCs, downward lines."""
        i = self.row[tier]
        mine = [e for e in self.left if e.source == tier]
        up = sorted((e for e in mine if self.row[e.target] <= i), key=lambda e: self.left_lane[e])
        down = sorted((e for e in mine if self.row[e.target] > i), key=lambda e: -self.left_lane[e])
        go = [e for e in self.go if e.source == tier]
        out = sorted((e for e in self.out if e.source == tier), key=lambda e: self.right_lane[e])
        return [*up, *(go if inner == "left" else []), *down], [*out, *(go if inner == "right" else [])]


def ways_of(scene: Scene, vpc: str, tiers: list[str], beside: str) -> Ways:
    """Sorts the edges of a VPC by the way they take."""
    ways = Ways({tier: i for i, tier in enumerate(tiers)}, beside)
    for edge in scene.edges:
        source, target = ways.row.get(edge.source), ways.row.get(edge.target)
        if edge.link and vpc in (edge.source, edge.target):
            ways.idle.append(edge)
        elif source is not None and target is not None:
            (ways.top if target == source + 1 else ways.left).append(edge)
        elif source is not None and not _outside(scene, edge.target):
            ways.go.append(edge)
        elif source is not None and edge.via:
            ways.out.append(edge)
        elif target is not None and edge.source not in scene.node:
            ways.come.append(edge)
        elif target is not None:
            (ways.top if target == 0 else ways.left).append(edge)
    ways.late = [e for e in ways.left if e.source in scene.node]
    return ways


def _outside(scene: Scene, id: str) -> bool:
    return id in scene.group and scene.group[id].kind is Kind.OUTSIDE
