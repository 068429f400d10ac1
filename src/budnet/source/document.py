"""What was written, as plain values, and where each of them was written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from budnet.source.span import Span
from budnet.source.text import lines

Scalar: TypeAlias = str | int | float | bool | None
Value: TypeAlias = "Scalar | list[Value] | dict[str, Value]"

Path: TypeAlias = tuple[str | int, ...]
"""The way to a value: keys and list indices from the root, `("networks", "a", "cidr", 0)`. The root is `()`."""

Places: TypeAlias = tuple[Span | None, Span]
"""(place of the key, place of the value). The root and the items of a list have no key."""


@dataclass(frozen=True, slots=True)
class Document:
    """One file, read. `spans` has one entry for every value in `value`, and no others."""

    value: dict[str, Value]
    spans: Mapping[Path, Places]
    text: str
    """The characters the spans count in (the file without its byte order mark)."""
    file: str

    def key_span(self, path: Path) -> Span | None:
        """Where the key of `path` is written; None for the root and the items of a list. KeyError if not there."""
        return self.spans[path][0]

    def value_span(self, path: Path) -> Span:
        """Where the value of `path` is written. KeyError if not there."""
        return self.spans[path][1]

    def nearest(self, path: Path, key: bool = False) -> Span:
        """The place of `path`, or of its nearest ancestor that exists: where something missing would have to be.

        `key=True` asks for the key's place, which is one word and not a whole block; where there is no key
        (root, item of a list) it is the value's. Never fails: the root always exists.
        """
        while path not in self.spans:
            path = path[:-1]
        key_span, value_span = self.spans[path]
        return key_span if key and key_span is not None else value_span

    def locate(self, loc: Iterable[str | int]) -> Path:
        """The real path behind a validator's `loc`, which may contain steps nobody wrote (tags of a union).

        Walks from the root and leaves out every step that does not exist at that point, so the result always
        exists; for a missing field it is the parent.
        """
        path: Path = ()
        for step in loc:
            if (*path, step) in self.spans:
                path = (*path, step)
        return path

    def written(self, span: Span) -> str:
        """The text of `span` as it stands in the file, quotes and all."""
        rows = lines(self.text)[span.line - 1 : span.end_line]
        # the end first: on a single line, cutting the start would move it
        rows[-1] = rows[-1][: span.end_column - 1]
        rows[0] = rows[0][span.column - 1 :]
        return "\n".join(rows)
