"""Sets of IP addresses of both families on one line of integers."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, summarize_address_range
from itertools import pairwise

from msgspec import Struct

from budnet.ir.address import Address, Prefix
from budnet.packets import intervals
from budnet.packets.intervals import Intervals

# IPv4 takes the first 2**32 numbers and IPv6 all behind them, so that one code serves both families.
_V6 = 1 << 32
_END = _V6 + (1 << 128) - 1


def number(address: Address) -> int:
    """The address's place on the line."""
    return int(address) if address.version == 4 else int(address) + _V6


def address(value: int) -> Address:
    """The address at a place on the line."""
    return IPv4Address(value) if value < _V6 else IPv6Address(value - _V6)


def span(prefix: Prefix) -> tuple[int, int]:
    """First and last place of a prefix."""
    return number(prefix.network_address), number(prefix.broadcast_address)


def edges(prefix: Prefix) -> tuple[int, int]:
    """The first place of a prefix, and the one behind its last."""
    first, last = span(prefix)
    return first, last + 1


class AddressSet(Struct, frozen=True):
    """An immutable set of addresses. Equal sets are equal values."""

    parts: Intervals = ()

    @classmethod
    def of(cls, items: Iterable[Prefix | Address]) -> AddressSet:
        """The union of prefixes and single addresses."""
        return cls(intervals.canonical((number(i), number(i)) if isinstance(i, Address) else span(i) for i in items))

    def __or__(self, other: AddressSet) -> AddressSet:
        return AddressSet(intervals.canonical(self.parts + other.parts))

    def __and__(self, other: AddressSet) -> AddressSet:
        return AddressSet(intervals.intersect(self.parts, other.parts))

    def __sub__(self, other: AddressSet) -> AddressSet:
        return AddressSet(intervals.subtract(self.parts, other.parts))

    def __invert__(self) -> AddressSet:
        return AddressSet(intervals.complement(self.parts, (0, _END)))

    def __contains__(self, item: Address) -> bool:
        return intervals.contains(self.parts, number(item))

    def __bool__(self) -> bool:
        return bool(self.parts)

    def first(self) -> Address:
        """The lowest address. The set must not be empty."""
        return address(self.parts[0][0])

    def prefixes(self) -> tuple[Prefix, ...]:
        """The shortest list of prefixes with exactly these addresses."""
        out: list[Prefix] = []
        for first, last in self.parts:
            # canonical() may have joined the last IPv4 address with the first IPv6 address: the line has no gap there
            for low, high in ((first, min(last, _V6 - 1)), (max(first, _V6), last)):
                if low <= high:
                    out.extend(summarize_address_range(address(low), address(high)))
        return tuple(out)


def partition(sets: Iterable[AddressSet], within: AddressSet) -> list[AddressSet]:
    """Cuts `within` into atoms: the coarsest pieces that lie wholly inside or wholly outside of every given set.

    Pieces with the same memberships are one atom, so the result has at most one atom for each combination in use.
    """
    given = list(dict.fromkeys(sets))
    edges = {edge for s in (*given, within) for first, last in s.parts for edge in (first, last + 1)}
    cuts = sorted(edges | {_V6})  # no piece has addresses of both families
    atoms: dict[tuple[bool, ...], list[tuple[int, int]]] = {}
    for first, following in pairwise(cuts):
        if not intervals.contains(within.parts, first):
            continue
        signature = (first >= _V6, *(intervals.contains(s.parts, first) for s in given))
        atoms.setdefault(signature, []).append((first, following - 1))
    return [AddressSet(intervals.canonical(parts)) for parts in atoms.values()]
