from __future__ import annotations

import pytest

from budnet.source.span import Span


def test_is_written_as_editors_and_compilers_write_places() -> None:
    assert str(Span("a.yaml", 3, 7, 3, 11)) == "a.yaml:3:7"


def test_orders_by_file_then_line_then_column() -> None:
    spans = [Span("b", 1, 1, 1, 2), Span("a", 10, 1, 10, 2), Span("a", 9, 5, 9, 6), Span("a", 9, 1, 9, 2)]
    assert sorted(spans) == [spans[3], spans[2], spans[1], spans[0]]


def test_is_a_value() -> None:
    span = Span("a", 1, 1, 1, 2)
    assert {span: 1}[Span("a", 1, 1, 1, 2)] == 1
    with pytest.raises(AttributeError):
        span.line = 2  # type: ignore[misc]
