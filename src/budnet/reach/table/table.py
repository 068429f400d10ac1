"""A connection for every pair of columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from budnet.collector import paused
from budnet.ir.address import Prefix
from budnet.ir.endpoint import Endpoint
from budnet.ir.filters import BlockPeer, NamePeer, NodePeer
from budnet.ir.network import Network
from budnet.packets.connections import EVERYTHING, NOTHING, Connections, Ids, folded
from budnet.packets.transports import Alphabet, Transports
from budnet.reach import cuts, semantics
from budnet.reach.admission import covers_partly
from budnet.reach.nodes import Nodes
from budnet.reach.table.columns import Bools, Columns, Flat, Indices
from budnet.reach.table.crossing import Crossing, Spoken
from budnet.reach.table.fronts import Fronts
from budnet.reach.table.groups import Groups
from budnet.reach.table.peers import Peers
from budnet.reach.table.rows import RowMaker, Rows
from budnet.reach.table.terms import Slots, Terms
from budnet.reach.tiers import Lanes

if TYPE_CHECKING:
    from budnet.reach.table.wires import Wires

_BLOCK = 128
"""Sources at a time: what is written then stays in the processor's cache."""

Who = Callable[[Endpoint], bool]


class Table:
    """Who may open what to whom: what the one sends out, what the other takes in, and what the network between them carries.

    Only `reach/table/change.py` changes it once it was made. Time goes by distinct rows times columns, memory likewise; pairs
    are worked out in blocks and never kept.
    """

    @paused()
    def __init__(
        self, network: Network, cut_at: Iterable[Prefix] = (), own_nodes: bool = True, ends: tuple[Who, Who] | None = None
    ) -> None:
        """`cut_at`: prefixes at whose edges the outside is cut as well, so that two tables have the same parts of it.
        `own_nodes=False`: what comes from a node's address is what the node forwards, and not its own traffic.
        `ends`: of whom it is asked what they open, and of whom what is opened to them; other endpoints open nothing, and to others
        nothing is opened. Such a table is not changed any more."""
        self.network = network
        self.wires = _wires(network)
        self.columns = Columns(network, self.wires or Flat(), cut_at, own_nodes)
        self.alphabet = Alphabet(cuts.matches(network), cuts.protocols(network))
        self.lanes = Lanes(self.alphabet.all, leaves_unknown(network), bool(network.vpcs))
        self.connections = Connections(self.lanes.all)
        self.slots = Slots(list(network.policies), list(network.admin_policies))
        self.peers = Peers(network, self.columns)
        self.makers = tuple(
            RowMaker(network, self.columns, terms, self.connections, self.columns.shapes_of(who) if who else None)
            for terms, who in zip(self.terms(), ends or (None, None), strict=True)
        )
        self.crossing = Crossing(self.connections, self.egress, self.ingress)
        words = self.lanes.bits // 64
        self._groups_out = Groups(network, self.columns, self.alphabet, words, ingress=False) if self.wires else None
        self._groups_in = Groups(network, self.columns, self.alphabet, words, ingress=True) if self.wires else None
        self._between, self._seen = self._carried()
        self._of_families: Spoken | None = None

    def terms(self) -> tuple[Terms, Terms]:
        """The rules of all policies over these columns: outwards and inwards."""
        out, into = (Terms(self.slots, self.columns, self.peers, self.alphabet, self.lanes, ingress) for ingress in (False, True))
        return out, into

    @property
    def egress(self) -> Rows:
        """What columns send out."""
        return self.makers[False].rows

    @property
    def ingress(self) -> Rows:
        """What columns take in."""
        return self.makers[True].rows

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

    @cached_property
    def _columns_at(self) -> dict[int, Indices]:
        """The columns of each place."""
        order = np.argsort(self.columns.place, kind="stable")
        places, starts = np.unique(self.columns.place[order], return_index=True)
        return dict(zip(places.tolist(), np.split(order, starts[1:]), strict=True))

    # ---- pairs ----------------------------------------------------------------------------------------------------------

    def _codes(self, sources: Indices, among: Bools | None) -> Iterator[tuple[Indices, Indices, Ids]]:
        """(sources, destinations that the network carries to, both policies as one number for each pair)."""
        places = self.columns.place[sources]
        for place in dict.fromkeys(places.tolist()):
            here = sources[places == place]
            carried = self._between[place][self.columns.place] != NOTHING
            there = np.flatnonzero(carried if among is None else carried & among)
            for start in range(0, len(here) if len(there) else 0, _BLOCK):
                block = here[start : start + _BLOCK]
                codes = self.crossing.codes(block, there)
                for at, other in self._as_seen(place, block, there):
                    codes[:, at] += self.crossing.inward(other, there[at]) - self.crossing.inward(block, there[at])
                yield block, there, codes

    def _as_seen(self, place: int, block: Indices, there: Indices) -> Iterator[tuple[Indices, Indices]]:
        """(positions in `there`, a column for each source): destinations that take the source for a NAT gateway or for its
        public address. Their filters are asked about that."""
        for destination, other in self._seen.get(place, {}).items():
            at = np.flatnonzero(self.columns.place[there] == destination)
            if len(at):
                yield at, np.array([self._stands_for(source, other) for source in block.tolist()], np.intp)

    def _stands_for(self, source: int, place: int) -> int:
        """The column of a NAT gateway's public address, or of the source's own."""
        among = self._columns_at[place]
        if len(among) == 1:
            return int(among[0])
        public = {a for e in self.columns.members[source] for a in e.public}
        return next(int(c) for c in among if public & set(self.columns.addresses[c]))

    def blocks(self, sources: Iterable[int] | None = None) -> Iterator[tuple[Indices, Indices, Ids]]:
        """(sources, destinations, connections) in blocks; what is left out is no connection. Sources default to all columns.
        Whether anybody listens is not asked."""
        chosen = np.arange(self.columns.count) if sources is None else np.fromiter(sources, np.intp)
        yield from self._straight(chosen)
        yield from self._relayed(chosen)

    def _relayed(self, chosen: Indices) -> Iterator[tuple[Indices, Indices, Ids]]:
        """The same for connections that a front opens for a client."""
        if self.network.fronts:
            yield from Fronts(self, self._straight).blocks(chosen)

    def _straight(self, chosen: Indices, among: Bools | None = None) -> Iterator[tuple[Indices, Indices, Ids]]:
        """The same for connections that a packet makes on its own way; `among`: which destinations are asked about."""
        for block, there, codes in self._codes(chosen, among):
            found = self.crossing.met(codes)
            yield block, there, self._apart(block, there, found) if self.wires is None else self._through(block, there, found)

    def _apart(self, sources: Indices, there: Indices, found: Ids) -> Ids:
        """Without pairs that never meet."""
        if self._mixed:
            found = self._spoken(found, self.columns.family[there] == 6)
            found[~self.meeting(sources[:, None], there[None, :])] = NOTHING
        else:
            found[np.ix_(sources >= self.columns.inside, there >= self.columns.inside)] = NOTHING
        return found

    def _spoken(self, found: Ids, v6: Bools) -> Ids:
        """Without what there cannot be between addresses of their destinations' families."""
        if self._of_families is None or self._of_families.connections is not self.connections:
            all_ = (self.lanes.known(self.alphabet.over(version)) for version in (4, 6))
            self._of_families = Spoken(self.connections, *all_)
        return self._of_families.of(found, v6)

    def meeting(self, sources: Indices, there: Indices) -> Bools:
        """Which pairs of columns of a cluster could ever meet: not addresses of two families, nor two parts of the outside."""
        one_family: Bools = self.columns.family[sources] * self.columns.family[there] != 24
        return one_family & ((sources < self.columns.inside) | (there < self.columns.inside))

    @cached_property
    def _mixed(self) -> bool:
        return len(set(self.columns.family.tolist())) > 1

    def _through(self, block: Indices, there: Indices, policies: Ids) -> Ids:
        """What is left of what policies let through behind routes, ACLs and groups."""
        assert self._groups_out and self._groups_in
        place = int(self.columns.place[block[0]])
        table = self.connections.table()
        outward, inward = self._groups_out.cells(block, there), self._groups_in.cells(block, there)
        elsewhere = [(at, self._groups_in.cells(other, there[at])) for at, other in self._as_seen(place, block, there)]
        common = inward.folded
        for at, cells in elsewhere:
            common[:, at] = cells.folded
        common &= outward.folded
        carried = self._between[place][self.columns.place[there]]
        over = folded(table)
        rows, columns = np.nonzero(common & over[policies] & over[carried])
        groups = inward.words(rows, columns)
        for at, cells in elsewhere:
            seen = np.flatnonzero(np.isin(columns, at))
            groups[seen] = cells.words(rows[seen], np.searchsorted(at, columns[seen]))
        groups &= outward.words(rows, columns)
        words = table[policies[rows, columns]] & table[carried[columns]]
        lanes = words.reshape(len(words), self.lanes.count, self.lanes.bits // 64)
        lanes &= groups[:, None, :]
        out = np.zeros(policies.shape, np.int32)
        out[rows, columns] = self.connections.numbers(words)
        return out

    def alike(self, columns: Sequence[int]) -> bool:
        """Whether others' policies treat some columns, addresses of one endpoint, as one."""
        here = list(columns)
        return all(bool((rows.ids[:, here] == rows.ids[:, here[:1]]).all()) for rows in (self.egress, self.ingress))

    def arriving(self, sources: Iterable[int]) -> dict[int, list[tuple[int, int]]]:
        """(destination, connection) of each source column, where there is any: the pairs of `blocks` that are something."""
        out: dict[int, list[tuple[int, int]]] = {}
        for block, there, found in self.blocks(sorted(sources)):
            for row, source in zip(found, block.tolist(), strict=True):
                at = np.flatnonzero(row)
                out.setdefault(source, []).extend(zip(there[at].tolist(), row[at].tolist(), strict=True))
        return out

    def between(self, sources: Indices, there: Indices) -> Ids:
        """The connection of each of some columns with each of some others, shape (sources, there)."""
        row, place = (np.full(self.columns.count, -1, np.intp) for _ in range(2))
        row[sources], place[there] = np.arange(len(sources)), np.arange(len(there))
        out = np.zeros((len(sources), len(there)), np.int32)
        for block, reached, found in self._straight(sources, place >= 0):
            out[np.ix_(row[block], place[reached])] = found
        for block, reached, found in self._relayed(sources):
            for column, ways in zip(place[reached].tolist(), found.T, strict=True):
                if column >= 0:  # several ways may lead to one column
                    out[row[block], column] = self.connections.join(out[row[block], column], ways)
        return out

    def either(self, one: int, other: int) -> int:
        """The union of two connections, by number."""
        return self.connections.id(self.connections.masks[one] | self.connections.masks[other])

    def sets(self, connection: int) -> tuple[Transports, Transports, Transports]:
        """Of a connection's number: what passes and is answered, what may be and may not, and what is only sent."""
        mask = self.connections.masks[connection]
        answered, doubtful = self.lanes.answered(mask), self.lanes.doubtful(mask)
        one_way = self.lanes.certain(mask) & ~answered & ~doubtful
        return self.alphabet.decode(answered), self.alphabet.decode(doubtful), self.alphabet.decode(one_way)


def _wires(network: Network) -> Wires | None:
    if not network.vpcs:
        return None
    from budnet.reach.table.wires import Wires  # which has all of `reach/path.py` behind it, and clusters need none of it

    return Wires(network)


def leaves_unknown(network: Network) -> bool:
    """Whether anything may be unknown: policies of other makers, outside hosts by name, two policies of one priority, labels of
    namespaces, pods without an address where prefixes are asked, and nodes, where some pod's is not known or a cluster-wide policy
    denies."""
    nodes = Nodes(network)
    if nodes.any and (network.policies or network.admin_policies):
        return True
    asked = [(p.tier, p.priority) for p in network.admin_policies]
    if network.unknown_policies or len(set(asked)) < len(asked):
        return True
    vague = [s for s in semantics.spaces(network).values() if not s.known]
    if vague and any(semantics.in_space(selector, s) == semantics.PERHAPS for selector in cuts.space_selectors(network) for s in vague):
        return True
    placed = all(e.addresses for e in network.endpoints)
    return any(
        isinstance(p, NamePeer) or (not placed and (isinstance(p, NodePeer) or (isinstance(p, BlockPeer) and covers_partly(p))))
        for p in dict.fromkeys(cuts.policy_peers(network))
    )
