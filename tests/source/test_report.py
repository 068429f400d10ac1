from __future__ import annotations

import json
from unicodedata import east_asian_width

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budnet.source.diagnostic import Diagnostic, Severity, error, warning
from budnet.source.report import to_json, to_sarif, to_text
from budnet.source.span import Span

TEXT = "networks:\n  a:\n    cidr: 10.0.0.0/16\n    cidr: 10.1.0.0/16\n"
DUPLICATE = error(
    "Y010",
    "duplicate key 'cidr'",
    Span("b.yaml", 4, 5, 4, 9),
    "remove one of the two",
    (("first written here", Span("b.yaml", 3, 5, 3, 9)),),
)


def underlined(text: str, column: int, end: int, width: int = 100) -> tuple[str, str]:
    """The line shown and the line below it, both without the margin."""
    span = Span("f", 1, column, 1, end)
    rows = to_text([error("X001", "x", span)], {"f": text}, colour=False, width=width).splitlines()
    return rows[3][len("1 | ") :], rows[4][len("  | ") :]


def test_the_line_itself_is_shown() -> None:
    assert to_text([DUPLICATE], {"b.yaml": TEXT}, colour=False) == (
        "error[Y010]: duplicate key 'cidr'\n"
        " --> b.yaml:4:5\n"
        "  |\n"
        "4 |     cidr: 10.1.0.0/16\n"
        "  |     ^^^^\n"
        "  = note: first written here\n"
        " --> b.yaml:3:5\n"
        "  |\n"
        "3 |     cidr: 10.0.0.0/16\n"
        "  |     ----\n"
        "  = help: remove one of the two\n"
    )


def test_line_numbers_are_aligned() -> None:
    text = "a: 1\n" * 8 + "b: 2\nb: 3\n"
    diagnostic = error("Y010", "x", Span("f", 10, 1, 10, 2), related=(("first", Span("f", 9, 1, 9, 2)),))
    rows = to_text([diagnostic], {"f": text}, colour=False).splitlines()
    assert [row for row in rows if "b:" in row] == ["10 | b: 3", " 9 | b: 2"]
    assert {row.index("|") for row in rows if "|" in row} == {3}


def test_several_are_separated_and_none_is_nothing() -> None:
    assert to_text([DUPLICATE, DUPLICATE], {}, colour=False).count("\n\nerror[Y010]") == 1
    assert to_text([], {}, colour=False) == ""


def test_without_the_text_there_is_the_place() -> None:
    shown = to_text([DUPLICATE], {}, colour=False)
    assert "--> b.yaml:4:5" in shown
    assert "|" not in shown


def test_without_a_place_there_is_the_message() -> None:
    assert to_text([warning("X001", "no file", None, "a\nb")], {}, colour=False) == ("warning[X001]: no file\n  = help: a\n  = help: b\n")


def test_a_place_beyond_the_text_is_only_named() -> None:
    assert to_text([error("X001", "x", Span("f", 9, 1, 9, 2))], {"f": "a\n"}, colour=False).endswith("--> f:9:1\n")


def test_colour_adds_nothing_but_colour() -> None:
    coloured = to_text([DUPLICATE], {"b.yaml": TEXT}, colour=True)
    plain = to_text([DUPLICATE], {"b.yaml": TEXT}, colour=False)
    assert "\x1b[1;31m" in coloured
    for code in ("\x1b[0m", "\x1b[1m", "\x1b[1;31m", "\x1b[1;34m"):
        coloured = coloured.replace(code, "")
    assert coloured == plain


def test_a_tab_is_as_wide_as_its_mark() -> None:
    assert underlined("a:\tb c", 4, 5) == ("a:    b c", "      ^")
    assert underlined("\ta", 1, 2) == ("    a", "^^^^")


def test_wide_and_combining_characters_are_measured() -> None:
    assert underlined("漢字: x y", 5, 6) == ("漢字: x y", "      ^")
    assert underlined("漢字", 1, 3) == ("漢字", "^^^^")
    assert underlined("e\u0301: x", 5, 6) == ("e\u0301: x", "   ^")


def test_nothing_is_marked_by_one_mark() -> None:
    assert underlined("a:", 3, 3) == ("a:", "  ^")
    assert underlined("", 1, 1) == ("", "^")


def test_of_several_lines_the_first_is_marked_to_its_end() -> None:
    shown = to_text([error("X001", "x", Span("f", 1, 4, 3, 2))], {"f": "a: {b  \n c\n}"}, colour=False)
    assert "1 | a: {b\n  |    ^^\n" in shown


@pytest.mark.parametrize("column", [1, 40, 41, 500, 970, 1000, 1001])
def test_a_long_line_is_cut_around_the_place(column: int) -> None:
    text = "".join(chr(ord("a") + i % 26) for i in range(1000))
    shown, marks = underlined(text, column, column + 3, width=60)
    assert len("1 | " + shown) <= 60
    assert shown.startswith("...") == (column > 20)
    assert shown.endswith("...") == (column < 940)
    at = marks.index("^")
    assert shown[at : at + 3].startswith(text[column - 1 : column + 2])


def test_a_mark_is_cut_with_its_line() -> None:
    shown, marks = underlined("x" * 1000, 1, 1001, width=60)
    assert len(marks) <= len(shown) <= 56


def test_escape_sequences_are_shown_not_sent() -> None:
    span = Span("\x1b]0;f", 1, 1, 1, 9)
    diagnostic = error("\x1b[1m", "\x1b[2J", span, "\x07", (("\x9b", span),))
    shown = to_text([diagnostic], {"\x1b]0;f": "\x1b[31mred\u202e\r"}, colour=False)
    assert all(char == "\n" or char.isprintable() for char in shown)
    assert r"\x1b[31mred\u202e" in shown


@given(
    st.text(st.characters(exclude_categories=["Mn", "Me"]), max_size=300),
    st.integers(1, 320),
    st.integers(0, 50),
    st.integers(1, 120),
)
def test_any_line_is_printable_fits_and_is_marked_inside(text: str, column: int, length: int, width: int) -> None:
    text = text.replace("\n", " ").replace("\r", " ")
    shown, marks = underlined(text, column, column + length, width)
    assert shown.isprintable() or not shown
    assert set(marks) <= {" ", "^"} and "^" in marks
    room = max(20, width - len("1 | "))
    assert sum(2 if east_asian_width(char) in "WF" else 1 for char in shown) <= room
    assert len(marks) <= room + 1


def test_json_has_the_contract_keys() -> None:
    [shown] = to_json([DUPLICATE])
    assert shown == {
        "code": "Y010",
        "severity": "error",
        "summary": "duplicate key 'cidr'",
        "file": "b.yaml",
        "line": 4,
        "column": 5,
        "end_line": 4,
        "end_column": 9,
        "help": "remove one of the two",
        "related": [{"label": "first written here", "file": "b.yaml", "line": 3, "column": 5, "end_line": 3, "end_column": 9}],
    }
    assert json.loads(json.dumps(shown)) == shown


def test_json_without_a_place_has_the_same_keys() -> None:
    [shown] = to_json([warning("X001", "x", None)])
    assert shown.keys() == to_json([DUPLICATE])[0].keys()
    assert shown["file"] is None and shown["line"] is None


def test_sarif_is_what_code_scanning_reads() -> None:
    remark = Diagnostic("A001", Severity.INFO, "a remark", None)
    log = to_sarif([DUPLICATE, warning("X001", "x", Span("dir/a b.yaml", 1, 1, 1, 1)), remark], "1.2.3")
    assert json.loads(json.dumps(log)) == log
    assert log["version"] == "2.1.0"
    [run] = log["runs"]
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("budnet", "1.2.3")
    assert [rule["id"] for rule in driver["rules"]] == ["A001", "X001", "Y010"]
    assert run["columnKind"] == "unicodeCodePoints"
    duplicate, blank, nowhere = run["results"]
    assert [driver["rules"][r["ruleIndex"]]["id"] == r["ruleId"] for r in run["results"]] == [True] * 3
    assert [r["level"] for r in run["results"]] == ["error", "warning", "note"]
    assert duplicate["message"]["text"] == "duplicate key 'cidr'\nremove one of the two"
    assert duplicate["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "b.yaml"},
        "region": {"startLine": 4, "startColumn": 5, "endLine": 4, "endColumn": 9},
    }
    assert duplicate["relatedLocations"][0]["message"] == {"text": "first written here"}
    assert blank["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "dir/a%20b.yaml"}
    assert "locations" not in nowhere


def test_sarif_of_nothing_is_a_run_without_results() -> None:
    [run] = to_sarif([], "1")["runs"]
    assert run["results"] == [] and run["tool"]["driver"]["rules"] == []
