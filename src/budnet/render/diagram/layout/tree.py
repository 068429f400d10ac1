"""Lines that share a trunk: several callers of one port, or several answers of one caller."""

from __future__ import annotations

from dataclasses import dataclass

from budnet.render.diagram.layout.drawing import Point


@dataclass(frozen=True, slots=True)
class Branch:
    """A line of a tree. `leaf` is the index of the leaf that it belongs to; `whole` says whether it reaches the root."""

    leaf: int
    points: tuple[Point, ...]
    whole: bool


def tree(root: Point, leaves: list[Point], lane: float) -> tuple[list[Branch], list[Point]]:
    """From the leaves to the root by a trunk at x = `lane`, and where branches meet. No stretch is drawn twice."""
    straight = [i for i, p in enumerate(leaves) if abs(p[1] - root[1]) < 0.5]
    above = sorted((i for i, p in enumerate(leaves) if p[1] <= root[1] - 0.5), key=lambda i: leaves[i][1])
    below = sorted((i for i, p in enumerate(leaves) if p[1] >= root[1] + 0.5), key=lambda i: -leaves[i][1])
    meet = (lane, root[1])
    out: list[Branch] = []
    dots: list[Point] = []
    first = [*straight, *above, *below][0]
    for i in [*straight, *above, *below]:
        x, y = leaves[i]
        side = above if i in above else below
        if i == first:
            out.append(Branch(i, ((x, y), (lane, y), meet, root), True))
        elif i in straight or (i == side[0] and first not in side):
            out.append(Branch(i, ((x, y), (lane, y), meet), False))
            dots.append(meet)
        else:
            out.append(Branch(i, ((x, y), (lane, y)), False))
            dots.append((lane, y))
    return out, dots
