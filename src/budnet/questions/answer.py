"""An answer: rows, the document that `--format json` prints, and a data frame of pandas or polars."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from budnet.errors import WrongQuestion

Rows = list[dict[str, Any]]
LIBRARIES = ("pandas", "polars")


class Answer:
    """What a question is answered with. `rows` has one dict for each line, with the values of `--format json`."""

    def __init__(self, verb: str, rows: Rows, columns: Sequence[str], document: Mapping[str, Any]) -> None:
        """`document`: the whole of it as JSON has it, of which `rows` are a part."""
        self.verb, self.rows, self.columns = verb, rows, tuple(columns)
        self._document = document

    @property
    def document(self) -> dict[str, Any]:
        """What `budnet VERB --format json` prints, as a dict."""
        return {"schema": f"budnet.{self.verb}/1", **self._document}

    def to_json(self) -> str:
        """The same as text."""
        return indented(self.document)

    def table(self) -> Iterator[list[str]]:
        """The rows as texts, for CSV and Markdown."""
        return ([cell(_at(row, column)) for column in self.columns] for row in self.rows)

    def frame(self, library: str | None = None) -> Any:
        """The rows as a data frame of `pandas` or `polars`; without a name of whichever is installed, pandas first.

        Cells keep the values of JSON: what passes is a list of `{"protocol", "ports"}`. Raises ImportError, which says what to
        install, where the library is not there.
        """
        from importlib import import_module
        from importlib.util import find_spec

        if library is not None and library not in LIBRARIES:
            raise WrongQuestion(f"'{library}' makes no data frames here: {' or '.join(LIBRARIES)}")
        name = library or next((n for n in LIBRARIES if find_spec(n)), LIBRARIES[0])
        if find_spec(name) is None:
            raise ImportError(f"{name} is not installed: pip install 'budnet[{name}]'; `.rows` and `.to_json()` do without", name=name)
        made = import_module(name)
        by_column = {column: [_at(row, column) for row in self.rows] for column in self.columns}
        if name == "pandas":
            return made.DataFrame(by_column, columns=self.columns)
        return made.DataFrame({column: _alike(values) for column, values in by_column.items()}, strict=False)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, at: int) -> dict[str, Any]:
        return self.rows[at]

    def __repr__(self) -> str:
        return f"<answer of {self.verb}: {len(self.rows)} rows of {', '.join(self.columns)}>"


def _at(row: dict[str, Any], column: str) -> Any:
    """A value of a row; `packet.src` is that of a mapping in it, and nothing where there is none."""
    name, dot, within = column.partition(".")
    value = row.get(name)
    return (value or {}).get(within) if dot else value


def indented(document: Any) -> str:
    """JSON for people as well as programs: ASCII, one value a line, as `json.dumps(document, indent=1)` writes it. That one does so
    in Python, which takes five times as long; here the C encoder writes, and msgspec breaks the lines."""
    text = json.dumps(document)
    try:
        return msgspec.json.format(text, indent=1)
    except msgspec.DecodeError:  # a name of a file that is not UTF-8: Python has halves of surrogate pairs for its bytes
        return json.dumps(document, indent=1)


def cell(value: Any) -> str:
    """A value of JSON in one line of text: what passes as `80/tcp, 5432/tcp`, other lists with `;` between, nothing for null."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case {"protocol": str() as protocol, "ports": ports, **more} if not more:
            name = protocol.lower()
            ranges = [f"{first}-{last}" if first != last else str(first) for first, last in ports or ()]
            return ", ".join(f"{r}/{name}" for r in ranges) or name
        case dict():
            return ", ".join(f"{k}={cell(v)}" for k, v in value.items())
        case [{"protocol": _, "ports": _}, *_]:
            return ", ".join(map(cell, value))
        case list():
            return "; ".join(map(cell, value))
        case _:
            return str(value)


def _alike(values: list[Any]) -> list[Any]:
    """A column of polars has one type: what is a mapping with changing keys is text."""
    return [json.dumps(v) if isinstance(v, dict) else v for v in values]
