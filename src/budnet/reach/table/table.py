"""A connection for every pair of columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from budnet.ir.filters import BlockPeer, NamePeer
from budnet.ir.network import Network
from budnet.packets.connections import EVERYTHING, NOTHING, Connections, Ids
from budnet.packets.transports import Alphabet, Transports
from budnet.reach import cuts
from budnet.reach.table.columns import Columns
from budnet.reach.table.peers import Peers, covers_partly
from budnet.reach.table.rows import RowMaker
from budnet.reach.table.wires import Flat, Wires
from budnet.reach.tiers import Lanes

_BLOCK = 128
"""Sources at a time: what is written then stays in the processor's cache."""

Indices = NDArray[np.intp]


class Table:
    """Who may open what to whom: what the one sends out, what the other takes in, and what the network between them carries.

    Nothing changes after it was made. Time goes by distinct rows times columns, memory likewise; pairs are worked out in
    blocks and never kept.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.wires = Wires(network) if network.vpcs else None
        self.columns = Columns(network, self.wires or Flat())
        self.alphabet = Alphabet(cuts.matches(network))
        self.lanes = Lanes(self.alphabet.all.bit_length(), _leaves_unknown(network), bool(network.vpcs))
        self.connections = Connections(self.lanes.width)
        peers = Peers(network, self.columns)
        make = (network, self.columns, peers, self.alphabet, self.lanes, self.connections)
        self.egress = RowMaker(*make, ingress=False).rows()
        self.ingress = RowMaker(*make, ingress=True).rows()
        self._between, self._seen = self._carried()
        self._columns_at = self._by_place()
        self._intersect()

    # ---- the network between --------------------------------------------------------------------------------------------

    def _carried(self) -> tuple[Ids, dict[int, dict[int, int]]]:
        """What is carried between places, and for each source's place those destinations that see somebody else."""
        if self.wires is None:
            return np.full((1, 1), EVERYTHING, np.int32), {}
        ids, seen = self.wires.pairs(self.alphabet, self.lanes, self.connections)
        by_source: dict[int, dict[int, int]] = {}
        for (source, there), other in seen.items():
            by_source.setdefault(source, {})[there] = other
        return ids, by_source

    def _by_place(self) -> dict[int, Indices]:
        order = np.argsort(self.columns.place, kind="stable")
        places, starts = np.unique(self.columns.place[order], return_index=True)
        return dict(zip(places.tolist(), np.split(order, starts[1:]), strict=True))

    # ---- pairs ----------------------------------------------------------------------------------------------------------

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
        for _, _, codes, _ in self._codes(np.arange(self.columns.count)):
            occurs[codes] = True
        used = np.flatnonzero(occurs)
        self._meet[used] = self.connections.meet(out, into, used)
        self._carry: dict[int, Ids] = {}

    def _codes(self, sources: Indices) -> Iterator[tuple[Indices, Indices, Ids, Ids]]:
        """(sources, destinations, both filters as one number for each pair, what is carried to each destination)."""
        places = self.columns.place[sources]
        for place in dict.fromkeys(places.tolist()):
            here = sources[places == place]
            carried = self._between[place][self.columns.place]
            there = np.flatnonzero(carried)
            if not len(there):
                continue
            for start in range(0, len(here), _BLOCK):
                block = here[start : start + _BLOCK]
                inward = np.take(self._in[block], self.ingress.of_column[there], axis=1)
                self._as_seen(place, block, there, inward)
                inward += self._out[self.egress.of_column[block]][:, there]
                yield block, there, inward, carried[there]

    def _as_seen(self, place: int, block: Indices, there: Indices, inward: Ids) -> None:
        """Where the destination takes the source for a NAT gateway or a public address, its filters are asked about that."""
        for destination, other in self._seen.get(place, {}).items():
            at = np.flatnonzero(self.columns.place[there] == destination)
            if not len(at):
                continue
            rows = self.ingress.of_column[there[at]]
            for number, source in enumerate(block.tolist()):
                inward[number, at] = self._in[self._stands_for(source, other)][rows]

    def _stands_for(self, source: int, place: int) -> int:
        """The column of a NAT gateway's public address, or of the source's own."""
        among = self._columns_at.get(place)
        if among is None:
            raise AssertionError("a place that packets come from has no column")
        if len(among) == 1:
            return int(among[0])
        public = {a for e in self.columns.members[source] for a in e.public}
        return next(int(c) for c in among if public & set(self.columns.addresses[c]))

    def blocks(self, sources: Iterable[int] | None = None) -> Iterator[tuple[Indices, Indices, Ids]]:
        """(sources, destinations, connections) in blocks; what is left out is no connection. Sources default to all columns."""
        chosen = np.arange(self.columns.count) if sources is None else np.fromiter(sources, np.intp)
        mixed = self.wires is None and len(set(self.columns.family.tolist()) - {0}) > 1
        for block, there, codes, carried in self._codes(chosen):
            found = np.take(self._meet, codes)
            if mixed:  # an address speaks to addresses of its own family
                found[self.columns.family[block][:, None] * self.columns.family[there][None, :] == 24] = NOTHING
            if self.wires is None:
                found[np.ix_(block >= self.columns.inside, there >= self.columns.inside)] = NOTHING
            else:
                for each in np.unique(carried).tolist():
                    if each != EVERYTHING:
                        at = carried == each
                        found[:, at] = self.connections.only(found[:, at], self.connections.masks[each])
            yield block, there, found

    def either(self, one: int, other: int) -> int:
        """The union of two connections, by number."""
        return self.connections.id(self.connections.masks[one] | self.connections.masks[other])

    def sets(self, connection: int) -> tuple[Transports, Transports, Transports]:
        """Of a connection's number: what passes and is answered, what may be and may not, and what is only sent."""
        mask = self.connections.masks[connection]
        answered, doubtful = self.lanes.answered(mask), self.lanes.doubtful(mask)
        one_way = self.lanes.certain(mask) & ~answered & ~doubtful
        return self.alphabet.decode(answered), self.alphabet.decode(doubtful), self.alphabet.decode(one_way)


def _leaves_unknown(network: Network) -> bool:
    """Whether anything may be unknown: policies of other makers, outside hosts by name, two policies of one priority, pods
    without an address where prefixes are asked."""
    asked = [(p.tier, p.priority) for p in network.admin_policies]
    if network.unknown_policies or len(set(asked)) < len(asked):
        return True
    placed = all(e.addresses for e in network.endpoints)
    return any(
        isinstance(p, NamePeer) or (isinstance(p, BlockPeer) and not placed and covers_partly(p)) for p in cuts.policy_peers(network)
    )
