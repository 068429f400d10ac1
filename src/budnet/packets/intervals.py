"""Sets of integers as sorted, disjoint, non-adjacent closed intervals: the one representation under ports and addresses."""

from __future__ import annotations

from collections.abc import Iterable

Interval = tuple[int, int]
Intervals = tuple[Interval, ...]


def canonical(parts: Iterable[Interval]) -> Intervals:
    """Sorts, and joins what overlaps or touches. Intervals with first > last are empty."""
    out: list[Interval] = []
    for first, last in sorted(p for p in parts if p[0] <= p[1]):
        if out and first <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], last))
        else:
            out.append((first, last))
    return tuple(out)


def intersect(a: Intervals, b: Intervals) -> Intervals:
    """What is in both, by one walk along both."""
    out: list[Interval] = []
    i = j = 0
    while i < len(a) and j < len(b):
        first, last = max(a[i][0], b[j][0]), min(a[i][1], b[j][1])
        if first <= last:
            out.append((first, last))
        if a[i][1] < b[j][1]:
            i += 1
        else:
            j += 1
    return tuple(out)


def complement(a: Intervals, universe: Interval) -> Intervals:
    """What of `universe` is not in `a`."""
    out: list[Interval] = []
    start = universe[0]
    for first, last in a:
        if first > start:
            out.append((start, min(first - 1, universe[1])))
        start = max(start, last + 1)
    if start <= universe[1]:
        out.append((start, universe[1]))
    return canonical(out)


def subtract(a: Intervals, b: Intervals) -> Intervals:
    """What is in `a` and not in `b`."""
    if not a:
        return ()
    return intersect(a, complement(b, (a[0][0], a[-1][1])))


def contains(a: Intervals, value: int) -> bool:
    """Whether `value` is in the set."""
    return any(first <= value <= last for first, last in a)
