"""Marks, as PyYAML counts, -> Spans, as people count."""

from __future__ import annotations

from typing import Protocol

from budnet.source.span import Span
from budnet.source.text import lines


class Mark(Protocol):
    """A place as PyYAML gives it: all three count from 0, `index` in characters from the start of the text."""

    @property
    def index(self) -> int: ...
    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


class Ruler:
    """Measures places in one file. Every span it gives lies inside the file."""

    __slots__ = ("_last_column", "_last_line", "file", "text")

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self._last_line = text.count("\n") + text.count("\r") - text.count("\r\n") + 1
        self._last_column = len(text) - max(text.rfind("\n"), text.rfind("\r"))

    def between(self, start: Mark | None, end: Mark | None) -> Span:
        """From one mark up to another."""
        assert start is not None and end is not None  # only events made by hand have no marks
        line, column, end_line, end_column = start.line + 1, start.column + 1, end.line + 1, end.column + 1
        # libyaml puts the end of a text without a last line break on a line of its own
        if end_line > self._last_line:
            end_line, end_column = self._last_line, self._last_column
            if line > self._last_line:
                line, column = end_line, end_column
        return Span(self.file, line, column, end_line, end_column)

    def at(self, mark: Mark, length: int = 1) -> Span:
        """`length` characters from `mark` on, fewer at the end of the line."""
        span = self.between(mark, mark)
        width = len(lines(self.text[mark.index : mark.index + length])[0])
        return Span(self.file, span.line, span.column, span.line, span.column + width)

    def start(self) -> Span:
        """The empty span at the start of the file."""
        return Span(self.file, 1, 1, 1, 1)
