"""What one column sends out and another takes in: the intersection of two connections, worked out when a pair first asks for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from budnet.packets.connections import Connections, Ids, distinct, to_words
from budnet.reach.table.columns import Bools, Indices
from budnet.reach.table.rows import Rows

_SPARE = 64
"""Connections that rows may come to have before all are numbered anew."""
_NOT_MET = -1


class Crossing:
    """Pairs as single numbers, one for each outward connection with each inward one, and what each of them comes to."""

    def __init__(self, connections: Connections, egress: Rows, ingress: Rows) -> None:
        self.connections, self.egress, self.ingress = connections, egress, ingress
        self._encode()

    def _encode(self) -> None:
        """Numbers the connections of all rows."""
        out, into = distinct(self.egress.ids), distinct(self.ingress.ids)
        self._outward, self._inward = _Numbers(out), _Numbers(into)
        self._out = self._outward.of(self.egress.ids) * self._inward.room
        # by source: a block of sources is one piece of memory
        self._in = np.ascontiguousarray(self._inward.of(self.ingress.ids).T)
        self._met = np.full(self._outward.room * self._inward.room, _NOT_MET, np.int32)

    def written(self, egress: Sequence[int], ingress: Sequence[int]) -> None:
        """Some rows have changed."""
        grown = len(self._out) < len(self.egress.ids) or self._in.shape[1] < len(self.ingress.ids)
        if grown or not self._outward.add(self.egress.ids[egress]) or not self._inward.add(self.ingress.ids[ingress]):
            self._encode()
            return
        self._out[egress] = self._outward.of(self.egress.ids[egress]) * self._inward.room
        self._in[:, ingress] = self._inward.of(self.ingress.ids[ingress]).T

    def refine(self, egress: Rows, ingress: Rows, parents: Indices) -> None:
        """The same for finer columns, of which `parents` are those that they are parts of."""
        self.egress, self.ingress = egress, ingress
        self._out, self._in = np.ascontiguousarray(self._out[:, parents]), self._in[parents]

    def codes(self, sources: Indices, there: Indices) -> Ids:
        """The numbers of all pairs of some columns: shape (sources, there)."""
        codes = self.inward(sources, there)
        codes += self._out[self.egress.of_column[sources]][:, there]
        return codes

    def inward(self, sources: Indices, there: Indices) -> Ids:
        """The part of it that is the destination's, who takes them for these sources."""
        return np.take(self._in[sources], self.ingress.of_column[there], axis=1)

    def met(self, codes: Ids) -> Ids:
        """The connections that some numbers stand for."""
        found = np.take(self._met, codes)
        if found.size and found.min() == _NOT_MET:
            new = distinct(codes[found == _NOT_MET])
            rows, columns = np.divmod(new, self._inward.room)
            self._met[new] = self.connections.meet(self._outward.ids[rows], self._inward.ids[columns])
            found = np.take(self._met, codes)
        return found


class Spoken:
    """Connections without what there cannot be between addresses of one family, each worked out when it is first asked for."""

    def __init__(self, connections: Connections, of_v4: int, of_v6: int) -> None:
        """`of_v4`, `of_v6`: all that there can be, as a mask."""
        self.connections = connections
        self._all = np.stack([to_words(mask, connections.words) for mask in (of_v4, of_v6)])
        self._known = np.zeros((2, 0), np.int32)

    def of(self, found: Ids, v6: Bools) -> Ids:
        """Connections of shape (sources, destinations); `v6`: which destinations are of that family, the others are of IPv4."""
        more = len(self.connections.masks) - self._known.shape[1]
        if more > 0:
            self._known = np.concatenate([self._known, np.full((2, more), _NOT_MET, np.int32)], axis=1)
        out = self._look(found, v6)
        if out.size and out.min() == _NOT_MET:
            new = distinct(found[out == _NOT_MET])
            words = self.connections.table()[new] & self._all[:, None, :]
            self._known[:, new] = self.connections.numbers(words.reshape(-1, words.shape[-1])).reshape(2, -1)
            out = self._look(found, v6)
        return out

    def _look(self, found: Ids, v6: Bools) -> Ids:
        out = np.take(self._known[0], found)
        out[:, v6] = np.take(self._known[1], found[:, v6])
        return out


class _Numbers:
    """Connections numbered without gaps, with room for more."""

    def __init__(self, ids: Ids) -> None:
        self.count, self.room = len(ids), len(ids) + _SPARE
        self.ids = np.zeros(self.room, np.int32)
        self.ids[: self.count] = ids
        self._number = np.zeros(int(ids.max(initial=0)) + 1, np.int32)
        self._number[ids] = np.arange(self.count, dtype=np.int32)

    def of(self, ids: Ids) -> Ids:
        """The numbers of connections that all have one."""
        return self._number[ids]

    def add(self, ids: Ids) -> bool:
        """Numbers those that have none yet; False where there is no room left."""
        new = np.setdiff1d(distinct(ids), self.ids[: self.count], assume_unique=True)
        if self.count + len(new) > self.room:
            return False
        if len(new):
            more = max(0, int(new.max()) + 1 - len(self._number))
            self._number = np.concatenate([self._number, np.zeros(more, np.int32)])
            self._number[new] = np.arange(self.count, self.count + len(new), dtype=np.int32)
            self.ids[self.count : self.count + len(new)] = new
            self.count += len(new)
        return True
