"""One unquoted word -> text, number, true, false or null; or a refusal, where YAML's readers disagree.

The rule: a word means what the YAML 1.2 core schema says, and only where a YAML 1.1 reader (PyYAML, Ruby, older
Kubernetes tools) would not take it for something else. Dates are the one exception: a date is a text. A number
is decimal digits, with a sign and a fraction if need be.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from budnet.source import codes
from budnet.source.document import Scalar
from budnet.source.text import quoted

MAX_DIGITS: Final = 18
"""Every integer of 18 digits fits into 64 bits, in whatever program reads our output."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a word is not accepted, and what to write instead."""

    code: str
    summary: str
    help: str


def read_plain(text: str) -> Scalar | Refusal:
    """What the unquoted word `text` means."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] in "+-.0123456789":
        return _read_number(text)
    if len(text) <= _LONGEST_WORD and text.lower() in _WORDS:
        return _boolean_word(text)
    return text


_CONSTANTS: Final[dict[str, Scalar]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}

_WORDS: Final = {"y": True, "yes": True, "on": True, "n": False, "no": False, "off": False}
_LONGEST_WORD: Final = 3


def _boolean_word(text: str) -> Refusal:
    meaning = "true" if _WORDS[text.lower()] else "false"
    return Refusal(
        codes.BOOLEAN_WORD,
        f"{quoted(text)} is {meaning} to a YAML 1.1 reader and a text to a YAML 1.2 reader",
        f"write {meaning}, or quote it: {quoted(text)}",
    )


_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FRACTION: Final = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)")


def _read_number(text: str) -> Scalar | Refusal:
    """`text` begins like a number. Most such words are addresses, ports and versions: 10.0.0.0/16, 22/tcp."""
    integer = _INTEGER.fullmatch(text)
    if integer or _FRACTION.fullmatch(text):
        digits = sum(map(str.isdigit, text))
        if digits > MAX_DIGITS:
            return _too_long(text, digits)
        return int(text) if integer else float(text)
    for pattern, refuse in _REFUSED:
        if pattern.fullmatch(text):
            return refuse(text)
    return text


def _too_long(text: str, digits: int) -> Refusal:
    summary = f"a number with {digits} digits; the limit is {MAX_DIGITS}"
    return Refusal(codes.TOO_LONG, summary, f"if it is an identifier, quote it: {quoted(text)}")


def _base_60(text: str) -> Refusal:
    reading = "a number to base 60" if len(text) > _SAFE_LENGTH else _sexagesimal(text)
    return Refusal(codes.BASE_60, f"YAML 1.1 reads {quoted(text)} as {reading}", f"quote it: {quoted(text)}")


def _sexagesimal(text: str) -> str:
    total: int | float = 0
    for part in text.lstrip("+-").replace("_", "").split(":"):
        total = total * 60 + (float(part) if "." in part else int(part))
    return f"{'-' if text[0] == '-' else ''}{total}"


def _leading_zero(text: str) -> Refusal:
    digits = text.lstrip("+-").replace("_", "")
    other = f"{_decimal(digits, 8)} (octal)" if set(digits) <= set("01234567") else "a text"
    plain = digits.lstrip("0") or "0"
    summary = f"{quoted(text)} is {_cut(plain)} to some YAML readers and {other} to others"
    return Refusal(codes.OCTAL, summary, f"write {_cut(plain)}, or quote it: {quoted(text)}")


def _octal(text: str) -> Refusal:
    value = _decimal(text.partition("o")[2], 8)
    summary = f"the octal number {quoted(text)} is a text to a YAML 1.1 reader"
    return Refusal(codes.OCTAL, summary, f"write it in decimal ({value}), or quote it: {quoted(text)}")


def _hexadecimal(text: str) -> Refusal:
    kind, base = ("binary", 2) if "b" in text[:3] else ("hexadecimal", 16)
    value = _decimal(text.lstrip("+-")[2:], base)
    help = f"write it in decimal ({value}), or quote it: {quoted(text)}"
    return Refusal(codes.HEXADECIMAL, f"{quoted(text)} is a {kind} number to some YAML readers", help)


def _underscore(text: str) -> Refusal:
    plain = text.replace("_", "")
    summary = f"{quoted(text)} is the number {_cut(plain)} to a YAML 1.1 reader and a text to a YAML 1.2 reader"
    return Refusal(codes.UNDERSCORE, summary, f"write {_cut(plain)}, or quote it: {quoted(text)}")


def _not_finite(text: str) -> Refusal:
    help = f"write a number, or quote it: {quoted(text)}"
    return Refusal(codes.NOT_FINITE, f"{quoted(text)} is not a finite number", help)


def _exponent(text: str) -> Refusal:
    summary = f"{quoted(text)} is a number to some YAML readers and a text to others"
    return Refusal(codes.EXPONENT, summary, f"write the number out, or quote it: {quoted(text)}")


_SAFE_LENGTH: Final = 40
"""Longer numbers are refused without being computed: converting a million digits takes minutes."""


def _decimal(digits: str, base: int) -> str:
    digits = digits.replace("_", "")
    return str(int(digits or "0", base)) if len(digits) <= _SAFE_LENGTH else "too long to show"


def _cut(digits: str) -> str:
    return digits if len(digits) <= _SAFE_LENGTH else digits[:_SAFE_LENGTH] + "..."


# The first that matches the whole word decides. Each is linear in the length of the word; `++` is `+` that does not
# remember how to match less, without which a word of megabytes takes gigabytes.
_REFUSED: Final[tuple[tuple[re.Pattern[str], Callable[[str], Refusal]], ...]] = (
    (re.compile(r"[-+]?(?:[1-9][0-9_]*+(?::[0-5]?[0-9])++|[0-9][0-9_]*+(?::[0-5]?[0-9])++\.[0-9_]*)"), _base_60),
    (re.compile(r"[-+]?0[0-9_]+"), _leading_zero),
    (re.compile(r"[-+]?0o[0-7_]+"), _octal),
    (re.compile(r"[-+]?0(?:x[0-9a-fA-F_]+|b[01_]+)"), _hexadecimal),
    (re.compile(r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)"), _underscore),
    (re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"), _not_finite),
    (re.compile(r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)[eE][-+]?[0-9]+"), _exponent),
)
