"""JSON -> values: one, or several one behind the other; what a List or an array holds is given item by item.

https://www.rfc-editor.org/rfc/rfc8259. `kubectl` reads values that follow each other, too, as JSON Lines or `cat` of dumps gives
them. A key that is there twice is refused: the specification calls what a reader makes of it unpredictable.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from budnet.observe.kubernetes.fields import Place, Problems
from budnet.observe.kubernetes.manifests import Pod, decode
from budnet.observe.kubernetes.parsed import HANDWRITTEN, TWICE, UNIQUE, Parsed, Unparsed
from budnet.source.text import quoted

_SPACE = re.compile(rb"[ \t\r\n]*")
_COMMA = re.compile(rb"[ \t\r\n]*,[ \t\r\n]*")
_ARRAY = re.compile(rb"\[[ \t\r\n]*")
_ITEMS = re.compile(rb'"items"[ \t\r\n]*:[ \t\r\n]*\[[ \t\r\n]*')
_BYTE = re.compile(r" ?\(byte (\d+)\)")
_COLONS = b"\\u003a", b"\\u003A"
"""How a `:` may be written besides."""
_WRONG = msgspec.DecodeError, UnicodeDecodeError, RecursionError
_Check: TypeAlias = Callable[[bytes, Any], None]
_encode = msgspec.json.Encoder().encode


class _List(Struct, rename={"api_version": "apiVersion"}):
    """What `kubectl get` of many objects prints."""

    items: list[Raw] | UnsetType = UNSET
    kind: str = "List"
    api_version: str = ""


def values(text: bytes, file: str, line: int, problems: Problems) -> Iterator[Parsed]:
    """Everything in a text whose first line is `line` of its file. Raises Unparsed where what comes next is no JSON; an item of a
    List that is none is said, and the others are given."""
    check = partial(_check, b"\\" in text and any(written in text for written in _COLONS), len(text) <= HANDWRITTEN)
    begin = _space(text, 0)
    line += text.count(b"\n", 0, begin)
    while begin < len(text):
        try:
            end, found = _first(text, begin)
            if isinstance(found, _List):
                yield from _items(text, begin, end, found, Place(file, line), problems, check)
            else:
                check(text[begin:end], found)
                yield found, line, end
        except (Unparsed, *_WRONG) as wrong:
            raise _unparsed(memoryview(text)[begin:], wrong, begin) from None
        line += text.count(b"\n", begin, end) if end < len(text) else 0
        begin = end


def _space(text: bytes, at: int) -> int:
    """Where the next thing begins."""
    return _SPACE.match(text, at).end()  # type: ignore[union-attr]  # it matches everywhere


def _first(text: bytes, begin: int) -> tuple[int, Any]:
    """Where the value that begins there ends and the next one begins, and the value; of a List or an array the items as texts."""
    rest = memoryview(text)[begin:]
    try:
        return len(text), _shallow(rest)
    except msgspec.DecodeError as wrong:
        if "trailing characters" not in str(wrong):
            raise
        end = _byte(wrong, len(rest)) - 1  # msgspec names the byte behind the first one that is too much
        return begin + end, _shallow(rest[:end])


def _shallow(text: memoryview) -> Any:
    if text[0] == ord("["):
        return _List(msgspec.json.decode(text, type=list[Raw]))
    try:
        found = msgspec.json.decode(text, type=_List)
    except msgspec.ValidationError:  # `kind` or `items` is of another type, or it is no mapping
        return decode(text)
    return decode(text) if found.items is UNSET else found


def _items(text: bytes, begin: int, end: int, of: _List, place: Place, problems: Problems, check: _Check) -> Iterator[Parsed]:
    """What a List holds, one by one, each with its line. Raises Unparsed at the end where what is around them is not as it should be."""
    items = of.items or []
    at = first = _opened(text, begin, end, items)
    line = place.line + text.count(b"\n", begin, at)
    for number, raw in enumerate(items):
        item = bytes(raw)
        if number and (between := _COMMA.match(text, at)):
            line += text.count(b"\n", at, between.end())
            at = between.end()
        if not text.startswith(item, at):
            raise _two_items()
        try:
            found = decode(item)
            check(item, found)
        except (Unparsed, *_WRONG) as wrong:
            problems.unparsed(_unparsed(item, wrong), Place(place.file, line), item)
        else:
            if type(found) is dict and "kind" not in found:  # the API server leaves it out, where the List tells it
                found = {"kind": of.kind, "apiVersion": of.api_version, "items": [found]}
            yield found, line, at
        line += text.count(b"\n", at, at + len(item))
        at += len(item)
    header = text[begin:first] + text[at:end]
    try:
        check(header, decode(header))
    except msgspec.DecodeError:
        raise _two_items() from None


def _two_items() -> Unparsed:
    return Unparsed("the key 'items' is there twice", 0, UNIQUE, TWICE)


def _opened(text: bytes, begin: int, end: int, items: list[Raw]) -> int:
    """Where the first item begins; `begin` where that cannot be told."""
    first = bytes(items[0]) if items else b""
    opening = _ARRAY if text.startswith(b"[", begin) else _ITEMS
    return next((m.end() for m in opening.finditer(text, begin, end) if text.startswith(first, m.end())), begin)


def _check(escaped: bool, small: bool, text: bytes, found: Any) -> None:
    """Raises Unparsed where a key is there twice: the parser keeps one of the two, so that fewer colons come out than went in.

    `escaped`: some colons may be written as escapes, so that their number tells nothing. Of a pod only some fields were decoded, and
    the others are where somebody may have written them: not where the text is not `small`, which a server wrote.
    """
    if isinstance(found, Pod):
        if not small:
            return
        found = msgspec.json.decode(text)
    if escaped or text.count(b":") != _encode(found).count(b":"):
        json.loads(text, object_pairs_hook=_mapping)


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        again = next(key for i, key in enumerate(keys) if key in keys[:i])
        raise Unparsed(f"the key {quoted(again)} is there twice", 0, UNIQUE, TWICE)
    return found


def _unparsed(text: bytes | memoryview, wrong: Exception, begin: int = 0) -> Unparsed:
    """Why a text, which begins at a byte of its document, could not be parsed."""
    if isinstance(wrong, Unparsed):
        wrong.begin = begin
        return wrong
    if isinstance(wrong, RecursionError):
        return Unparsed("this is nested too deeply to be read", begin=begin)
    said = str(wrong)
    line = bytes(text[: _byte(wrong, len(text))]).rstrip().count(b"\n")
    if "truncated" in said:
        return Unparsed("this is not JSON: it ends too soon", line, "is the file complete?", begin=begin, cut=True)
    return Unparsed(f"this is not JSON: {_BYTE.sub('', said.removeprefix('JSON is malformed: '))}", line, begin=begin)


def _byte(wrong: Exception, otherwise: int) -> int:
    """At which byte the parser gave up."""
    found = _BYTE.search(str(wrong))
    return int(found[1]) if found else otherwise
