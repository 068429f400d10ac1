"""Where an object of the Network was written."""

from __future__ import annotations

from msgspec import Struct


class Origin(Struct, frozen=True, order=True):
    """The place in a file that made an object be. `line` and `column` count from 1."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


BUILT_IN = Origin("built-in", 0, 0)
"""For what exists in every network, such as a VPC's resolver or its metadata address."""
NOWHERE = Origin("", 0)
"""For what nobody made, such as the internet."""
