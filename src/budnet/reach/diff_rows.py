"""Two tables row by row, as numbers that mean the same in both, so that of millions of pairs only those that differ are looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from budnet.packets.connections import Ids
from budnet.packets.transports import Transports

Sets = tuple[Transports, Transports]
"""What passes, and what may and may not."""
NOTHING = 0
_NOT_YET = -1


class Numbers:
    """Numbers for sets. 0 is nothing."""

    def __init__(self) -> None:
        self.sets: list[Sets] = [(Transports(), Transports())]
        self._known: dict[Sets, int] = {self.sets[0]: NOTHING}

    def of(self, sets: Callable[[int], Sets]) -> Callable[[Ids], Ids]:
        """What turns the connections of one table into them; `sets` says what a connection is."""
        spelt = np.zeros(0, np.int32)

        def numbers(found: Ids) -> Ids:
            nonlocal spelt
            more = int(found.max(initial=0)) + 1 - len(spelt)
            if more > 0:
                spelt = np.concatenate([spelt, np.full(more + len(spelt), _NOT_YET, np.int32)])
            new = found[spelt[found] == _NOT_YET]
            for connection in dict.fromkeys(new.tolist()):
                spelt[connection] = self._number(sets(connection))
            out: Ids = spelt[found]
            return out

        return numbers

    def _number(self, sets: Sets) -> int:
        known = self._known.get(sets)
        if known is None:
            known = self._known[sets] = len(self.sets)
            self.sets.append(sets)
        return known


Rows = Iterator[tuple[int, Ids]]


def differing(one: Rows, other: Rows) -> Iterator[tuple[int, int, int, int]]:
    """(source, destination, number in the one, number in the other) where they are not equal, in order. Rows come by source;
    one that is left out is all nothing."""
    first, second = next(one, None), next(other, None)
    while first is not None or second is not None:
        source = min(row[0] for row in (first, second) if row is not None)
        was = first[1] if first is not None and first[0] == source else None
        now = second[1] if second is not None and second[0] == source else None
        some = was if was is not None else now
        assert some is not None
        was, now = (np.zeros_like(some) if row is None else row for row in (was, now))
        for there in np.flatnonzero(was != now).tolist():
            yield source, there, int(was[there]), int(now[there])
        first = next(one, None) if first is not None and first[0] == source else first
        second = next(other, None) if second is not None and second[0] == source else second
