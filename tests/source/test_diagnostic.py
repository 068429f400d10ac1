from __future__ import annotations

from budnet.source.diagnostic import Diagnostic, Severity, error, has_errors, in_order, suggest, warning
from budnet.source.span import Span


def at(line: int, column: int = 1, file: str = "a.yaml") -> Span:
    return Span(file, line, column, line, column + 1)


def test_only_errors_are_errors() -> None:
    remark = Diagnostic("Y000", Severity.INFO, "a remark", None)
    assert not has_errors([])
    assert not has_errors([warning("Y001", "careful", None), remark])
    assert has_errors([remark, error("Y001", "wrong", None)])


def test_order_is_file_line_column_code() -> None:
    wanted = [
        error("Y009", "no place", None),
        error("Y002", "x", at(1, 2)),
        error("Y001", "x", at(2, 1)),
        error("Y003", "x", at(2, 1)),
        error("Y001", "x", at(2, 10)),
        error("Y001", "x", at(1, 1, "b.yaml")),
    ]
    assert in_order(reversed(wanted)) == wanted


def test_order_is_stable() -> None:
    first, second = error("Y001", "first", at(1)), error("Y001", "second", at(1))
    assert in_order([first, second]) == [first, second]
    assert in_order([second, first]) == [second, first]


def test_suggests_the_nearest_name() -> None:
    assert suggest("sevices", ["services", "networks"]) == "did you mean 'services'?"


def test_suggests_nothing_where_nothing_is_near() -> None:
    assert suggest("zzz", ["services", "networks"]) == ""
    assert suggest("x", []) == ""
