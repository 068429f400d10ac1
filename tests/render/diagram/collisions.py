"""What must never happen on a page, computed from where everything was put. Each function returns what it found, in words."""

from __future__ import annotations

from itertools import combinations, pairwise

from budnet.render.diagram.layout.drawing import Drawing, Look, Path, Rect, Text
from budnet.render.diagram.scene import plain

Box = tuple[float, float, float, float]


def overlap(a: Box, b: Box, slack: float = 0.0) -> bool:
    return a[0] < b[2] - slack and b[0] < a[2] - slack and a[1] < b[3] - slack and b[1] < a[3] - slack


def box(rect: Rect) -> Box:
    return rect.x, rect.y, rect.right, rect.bottom


def contains(outer: Box, inner: Box, slack: float = 0.0) -> bool:
    return outer[0] <= inner[0] + slack and outer[1] <= inner[1] + slack and outer[2] >= inner[2] - slack and outer[3] >= inner[3] - slack


def segments(path: Path) -> list[Box]:
    return [(min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1])) for a, b in pairwise(path.points)]


def words(text: Text) -> str:
    return plain(text.content)


def texts_on_texts(drawing: Drawing) -> list[str]:
    ordered = sorted(drawing.texts, key=lambda t: t.extent[0])
    out = []
    for i, a in enumerate(ordered):
        for b in ordered[i + 1 :]:
            if b.extent[0] >= a.extent[2]:
                break
            if overlap(a.extent, b.extent, 0.2):
                out.append(f"'{words(a)}' and '{words(b)}'")
    return out


def lines_on_texts(drawing: Drawing) -> list[str]:
    return [
        f"'{words(text)}' and a line of {sorted(path.ends)}"
        for path in drawing.paths
        for part in segments(path)
        for text in drawing.texts
        if overlap(text.extent, (part[0] - 0.5, part[1] - 0.5, part[2] + 0.5, part[3] + 0.5))
    ]


def lines_on_boxes(drawing: Drawing) -> list[str]:
    """A line may touch its ends and what these are in, nothing else; and it must not run along a border either."""
    return [
        f"box {rect.id} and a line of {sorted(path.ends)} at {part}"
        for path in drawing.paths
        for part in segments(path)
        for rect in drawing.rects
        if rect.id not in path.ends and overlap(box(rect), (part[0] - 0.5, part[1] - 0.5, part[2] + 0.5, part[3] + 0.5))
    ]


def boxes_on_boxes(drawing: Drawing) -> list[str]:
    rects = [r for r in drawing.rects if r.look is not Look.STACK]
    return [
        f"{a.id} and {b.id}"
        for a, b in combinations(rects, 2)
        if overlap(box(a), box(b), 0.1) and not contains(box(a), box(b), 0.1) and not contains(box(b), box(a), 0.1)
    ]


def leaves_on_leaves(drawing: Drawing) -> list[str]:
    """A box inside another must be meant to be there: a node never is inside a node."""
    leaves = {Look.POD, Look.HOST, Look.CLIENT, Look.GATEWAY, Look.PEERING, Look.ENTRY, Look.ENTRY_CLEAR, Look.BALANCER}
    rects = [r for r in drawing.rects if r.look in leaves and r.id != "legend"]
    return [f"{a.id} and {b.id}" for a, b in combinations(rects, 2) if overlap(box(a), box(b), 0.1)]


def lines_on_lines(drawing: Drawing) -> list[str]:
    """Lines may cross at right angles; two of them must not lie on each other, as nobody could tell them apart."""
    found = []
    parts = [(path, part) for path in drawing.paths for part in segments(path)]
    for (one, a), (other, b) in combinations(parts, 2):
        if one is other:
            continue
        level = a[1] == a[3] and b[1] == b[3] and abs(a[1] - b[1]) < 2 and min(a[2], b[2]) - max(a[0], b[0]) > 2
        upright = a[0] == a[2] and b[0] == b[2] and abs(a[0] - b[0]) < 2 and min(a[3], b[3]) - max(a[1], b[1]) > 2
        if level or upright:
            found.append(f"{sorted(one.ends)} and {sorted(other.ends)} at {a} {b}")
    return found


def off_the_page(drawing: Drawing) -> list[str]:
    page = (0.0, 0.0, drawing.width, drawing.height)
    out = [f"box {r.id}" for r in drawing.rects if not contains(page, box(r))]
    out += [f"text '{words(t)}'" for t in drawing.texts if not contains(page, t.extent)]
    return out + [f"line of {sorted(p.ends)}" for p in drawing.paths for part in segments(p) if not contains(page, part)]


def spilled_texts(drawing: Drawing) -> list[str]:
    """A text is wholly inside a box or wholly outside of it."""
    rects = [r for r in drawing.rects if r.look is not Look.STACK]
    return [
        f"'{words(t)}' out of {r.id}"
        for t in drawing.texts
        for r in rects
        if overlap(t.extent, box(r), 0.3) and not contains(box(r), t.extent, 0.3)
    ]


def collisions(drawing: Drawing) -> list[str]:
    """Everything at once; the empty list is a good page."""
    checks = (
        texts_on_texts, lines_on_texts, lines_on_boxes, boxes_on_boxes, leaves_on_leaves, lines_on_lines, off_the_page, spilled_texts,
    )  # fmt: skip
    return [f"{check.__name__}: {what}" for check in checks for what in check(drawing)]
