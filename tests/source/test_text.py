from __future__ import annotations

import pytest

from budnet.source import codes
from budnet.source.text import FORBIDDEN, MAX_SHOWN, MAX_SIZE, decode, lines, place, quoted, readable, visible


@pytest.mark.parametrize("data", [b"a: \xc3\xa9\n", b"\xef\xbb\xbfa: \xc3\xa9\n", "a: é\n", "\ufeffa: é\n"])
def test_utf8_with_or_without_mark_is_read(data: bytes | str) -> None:
    assert decode(data, "f") == ("a: é\n", [])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"])
def test_other_encodings_are_refused(encoding: str) -> None:
    text, diagnostics = decode("a: é\n".encode(encoding), "f")
    assert text is None
    assert {diagnostic.code for diagnostic in diagnostics} <= {codes.NOT_UTF8, codes.CHARACTER}
    assert "UTF-8" in diagnostics[0].help


def test_the_place_of_a_bad_byte_counts_characters() -> None:
    _, [diagnostic] = decode("\ufeffa: 1\né: ".encode() + b"\xff", "f")
    assert str(diagnostic.span) == "f:2:4"
    assert "0xff" in diagnostic.summary


@pytest.mark.parametrize("char", ["\0", "\x07", "\x1b", "\x7f", "\x85", "\x9b", "\u2028", "\u202e", "\u2066", "\ufeff", "\ud800"])
def test_characters_that_hide_or_steer_are_refused(char: str) -> None:
    text, [diagnostic] = decode(f"a: 1\nb: {char}\n", "f")
    assert (text, diagnostic.code, str(diagnostic.span)) == (None, codes.CHARACTER, "f:2:4")
    assert diagnostic.summary.isprintable()


@pytest.mark.parametrize("char", ["\t", "\xa0", "é", "漢", "😀", "א", "\u200d"])
def test_other_characters_are_accepted(char: str) -> None:
    assert decode(f"a: {char}", "f") == (f"a: {char}", [])


def test_a_binary_file_is_reported_briefly() -> None:
    _, diagnostics = decode(b"\0" * 1000, "f")
    assert len(diagnostics) == MAX_SHOWN


def test_the_limit_is_on_size() -> None:
    assert decode(b" " * MAX_SIZE, "f")[1] == []
    for data in (b" " * (MAX_SIZE + 1), " " * (MAX_SIZE + 1)):
        text, [diagnostic] = decode(data, "f")
        assert (text, diagnostic.code) == (None, codes.TOO_LARGE)


def test_readable_never_fails_and_keeps_the_lines() -> None:
    assert readable(b"\xef\xbb\xbfa\n\xff\nb") == "a\n\ufffd\nb"
    assert readable("\ufeffa") == "a"


def test_lines_end_where_yaml_ends_them() -> None:
    assert lines("a\nb\r\nc\rd\x0ce\x85f\u2028g\n") == ["a", "b", "c", "d\x0ce\x85f\u2028g", ""]


@pytest.mark.parametrize(("index", "where"), [(0, "f:1:1"), (1, "f:1:2"), (3, "f:2:1"), (5, "f:3:1"), (7, "f:4:1")])
def test_place_counts_lines_of_all_three_kinds(index: int, where: str) -> None:
    assert str(place("a\r\nb\nc\rd", index, "f")) == where


def test_visible_text_cannot_steer_a_terminal() -> None:
    assert visible("\x1b[31m\u202e\ud800\U000e0001") == r"\x1b[31m\u202e\ud800\U000e0001"
    assert visible("no\xa0break") == r"no\xa0break"
    assert visible("Zürich 漢字") == "Zürich 漢字"


def test_quoted_text_is_one_short_line() -> None:
    assert quoted("a\nb") == r"'a\x0ab'"
    assert quoted("x" * 100) == "'" + "x" * 60 + "...'"


def test_everything_forbidden_is_made_visible() -> None:
    for number in range(0x110000):
        if FORBIDDEN.match(chr(number)):
            assert visible(chr(number)).isascii(), hex(number)
