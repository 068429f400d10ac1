"""Any input at all. `BUDNET_FUZZ=100000 pytest tests/source/test_fuzz.py` runs that many inputs."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from budnet.source.diagnostic import in_order
from budnet.source.document import Document, Path, Places, Value
from budnet.source.report import to_json, to_sarif, to_text
from budnet.source.span import Span
from budnet.source.text import lines, readable
from budnet.source.yaml import parse

INPUTS = int(os.environ.get("BUDNET_FUZZ", "800"))
KINDS = 4
fuzz = settings(max_examples=max(1, INPUTS // KINDS), deadline=None, suppress_health_check=list(HealthCheck))

EXAMPLE = """\
budnet: 1
name: bud-foundry # the reference
networks:
  control-plane:
    cidr: [10.0.0.0/16, "fd00::/48"]
    cloud: {provider: aws, region: eu-west-1, zones: 2}
    subnets:
      public: {cidr: 10.0.1.0/24, access: public}
services:
  ingress:
    ports: {https: 443/tcp, 'http': 80/tcp}
flows:
  - {from: internet, to: ingress, ports: [https, http]}
  - from: ingress
    to: budapp
guarantees:
  - never: {from: internet}
    because: >-
      the database tier
      has no access
"""

PIECES = [
    *"abyn019-:,[]{}&*!|>'\"%@`#?~=.\\/+_ \t\n\r",
    "  ", "\n  ", "\n- ", ": ", ":\n", "- ", "? ", " #", "---\n", "\n...\n", "\r\n", "%YAML 1.2\n", "%TAG ! x\n",
    "on", "yes", "Off", "true", "null", "~", "22:22", "010", "0o17", "0x1F", "0b1", "1_000", "1e3", ".inf", ".5", "1.",
    "2024-01-01", "::", "fd00::/8", "::1", "10.0.0.0/16", "22/tcp", "<<", "<<: *x", "&x ", "*x", "!!str ", "!<x> ",
    "a: ", "b: ", "a: 1\n", "  b: [1, 2]\n", "{a: b}", "'it''s'", '"\\x41\\u00e9"', '"\\UFFFFFFFF"',
    "|\n  x\n", ">-\n  y\n",
    "é", "漢", "😀", "\xa0", "\x85", "\u2028", "\u202e", "\ufeff", "\0", "\x1b[31m",
]  # fmt: skip

SOUP = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


@st.composite
def edits(draw: st.DrawFn) -> str:
    """EXAMPLE with a few places cut out or written over."""
    text = EXAMPLE
    for _ in range(draw(st.integers(0, 4))):
        begin = draw(st.integers(0, len(text)))
        end = begin + draw(st.integers(0, 12))
        text = text[:begin] + draw(st.sampled_from(["", *PIECES])) + text[end:]
    return text


@fuzz
@given(st.binary(max_size=300))
@example(b"\xef\xbb\xbf")
@example(b"\xff\xfe")
def test_any_bytes(data: bytes) -> None:
    check(data)


@fuzz
@given(st.text(max_size=200))
@example("a: \ud800")
def test_any_text(text: str) -> None:
    check(text)
    check(text.encode("utf-8", errors="surrogatepass"))


@fuzz
@given(SOUP)
def test_soup_of_yaml(text: str) -> None:
    check(text)
    compare_parsers(text)


@fuzz
@given(edits())
def test_edits_of_a_real_file(text: str) -> None:
    check(text)
    compare_parsers(text)


def check(data: bytes | str) -> None:
    """What must hold of every input."""
    document, diagnostics = parse(data, "f")
    text = readable(data)
    rows = lines(text)
    assert diagnostics == in_order(diagnostics)
    assert document is not None or diagnostics
    for diagnostic in diagnostics:
        assert diagnostic.span is not None
        check_span(diagnostic.span, rows)
        for _, span in diagnostic.related:
            check_span(span, rows)
    shown = to_text(diagnostics, {"f": text}, colour=False)
    assert all(char == "\n" or char.isprintable() for char in shown)
    json.dumps(to_json(diagnostics))
    json.dumps(to_sarif(diagnostics, "0"))
    if document is None:
        return
    assert document.text == text
    assert set(document.spans) == set(paths(document.value, ()))
    for path, (key, value) in document.spans.items():
        check_span(value, rows)
        if key is not None:
            check_span(key, rows)
            assert key <= value
            check_words(document, key, path[-1])
    if not diagnostics:
        check_by_second_judge(document)


def check_span(span: Span, rows: list[str]) -> None:
    """Inside the file, and not backwards."""
    assert span.file == "f"
    assert 1 <= span.line <= span.end_line <= len(rows)
    assert 1 <= span.column <= len(rows[span.line - 1]) + 1
    assert 1 <= span.end_column <= len(rows[span.end_line - 1]) + 1
    assert (span.line, span.column) <= (span.end_line, span.end_column)


def check_words(document: Document, span: Span, word: str | int) -> None:
    """The span of a key is that of its letters (and its quotes). Keys over several lines are left to PyYAML's tests."""
    text = document.written(span)
    if text[:1] in ("'", '"'):
        assert yaml.safe_load(text) == word
    elif "\n" not in text and text[:1] not in ("&", "!", "|", ">"):
        assert text == word


def paths(value: Value, path: Path) -> Iterator[Path]:
    yield path
    if isinstance(value, dict):
        for name, member in value.items():
            assert type(name) is str
            yield from paths(member, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from paths(item, (*path, index))
    else:
        assert value is None or type(value) in (str, int, float, bool)


# the same parser as ours: the other one refuses a few things (tabs, `a? b` in braces), see compare_parsers
SafeLoader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class SecondJudge(SafeLoader):  # type: ignore[misc, valid-type]
    """PyYAML's own reader of YAML 1.1, where dates and `=` are texts, as they are to us, and +.5 is a number."""


UNWANTED = {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value", "tag:yaml.org,2002:merge"}
SecondJudge.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in UNWANTED]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
SecondJudge.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^[-+]\.[0-9]+$"), list("+-"))


def check_by_second_judge(document: Document) -> None:
    """What is accepted without a word means the same to another reader."""
    assert repr(yaml.load(document.text, SecondJudge)) == repr(document.value)


def compare_parsers(text: str) -> None:
    """The parser in C and the one in Python, where both accept: the same values at the same places."""
    if not hasattr(yaml, "CSafeLoader"):
        return
    ours, our_diagnostics = parse(text, "f")
    with parser_in_python():
        theirs, their_diagnostics = parse(text, "f")
    if ours is not None and theirs is not None and not our_diagnostics and not their_diagnostics:
        assert repr(ours.value) == repr(theirs.value)
        assert list(filter(written, ours.spans.values())) == list(filter(written, theirs.spans.values()))
    if ours is not None and theirs is not None:
        assert [d.code for d in our_diagnostics] == [d.code for d in their_diagnostics]


def written(places: Places) -> bool:
    """Not a value that is left out, as in `{a: , b: 1}`: the parsers put it before or after the blank."""
    _, span = places
    return (span.line, span.column) < (span.end_line, span.end_column)


@contextmanager
def parser_in_python() -> Iterator[None]:
    """PyYAML as it is where libyaml is not."""
    loader = yaml.CSafeLoader
    del yaml.CSafeLoader
    try:
        yield
    finally:
        yaml.CSafeLoader = loader  # type: ignore[misc]
