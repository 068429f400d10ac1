"""Two tables row by row: what differs, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import numpy as np
import pytest

from budnet.ir.address import Match, PortRange, Protocol
from budnet.packets.connections import Ids
from budnet.packets.transports import Alphabet, Transports
from budnet.reach.diff_rows import NOTHING, Numbers, differing

COUNT = 9


def rows(table: dict[int, list[int]]) -> Iterator[tuple[int, Ids]]:
    return ((source, np.array(row, np.int32)) for source, row in sorted(table.items()))


@pytest.mark.parametrize("seed", range(20))
def test_what_differs(seed: int) -> None:
    """Against cell by cell; a source that is left out has nothing."""
    dice = Random(seed)
    one, other = ({s: [dice.choice((0, 0, 1, 2)) for _ in range(COUNT)] for s in dice.sample(range(COUNT), 6)} for _ in range(2))
    empty = [NOTHING] * COUNT
    wanted = [
        (s, d, one.get(s, empty)[d], other.get(s, empty)[d])
        for s in range(COUNT) for d in range(COUNT) if one.get(s, empty)[d] != other.get(s, empty)[d]
    ]  # fmt: skip
    assert list(differing(rows(one), rows(other))) == wanted


def test_equal_sets_of_two_tables_have_one_number() -> None:
    alphabet = Alphabet([Match(Protocol.TCP, PortRange(80, 80))])
    web, nothing = alphabet.decode(alphabet.bit(Protocol.TCP, 80)), Transports()
    numbers = Numbers()
    here = numbers.of(lambda connection: (nothing, web) if connection == 7 else (web, nothing))
    there = numbers.of(lambda connection: (web, nothing) if connection == 3 else (nothing, nothing))
    assert here(np.array([7, 2, 7], np.int32)).tolist() == [1, 2, 1]
    assert there(np.array([3, 900], np.int32)).tolist() == [2, NOTHING]
    assert numbers.sets[2] == (web, nothing)
