"""Guarantees about a network that was not written in budnet's language: proved over the table, for any number of pods.

`reach/prove.py` asks pairs of addresses, and where a file declares flows it asks about those as well. Here there are none,
and columns stand for many pods: a guarantee is looked at once for each pair of columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from budnet.ir.endpoint import Endpoint
from budnet.ir.intent import Guarantee, GuaranteeKind, Side
from budnet.ir.network import Network
from budnet.packets.addresses import AddressSet, address
from budnet.reach import semantics
from budnet.reach.engine import Engine
from budnet.reach.points import Point
from budnet.reach.proof import Packet, Proof, Status
from budnet.reach.prove import by_use, sentence
from budnet.reach.table.table import Table
from budnet.reach.trace import trace

_Members = dict[int, list[Endpoint]]
"""Of columns inside, the endpoints that are meant; nothing of columns outside, which are meant as a whole."""
_Found = tuple[int, int, int]
"""(source's column, destination's column, ports that are wrong)."""


def prove_cluster(network: Network) -> list[Proof]:
    """The guarantees of a Network, in their order. A proof that fails has a packet; one that is unknown has one, too, and
    its trace names what is not modelled."""
    narrowed = replace(network, guarantees=tuple(_public(g) for g in network.guarantees))
    prover = _Prover(narrowed)
    return [prover.prove(g) for g in narrowed.guarantees]


def _public(guarantee: Guarantee) -> Guarantee:
    """`internet` is every address there, and no private one: those around a cluster may be anybody's."""

    def narrowed(side: Side) -> Side:
        if not any(p.prefixlen == 0 for p in side.prefixes):
            return side
        return replace(side, prefixes=tuple((AddressSet.of(side.prefixes) - semantics.NOT_PUBLIC).prefixes()))

    return replace(guarantee, sources=narrowed(guarantee.sources), destinations=narrowed(guarantee.destinations))


class _Prover:
    def __init__(self, network: Network) -> None:
        self.network, self.table = network, Table(network)
        self.columns = self.table.columns
        self._engine: Engine | None = None

    def prove(self, guarantee: Guarantee) -> Proof:
        """One of them."""
        proof = Proof(guarantee.id, Status.PROVED, sentence(guarantee), guarantee.origin, guarantee.because)
        if guarantee.kind is GuaranteeKind.ENCRYPTED:
            return replace(proof, status=Status.UNKNOWN, summary=f"{proof.summary}: manifests do not say what is spoken on a port")
        sources, targets = self._side(guarantee.sources), self._side(guarantee.destinations)
        if guarantee.kind is GuaranteeKind.ONLY:
            sources = self._others(sources)
        count, doubt = 0, None
        for surely, perhaps, pairs in self._wrong(guarantee, sources, targets):
            count += pairs
            if surely is not None:
                return self._failed(proof, Status.REFUTED, surely, sources, targets)
            doubt = doubt or perhaps
        if doubt is not None:
            return self._failed(proof, Status.UNKNOWN, doubt, sources, targets)
        return replace(proof, count=count)

    def _wrong(self, guarantee: Guarantee, sources: _Members, targets: _Members) -> Iterator[tuple[_Found | None, _Found | None, int]]:
        """(what is wrong, what may be, how many pairs of pods and parts of the outside were looked at), by pair of columns."""
        lanes, alphabet = self.table.lanes, self.table.alphabet
        wanted = 0
        for match in guarantee.matches:
            wanted |= alphabet.mask(match)
        wanted = wanted or alphabet.all
        for source, target, connection in self._cells(sources, targets):
            pairs = self._pairs(sources[source], targets[target], source, target)
            if not pairs:
                continue
            mask = self.table.connections.masks[connection]
            if guarantee.kind is GuaranteeKind.REACHES:
                certain = lanes.answered(mask)
                surely, perhaps = wanted & ~certain & ~lanes.doubtful(mask), wanted & lanes.doubtful(mask)
            else:
                surely, perhaps = wanted & lanes.certain(mask), wanted & lanes.doubtful(mask)
            yield (source, target, surely) if surely else None, (source, target, perhaps) if perhaps else None, pairs

    def _cells(self, sources: _Members, targets: _Members) -> Iterator[tuple[int, int, int]]:
        """Every pair of columns that could speak to each other, with its connection, which may be none."""
        wanted = np.zeros(self.columns.count, bool)
        wanted[list(targets)] = True
        families = self.columns.family.tolist()
        for block, there, found in self.table.blocks(sorted(sources)):
            at = np.flatnonzero(wanted[there])
            for row, source in enumerate(block.tolist()):
                for position in at.tolist():
                    target = int(there[position])
                    inside = source < self.columns.inside or target < self.columns.inside
                    if inside and {families[source], families[target]} != {4, 6}:
                        yield source, target, int(found[row, position])

    def _pairs(self, sources: list[Endpoint], targets: list[Endpoint], source: int, target: int) -> int:
        """How many there are of two columns; nobody is a pair with itself."""
        here = {e.id for e in sources} if source < self.columns.inside else {""}
        there = {e.id for e in targets} if target < self.columns.inside else {""}
        return len(here) * len(there) - len(here & there)

    # ---- who is meant ---------------------------------------------------------------------------------------------------

    def _side(self, side: Side) -> _Members:
        ids, out = set(side.endpoints), dict[int, list[Endpoint]]()
        if ids:
            for column in range(self.columns.inside):
                found = [e for e in self.columns.members[column] if e.id in ids]
                if found:
                    out[column] = found
        outside = np.zeros(self.columns.count, bool)
        for prefix in side.prefixes:
            outside |= self.columns.within(prefix)
        out.update((c, []) for c in range(self.columns.inside, self.columns.count) if outside[c])
        return out

    def _others(self, side: _Members) -> _Members:
        out = {}
        for column in range(self.columns.count):
            if column >= self.columns.inside:
                if column not in side:
                    out[column] = list[Endpoint]()
                continue
            meant = {e.id for e in side.get(column, ())}
            found = [e for e in self.columns.members[column] if e.id not in meant]
            if found:
                out[column] = found
        return out

    # ---- an example -----------------------------------------------------------------------------------------------------

    def _failed(self, proof: Proof, status: Status, found: _Found, sources: _Members, targets: _Members) -> Proof:
        source, target, bits = found
        here, there = self._points(source, sources[source]), self._points(target, targets[target])
        pair = next((a, b) for a in here for b in there if a.endpoint is None or a.endpoint is not b.endpoint)
        protocol, ports = next(by_use(self.table.alphabet.decode(bits)))
        packet = Packet(*pair, protocol, max(ports.first, 1))
        followed = trace(self.engine, packet.source, packet.destination, packet.protocol, packet.port)
        return replace(proof, status=status, packet=packet, trace=followed)

    def _points(self, column: int, members: list[Endpoint]) -> list[Point]:
        """The points of a column, of its family."""
        if column >= self.columns.inside:
            edge = address(list(self.columns.edges_of_columns())[column])
            return [p for p in self.engine.points if p.endpoint is None and edge in p.members]
        family = int(self.columns.family[column])
        return [p for e in members for p in self.engine.interfaces[e.id] if not family or p.address.version == family]

    @property
    def engine(self) -> Engine:
        """Made when an example is asked for: most proofs need none."""
        if self._engine is None:
            self._engine = Engine(self.network)
        return self._engine
