"""Colours and strokes. Every difference in colour is one in stroke, shape or wording too, so that it survives a black and white print."""

from __future__ import annotations

from dataclasses import dataclass

from budnet.render.diagram.layout.drawing import Look, Tone, Wire

FONTS = "Roboto, 'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', 'Nimbus Sans', 'DejaVu Sans Condensed', sans-serif"
INK, GREY, TEAL, RUST = "#1b2329", "#56636d", "#0b5a6e", "#9a3b12"


@dataclass(frozen=True, slots=True)
class Box:
    """The paint of a box."""

    fill: str
    stroke: str
    width: float = 1.0
    dash: str = ""
    radius: float = 0.0
    inner: bool = False
    """A second line inside the first."""


BOXES = {
    Look.PAPER: Box("#ffffff", "#c4ccd2", 0.8),
    Look.VPC: Box("#fbfcfd", INK, 1.6, radius=8),
    Look.PUBLIC: Box("#fdf3e1", "#a8791f", 1.2, dash="7 3", radius=5),
    Look.PRIVATE: Box("#e9f2f8", "#3f6f8f", 1.2, radius=5),
    Look.ISOLATED: Box("#eceaf3", "#4f4a78", 1.2, radius=5, inner=True),
    Look.NAMESPACE: Box("#ffffff", "#8794a0", 0.9, dash="2 2.5", radius=4),
    Look.OUTSIDE: Box("#f5f6f7", "#7d8993", 1.0, radius=4),
    Look.POD: Box("#ffffff", "#56636d", 1.0, radius=5),
    Look.HOST: Box("#f1f3f5", "#3b464e", 1.3),
    Look.BALANCER: Box("#ffffff", "#1b2329", 1.8, radius=3),
    Look.CLIENT: Box("#f5f6f7", "#3b464e", 1.0, radius=13),
    Look.GATEWAY: Box("#dde3e7", "#3b464e", 1.0, radius=2),
    Look.PEERING: Box("#dde3e7", "#3b464e", 1.0, radius=2),
    Look.SUBJECT: Box("#ffffff", INK, 2.0, radius=6),
    Look.ENTRY: Box("#ffffff", TEAL, 1.1, radius=2),
    Look.ENTRY_CLEAR: Box("#ffffff", RUST, 1.1, dash="4 2.5", radius=2),
    Look.STACK: Box("#ffffff", "#56636d", 0.9, radius=5),
}
TONES = {Tone.DARK: INK, Tone.MUTED: GREY, Tone.ENCRYPTED: TEAL, Tone.CLEAR: RUST}
WIRES = {Wire.ENCRYPTED: (TEAL, ""), Wire.CLEAR: (RUST, "6 3.5"), Wire.LINK: ("#7d8993", "1 3")}
