"""Diagnostics -> text with the line itself, JSON, SARIF 2.1.0. Pure: nothing is read, nothing is printed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from budnet.source.diagnostic import Diagnostic, Finding, Severity
from budnet.source.span import Span
from budnet.source.text import lines, visible

# -- text


def to_text(diagnostics: Iterable[Diagnostic], texts: Mapping[str, str], colour: bool, width: int = 100) -> str:
    """For people, in the style of rustc:

        error[Y010]: duplicate key 'cidr'
         --> budnet.yaml:4:5
          |
        4 |     cidr: 10.1.0.0/16
          |     ^^^^
          = note: first written here
         --> budnet.yaml:3:5
          |
        3 |     cidr: 10.0.0.0/16
          |     ----
          = help: remove one of the two, or merge them

    `texts` holds the files by the name their spans carry (see text.readable); of a file that is not there no line
    is shown. No line of source is longer than `width` columns, and nothing in it can steer a terminal.
    """
    rows = {file: lines(text) for file, text in texts.items()}
    return "\n".join(_Writer(rows, colour, width).diagnostic(diagnostic) for diagnostic in diagnostics)


_RESET: Final = "\x1b[0m"
_BOLD: Final = "\x1b[1m"
_FRAME: Final = "\x1b[1;34m"
_COLOURS: Final[Mapping[Severity, str]] = {
    Severity.ERROR: "\x1b[1;31m",
    Severity.WARNING: "\x1b[1;33m",
    Severity.INFO: "\x1b[1;36m",
}
_CUT: Final = "..."
_TAB: Final = "    "
_LEAST_ROOM: Final = 20
"""Columns for source, however narrow the terminal."""


_SHOWN: Final = ("written", "effective", "why", "source", "accepted")


def _facts(diagnostic: Diagnostic) -> dict[str, str]:
    """What a finding says beside its summary; nothing where it is no finding."""
    if not isinstance(diagnostic, Finding):
        return {}
    return {name: getattr(diagnostic, name) for name in ("title", "subject", "written", "effective", "why", "source", "url", "accepted")}


class _Writer:
    """Writes one diagnostic at a time. `rows`: the lines of each file."""

    def __init__(self, rows: Mapping[str, list[str]], colour: bool, width: int) -> None:
        self._rows = rows
        self._colour = colour
        self._width = width

    def diagnostic(self, diagnostic: Diagnostic) -> str:
        spans = [span for span in (diagnostic.span, *(span for _, span in diagnostic.related)) if span is not None]
        margin = " " * max((len(str(span.line)) for span in spans), default=1)
        colour = _COLOURS[diagnostic.severity]
        accepted = isinstance(diagnostic, Finding) and bool(diagnostic.accepted)
        head = self._paint(f"{'accepted' if accepted else diagnostic.severity}[{visible(diagnostic.code)}]", colour)
        out = [head + self._paint(f": {visible(diagnostic.summary)}", _BOLD)]
        if diagnostic.span is not None:
            out += self._place(diagnostic.span, margin, "^", colour)
        for label, span in diagnostic.related:
            out.append(self._note(margin, "note", label))
            out += self._place(span, margin, "-", _FRAME)
        out += [self._folded(margin, name, text) for name, text in _facts(diagnostic).items() if name in _SHOWN and text]
        out += [self._note(margin, "help", line) for line in diagnostic.help.splitlines()]
        return "\n".join(out) + "\n"

    def _note(self, margin: str, kind: str, text: str) -> str:
        return f"{margin} {self._paint('=', _FRAME)} {self._paint(kind + ':', _BOLD)} {visible(text)}"

    def _folded(self, margin: str, kind: str, text: str) -> str:
        """A note of several lines, the later ones below the text of the first."""
        from textwrap import fill  # only findings have long notes

        indent = " " * (len(margin) + len(f" = {kind}: "))
        return (
            self._note(margin, kind, "")
            + fill(visible(text), max(self._width, 40), initial_indent=indent, subsequent_indent=indent)[len(indent) :]
        )

    def _place(self, span: Span, margin: str, mark: str, colour: str) -> list[str]:
        """The place, and the line with the place underlined."""
        out = [f"{margin}{self._paint('-->', _FRAME)} {visible(str(span))}"]
        rows = self._rows.get(span.file, [])
        if span.line > len(rows):
            return out
        row = rows[span.line - 1]
        end = span.end_column - 1 if span.end_line == span.line else len(row.rstrip())
        room = max(_LEAST_ROOM, self._width - len(margin) - len(" | "))
        shown, before, marked = _fit(row, span.column - 1, end, room)
        number = str(span.line).rjust(len(margin))
        bar = self._paint("|", _FRAME)
        line = f"{self._paint(number, _FRAME)} {bar} {shown}".rstrip()
        return [*out, f"{margin} {bar}", line, f"{margin} {bar} {' ' * before}{self._paint(mark * marked, colour)}"]

    def _paint(self, text: str, colour: str) -> str:
        return f"{colour}{text}{_RESET}" if self._colour else text


def _fit(row: str, start: int, end: int, room: int) -> tuple[str, int, int]:
    """At most `room` columns of `row` around row[start:end]: (text, columns before the mark, columns of the mark).

    A mark has one column at least, also where it marks nothing or the end of the line.
    """
    start = min(start, len(row))
    end = min(max(end, start), len(row))
    if len(row) <= room and _columns(row) <= room:
        return _shown(row), _columns(row[:start]), max(1, _columns(row[start:end]))
    first = _reach(row[:start][::-1], room // 3)
    head = _CUT if first < start else ""
    last = start - first + _reach(row[start - first :], room - len(head) - len(_CUT))
    tail = _CUT if last < len(row) else ""
    begin = start - first
    text = head + _shown(row[begin:last]) + tail
    return text, len(head) + _columns(row[begin:start]), max(1, _columns(row[start : min(end, last)]))


def _reach(text: str, room: int) -> int:
    """How many characters of `text` fit into `room` columns."""
    for count, char in enumerate(text):
        room -= _columns(char)
        if room < 0:
            return count
    return len(text)


def _shown(text: str) -> str:
    return visible(text.replace("\t", _TAB))


def _columns(text: str) -> int:
    """The width of _shown(text) on a terminal."""
    shown = _shown(text)
    return len(shown) if shown.isascii() else sum(map(_width, shown))


def _width(char: str) -> int:
    from unicodedata import category, east_asian_width  # only for text that is not ASCII

    if category(char) in ("Mn", "Me"):
        return 0
    return 2 if east_asian_width(char) in "WF" else 1


# -- JSON


def to_json(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """For programs: one flat object for each, ready for json.dumps; places are null where there is none.

    A finding has the keys of every diagnostic, and `title`, `subject`, `written`, `effective`, `why`, `source`, `url`, `accepted`.
    """
    return [
        {
            "code": diagnostic.code,
            "severity": diagnostic.severity.value,
            "summary": diagnostic.summary,
            **_json_place(diagnostic.span),
            "help": diagnostic.help,
            "related": [{"label": label, **_json_place(span)} for label, span in diagnostic.related],
            **_facts(diagnostic),
        }
        for diagnostic in diagnostics
    ]


def _json_place(span: Span | None) -> dict[str, str | int | None]:
    return {
        "file": span.file if span else None,
        "line": span.line if span else None,
        "column": span.column if span else None,
        "end_line": span.end_line if span else None,
        "end_column": span.end_column if span else None,
    }


# -- SARIF

_LEVELS: Final[Mapping[Severity, str]] = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFO: "note",
}


def to_sarif(diagnostics: Iterable[Diagnostic], tool_version: str) -> dict[str, Any]:
    """For code scanning services and editors: a SARIF 2.1.0 log with one run."""
    diagnostics = list(diagnostics)
    by_code = {diagnostic.code: diagnostic for diagnostic in diagnostics}
    rules = sorted(by_code)
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "budnet", "version": tool_version, "rules": [_sarif_rule(by_code[code]) for code in rules]}},
                "columnKind": "unicodeCodePoints",
                "results": [_sarif_result(diagnostic, rules) for diagnostic in diagnostics],
            }
        ],
    }


def _sarif_rule(example: Diagnostic) -> dict[str, Any]:
    """The metadata of a code; a finding's is the same in all of its results."""
    if not isinstance(example, Finding):
        return {"id": example.code}
    return {
        "id": example.code,
        "shortDescription": {"text": example.title},
        "fullDescription": {"text": example.why},
        "help": {"text": f"{example.why}\nSource: {example.source}"},
        "helpUri": example.url,
        "defaultConfiguration": {"level": _LEVELS[example.severity]},
    }


def _sarif_result(diagnostic: Diagnostic, rules: list[str]) -> dict[str, Any]:
    facts = _facts(diagnostic)
    said = [f"Written: {facts['written']}", f"Takes effect: {facts['effective']}"] if facts else []
    text = "\n".join([diagnostic.summary, *said, *filter(None, [diagnostic.help])])
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": rules.index(diagnostic.code),
        "level": _LEVELS[diagnostic.severity],
        "message": {"text": text},
    }
    if facts.get("accepted"):
        result["suppressions"] = [{"kind": "inSource", "justification": facts["accepted"]}]
    if diagnostic.span is not None:
        result["locations"] = [_sarif_location(diagnostic.span)]
    if diagnostic.related:
        result["relatedLocations"] = [
            {"id": number, "message": {"text": label}, **_sarif_location(span)}
            for number, (label, span) in enumerate(diagnostic.related, start=1)
        ]
    return result


def _sarif_location(span: Span) -> dict[str, Any]:
    from urllib.parse import quote  # only SARIF needs it

    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(span.file, errors="replace")},
            "region": {
                "startLine": span.line,
                "startColumn": span.column,
                "endLine": span.end_line,
                "endColumn": span.end_column,
            },
        }
    }
