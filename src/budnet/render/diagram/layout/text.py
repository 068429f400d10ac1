"""How wide a text is, without asking a font.

The widths are the larger ones of Roboto, which the PNG is set in, and of Helvetica, which Arial, Liberation Sans and Nimbus
Sans share, in thousandths of the font size. So whatever a viewer sets the text in, it stays in its box.
"""

from __future__ import annotations

from functools import lru_cache

from budnet.render.diagram.scene import Line, Run

_REGULAR = (
    278, 278, 355, 616, 563, 889, 667, 191, 343, 349, 431, 584, 278, 333, 278, 413, 563, 563, 563, 563, 563, 563, 563, 563, 563, 563,
    278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 552, 667, 556, 874, 722, 778, 667, 778, 722, 667,
    611, 722, 667, 944, 667, 667, 611, 278, 411, 278, 469, 556, 333, 556, 562, 524, 564, 556, 348, 562, 556, 244, 240, 507, 244, 877,
    556, 571, 562, 569, 339, 517, 328, 556, 500, 752, 500, 500, 500, 339, 260, 339, 681,
)  # fmt: skip
_BOLD = (
    278, 333, 474, 597, 574, 889, 722, 238, 352, 353, 454, 584, 278, 389, 292, 375, 574, 574, 574, 574, 574, 574, 574, 574, 574, 574,
    333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667, 611, 778, 722, 292, 559, 722, 611, 876, 722, 778, 667, 778, 722, 667,
    619, 722, 667, 944, 667, 667, 611, 333, 423, 333, 584, 556, 333, 556, 611, 556, 611, 556, 359, 611, 611, 278, 278, 556, 278, 889,
    611, 611, 611, 611, 389, 556, 338, 611, 556, 778, 556, 556, 510, 389, 280, 389, 649,
)  # fmt: skip
_OTHER = {"·": 333, "×": 584, "…": 1000, "–": 657}
_WIDE = 1000
"""For a character we know nothing of."""


@lru_cache(maxsize=8192)
def _run(text: str, bold: bool) -> int:
    table = _BOLD if bold else _REGULAR
    return sum(table[ord(c) - 32] if 32 <= ord(c) < 127 else _OTHER.get(c, _WIDE) for c in text)


def width(content: Line, size: float) -> float:
    """The width of a line."""
    return sum(_run(run.text, run.bold) for run in content) * size / 1000


@lru_cache(maxsize=8192)
def wrap(content: Line, size: float, limit: float) -> tuple[Line, ...]:
    """The line in as many as it takes: broken at spaces; words that fit into no line behind `-`, `.`, `/` or `_`, and else anywhere."""
    lines: list[list[Run]] = [[]]
    for run in content:
        for part in _parts(run, size, limit):
            if lines[-1] and width((*lines[-1], Run(part.text.rstrip(), part.bold)), size) > limit:
                lines.append([])
            lines[-1].append(part if lines[-1] else Run(part.text.lstrip(), part.bold))
    return tuple(_joined(x) for x in lines)


def _parts(run: Run, size: float, limit: float) -> list[Run]:
    """What a run may be broken into."""
    out: list[Run] = []
    for word in _split(run.text, " "):
        fits = width((Run(word.strip(), run.bold),), size) <= limit
        for piece in [word] if fits else _split(word, "-./_"):
            out += _cut(Run(piece, run.bold), size, limit)
    return out


def _split(text: str, behind: str) -> list[str]:
    out, start = [], 0
    for i, c in enumerate(text):
        if c in behind and i + 1 < len(text):
            out.append(text[start : i + 1])
            start = i + 1
    return [*out, text[start:]]


def _cut(run: Run, size: float, limit: float) -> list[Run]:
    """A word that is too long for any line."""
    out, rest = [], run.text
    while width((Run(rest, run.bold),), size) > limit and len(rest) > 1:
        end = next((i for i in range(len(rest) - 1, 1, -1) if width((Run(rest[:i], run.bold),), size) <= limit), 1)
        out.append(Run(rest[:end], run.bold))
        rest = rest[end:]
    return [*out, Run(rest, run.bold)]


def _joined(runs: list[Run]) -> Line:
    """Neighbours of one weight as one, and no space at the end."""
    out: list[Run] = []
    for run in runs:
        if out and out[-1].bold == run.bold:
            out[-1] = Run(out[-1].text + run.text, run.bold)
        elif run.text:
            out.append(run)
    if out:
        out[-1] = Run(out[-1].text.rstrip(), out[-1].bold)
    return tuple(out)
