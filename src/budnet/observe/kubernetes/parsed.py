"""What parsing a text gives: values, each with its place; and why one could not be parsed."""

from __future__ import annotations

from typing import Any, TypeAlias

NOT_PARSED, ALIASED, TWICE = "K002", "K005", "K010"
HANDWRITTEN = 1_000_000
"""Bytes. Nobody writes more; what is larger was dumped by a program."""
UNIQUE = "keys are unique in YAML and JSON: which of the two would count depends on who reads"

Parsed: TypeAlias = tuple[Any, int, int]
"""(value, the line it begins at, counted from 1, how many bytes of the text are read by then)."""


class Unparsed(Exception):
    """A text is no YAML or JSON, or none with one meaning. `line` counts from 0, the text's first; `begin` is the first byte of what
    is lost; `cut`: it ends too soon, and what came behind that is lost, too."""

    def __init__(self, summary: str, line: int = 0, help: str = "", code: str = NOT_PARSED, begin: int = 0, cut: bool = False) -> None:
        super().__init__(summary)
        self.summary, self.line, self.help, self.code, self.begin, self.cut = summary, line, help, code, begin, cut
