"""What one unquoted word means. The second judge is PyYAML's own reader of YAML 1.1."""

from __future__ import annotations

import math
import re
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from budnet.source import codes
from budnet.source.scalar import Refusal, read_plain


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None), ("Null", None), ("NULL", None),
        ("true", True), ("True", True), ("TRUE", True), ("false", False), ("False", False), ("FALSE", False),
        ("0", 0), ("-0", 0), ("+1", 1), ("-12", -12), ("443", 443), ("9" * 18, 10**18 - 1),
        ("0.5", 0.5), ("1.", 1.0), (".5", 0.5), ("-.5", -0.5), ("+1.25", 1.25), ("010.5", 10.5),
        ("nULL", "nULL"), ("tRUE", "tRUE"), ("yesterday", "yesterday"), ("only", "only"), ("none", "none"),
        ("22/tcp", "22/tcp"), ("10.0.0.0/16", "10.0.0.0/16"), ("10.0.0.1", "10.0.0.1"), ("1.2.3", "1.2.3"),
        ("fd00::/8", "fd00::/8"), ("::", "::"), ("::1", "::1"), ("2001:db8::1", "2001:db8::1"),
        ("8080:80", "8080:80"), ("00:11:22:33:44:55", "00:11:22:33:44:55"), ("0a:1b", "0a:1b"),
        ("2024-01-01", "2024-01-01"), ("2001-12-14T21:59:43Z", "2001-12-14T21:59:43Z"),
        ("1h", "1h"), ("5432-5439", "5432-5439"), ("1_a", "1_a"), ("_1", "_1"), ("0xyz", "0xyz"), ("0X1F", "0X1F"),
        ("-", "-"), (".", "."), ("+", "+"), ("..", ".."), ("-x", "-x"), ("=", "="), ("inf", "inf"), ("e3", "e3"),
    ],
)  # fmt: skip
def test_accepted(text: str, value: object) -> None:
    got = read_plain(text)
    assert (type(got), got) == (type(value), value)


YES = "y Y yes Yes YES yEs on On ON oN".split()
NO = "n N no No NO nO off Off OFF oFF".split()


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        *((word, codes.BOOLEAN_WORD, f"write true, or quote it: '{word}'") for word in YES),
        *((word, codes.BOOLEAN_WORD, f"write false, or quote it: '{word}'") for word in NO),
        ("22:22", codes.BASE_60, "quote it: '22:22'"),
        ("1:30:00", codes.BASE_60, "quote it: '1:30:00'"),
        ("-1:30.5", codes.BASE_60, "quote it"),
        ("10:11:22:33:44:55", codes.BASE_60, "quote it"),
        ("010", codes.OCTAL, "write 10, or"),
        ("08", codes.OCTAL, "write 8, or"),
        ("-00", codes.OCTAL, "write 0, or"),
        ("012345678901", codes.OCTAL, "write 12345678901, or"),
        ("0o17", codes.OCTAL, "decimal (15)"),
        ("1_000", codes.UNDERSCORE, "write 1000, or"),
        ("1_000.5", codes.UNDERSCORE, "write 1000.5, or"),
        ("0x1F", codes.HEXADECIMAL, "decimal (31)"),
        ("0b101", codes.HEXADECIMAL, "decimal (5)"),
        (".inf", codes.NOT_FINITE, "write a number"),
        ("-.Inf", codes.NOT_FINITE, "write a number"),
        (".NaN", codes.NOT_FINITE, "write a number"),
        ("1e3", codes.EXPONENT, "write the number out"),
        ("1.5e+3", codes.EXPONENT, "write the number out"),
        ("7e12345", codes.EXPONENT, "quote it: '7e12345'"),
        ("1" * 19, codes.TOO_LONG, "identifier"),
        ("0." + "1" * 18, codes.TOO_LONG, "identifier"),
    ],
)  # fmt: skip
def test_refused(text: str, code: str, hint: str) -> None:
    got = read_plain(text)
    assert isinstance(got, Refusal)
    assert got.code == code
    assert hint in got.help


def test_the_refusal_says_what_would_have_been_read() -> None:
    for text in ("22:22", "1:30:00", "-1:30.5"):
        refusal = read_plain(text)
        assert isinstance(refusal, Refusal)
        assert refusal.summary.endswith(f" as {yaml.safe_load(text)}")


@pytest.mark.parametrize("text", ["1" * 10**6, "1:" * 10**6 + "1", "0" * 10**6, "0x" + "f" * 10**6, "1_" * 10**6, "1e" + "1" * 10**6])
def test_long_words_are_refused_at_once(text: str) -> None:
    begin = time.process_time()
    refusal = read_plain(text)
    assert isinstance(refusal, Refusal)
    assert len(refusal.summary) + len(refusal.help) < 500
    assert time.process_time() - begin < 1


def judged(text: str) -> object:
    """What YAML 1.1 says. Where PyYAML fails (on `0x_`, `=`), nothing can be read without doubt."""
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return None


# PyYAML departs from YAML 1.1 here: it does not read "+.5" as a number, nor "y" and "n" as booleans
EXEMPT = re.compile(r"[-+]\.[0-9]+")


@given(st.text("0123456789._:+-xXoObBeEaAfFiInNyYtTrRuUsSlL~", min_size=1, max_size=9))
def test_what_is_accepted_means_the_same_in_yaml_1_1(text: str) -> None:
    got = read_plain(text)
    if isinstance(got, Refusal) or EXEMPT.fullmatch(text) or text.endswith(":") or text[:1] in ":-" or text == "~~":
        return
    theirs = judged(text)
    if theirs is not None and not hasattr(theirs, "isoformat"):  # a date is a text to us
        assert (type(got), got) == (type(theirs), theirs)


@given(st.text("0123456789.eE+-_", min_size=1, max_size=30))
def test_every_number_is_finite_and_short(text: str) -> None:
    got = read_plain(text)
    if isinstance(got, int | float):
        assert math.isfinite(got)
        assert sum(char.isdigit() for char in text) <= 18
        assert float(text) == got
