"""What is wrong with a user's text, as a value. Rendering is elsewhere (report.py)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from budnet.source.span import Span

Related = tuple[tuple[str, Span], ...]
"""Other places that explain the first one: (label, place), e.g. ("first written here", ...)."""


class Severity(StrEnum):
    """`error`: the input is not used. `warning`: it is, and is probably not what was meant. `info`: a remark."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Diagnostic(Struct, frozen=True):
    """One thing to tell the writer of a file."""

    code: str
    """Stable, for look-up and suppression: a letter for the stage and three digits, `Y010`."""
    severity: Severity
    summary: str
    """One line: the writer's mistake, not the parser's state."""
    span: Span | None
    """The tightest place to look at; None only where no file is involved."""
    help: str = ""
    """What to write instead."""
    related: Related = ()


class Finding(Diagnostic, frozen=True):
    """A fault of what a file describes, not of how it is written: the file is read and used all the same."""

    title: str = ""
    """What all findings of this code have in common."""
    subject: str = ""
    """The service, row or network that it is about, by which it can be accepted."""
    written: str = ""
    """What the file says."""
    effective: str = ""
    """What takes effect: the repair, or what is written where there is none."""
    why: str = ""
    source: str = ""
    url: str = ""
    accepted: str = ""
    """The author's reason to keep it; empty where it is not accepted."""


def error(code: str, summary: str, span: Span | None, help: str = "", related: Related = ()) -> Diagnostic:
    """A Diagnostic of severity `error`."""
    return Diagnostic(code, Severity.ERROR, summary, span, help, related)


def warning(code: str, summary: str, span: Span | None, help: str = "", related: Related = ()) -> Diagnostic:
    """A Diagnostic of severity `warning`."""
    return Diagnostic(code, Severity.WARNING, summary, span, help, related)


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """True if at least one is an error of the input: what was read must not be acted on. Findings are about what was."""
    return any(d.severity is Severity.ERROR and not isinstance(d, Finding) for d in diagnostics)


def in_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Sorted by file, line, column, code; those without a place first. Equal ones keep their order."""
    return sorted(diagnostics, key=_position)


def _position(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    span = diagnostic.span
    if span is None:
        return ("", 0, 0, diagnostic.code)
    return (span.file, span.line, span.column, diagnostic.code)


def suggest(word: str, candidates: Iterable[str]) -> str:
    """`did you mean 'x'?` with the candidate nearest to `word`, or "" where none is near."""
    from difflib import get_close_matches  # only a wrong file pays for it

    near = get_close_matches(word, list(candidates), n=1)
    return f"did you mean '{near[0]}'?" if near else ""
