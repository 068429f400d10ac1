"""Tables are laid out as rich, which printed them once, lays them out."""

from __future__ import annotations

import io
from functools import partial
from random import Random

import click
import pytest
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from budnet.cli.columns import lines


def judged(head: list[str], rows: list[list[str]], width: int, title: str) -> list[str]:
    table = Table(*head, title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*map(Text, row))
    out = io.StringIO()
    Console(file=out, no_color=True, highlight=False, width=width).print(table)
    return out.getvalue().splitlines()


@pytest.mark.parametrize("seed", range(200))
def test_as_the_judge_lays_them_out(seed: int) -> None:
    dice = Random(seed)
    letters = dice.choice(["abcxyz/-,", "abcé→…/-,"])

    def word() -> str:
        return "".join(dice.choice(letters) for _ in range(dice.choice([1, 3, 5, 9, dice.choice([4, 30, 60])])))

    def cell() -> str:
        return "".join(word() + dice.choice([" ", " ", "  ", "\n"]) for _ in range(dice.choice([0, 1, 1, 2, 3, 20]))).strip()

    count = dice.randint(2, 7)
    head = [word()[:12] for _ in range(count)]
    rows = [[cell() for _ in range(count)] for _ in range(dice.randint(0, 8))]
    title, width = dice.choice(["", "of all"]), dice.choice([40, 60, 80, 120, 200])
    assert [*lines(head, rows, width, title)] == judged(head, rows, width, title)


def test_wide_characters_take_two_cells_and_marks_none() -> None:
    found = [*lines(["name", "is"], [["日本", "x"], ["e\N{COMBINING ACUTE ACCENT}tat", "y"], ["日本日本", "z"]], 40)]
    assert found[3:6] == [" 日本       x  ", " e\N{COMBINING ACUTE ACCENT}tat       y  ", " 日本日本   z  "]


def test_no_name_moves_the_cursor() -> None:
    found = "\n".join(lines(["name"], [["\x1b[2Jgone\rback\x9b\x07"]], 40))
    assert all(c.isprintable() for c in found if c != "\n")
    assert "[2Jgone" in found


def test_styles_stand_around_what_they_are_of() -> None:
    plain = [*lines(["a", "b"], [["1", "2"]], 40, "title")]
    styled = [*lines(["a", "b"], [["1", "2"]], 40, "title", partial(click.style, bold=True), partial(click.style, italic=True))]
    assert [click.unstyle(line) for line in styled] == plain
    assert [i for i, (one, other) in enumerate(zip(plain, styled, strict=True)) if one != other] == [0, 2]
