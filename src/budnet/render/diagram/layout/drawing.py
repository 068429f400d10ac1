"""Positioned boxes, lines and texts: all that an emitter needs, and all that a test needs to see whether they collide."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from budnet.records import replace
from budnet.render.diagram.layout import text as measure
from budnet.render.diagram.scene import Line

Point = tuple[float, float]


class Look(Enum):
    """How a box is drawn."""

    PAPER = "paper"
    VPC = "vpc"
    PUBLIC = "public"
    PRIVATE = "private"
    ISOLATED = "isolated"
    NAMESPACE = "namespace"
    OUTSIDE = "outside"
    POD = "pod"
    HOST = "host"
    BALANCER = "balancer"
    CLIENT = "client"
    GATEWAY = "gateway"
    PEERING = "peering"
    SUBJECT = "subject"
    ENTRY = "entry"
    ENTRY_CLEAR = "entry-clear"
    STACK = "stack"


class Tone(Enum):
    """The colour of a text."""

    DARK = "dark"
    MUTED = "muted"
    ENCRYPTED = "encrypted"
    CLEAR = "clear"


class Wire(Enum):
    """How a line is drawn."""

    ENCRYPTED = "encrypted"
    CLEAR = "clear"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Rect:
    """A box. `id` is the node's or group's; texts and lines of the same id belong to it."""

    id: str
    x: float
    y: float
    w: float
    h: float
    look: Look
    hint: tuple[str, ...] = ()

    @property
    def right(self) -> float:
        return self.x + self.w

    @property
    def bottom(self) -> float:
        return self.y + self.h


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text. `x` is its start, middle or end, as `anchor` says; `y` is the baseline."""

    x: float
    y: float
    content: Line
    size: float
    anchor: str = "start"
    tone: Tone = Tone.DARK

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of what it may cover in any of the fonts that it may be set in."""
        width = measure.width(self.content, self.size)
        left = self.x - {"start": 0.0, "middle": width / 2, "end": width}[self.anchor]
        return left, self.y - self.size * 0.74, left + width, self.y + self.size * 0.22


@dataclass(frozen=True, slots=True)
class Path:
    """A line of right angles. `ends` are the boxes that it may touch: its two ends, and whatever they are in."""

    points: tuple[Point, ...]
    wire: Wire
    width: float = 1.4
    arrow: bool = True
    ends: frozenset[str] = frozenset()
    hint: tuple[str, ...] = ()


@dataclass
class Drawing:
    """A page. Later boxes lie on earlier ones; lines lie on boxes, texts on both."""

    title: str = ""
    description: str = ""
    width: float = 0
    height: float = 0
    rects: list[Rect] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    dots: list[tuple[float, float, Wire]] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)

    def add(self, other: Drawing, dx: float, dy: float) -> None:
        """Everything of another drawing, moved."""
        self.rects += [replace(r, x=r.x + dx, y=r.y + dy) for r in other.rects]
        self.paths += [replace(p, points=tuple((x + dx, y + dy) for x, y in p.points)) for p in other.paths]
        self.dots += [(x + dx, y + dy, wire) for x, y, wire in other.dots]
        self.texts += [replace(t, x=t.x + dx, y=t.y + dy) for t in other.texts]

    def rect(self, id: str, at: tuple[float, float, float, float], look: Look, hint: tuple[str, ...] = ()) -> None:
        """Adds a box at (x, y, width, height)."""
        self.rects.append(Rect(id, *at, look, hint))

    def text(self, x: float, y: float, content: Line, size: float, anchor: str = "start", tone: Tone = Tone.DARK) -> None:
        """Adds a text, unless it is empty."""
        if any(run.text for run in content):
            self.texts.append(Text(x, y, content, size, anchor, tone))
