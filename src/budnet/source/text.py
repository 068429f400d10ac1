"""Bytes -> characters: safe to read (decode) and safe to show (visible, quoted)."""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

from budnet.source import codes
from budnet.source.diagnostic import Diagnostic, error
from budnet.source.span import Span

MAX_SIZE: Final = 16 * 1024 * 1024
"""Bytes (or characters, for text that is already decoded)."""

MAX_SHOWN: Final = 10
"""A binary file is full of control characters; the first few make the point."""

BOM: Final = "\ufeff"

# What YAML 1.2 forbids, and three kinds more: NEL and the Unicode line separators, which YAML 1.1 counts as line
# breaks and 1.2 (and every editor) does not, so line numbers would depend on the reader; bidirectional controls,
# with which a file shows one thing to a reviewer and says another; and a byte order mark in mid-file.
FORBIDDEN: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]")

_LINE_BREAK: Final = re.compile(r"\r\n|\r|\n")
_BOMS_OF_OTHERS: Final = (b"\xff\xfe", b"\xfe\xff")


def decode(data: bytes | str, file: str) -> tuple[str | None, list[Diagnostic]]:
    """The characters of a file without its byte order mark, or None and the reasons why it cannot be read."""
    if len(data) > MAX_SIZE:
        unit = "bytes" if isinstance(data, bytes) else "characters"
        summary = f"the file has {len(data):,} {unit}; the limit is {MAX_SIZE:,}"
        return None, [error(codes.TOO_LARGE, summary, Span(file, 1, 1, 1, 1), "split the network into several files")]
    if isinstance(data, bytes):
        if data.startswith(_BOMS_OF_OTHERS):
            help = "save it as UTF-8 (in the editor: 'save with encoding')"
            return None, [error(codes.NOT_UTF8, "the file is UTF-16", Span(file, 1, 1, 1, 1), help)]
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as failure:
            return None, [_not_utf8(data, failure, file)]
    else:
        text = data
    text = text.removeprefix(BOM)
    found = islice(FORBIDDEN.finditer(text), MAX_SHOWN)
    diagnostics = [_not_allowed(match.group(), place(text, match.start(), file)) for match in found]
    return (None if diagnostics else text), diagnostics


def readable(data: bytes | str) -> str:
    """The text to show beside diagnostics, for any input: what decode() gives, with marks where it cannot decode."""
    text = data.decode("utf-8", errors="replace") if isinstance(data, bytes) else data
    return text.removeprefix(BOM)


def lines(text: str) -> list[str]:
    """The lines of a text, as Span counts them. (str.splitlines would also break at form feeds and others.)"""
    return _LINE_BREAK.split(text)


def place(text: str, index: int, file: str, length: int = 1) -> Span:
    """The span of `length` characters of one line at `index` (0-based) in `text`."""
    before = text[:index]
    line = before.count("\n") + before.count("\r") - before.count("\r\n") + 1
    column = index - max(before.rfind("\n"), before.rfind("\r"))
    return Span(file, line, column, line, column + length)


def visible(text: str) -> str:
    """`text` with everything that does not print, and could steer a terminal, written as an escape."""
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(char: str) -> str:
    if char.isprintable():
        return char
    number = ord(char)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def quoted(text: str, limit: int = 60) -> str:
    """`text` in single quotes for use in a message: visible, on one line, cut after `limit` characters."""
    return f"'{visible(text[:limit])}{'...' if len(text) > limit else ''}'"


def _not_utf8(data: bytes, failure: UnicodeDecodeError, file: str) -> Diagnostic:
    before = data[: failure.start].decode("utf-8").removeprefix(BOM)
    summary = f"the byte 0x{data[failure.start]:02x} is not UTF-8"
    help = "save the file as UTF-8 (in the editor: 'save with encoding')"
    return error(codes.NOT_UTF8, summary, place(before, len(before), file), help)


def _not_allowed(char: str, span: Span) -> Diagnostic:
    help = "remove it"
    if char == "\0":
        help = "remove it; if there is one after every letter, the file is UTF-16: save it as UTF-8"
    return error(codes.CHARACTER, f"the character {_visible(char)} is not allowed", span, help)
