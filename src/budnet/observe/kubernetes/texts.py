"""Bytes of manifests -> values, document by document: what is wrong with one does not take the others with it.

Documents of a stream: https://yaml.org/spec/1.2.2/#92-streams. What begins with a brace or a bracket is tried as JSON first, as
kubectl does, and then as YAML, of which that is the flow style.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

from budnet.observe.kubernetes import in_json
from budnet.observe.kubernetes.fields import Place, Problems
from budnet.observe.kubernetes.parsed import HANDWRITTEN, TWICE, Parsed, Unparsed

_MARK = re.compile(rb"(?:\A|(?<=\n))(---|\.\.\.)(?=[ \t\r\n]|\Z)")
_SOMETHING = re.compile(rb"\S")
_BLANK = re.compile(rb"(?:[ \t\r]*\n)*")
_DIRECTIVES = re.compile(rb"(?:[ \t\r]*(?:#[^\n]*)?\n)*(?:%[^\n]*\n(?:[ \t\r]*(?:#[^\n]*)?\n)*)+")
_BRACE = re.compile(rb"\s*[{\[]")
_JSON = re.compile(rb'\s*(?:\{\s*["}]|\[\s*[\[\]{"])')
"""How JSON begins, and flow style as people write it does not."""
_ACTION = re.compile(rb"(?m)^\{\{")
_LISTED = re.compile(rb"(?m)^items:[ \t]*\r?\n(?=- )")
_ITEM = re.compile(rb"(?m)^(?=- )")
_BEHIND = re.compile(rb"(?m)^[A-Za-z\"']")
_ALIAS = re.compile(rb"[:,\[{-] *\*\w")
"""What stands for something that another item may hold."""


def values(data: bytes, file: str, problems: Problems) -> Iterator[Parsed]:
    """Every value, those of a List one by one."""
    for text, line, at in _documents(_utf8(data)):
        parse = _braced if _BRACE.match(text) else _yaml
        try:
            for value, where, inside in parse(text, file, line, problems):
                yield value, where, at + inside
        except Unparsed as wrong:
            lost = text[wrong.begin :]
            line += text.count(b"\n", 0, wrong.begin)
            wrong.help = wrong.help or _template(lost, wrong.line)
            problems.unparsed(wrong, Place(file, line), lost)


def _utf8(data: bytes) -> bytes:
    """Without a byte order mark; a shell of Windows writes UTF-16 with one."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace").encode()
    return data.removeprefix(codecs.BOM_UTF8)


def _documents(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(text, its first line, its first byte) of every document that is not empty."""
    begin, line = 0, 1
    # a dump is looked through from its end, which is twice as fast
    marked = data.startswith((b"---", b"...")) or (b"\n" in data and max(data.rfind(b"\n---"), data.rfind(b"\n...")) >= 0)
    for mark in chain(_MARK.finditer(data) if marked else (), (None,)):
        end = mark.start() if mark else len(data)
        text = data[begin:end]
        if mark and _DIRECTIVES.fullmatch(text):
            continue  # they belong to the document behind the mark
        if _SOMETHING.search(text):
            blank = _BLANK.match(text).end()  # type: ignore[union-attr]  # it matches everywhere
            yield text[blank:], line + text.count(b"\n", 0, blank), begin
        if mark:
            line += data.count(b"\n", begin, mark.end())
            begin = mark.end()


def _template(text: bytes, line: int) -> str:
    """A word of help where what is wrong may be that a template was not filled in."""
    if len(text) > HANDWRITTEN:
        return ""
    here = b"".join(text.splitlines()[line : line + 1])
    return "if this is a template, give what `helm template` prints" if b"{{" in here or _ACTION.search(text) else ""


def _braced(text: bytes, file: str, line: int, problems: Problems) -> Iterator[Parsed]:
    """JSON, or YAML in flow style; of a dump that is broken nobody waits for the second to be tried."""
    try:
        yield from in_json.values(text, file, line, problems)
    except Unparsed as wrong:
        if text[: wrong.begin].strip() or wrong.code == TWICE or len(text) > HANDWRITTEN:
            raise
        try:
            yield from _yaml(text, file, line, problems)
        except Unparsed as other:
            raise (wrong if _JSON.match(text) else other) from None


# ---- YAML ---------------------------------------------------------------------------------------------------------------


def _yaml(text: bytes, file: str, line: int, problems: Problems) -> Iterator[Parsed]:
    """One document; the items of a List one by one where they can be told apart without reading all of them."""
    listed = _LISTED.search(text)
    if listed and not _ALIAS.search(text):
        yield from _listed(text, listed.end(), file, line, problems)
    else:
        from budnet.observe.kubernetes import compose

        yield compose.value(text), line, len(text)


def _listed(text: bytes, begin: int, file: str, line: int, problems: Problems) -> Iterator[Parsed]:
    """The items of a List as `kubectl get -o yaml` writes it: each begins with `- ` at the start of a line."""
    from budnet.observe.kubernetes import compose

    behind = _BEHIND.search(text, begin)
    end = behind.start() if behind else len(text)
    around = text[:begin] + b"\n" * text.count(b"\n", begin, end) + text[end:]
    of: dict[str, Any] = {}
    try:
        of = compose.value(around)
    except Unparsed as wrong:
        problems.unparsed(wrong, Place(file, line), around)
    line += text.count(b"\n", 0, begin)
    for part in _ITEM.split(text[begin:end]):
        try:
            yield {**of, "items": compose.value(part)}, line, begin
        except Unparsed as wrong:
            problems.unparsed(wrong, Place(file, line), part)
        line += part.count(b"\n")
        begin += len(part)
