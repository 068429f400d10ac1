"""Parser events -> plain values and their places.

PyYAML's own composer calls itself for every level, keeps the last of two equal keys, expands aliases and throws the
places away. This one keeps the open lists and mappings on a stack of its own and reports what it refuses. What is
refused is still read, for the errors inside it, and then left out of the result or kept as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
)

from budnet.source import codes
from budnet.source.diagnostic import Diagnostic, Related, Severity, error
from budnet.source.document import Path, Places, Scalar, Value
from budnet.source.ruler import Ruler
from budnet.source.scalar import Refusal, read_plain
from budnet.source.span import Span
from budnet.source.text import FORBIDDEN, place, quoted, visible

MAX_DEPTH: Final = 64
MAX_VALUES: Final = 1_000_000
MAX_ERRORS: Final = 100


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not been read yet."""

    path: Path | None
    """None: below something refused, and kept nowhere."""
    start: Span
    """Of the opening bracket; empty where there is none."""
    last: Span
    """Of the last thing read inside."""
    in_brackets: bool
    is_key: bool
    """It stands where a key belongs."""


@dataclass(slots=True)
class _OpenList(_Open):
    value: list[Value] = field(default_factory=list)

    def next_place(self) -> tuple[Path | None, Span | None]:
        """Path and key of the value that comes next."""
        return (None if self.path is None else (*self.path, len(self.value))), None

    def add(self, value: Value, span: Span) -> None:
        self.value.append(value)
        self.last = span


@dataclass(slots=True)
class _OpenMapping(_Open):
    value: dict[str, Value] = field(default_factory=dict)
    seen: dict[str, Span] = field(default_factory=dict)
    """Every key so far, to find the second of two."""
    after_key: bool = False
    """What comes next is a value."""
    key: tuple[str, Span] | None = None
    """The key of that value; None if it is to be left out."""

    def next_place(self) -> tuple[Path | None, Span | None]:
        if self.path is None or self.key is None:
            return None, None
        return (*self.path, self.key[0]), self.key[1]

    def begin(self, name: str, span: Span) -> None:
        """A key was read."""
        self.seen[name] = span
        self.key, self.after_key, self.last = (name, span), True, span

    def leave_out(self, span: Span) -> None:
        """A key was read and refused."""
        self.key, self.after_key, self.last = None, True, span

    def add(self, value: Value, span: Span) -> None:
        if self.key is not None:
            self.value[self.key[0]] = value
        self.key, self.after_key, self.last = None, False, span


class Composer:
    """Reads events one after the other. What it gives is in its public attributes."""

    def __init__(self, ruler: Ruler) -> None:
        self.diagnostics: list[Diagnostic] = []
        self.spans: dict[Path, Places] = {}
        self.value: Value = None
        """The root of the first document, complete if `()` is in `spans`."""
        self._ruler = ruler
        self._stack: list[_OpenList | _OpenMapping] = []
        self._documents = 0
        self._values = 0
        self._stopped = False

    def read(self, events: Iterable[Event]) -> None:
        """Reads to the end, or to a limit (there is a diagnostic then). What `events` raises passes through."""
        for event in events:
            match event:
                case ScalarEvent():
                    self._scalar(event)
                case CollectionStartEvent():
                    self._open(event)
                case CollectionEndEvent():
                    self._close(event)
                case AliasEvent():
                    self._alias(event)
                case DocumentStartEvent():
                    self._begin_document(event)
                case DocumentEndEvent():
                    self._documents += 1
            if self._stopped:
                return

    def unclosed(self) -> Related:
        """The innermost bracket that is still open, to explain a syntax error."""
        brackets = (open_ for open_ in reversed(self._stack) if open_.in_brackets)
        return tuple(("opened here", open_.start) for open_ in brackets)[:1]

    # -- values

    def _scalar(self, event: ScalarEvent) -> None:
        span = self._ruler.between(event.start_mark, event.end_mark)
        self._refuse_properties(event, event.tag)
        if event.style == '"':
            self._check_escapes(event.value, span)
        plain = not event.style and event.tag is None
        meaning = read_plain(event.value) if plain else event.value
        mapping = self._mapping_before_key()
        if mapping is not None:
            self._key(mapping, event.value, meaning, plain, span)
        elif isinstance(meaning, Refusal):
            self._error(meaning.code, meaning.summary, span, meaning.help)
            self._add(event.value, span)
        else:
            self._add(meaning, span)

    def _alias(self, event: AliasEvent) -> None:
        span = self._ruler.between(event.start_mark, event.end_mark)
        name = f"*{event.anchor}"
        help = f"write the value out; if it is a text that begins with '*', quote it: {quoted(name)}"
        self._error(codes.ALIAS, f"aliases such as {quoted(name)} are not supported", span, help)
        mapping = self._mapping_before_key()
        if mapping is not None:
            mapping.leave_out(span)
        else:
            self._add(None, span)

    def _add(self, value: Value, span: Span) -> None:
        """Puts a complete value where it belongs."""
        self._values += 1
        if self._values > MAX_VALUES:
            help = "split the network into several files"
            self._stop(error(codes.TOO_LARGE, f"more than {MAX_VALUES:,} values in a file", span, help))
        if not self._stack:
            self.value = value
            self.spans[()] = (None, span)
            return
        path, key_span = self._stack[-1].next_place()
        if path is not None:
            self.spans[path] = (key_span, span)
        self._stack[-1].add(value, span)

    # -- lists and mappings

    def _open(self, event: CollectionStartEvent) -> None:
        start = self._ruler.between(event.start_mark, event.end_mark)
        if len(self._stack) == MAX_DEPTH:
            help = "no network needs as many; is a bracket left open?"
            self._stop(error(codes.TOO_DEEP, f"nested more than {MAX_DEPTH} levels deep", start, help))
            return
        self._refuse_properties(event, event.tag)
        kind = "mapping" if isinstance(event, MappingStartEvent) else "list"
        is_key = self._mapping_before_key() is not None
        if is_key:
            help = "a key is one word; if this is a template such as {{ name }}, fill it in first, or quote it"
            self._error(codes.NOT_A_NAME, f"a {kind} stands where a key belongs", start, help)
        path = self._stack[-1].next_place()[0] if self._stack else ()
        new = _OpenMapping if kind == "mapping" else _OpenList
        self._stack.append(new(path, start, start, bool(event.flow_style), is_key))

    def _close(self, event: CollectionEndEvent) -> None:
        done = self._stack.pop()
        # to the parser a block ends where the next one begins, after the comments in between
        end = self._ruler.between(event.start_mark, event.end_mark) if done.in_brackets else done.last
        span = Span(end.file, done.start.line, done.start.column, end.end_line, end.end_column)
        if done.is_key:
            mapping = self._mapping_before_key()
            assert mapping is not None  # it was when the key began
            mapping.leave_out(span)
        else:
            self._add(done.value, span)

    # -- keys

    def _mapping_before_key(self) -> _OpenMapping | None:
        """The innermost mapping, if what comes next is one of its keys."""
        innermost = self._stack[-1] if self._stack else None
        return innermost if isinstance(innermost, _OpenMapping) and not innermost.after_key else None

    def _key(self, mapping: _OpenMapping, name: str, meaning: Scalar | Refusal, plain: bool, span: Span) -> None:
        refused = _refuse_plain_key(name, span) if plain else None
        if refused is None and name in mapping.seen:
            related = (("first written here", mapping.seen[name]),)
            help = "remove one of the two, or merge them"
            refused = error(codes.DUPLICATE_KEY, f"duplicate key {quoted(name)}", span, help, related)
        if refused is not None:
            self._report(refused)
            mapping.leave_out(span)
            return
        if not isinstance(meaning, str):
            # reported and kept: what is meant is clear, and leaving it out would make a second error
            self._report(_not_a_name(name, meaning, span))
        mapping.begin(name, span)

    # -- what is refused wherever it stands

    def _refuse_properties(self, event: NodeEvent, tag: str | None) -> None:
        """Anchors and tags: `&name` and `!name` before a value."""
        if event.anchor is not None:
            name, span = self._property(event, _ANCHOR)
            help = f"write the value out where it is needed; a text that begins with '&' needs quotes: {quoted(name)}"
            self._error(codes.ALIAS, f"anchors such as {quoted(name)} are not supported", span, help)
        if tag is not None:
            name, span = self._property(event, _TAG)
            help = f"remove it; a text that begins with '!' needs quotes: {quoted(name)}"
            self._error(codes.TAG, f"tags such as {quoted(name)} are not supported", span, help)

    def _property(self, event: NodeEvent, pattern: re.Pattern[str]) -> tuple[str, Span]:
        """What is written of an anchor or tag, and where. They come in any order, so the first mark does not say."""
        assert event.start_mark is not None
        found = pattern.search(self._ruler.text, event.start_mark.index)
        assert found is not None  # or there would be no such event
        return found.group(), place(self._ruler.text, found.start(), self._ruler.file, len(found.group()))

    def _check_escapes(self, text: str, span: Span) -> None:
        found = FORBIDDEN.search(text)
        if found:
            summary = f"an escape stands for {visible(found.group())}, a character that no text may contain"
            self._error(codes.CHARACTER, summary, span, "remove the escape")

    def _begin_document(self, event: DocumentStartEvent) -> None:
        span = self._ruler.between(event.start_mark, event.end_mark)
        if self._documents:
            help = "put it into a file of its own, or remove the '---' before it"
            self._stop(error(codes.SECOND_DOCUMENT, "a second document begins here", span, help))
        elif event.version or event.tags:
            self._error(codes.DIRECTIVE, "directives are not supported", span, "remove the line that begins with '%'")

    # -- reporting

    def _error(self, code: str, summary: str, span: Span, help: str) -> None:
        self._report(error(code, summary, span, help))

    def _report(self, diagnostic: Diagnostic) -> None:
        self.diagnostics.append(diagnostic)
        if len(self.diagnostics) == MAX_ERRORS:
            summary = f"reading stopped here, after {MAX_ERRORS} errors"
            self._stop(Diagnostic(codes.TOO_MANY, Severity.INFO, summary, diagnostic.span))

    def _stop(self, diagnostic: Diagnostic) -> None:
        self.diagnostics.append(diagnostic)
        self._stopped = True


_ANCHOR: Final = re.compile(r"&[^\s,\[\]{}]*")
_TAG: Final = re.compile(r"![^\s,\[\]{}]*")


def _refuse_plain_key(name: str, span: Span) -> Diagnostic | None:
    """The keys without quotes that mean something else than they say."""
    if name == "<<":
        help = "write the keys out, once for each mapping"
        return error(codes.MERGE_KEY, "merge keys are not supported", span, help)
    if name.endswith(":"):
        written = name + ":"
        summary = f"{quoted(written)} is read as the key {quoted(name)} without a value"
        help = f"an IPv6 address that ends with ':' needs quotes: {quoted(written)}"
        return error(codes.BARE_IPV6, summary, span, help)
    return None


def _not_a_name(name: str, meaning: Scalar | Refusal, span: Span) -> Diagnostic:
    """A key that is read as a number, a boolean or nothing."""
    if not name:
        return error(codes.NOT_A_NAME, "a key is missing before ':'", span, "write a key, or remove the ':'")
    if isinstance(meaning, Refusal) and meaning.code == codes.BOOLEAN_WORD:
        kind = "a boolean in YAML 1.1"
    elif meaning is None or isinstance(meaning, bool):
        kind = "null" if meaning is None else "a boolean"
    else:
        kind = "a number"
    return error(codes.NOT_A_NAME, f"the key {quoted(name)} is {kind}, not a text", span, f"quote it: {quoted(name)}")
