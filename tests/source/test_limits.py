"""What a file cannot do: take the memory, the time or the terminal of whoever reads it."""

from __future__ import annotations

import gc
import time

import pytest

from budnet.source import codes
from budnet.source.compose import MAX_DEPTH, MAX_ERRORS
from budnet.source.diagnostic import Severity, has_errors
from budnet.source.text import MAX_SIZE
from budnet.source.yaml import parse


def nested(levels: int) -> str:
    return "a: " + "[" * (levels - 1) + "]" * (levels - 1)


def test_the_limit_on_depth() -> None:
    assert parse(nested(MAX_DEPTH), "f")[1] == []
    document, [diagnostic] = parse(nested(MAX_DEPTH + 1), "f")
    assert (document, diagnostic.code, str(diagnostic.span)) == (None, codes.TOO_DEEP, f"f:1:{3 + MAX_DEPTH}")


def test_the_limit_on_errors() -> None:
    document, diagnostics = parse("a:\n" + "- on\n" * 1000, "f")
    assert document is None
    assert len(diagnostics) == MAX_ERRORS + 1
    assert (diagnostics[-1].code, diagnostics[-1].severity) == (codes.TOO_MANY, Severity.INFO)


def test_the_limit_on_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("budnet.source.compose.MAX_VALUES", 4)
    assert parse("a: [1, 2]\n", "f")[1] == []
    document, [diagnostic] = parse("a: [1, 2, 3, 4, 5, 6]\n", "f")
    assert (document, diagnostic.code, str(diagnostic.span)) == (None, codes.TOO_LARGE, "f:1:17")


MEGABYTES = 10_000_000
HOSTILE = {
    "[": "[" * MEGABYTES,
    "{": "{" * MEGABYTES,
    "- ": "- " * (MEGABYTES // 2),
    "? ": "? " * (MEGABYTES // 2),
    "a: {": "a: {" * (MEGABYTES // 4),
    "indentation": "".join(" " * level + "a:\n" for level in range(4000)),
    "&": "&" * MEGABYTES,
    "!": "a: " + "!" * MEGABYTES,
    '"': '"' * (MEGABYTES + 1),
    ":": ":" * MEGABYTES,
    "tab": "\t" * MEGABYTES,
    "nul": "\0" * MEGABYTES,
    "same key": "a: 1\n" * (MEGABYTES // 5),
    "digits": "a: " + "1" * MEGABYTES,
    "base 60": "a: " + "1:" * (MEGABYTES // 2) + "1",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_ten_megabytes_of_nonsense_are_refused_at_once(text: str) -> None:
    begin = time.process_time()
    _, diagnostics = parse(text, "f")
    assert has_errors(diagnostics)
    assert sum(len(diagnostic.summary) + len(diagnostic.help) for diagnostic in diagnostics) < 50_000
    assert time.process_time() - begin < 2


def test_a_file_over_the_limit_is_not_read() -> None:
    document, [diagnostic] = parse(b"a" * (MAX_SIZE + 1), "f")
    assert (document, diagnostic.code) == (None, codes.TOO_LARGE)


def test_parsing_leaves_the_garbage_collector_as_it_was() -> None:
    for text in ("a: 1\n", "a: b: c\n"):
        parse(text, "f")
        assert gc.isenabled()
