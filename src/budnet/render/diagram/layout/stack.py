"""A VPC: its gateways, and its tiers under each other, with room for the lines between them.

Whatever comes into a tier comes from above, into the strip at its top. From the tier just above it comes straight down. From any
other it leaves by the left side and takes a lane to the left of the tiers. What leaves for the outside takes a lane to the right of
them. What comes from another VPC comes in through the side that faces it. So no line ever has to go through a box.
"""

from __future__ import annotations

from budnet.records import replace
from budnet.render.diagram.layout.card import PAD, Card, Row, entry_card, heights, node_card, wrapped
from budnet.render.diagram.layout.drawing import Tone
from budnet.render.diagram.layout.lanes import LANE
from budnet.render.diagram.layout.tier import HEADING, MARGIN, Slot, TierBox, heading_width
from budnet.render.diagram.layout.ways import ways_of
from budnet.render.diagram.scene import TIERS, Edge, Kind, Node, Run, Scene

CLOSE, APART = 9.0, 18.0
"""Between lines that only run beside each other, and between those that pass a link's box."""
STEP = 14.0
"""Between lines that begin at a gateway's lower side."""
NAT = "nat"
"""The key of the NAT gateway's place among the entries of the first tier."""


class Stack:
    """One VPC. `inner` is the side that faces the other VPCs. `fit` may be called for many widths; what is drawn is the last."""

    def __init__(self, scene: Scene, vpc: str, inner: str) -> None:
        self.scene, self.group, self.inner = scene, scene.group[vpc], inner
        self.boxes = [TierBox(scene, g) for g in scene.below(vpc) if g.kind in TIERS]
        gates = {n.kind: n for n in scene.nodes if n.group == vpc}
        self.internet, self.egress_only = gates.get(Kind.INTERNET_GATEWAY), gates.get(Kind.EGRESS_ONLY)
        places = [vpc, *(b.group.id for b in self.boxes)]
        self.nat = next((n for place in places for n in scene.inside.get(place, []) if n.kind is Kind.NAT), None)
        self.ways = ways_of(scene, vpc, [b.group.id for b in self.boxes], self.egress_only.id if self.egress_only else "")
        self.heading = heading_width([*(b.heading_rows() for b in self.boxes), self.title()])
        self.indent = STEP * len(self.ways.late)
        self._slots()
        bars = max(130.0, 40 + LANE * len(self.ways.upward)) + self.beside + self.indent
        self.narrowest = max([b.narrowest() for b in self.boxes] + [self.heading + 2 * MARGIN + bars])
        self.w = self.h = self.x0 = self.x1 = self.band = 0.0
        self.tops: list[float] = []
        self.tracks: dict[tuple[int, str, object], float] = {}

    def title(self) -> tuple[Row, ...]:
        """What the VPC is."""
        head = Row((Run(self.group.title, bold=True), Run("  VPC")), 15.0)
        return wrapped((head, *(Row(x) for x in self.group.lines), *(Row(x, tone=Tone.MUTED) for x in self.group.notes)), HEADING)

    def bar_width(self, node: Node) -> float:
        """The width of the gateway that stands beside the others."""
        return max(node_card(node).w + 2, 24 + LANE * len(self.ways.sideward))

    def _slots(self) -> None:
        for i, box in enumerate(self.boxes):
            box.left, box.top, box.right = ([Slot(e, self._entry(e)) for e in edges] for edges in self.ways.entries(i, self.inner))
            box.heading = self.heading
        self.beside = self.bar_width(self.egress_only) + 10 if self.egress_only else 0.0
        if not self.boxes:
            return
        first, lines = self.boxes[0], len(self.ways.upward)
        first.indent = self.indent
        # without a NAT gateway below it, what goes straight to the internet gateway needs a place of its own
        first.reserve = self.beside + (24 + LANE * lines if self.nat is None and lines else 0.0)
        if self.nat is not None:
            card = node_card(self.nat)
            first.right.append(Slot(NAT, replace(card, w=max(card.w, 50 + LANE * lines))))

    def _entry(self, edge: Edge) -> Card:
        """The entry card of an edge; a tier of another VPC is called by both names."""
        groups = self.scene.group
        source = self.scene.title_of(edge.source)
        if edge.source in groups and groups[edge.source].parent != self.group.id:
            vpc = self.scene.title_of(groups[edge.source].parent)
            source = f"{source} of {vpc}" if " " in vpc else f"{vpc}/{source}"
        return entry_card(edge, source)

    def fit(self, wanted: float) -> tuple[float, float]:
        """Gives the tiers this width, or as much more as they need; says how large the VPC becomes."""
        width = max(wanted, self.narrowest)
        self.x0 = MARGIN + _room(self.ways.left_lane)
        self.x1 = self.x0 + width
        self.band = max(heights(self.title()) + 2 * PAD, APART * len(self.ways.idle) + 10)
        self.tops, self.tracks = [], {}
        y = self.band
        for i, box in enumerate(self.boxes):
            box.fit(width)
            y = self._gap_above(i, y)
            self.tops.append(y)
            y += box.h
        self.w, self.h = self.x1 + MARGIN + _room(self.ways.right_lane), y + MARGIN
        return self.w, self.h

    def _gap_above(self, i: int, y: float) -> float:
        """Gives every line its height in the gap above a row, and says where the gap ends."""
        left: list[object] = [s.key for s in self.boxes[i].left]
        right: list[object] = [s.key for s in self.boxes[i].right if s.key != NAT]
        if i == 0:
            left = [*self.ways.late, *left]
            right += self.ways.outgoing
        wide = APART if self.inner == "left" and any(k in self.ways.come for k in left) else CLOSE
        for k, key in enumerate(reversed(left)):
            self.tracks[i, "left", key] = y + 12 + k * wide
        for k, key in enumerate(right):
            self.tracks[i, "right", key] = y + 12 + k * CLOSE
        used = max([t for (row, _, _), t in self.tracks.items() if row == i], default=y)
        busy = left or right or self.boxes[i].top or (i == 0 and (self.internet or self.egress_only))
        return max(used + 14, y + 26) if busy else y + 12 if i else y + 2


def _room(lane: dict[Edge, int]) -> float:
    return (max(lane.values()) + 1) * LANE + 8 if lane else 0.0
