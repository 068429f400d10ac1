"""Sets of transports as small numbers, so that a table of millions of them is an array, and to intersect is to look up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Ids: TypeAlias = NDArray[np.int32]

NOTHING, EVERYTHING = 0, 1
_WORD = 64


class Connections:
    """Hash-consed bit masks: equal masks have equal numbers. 0 is no connection, 1 is every one.

    A mask is an int of `bits` bits (see `packets.transports.Alphabet`); what the bits mean is the caller's business.
    """

    def __init__(self, bits: int) -> None:
        self.all = (1 << bits) - 1
        self._words = max(1, -(-bits // _WORD))
        self.masks: list[int] = [0, self.all]
        self._ids: dict[int, int] = {0: NOTHING, self.all: EVERYTHING}
        self._only: dict[int, Ids] = {}

    def id(self, mask: int) -> int:
        """The number of a mask."""
        known = self._ids.get(mask)
        if known is None:
            known = self._ids[mask] = len(self.masks)
            self.masks.append(mask)
        return known

    def ids(self, masks: Iterable[int]) -> Ids:
        """The numbers of several masks, in their order."""
        return np.array([self.id(m) for m in masks], np.int32)

    def meet(self, left: Ids, right: Ids, used: NDArray[np.intp]) -> Ids:
        """Intersections of some pairs: `used` are the numbers row * len(right) + column of those wanted, ascending.

        Words of 64 bits are and-ed for all pairs at once and folded into one hash; only distinct results are interned.
        That equal hashes mean equal masks is checked, not believed.
        """
        a, b = self._packed(left), self._packed(right)
        rows, columns = np.divmod(used, max(len(right), 1))
        hashes = np.zeros(len(used), np.uint64)
        for word in range(self._words):
            hashes = (hashes << np.uint64(7)) | (hashes >> np.uint64(57))
            hashes ^= _mixed(a[rows, word] & b[columns, word])
        _, first, which = np.unique(hashes, return_index=True, return_inverse=True)
        found = self.ids(
            self.masks[left[r]] & self.masks[right[c]] for r, c in zip(rows[first].tolist(), columns[first].tolist(), strict=True)
        )
        packed = self._packed(found)
        for word in range(self._words):
            if not np.array_equal(packed[which, word], a[rows, word] & b[columns, word]):
                raise AssertionError("two connection sets have one hash")
        return found[which]

    def only(self, row: Ids, mask: int) -> Ids:
        """A row with every set cut down to those in `mask`."""
        known = self._only.setdefault(mask, np.full(0, -1, np.int32))
        if len(known) < len(self.masks):
            known = self._only[mask] = np.concatenate([known, np.full(len(self.masks) - len(known), -1, np.int32)])
        missing = row[known[row] < 0]
        for number in np.unique(missing).tolist():
            known[number] = self.id(self.masks[number] & mask)
        out: Ids = known[row]
        return out

    def both(self, one: Ids, other: Ids) -> Ids:
        """The intersections of two rows, column by column."""
        codes, which = np.unique(one.astype(np.int64) * len(self.masks) + other, return_inverse=True)
        rows, columns = np.divmod(codes, len(self.masks))
        return self.ids(self.masks[r] & self.masks[c] for r, c in zip(rows.tolist(), columns.tolist(), strict=True))[which]

    def _packed(self, ids: Ids) -> NDArray[np.uint64]:
        size = self._words * _WORD // 8
        raw = b"".join(self.masks[i].to_bytes(size, "little") for i in ids.tolist())
        return np.frombuffer(raw, np.uint64).reshape(len(ids), self._words)


def _mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64: every bit of a word moves half of the bits of its hash."""
    out = words + np.uint64(0x9E3779B97F4A7C15)
    out ^= out >> np.uint64(30)
    out *= np.uint64(0xBF58476D1CE4E5B9)
    out ^= out >> np.uint64(27)
    out *= np.uint64(0x94D049BB133111EB)
    out ^= out >> np.uint64(31)
    return out
