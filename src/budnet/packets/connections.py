"""Sets of transports as small numbers, so that a table of millions of them is an array, and to intersect is to look up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Ids: TypeAlias = NDArray[np.int32]
Words: TypeAlias = NDArray[np.uint64]

_Integer = TypeVar("_Integer", np.int32, np.intp)

NOTHING, EVERYTHING = 0, 1
_WORD = 64


class Connections:
    """Hash-consed bit masks: equal masks have equal numbers. 0 is no connection, 1 is `everything`.

    What the bits mean is the caller's business (see `packets.transports.Alphabet`); a mask has `words` words of 64.
    """

    def __init__(self, everything: int) -> None:
        self.words = max(1, -(-everything.bit_length() // _WORD))
        self.masks: list[int] = [0, everything]
        self._ids: dict[int, int] = {0: NOTHING, everything: EVERYTHING}
        self._table = np.zeros((0, self.words), np.uint64)

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

    def table(self) -> Words:
        """The words of every mask there is, by number, lowest word first."""
        known = len(self._table)
        if known < len(self.masks):
            more = np.stack([to_words(m, self.words) for m in self.masks[known:]])
            self._table = np.concatenate([self._table, more])
        return self._table

    def numbers(self, words: Words) -> Ids:
        """The numbers of many masks given as words, shape (n, words).

        Their words are folded into one hash and only distinct ones are interned. That equal hashes mean equal masks is
        checked, not believed.
        """
        hashes = np.zeros(len(words), np.uint64)
        for word in range(self.words):
            hashes = (hashes << np.uint64(7)) | (hashes >> np.uint64(57))
            hashes ^= _mixed(words[:, word])
        _, first, which = np.unique(hashes, return_index=True, return_inverse=True)
        distinct = words[first]
        if not np.array_equal(distinct[which], words):
            raise AssertionError("two connection sets have one hash")
        return self.ids(int.from_bytes(row.tobytes(), "little") for row in distinct)[which]

    def meet(self, left: Ids, right: Ids) -> Ids:
        """The intersections of pairs, element by element."""
        table = self.table()
        return self.numbers(table[left] & table[right])

    def join(self, left: Ids, right: Ids) -> Ids:
        """The unions of pairs, element by element. Each distinct pair is worked out once."""
        pairs, which = np.unique(left.astype(np.int64) << 32 | right, return_inverse=True)
        found = self.ids(self.masks[pair >> 32] | self.masks[pair & 0xFFFFFFFF] for pair in pairs.tolist())
        return found[which].reshape(left.shape)

    def respelt(self, bits: NDArray[np.intp], everything: int) -> Connections:
        """The same sets with other bits and the same numbers: bit i of each is what bit `bits[i]` was, none where that is -1."""
        out = Connections(everything)
        old = np.unpackbits(np.ascontiguousarray(self.table()).view(np.uint8), axis=1, bitorder="little")
        new = np.zeros((len(old), out.words * _WORD), np.uint8)
        there = np.flatnonzero(bits >= 0)
        new[:, there] = old[:, bits[there]]
        out._table = np.packbits(new, axis=1, bitorder="little").view(np.uint64)
        out.masks = [int.from_bytes(row.tobytes(), "little") for row in out._table]
        out._ids = {mask: number for number, mask in enumerate(out.masks)}
        return out


_FEW = 4
"""So many times more numbers there could be than there are."""


def distinct(numbers: NDArray[_Integer]) -> NDArray[_Integer]:
    """Each number that there is, once and in order; none is less than 0. `numpy.unique` imports masked arrays to do this, which takes
    longer than all that is asked of it here."""
    flat = numbers.ravel()
    most = int(flat.max(initial=0))
    if most <= _FEW * len(flat) + 1024:  # a flag for each that there could be takes less room and time than sorting
        there = np.zeros(most + 1, bool)
        there[flat] = True
        return np.flatnonzero(there).astype(numbers.dtype)
    found = np.sort(flat)
    first = np.ones(len(found), bool)
    first[1:] = found[1:] != found[:-1]
    return found[first]


def to_words(mask: int, words: int) -> Words:
    """A mask as words of 64 bits, lowest first."""
    return np.frombuffer(mask.to_bytes(words * _WORD // 8, "little"), np.uint64)


def folded(words: Words) -> Words:
    """The words of each mask over each other: two masks with a bit in common have one there as well."""
    out: Words = np.bitwise_or.reduce(words, axis=-1)
    return out


def _mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64: every bit of a word moves half of the bits of its hash."""
    out = words + np.uint64(0x9E3779B97F4A7C15)
    out ^= out >> np.uint64(30)
    out *= np.uint64(0xBF58476D1CE4E5B9)
    out ^= out >> np.uint64(27)
    out *= np.uint64(0x94D049BB133111EB)
    out ^= out >> np.uint64(31)
    return out
