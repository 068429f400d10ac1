"""DRAWING -> SVG 1.1, by hand: plain attributes only, so that browsers, Inkscape, LibreOffice and resvg all read it alike."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from budnet.render.diagram.layout.drawing import Drawing, Path, Point, Rect, Text
from budnet.render.diagram.style import BOXES, FONTS, TONES, WIRES

CORNER = 4.0
HEAD = 6.5


def svg(drawing: Drawing) -> str:
    """The whole file. Flows are the `<title>` of the line that stands for them: shown on hover, and read aloud."""
    return "\n".join(_lines(drawing)) + "\n"


def _lines(drawing: Drawing) -> Iterator[str]:
    w, h = _n(drawing.width), _n(drawing.height)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" '
        f'aria-labelledby="title description" font-family={quoteattr(FONTS)}>'
    )
    yield f'<title id="title">{_text(drawing.title)}</title>'
    yield f'<desc id="description">{_text(drawing.description)}</desc>'
    yield f'<rect width="{w}" height="{h}" fill="#ffffff"/>'
    for rect in drawing.rects:
        yield _with_hint(_rect(rect), rect.hint)
    for line in drawing.paths:
        yield _with_hint(_path(line), line.hint)
    for x, y, wire in drawing.dots:
        yield f'<circle cx="{_n(x)}" cy="{_n(y)}" r="2.6" fill="{WIRES[wire][0]}"/>'
    for item in drawing.texts:
        yield _words(item)
    yield "</svg>"


def _with_hint(shape: str, hint: tuple[str, ...]) -> str:
    return f"<g><title>{_text(chr(10).join(hint))}</title>{shape}</g>" if hint else shape


def _rect(rect: Rect) -> str:
    box = BOXES[rect.look]
    dash = f' stroke-dasharray="{box.dash}"' if box.dash else ""
    out = (
        f'<rect x="{_n(rect.x)}" y="{_n(rect.y)}" width="{_n(rect.w)}" height="{_n(rect.h)}" rx="{_n(box.radius)}" '
        f'fill="{box.fill}" stroke="{box.stroke}" stroke-width="{_n(box.width)}"{dash}/>'
    )
    if box.inner:
        out += (
            f'<rect x="{_n(rect.x + 3)}" y="{_n(rect.y + 3)}" width="{_n(rect.w - 6)}" height="{_n(rect.h - 6)}" '
            f'rx="{_n(max(0, box.radius - 2))}" fill="none" stroke="{box.stroke}" stroke-width="0.8"/>'
        )
    return out


def _path(path: Path) -> str:
    colour, dash = WIRES[path.wire]
    points = list(path.points)
    head = ""
    if path.arrow:
        head, points[-1] = _arrow(points[-2], points[-1], colour, path.width)
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path d="{_rounded(points)}" fill="none" stroke="{colour}" stroke-width="{_n(path.width)}"{dashes}/>{head}'


def _arrow(before: Point, tip: Point, colour: str, width: float) -> tuple[str, Point]:
    """The head, and where the line ends so that it does not show in front of the head."""
    dx, dy = _direction(before, tip)
    long, wide = HEAD + width, 2.2 + width
    base = tip[0] - dx * long, tip[1] - dy * long
    corners = [tip, (base[0] - dy * wide, base[1] + dx * wide), (base[0] + dy * wide, base[1] - dx * wide)]
    drawn = " ".join(f"{_n(x)},{_n(y)}" for x, y in corners)
    return f'<polygon points="{drawn}" fill="{colour}"/>', (tip[0] - dx * long * 0.7, tip[1] - dy * long * 0.7)


def _direction(a: Point, b: Point) -> Point:
    length = max(abs(b[0] - a[0]) + abs(b[1] - a[1]), 0.001)
    return (b[0] - a[0]) / length, (b[1] - a[1]) / length


def _rounded(points: list[Point]) -> str:
    """Straight stretches with rounded corners."""
    out = [f"M{_n(points[0][0])} {_n(points[0][1])}"]
    for before, at, after in zip(points, points[1:], points[2:], strict=False):
        room = min(_length(before, at) / 2, _length(at, after) / 2, CORNER)
        (ax, ay), (bx, by) = _direction(at, before), _direction(at, after)
        out.append(
            f"L{_n(at[0] + ax * room)} {_n(at[1] + ay * room)}Q{_n(at[0])} {_n(at[1])} {_n(at[0] + bx * room)} {_n(at[1] + by * room)}"
        )
    out.append(f"L{_n(points[-1][0])} {_n(points[-1][1])}")
    return "".join(out)


def _length(a: Point, b: Point) -> float:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _words(item: Text) -> str:
    anchor = f' text-anchor="{item.anchor}"' if item.anchor != "start" else ""
    start = f'<text x="{_n(item.x)}" y="{_n(item.y)}" font-size="{_n(item.size)}" fill="{TONES[item.tone]}"{anchor}'
    weights = {run.bold for run in item.content}
    if len(weights) == 1:
        bold = ' font-weight="700"' if weights == {True} else ""
        return f"{start}{bold}>{_text(''.join(r.text for r in item.content))}</text>"
    spans = "".join(f'<tspan font-weight="700">{_text(r.text)}</tspan>' if r.bold else _text(r.text) for r in item.content)
    return f'{start} xml:space="preserve">{spans}</text>'


def _text(value: str) -> str:
    """Escaped; a question mark for what XML 1.0 cannot carry at all, such as control characters."""
    return escape(
        "".join(c if c in "\t\n" or (c >= " " and c not in "\ufffe\uffff" and not "\ud800" <= c <= "\udfff") else "?" for c in value)
    )


def _n(value: float) -> str:
    """A number as short as it can be, to two places, the same on every machine."""
    return f"{value:.2f}".rstrip("0").rstrip(".") or "0"
