"""Tables for terminals and pipes: columns as wide as what is in them, or as a line has room for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest

_BETWEEN = "   "
_WORD = re.compile(r"\s*\S+\s*")
_CUT = "…"
_CONTROLS = {n: "\N{REPLACEMENT CHARACTER}" for n in (*range(0x20), *range(0x7F, 0xA0)) if n != ord("\n")}
Style = Callable[[str], str]


def lines(
    head: Sequence[str], rows: Iterable[Sequence[str]], width: int, title: str = "", strong: Style = str, slanted: Style = str
) -> Iterator[str]:
    """The lines of a table in `width` cells of a terminal, all of one width. What is too wide for its column goes on below, word
    by word; a word that is too wide for it is cut off, and ends in `…`. `strong` and `slanted`: how head and title are set off."""
    shown = [[*map(_plain, row)] for row in rows]
    widths = _widths([head, *shown], width - 2)
    across = sum(widths) + len(_BETWEEN) * (len(widths) - 1)
    if title:
        yield from (f"{slanted(part)}{' ' * (across + 2 - _cells(part))}" for part in _wrapped(title, across + 2))
    blank = " " * (across + 2)
    yield blank
    yield from (f" {strong(line)} " for line in _row(head, widths, below=True))
    yield f" {'─' * across} "
    yield from (f" {line} " for row in shown for line in _row(row, widths))
    yield blank


def _plain(cell: str) -> str:
    """Without what would move the cursor: names in manifests may be anything."""
    return cell if cell.isprintable() else "\n".join(line.expandtabs() for line in cell.split("\n")).translate(_CONTROLS)


def _cells(text: str) -> int:
    """How many cells of a terminal a text takes: two for wide characters of East Asia (Unicode, UAX 11), none for marks."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else not unicodedata.combining(c) for c in text)


def _widths(rows: Sequence[Sequence[str]], room: int) -> list[int]:
    """Of each column, with `room` for all and what is between them. Where that is too little the widest give way, down to the next
    widest, and so on; to each column counts the space on either side of it, but for the edges."""
    columns = [*zip(*rows, strict=True)]
    sides = [(i > 0) + (i < len(columns) - 1) for i in range(len(columns))]
    room -= len(columns) - 1
    widths = [min(max(map(_widest, column)) + side, room) for column, side in zip(columns, sides, strict=True)]
    excess = sum(widths) - room
    while excess > 0 and any(widths):
        most = max(widths)
        widest = [i for i, w in enumerate(widths) if w == most]
        step = min(excess, most - max((w for w in widths if w < most), default=0))
        for left, at in zip(range(len(widest), 0, -1), widest, strict=True):
            given = min(step, round(excess / left))
            widths[at] -= given
            excess -= given
    return [max(width - side, 1) for width, side in zip(widths, sides, strict=True)]


def _widest(cell: str) -> int:
    return max(map(_cells, cell.split("\n"))) if "\n" in cell else _cells(cell)


def _row(cells: Sequence[str], widths: Sequence[int], below: bool = False) -> Iterator[str]:
    """The lines of a row; of the head, whose texts stand `below` if they have fewer lines than others."""
    if all(map(_fits, cells, widths)):
        yield _BETWEEN.join(map(_filled, cells, widths))
        return
    parts = [_wrapped(cell, width) for cell, width in zip(cells, widths, strict=True)]
    if below:
        height = max(map(len, parts))
        parts = [[""] * (height - len(part)) + part for part in parts]
    for line in zip_longest(*parts, fillvalue=""):
        yield _BETWEEN.join(map(_filled, line, widths))


def _fits(cell: str, width: int) -> bool:
    return "\n" not in cell and _cells(cell) <= width


def _filled(text: str, width: int) -> str:
    return text + " " * (width - _cells(text))


def _wrapped(text: str, width: int) -> list[str]:
    """A text as lines that are no wider; lines that it has itself stay apart."""
    return [_cut(part, width) for line in text.split("\n") for part in _divided(line, width)]


def _divided(line: str, width: int) -> Iterator[str]:
    part, taken = "", 0
    for word in _WORD.findall(line):
        room = _cells(word.rstrip())
        if part and taken + room > width:
            yield part.rstrip() if taken > width else part
            part, taken = "", 0
        part, taken = part + word, taken + _cells(word)
    yield part.rstrip() if taken > width else part


def _cut(part: str, width: int) -> str:
    if _cells(part) <= width:
        return part
    while part and _cells(part) > width - 1:
        part = part[:-1]
    return part + _CUT
