"""A connection for every pair of columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from budnet.ir.address import Match, PortRange
from budnet.ir.filters import BlockPeer, NamePeer
from budnet.ir.network import Network
from budnet.packets.connections import Connections, Ids
from budnet.packets.transports import Alphabet, Transports
from budnet.reach.table.columns import Columns, peers_of, ports_of
from budnet.reach.table.peers import Peers, covers_partly
from budnet.reach.table.rows import RowMaker
from budnet.reach.tiers import Halves

_BLOCK = 128
"""Sources at a time: what is written then stays in the processor's cache."""


class Table:
    """Who may open what to whom by the policies of a Network: egress of the one and ingress of the other.

    Nothing changes after it was made. Time goes by distinct rows times columns, memory likewise; pairs are worked out in
    blocks and never kept.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.columns = Columns(network)
        self.alphabet = Alphabet(_matches(network, self.columns))
        bits = self.alphabet.all.bit_length()
        self.halves = Halves(bits, bits if _leaves_unknown(network) else 0)
        self.connections = Connections(self.halves.bits + self.halves.shift)
        peers = Peers(network, self.columns)
        make = (network, self.columns, peers, self.alphabet, self.halves, self.connections)
        self.egress = RowMaker(*make, ingress=False).rows()
        self.ingress = RowMaker(*make, ingress=True).rows()
        self._intersect()

    def _intersect(self) -> None:
        """The intersection of every outward with every inward connection that come together in some pair."""
        out, into = np.unique(self.egress.ids), np.unique(self.ingress.ids)
        dense = np.zeros(len(self.connections.masks), np.int32)
        dense[out] = np.arange(len(out), dtype=np.int32) * len(into)
        self._out = dense[self.egress.ids]
        dense[into] = np.arange(len(into), dtype=np.int32)
        self._in = np.ascontiguousarray(dense[self.ingress.ids].T)  # by source: a block of sources is one piece of memory
        self._meet = np.zeros(len(out) * len(into), np.int32)
        occurs = np.zeros(len(self._meet), bool)
        for codes in self._codes(np.arange(self.columns.count)):
            occurs[codes] = True
        used = np.flatnonzero(occurs)
        self._meet[used] = self.connections.meet(out, into, used)

    def _codes(self, sources: NDArray[np.intp]) -> Iterator[Ids]:
        """For blocks of sources and every column: both connections as one number."""
        for start in range(0, len(sources), _BLOCK):
            block = sources[start : start + _BLOCK]
            codes = np.take(self._in[block], self.ingress.of_column, axis=1)
            codes += self._out[self.egress.of_column[block]]
            yield codes

    def blocks(self, sources: Iterable[int] | None = None) -> Iterator[tuple[Ids, Ids]]:
        """(sources, connections with every column) in blocks; sources default to all columns."""
        chosen = np.arange(self.columns.count) if sources is None else np.fromiter(sources, np.intp)
        mixed = len(set(self.columns.family.tolist()) - {0}) > 1
        for number, codes in enumerate(self._codes(chosen)):
            block = chosen[number * _BLOCK : (number + 1) * _BLOCK]
            found = np.take(self._meet, codes)
            if mixed:  # an address speaks to addresses of its own family
                found[self.columns.family[block][:, None] * self.columns.family[None, :] == 24] = 0
            inside = self.columns.inside
            found[np.ix_(block >= inside, np.arange(self.columns.count) >= inside)] = 0
            yield block.astype(np.int32), found

    def either(self, one: int, other: int) -> int:
        """The union of two connections, by number."""
        return self.connections.id(self.connections.masks[one] | self.connections.masks[other])

    def sets(self, connection: int) -> tuple[Transports, Transports]:
        """What passes in any case, and what may pass, of a connection's number."""
        both = self.connections.masks[connection]
        return self.alphabet.decode(self.halves.certain(both)), self.alphabet.decode(self.halves.unknown(both))


def _leaves_unknown(network: Network) -> bool:
    """Whether anything may be unknown: policies of other makers, outside hosts by name, two policies of one priority, pods
    without an address where prefixes are asked."""
    asked = [(p.tier, p.priority) for p in network.admin_policies]
    if network.unknown_policies or len(set(asked)) < len(asked):
        return True
    placed = all(e.addresses for e in network.endpoints)
    return any(isinstance(p, NamePeer) or (isinstance(p, BlockPeer) and not placed and covers_partly(p)) for p in peers_of(network))


def _matches(network: Network, columns: Columns) -> Iterator[Match]:
    for port in ports_of(network):
        if isinstance(port.port, int):
            yield Match(port.protocol, PortRange(port.port, port.end or port.port))
    for shape in columns.shapes:
        for _, protocol, number in shape.ports:
            yield Match(protocol, PortRange(number, number))
