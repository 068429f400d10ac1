"""Figures over sizes as a picture: both axes logarithmic, so that a straight line is a power and its slope the exponent."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

WIDTH, HEIGHT, EDGE = 560, 340, 60
COLOURS = ("#1f6f8b", "#c8553d", "#6a994e")
Points = Sequence[tuple[float, float]]


def slope(points: Points) -> float:
    """The exponent between the first and the last of some points."""
    (x0, y0), (x1, y1) = points[0], points[-1]
    return math.log(y1 / y0) / math.log(x1 / x0)


def log_log(title: str, across: str, up: str, lines: Mapping[str, Points]) -> str:
    """An SVG with a line for each series, its slope behind its name."""
    every = [p for points in lines.values() for p in points]
    first, last = _decades(x for x, _ in every)
    low, high = _decades(y for _, y in every)

    def at(x: float, y: float) -> tuple[float, float]:
        right = EDGE + (math.log10(x) - first) / (last - first) * (WIDTH - 2 * EDGE)
        return round(right, 1), round(HEIGHT - EDGE - (math.log10(y) - low) / (high - low) * (HEIGHT - 2 * EDGE), 1)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{EDGE}" y="24" font-size="14">{title}</text>',
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 14}" text-anchor="middle">{across}</text>',
        f'<text transform="translate(14 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">{up}</text>',
    ]
    for power in range(first, last + 1):
        x = at(10**power, 10**low)[0]
        out.append(f'<path d="M{x} {EDGE}V{HEIGHT - EDGE}" stroke="#ddd"/>')
        out.append(f'<text x="{x}" y="{HEIGHT - EDGE + 16}" text-anchor="middle">{10**power:,}</text>')
    for power in range(low, high + 1):
        y = at(10**first, 10.0**power)[1]
        out.append(f'<path d="M{EDGE} {y}H{WIDTH - EDGE}" stroke="#ddd"/>')
        out.append(f'<text x="{EDGE - 6}" y="{y + 4}" text-anchor="end">{10.0**power:g}</text>')
    for number, (name, points) in enumerate(lines.items()):
        colour, places = COLOURS[number % len(COLOURS)], [at(*p) for p in points]
        out.append(f'<path d="M{"L".join(f"{x} {y}" for x, y in places)}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in places]
        out.append(f'<text x="{EDGE + 10}" y="{EDGE + 16 + 16 * number}" fill="{colour}">{name}: slope {slope(points):.2f}</text>')
    return "\n".join([*out, "</svg>"]) + "\n"


def _decades(values: Iterable[float]) -> tuple[int, int]:
    """The powers of ten around some values."""
    found = sorted(values)
    first, last = math.floor(math.log10(found[0])), math.ceil(math.log10(found[-1]))
    return first, max(last, first + 1)
