"""The legend and the title: what every view has."""

from __future__ import annotations

from dataclasses import dataclass

from budnet.render.diagram.layout import text
from budnet.render.diagram.layout.card import PAD, SMALL
from budnet.render.diagram.layout.drawing import Drawing, Look, Path, Tone, Wire
from budnet.render.diagram.scene import TIERS, Kind, Line, Run, Scene, line

TITLE_HEIGHT = 50.0
ROW = 19.0
SAMPLE = 30.0
BOXES = {
    Kind.PUBLIC: (Look.PUBLIC, "public: default route to the internet gateway"),
    Kind.PRIVATE: (Look.PRIVATE, "private: default route to the NAT gateway"),
    Kind.ISOLATED: (Look.ISOLATED, "isolated: no default route"),
    Kind.POD: (Look.POD, "pod"),
    Kind.HOST: (Look.HOST, "machine"),
    Kind.BALANCER: (Look.BALANCER, "load balancer"),
    Kind.INTERNET_GATEWAY: (Look.GATEWAY, "gateway or link"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A sample and what it means."""

    sample: Look | Wire | None
    content: Line
    width: float = 1.2

    @property
    def w(self) -> float:
        return (SAMPLE + 6 if self.sample else 0) + text.width(self.content, SMALL) + 20


def heading(drawing: Drawing, scene: Scene, x: float, y: float) -> None:
    """The name and what one is looking at."""
    drawing.text(x, y + 20, line(scene.title, bold=True), 20.0)
    drawing.text(x, y + 37, line(scene.subtitle), 12.0, tone=Tone.MUTED)


def heading_width(scene: Scene) -> float:
    """The width of the title."""
    return max(text.width(line(scene.title, bold=True), 20.0), text.width(line(scene.subtitle), 12.0))


def entries(scene: Scene) -> list[Entry]:
    """Only what the picture has."""
    kinds = {g.kind for g in scene.groups} | {n.kind for n in scene.nodes}
    flows = [e for e in scene.edges if not e.link]
    out = [
        Entry(look, line(words))
        for kind, (look, words) in BOXES.items()
        if kind in kinds and (kind not in TIERS or scene.view == "architecture")
    ]
    if any(e.encrypted for e in flows):
        out.append(Entry(Wire.ENCRYPTED, line("encrypted: TLS, mTLS or SSH")))
    if any(not e.encrypted for e in flows):
        out.append(Entry(Wire.CLEAR, line("in clear")))
    if scene.view == "architecture" and flows:
        out.append(Entry(Wire.ENCRYPTED, line("4 to 12 flows"), 2.0))
        out.append(Entry(Wire.ENCRYPTED, line("13 or more"), 3.0))
    if scene.view == "architecture" and any(n.lines for n in scene.nodes if n.kind in (Kind.POD, Kind.HOST, Kind.BALANCER)):
        out.append(Entry(None, (Run("443", bold=True), Run(" encrypted port, "), Run("80 in clear; TCP unless it says udp or sctp"))))
    if any(n.count > 1 for n in scene.nodes):
        out.append(Entry(Look.STACK, line("×N: N replicas")))
    return out


def height(scene: Scene, width: float) -> float:
    """The height that the legend takes in a width."""
    return len(_rows(entries(scene), width)) * ROW + 2 * PAD


def draw(drawing: Drawing, scene: Scene, x: float, y: float, width: float) -> None:
    """Draws it with its top left corner at a place."""
    found = _rows(entries(scene), width)
    drawing.rect("legend", (x, y, width, height(scene, width)), Look.PAPER)
    for i, row in enumerate(found):
        left, base = x + 2 * PAD, y + PAD + (i + 0.5) * ROW
        for entry in row:
            _entry(drawing, entry, left, base)
            left += entry.w


def _entry(drawing: Drawing, entry: Entry, x: float, y: float) -> None:
    if isinstance(entry.sample, Wire):
        drawing.paths.append(Path(((x, y), (x + SAMPLE, y)), entry.sample, entry.width, ends=frozenset(["legend"])))
    elif entry.sample is Look.STACK:
        drawing.rect("legend", (x + 3, y - 3, SAMPLE, 11), Look.STACK)
        drawing.rect("legend", (x, y - 6, SAMPLE, 11), Look.POD)
    elif entry.sample is not None:
        drawing.rect("legend", (x, y - 6, SAMPLE, 12), entry.sample)
    drawing.text(x + (SAMPLE + 6 if entry.sample else 0), y + 4, entry.content, SMALL)


def _rows(found: list[Entry], width: float) -> list[list[Entry]]:
    out: list[list[Entry]] = []
    used = 0.0
    for entry in found:
        if not out or used + entry.w > width - 4 * PAD:
            out.append([])
            used = 0.0
        out[-1].append(entry)
        used += entry.w
    return out
