"""A place in a file. Standard library only: every layer of the program may carry one."""

from __future__ import annotations

from msgspec import Struct


class Span(Struct, frozen=True, order=True):
    """A stretch of text from (line, column) up to, not including, (end_line, end_column).

    Lines and columns count from 1; columns count characters (code points), so a tab or an emoji is one column.
    A span may be empty (end = start): the place where something is missing.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"
