"""One document of YAML -> the values that JSON has, read off the events of libyaml. Nothing calls itself, however deep they are.

Refused is what has no one meaning: a key that is there twice (YAML 1.2, 3.2.1.1: keys are unique; the API server refuses it
where it validates strictly), what holds itself, and keys that JSON has not. `<<` merges as https://yaml.org/type/merge.html says.
"""

from __future__ import annotations

from typing import Any, Final

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from budnet.observe.kubernetes.parsed import ALIASED, TWICE, UNIQUE, Unparsed
from budnet.observe.kubernetes.scalars import plain, tagged
from budnet.source.text import quoted

DEEPEST = 500
"""Levels. No object of Kubernetes has as many."""
MOST = 1_000_000
"""Values that aliases may stand for, each counted as if it were written out."""
_NONE: Final = object()
"""No key yet."""
_MERGE: Final = object()
"""The key `<<`."""
_OPEN: Final = object()
"""In place of what has an anchor and does not end yet."""


def value(text: bytes) -> Any:
    """What the document holds; None where that is nothing. Raises Unparsed."""
    composer = _Composer()
    try:
        parser = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)  # PyYAML may have been built without libyaml
        while type(event := parser.get_event()) is not StreamEndEvent:
            composer.take(event)
    except yaml.reader.ReaderError as wrong:
        raise Unparsed(f"this is not YAML: {wrong.reason}", text.count(b"\n", 0, wrong.position)) from None
    except yaml.MarkedYAMLError as wrong:
        last = text.rstrip().count(b"\n")
        line = min(wrong.problem_mark.line, last) if wrong.problem_mark else last
        raise Unparsed(f"this is not YAML: {wrong.problem}", line) from None
    except (ValueError, OverflowError) as wrong:  # a word that means no value
        raise Unparsed(f"this is not YAML that Kubernetes takes: {wrong}", composer.line) from None
    return composer.root


class _Composer:
    """Takes events one after the other."""

    def __init__(self) -> None:
        self.root: Any = None
        self.line = 0
        self._into: Any = None
        """The innermost list or mapping that is open."""
        self._key: Any = _NONE
        """Of the innermost mapping: the key whose value comes next."""
        self._around: list[tuple[Any, Any, NodeEvent, int]] = []
        """What is open further out: (list or mapping, key), the event that began what is in it, and how many values there were then."""
        self._anchors: dict[str, tuple[Any, int]] = {}
        """(value, how many values it is)."""
        self._merged: dict[int, set[str]] = {}
        """By identity of a mapping: keys that came by `<<`, which the mapping's own take the place of."""
        self._count = self._aliased = self._documents = 0

    def take(self, event: Any) -> None:
        """One event. Raises Unparsed, and ValueError where a word means no value."""
        kind = type(event)
        if kind is ScalarEvent:
            self.line = event.start_mark.line
            if event.tag is not None:
                found = tagged(event.tag, event.value)
            elif not event.implicit[0]:
                found = event.value
            elif event.value == "<<" and self._key is _NONE and type(self._into) is dict:
                self._key = _MERGE
                return
            else:
                found = plain(event.value)
            if event.anchor is not None:
                self._anchors[event.anchor] = found, 1
            self._put(found)
        elif kind is MappingStartEvent:
            self._begin({}, event)
        elif kind is SequenceStartEvent:
            self._begin([], event)
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            self._end()
        elif kind is AliasEvent:
            self.line = event.start_mark.line
            self._alias(event.anchor)
        elif kind is DocumentStartEvent:
            self._documents += 1
            if self._documents > 1:
                raise Unparsed("this is not YAML: a second document begins, and no line with `---`", event.start_mark.line)

    def _put(self, found: Any) -> None:
        """A complete value, to where it belongs."""
        self._count += 1
        into = self._into
        if type(into) is list:
            into.append(found)
        elif into is None:
            self.root = found
        elif self._key is _NONE:
            self._key = self._unique(_text(found))
        elif self._key is _MERGE:
            self._merge(found)
            self._key = _NONE
        else:
            into[self._key] = found
            self._key = _NONE

    # -- lists and mappings

    def _begin(self, empty: Any, event: NodeEvent) -> None:
        self.line = event.start_mark.line  # type: ignore[union-attr]  # marks are there unless events were made by hand
        if len(self._around) == DEEPEST:
            raise Unparsed(f"this is nested more than {DEEPEST} levels deep", self.line)
        if self._key is _NONE and type(self._into) is dict:
            raise Unparsed(
                f"this is not YAML that Kubernetes takes: a {'mapping' if empty == {} else 'list'} stands where a key belongs", self.line
            )
        if event.anchor is not None:
            self._anchors[event.anchor] = _OPEN, 0
        self._around.append((self._into, self._key, event, self._count))
        self._into, self._key = empty, _NONE

    def _end(self) -> None:
        done = self._into
        self._into, self._key, event, before = self._around.pop()
        if event.anchor is not None:
            self._anchors[event.anchor] = done, self._count - before + 1
        self._put(done)

    # -- keys

    def _unique(self, key: str) -> str:
        """The key, as the innermost mapping's next."""
        if key in self._into:
            merged = self._merged.get(id(self._into), set())
            if key not in merged:
                raise Unparsed(f"the key {quoted(key)} is there twice", self.line, UNIQUE, TWICE)
            merged.remove(key)
        return key

    def _merge(self, found: Any) -> None:
        """Keys of other mappings, of which the first counts. What was written before `<<` is taken for the mapping's own by YAML
        and not by go-yaml."""
        those: dict[str, Any] = {}
        for each in reversed(found) if type(found) is list else [found]:
            if type(each) is not dict:
                raise Unparsed("this is not YAML: what `<<` merges is no mapping", self.line)
            those |= each
        for key in those:
            if key in self._into:
                help = "write `<<` before the mapping's own keys: which of the two counts would depend on who reads"
                raise Unparsed(f"the key {quoted(key)} is there twice, the second time by `<<`", self.line, help, TWICE)
        self._into.update(those)
        self._merged.setdefault(id(self._into), set()).update(those)

    # -- aliases

    def _alias(self, name: str) -> None:
        found, count = self._anchors.get(name, (_NONE, 0))
        if found is _NONE:
            raise Unparsed(f"this is not YAML: {quoted('*' + name)} stands for nothing", self.line)
        if found is _OPEN:
            raise Unparsed(f"what {quoted('&' + name)} names holds itself", self.line, "write it out", ALIASED)
        self._count += count - 1
        self._aliased += count
        if self._aliased > MOST:
            raise Unparsed(f"aliases stand for more than {MOST:,} values", self.line, "write them out", ALIASED)
        self._put(found)


def _text(key: Any) -> str:
    """A key as JSON has it. Raises ValueError where it has none."""
    if type(key) is str:
        return key
    if type(key) is bool:
        return "true" if key else "false"
    if type(key) is int:
        return str(key)
    raise ValueError("a key is nothing" if key is None else f"the key {key} is a number: quote it")
