"""Sets of (protocol, destination port or ICMP message), and their encoding as bit masks over the ports that a network tells apart."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from msgspec import Struct

from budnet.ir.address import ALL_PORTS, PORTED, Match, PortRange, Protocol, spelt
from budnet.packets import intervals

_PORTS = 65536


class Transports(Struct, frozen=True):
    """An immutable set of (protocol, port): ranges of each protocol, sorted and disjoint."""

    parts: tuple[tuple[Protocol, tuple[PortRange, ...]], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.parts)

    def __iter__(self) -> Iterator[tuple[Protocol, PortRange]]:
        return ((protocol, ports) for protocol, ranges in self.parts for ports in ranges)

    def __contains__(self, item: tuple[Protocol, int]) -> bool:
        return any(protocol is item[0] and ports.first <= item[1] <= ports.last for protocol, ports in self)

    def __sub__(self, other: Transports) -> Transports:
        theirs = {protocol: tuple((r.first, r.last) for r in ranges) for protocol, ranges in other.parts}
        parts = []
        for protocol, ranges in self.parts:
            left = intervals.subtract(tuple((r.first, r.last) for r in ranges), theirs.get(protocol, ()))
            if left:
                parts.append((protocol, tuple(PortRange(*i) for i in left)))
        return Transports(tuple(parts))

    @property
    def everything(self) -> bool:
        """Whether it is every port of every protocol: of the two ICMPs one is enough, because no packet could be of either."""
        return len(self.parts) > len(PORTED) and all(r == (ALL_PORTS,) for _, r in self.parts)

    def __str__(self) -> str:
        if not self.parts:
            return "nothing"
        return ", ".join(spelt(protocol, ports) for protocol, ports in self)


class Alphabet:
    """Cuts the ports of every protocol at all edges that a network's rules use; a set becomes an int, one bit an atom.

    Intersection, union and difference are then `&`, `|` and `& ~` on ints, exact for every set that is built of the
    matches given. Cost: one bit for each distinct edge, typically 20 to 90 in all.
    """

    def __init__(self, matches: Iterable[Match], protocols: Iterable[Protocol] = Protocol, coarser: Alphabet | None = None) -> None:
        """`protocols`: those that there are; of others no packet is. `coarser`: its atoms are cut as well."""
        there = sorted(protocols)
        cuts: dict[Protocol, set[int]] = {p: set(coarser._edges[p]) if coarser else {0, _PORTS} for p in there}
        for match in matches:
            for protocol in there if match.protocol is None else (match.protocol,):
                if protocol in cuts:
                    cuts[protocol] |= {match.ports.first, match.ports.last + 1}
        self._edges: dict[Protocol, list[int]] = {protocol: sorted(edges) for protocol, edges in cuts.items()}
        self._base: dict[Protocol, int] = {}
        bits = 0
        for protocol in there:
            self._base[protocol] = bits
            bits += len(self._edges[protocol]) - 1
        self.all = (1 << bits) - 1
        self._known: dict[Match, int] = {}

    @property
    def protocols(self) -> tuple[Protocol, ...]:
        """Those that there are, by number."""
        return tuple(self._edges)

    def over(self, version: int) -> int:
        """What there can be between two addresses of a version of IP."""
        mask = 0
        for protocol in self._edges:
            if version in protocol.spoken_over:
                mask |= self.protocol(protocol)
        return mask

    def spells(self, match: Match) -> bool:
        """Whether no edge of a match cuts an atom."""
        protocols = self._edges if match.protocol is None else self._edges.keys() & {match.protocol}
        return all(edge in self._edges[p] for p in protocols for edge in (match.ports.first, match.ports.last + 1))

    def bits_of(self, coarser: Alphabet) -> list[int]:
        """For every bit the bit that it is a part of, in an alphabet without some of these cuts."""
        return [
            coarser._base[p] + bisect_right(coarser._edges[p], edge) - 1 for p in self._edges for edge in self._edges[p][:-1]
        ]  # fmt: skip

    def mask(self, match: Match) -> int:
        """The bits of a match. Its edges must have been among the matches given to the constructor."""
        known = self._known.get(match)
        if known is None:
            known = self._known[match] = self._encode(match)
        return known

    def _encode(self, match: Match) -> int:
        if match.protocol is None:
            return self.all
        if match.protocol not in self._edges:
            return 0
        edges, base = self._edges[match.protocol], self._base[match.protocol]
        first, last = bisect_left(edges, match.ports.first), bisect_left(edges, match.ports.last + 1)
        assert edges[first] == match.ports.first and edges[last] == match.ports.last + 1, f"{match} cuts an atom"
        return ((1 << (last - first)) - 1) << (base + first)

    def encode(self, transports: Transports) -> int:
        """The bits of a set whose edges were among those given."""
        mask = 0
        for protocol, ports in transports:
            mask |= self.mask(Match(protocol, ports))
        return mask

    def protocol(self, protocol: Protocol) -> int:
        """All ports of a protocol."""
        return self.mask(Match(protocol))

    def bit(self, protocol: Protocol, port: int) -> int:
        """The one bit of the atom that a port lies in; none of a protocol that is not there."""
        if protocol not in self._edges:
            return 0
        return 1 << (self._base[protocol] + bisect_right(self._edges[protocol], port) - 1)

    def decode(self, mask: int) -> Transports:
        """The set that a mask stands for, in canonical form."""
        parts = []
        for protocol in self._edges:
            edges, base = self._edges[protocol], self._base[protocol]
            ranges: list[PortRange] = []
            left = mask >> base & ((1 << (len(edges) - 1)) - 1)
            while left:  # from one run of set bits to the next
                first = (left & -left).bit_length() - 1
                end = first + (~(left >> first) & -~(left >> first)).bit_length() - 1
                ranges.append(PortRange(edges[first], edges[end] - 1))
                left = left >> end << end
            if ranges:
                parts.append((protocol, tuple(ranges)))
        return Transports(tuple(parts))
