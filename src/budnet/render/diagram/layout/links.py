"""The boxes of links between two columns, and the lines that go through them."""

from __future__ import annotations

from itertools import pairwise

from budnet.records import replace
from budnet.render.diagram.layout.card import Card, put
from budnet.render.diagram.layout.drawing import Drawing, Path, Point

SLIM = 16.0
"""The height of a box that has room for its name only."""


def bars(drawing: Drawing, cards: dict[str, Card], x: float, width: float, through: list[tuple[float, str]]) -> None:
    """One box for every run of neighbouring lines, (height, link), that go through the same link."""
    runs: list[tuple[str, list[float]]] = []
    for y, id in through:
        if not runs or runs[-1][0] != id:
            runs.append((id, []))
        runs[-1][1].append(y)
    for i, (id, ys) in enumerate(runs):
        above = (ys[0] - runs[i - 1][1][-1]) / 2 - 1 if i else 999.0
        below = (runs[i + 1][1][0] - ys[-1]) / 2 - 1 if i + 1 < len(runs) else 999.0
        _bar(drawing, cards[id], (x, width), (ys[0], ys[-1]), (above, below))


def _bar(drawing: Drawing, card: Card, at: tuple[float, float], ys: Point, room: Point) -> None:
    half = max(card.h - (ys[1] - ys[0]), SLIM) / 2
    up, down = min(half, room[0]), min(half, room[1])
    top, height = ys[0] - up, ys[1] - ys[0] + up + down
    # where there is no room for the link's own name, the kind of link must do; the whole is in the hint
    rows = card.rows if height >= card.h else card.rows[:1] if height > 13 else ()
    put(drawing, Card(card.id, card.look, rows, at[1], card.h, card.hint), at[0], top, height, centred=True)


def cut(path: Path, x: float, width: float, ys: list[float]) -> list[Path]:
    """A line up to the box of its link, and on behind it: wherever it passes the box at one of the heights."""
    pieces: list[list[Point]] = [[path.points[0]]]
    for a, b in pairwise(path.points):
        low, high = sorted((a[0], b[0]))
        if a[1] == b[1] and low < x and high > x + width and any(abs(a[1] - y) < 0.01 for y in ys):
            near, far = (x, x + width) if a[0] < b[0] else (x + width, x)
            pieces[-1].append((near, a[1]))
            pieces.append([(far, a[1])])
        pieces[-1].append(b)
    return [replace(path, points=tuple(piece), arrow=path.arrow and i == len(pieces) - 1) for i, piece in enumerate(pieces)]
