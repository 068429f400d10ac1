"""Lanes: parallel places in a channel, so that no two lines of it lie on each other."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
LANE = 9.0
"""The distance between two parallel lines."""


def lanes(spans: Sequence[tuple[K, float, float]], apart: float = 0.0) -> dict[K, int]:
    """A lane for each (key, from, to): short ones first, in the lowest lane where nothing is in their way."""
    taken: list[list[tuple[float, float]]] = []
    out: dict[K, int] = {}
    ordered = sorted(enumerate(spans), key=lambda s: (abs(s[1][2] - s[1][1]), s[0]))
    for _, (key, one, other) in ordered:
        low, high = min(one, other) - apart, max(one, other) + apart
        lane = next((i for i, used in enumerate(taken) if all(high < a or low > b for a, b in used)), len(taken))
        if lane == len(taken):
            taken.append([])
        taken[lane].append((low, high))
        out[key] = lane
    return out


def spread(start: float, end: float, number: int, index: int) -> float:
    """The place of the `index`-th of `number` things that share the space between start and end evenly."""
    return start + (end - start) * (index + 1) / (number + 1)
