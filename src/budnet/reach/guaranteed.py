"""Guarantees about a network that was not written in budnet's language: proved over the table, for any number of pods.

`reach/prove.py` asks pairs of addresses, and where a file declares flows it asks about those as well. Here there are none,
and columns stand for many pods: a guarantee is looked at once for each pair of columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.intent import Guarantee, GuaranteeKind, Side
from budnet.ir.network import Network
from budnet.packets.addresses import AddressSet, address
from budnet.reach import semantics
from budnet.reach.engine import Engine
from budnet.reach.handed_on import HandedOn
from budnet.reach.points import Point
from budnet.reach.proof import Packet, Proof, Status
from budnet.reach.prove import one_of, sentence
from budnet.reach.table.change import Change, change
from budnet.reach.table.columns import Columns
from budnet.reach.table.table import Table
from budnet.reach.trace import trace
from budnet.records import replace

_Members = dict[int, list[Endpoint]]
"""Of columns inside, the endpoints that are meant; nothing of columns outside, which are meant as a whole."""
_Found = tuple[int, int, int]
"""(source's column, destination's column, ports that are wrong)."""


def prove_cluster(network: Network) -> list[Proof]:
    """The guarantees of a Network, in their order. A proof that fails has a packet; one that is unknown has one, too, and
    its trace names what is not modelled."""
    return list(Prover(network).proofs)


@dataclass(frozen=True, slots=True)
class Again:
    """What came of an edit: the positions of the guarantees that were asked again, and which pairs of columns it changed; None
    where a new table had to be made."""

    asked: tuple[int, ...]
    change: Change | None


def _narrowed(network: Network) -> Network:
    return replace(network, guarantees=tuple(_public(g) for g in network.guarantees))


def _public(guarantee: Guarantee) -> Guarantee:
    """`internet` is every address there, and no private one: those around a cluster may be anybody's."""

    def narrowed(side: Side) -> Side:
        if not any(p.prefixlen == 0 for p in side.prefixes):
            return side
        return replace(side, prefixes=tuple((AddressSet.of(side.prefixes) - semantics.NOT_PUBLIC).prefixes()))

    return replace(guarantee, sources=narrowed(guarantee.sources), destinations=narrowed(guarantee.destinations))


class Prover:
    """The proofs of a Network's guarantees. After an edit of policies only those are asked again that it can touch."""

    def __init__(self, network: Network) -> None:
        self._start(network)

    def _start(self, network: Network) -> None:
        self.network = _narrowed(network)
        self.table = Table(self.network)
        self._known: dict[int, tuple[_Members, _Members]] = {}
        self._handed_on: HandedOn | None = None
        guarantees = self.network.guarantees
        self._led_to = {at for at, each in enumerate(guarantees) if HandedOn.concerns(self.network, each)}
        self.proofs = [self._prove(at) for at in range(len(guarantees))]

    def edit(self, network: Network) -> Again:
        """The same for a network that has been edited."""
        columns, now = self.columns, _narrowed(network)
        found = change(self.table, now)
        if found is None:
            self._start(network)
            return Again(tuple(range(len(self.proofs))), None)
        self.network = now
        if self.columns is not columns:
            self._known.clear()
        self._handed_on = None
        # why something does not hold may be another reason now, though no pair has changed
        asked = [
            at
            for at in range(len(self.proofs))
            if self.proofs[at].status is not Status.PROVED or at in self._led_to or self._touched(at, found)
        ]
        for at in asked:
            self.proofs[at] = self._prove(at)
        return Again(tuple(asked), found)

    def _touched(self, at: int, found: Change) -> bool:
        """Whether a guarantee is about some pair that has changed."""
        here, there = np.zeros((2, self.columns.count), bool)
        sources, targets = self._sides(at)
        here[list(sources)] = there[list(targets)] = True
        return bool((here[found.sources] & there[found.destinations]).any())

    @property
    def columns(self) -> Columns:
        """Those of the table."""
        return self.table.columns

    def _prove(self, at: int) -> Proof:
        """One of them."""
        guarantee = self.network.guarantees[at]
        proof = Proof(guarantee.id, Status.PROVED, sentence(guarantee), guarantee.origin, guarantee.because)
        if guarantee.kind is GuaranteeKind.ENCRYPTED:
            return replace(proof, status=Status.UNKNOWN, note="manifests do not say what is spoken on a port")
        sources, targets = self._sides(at)
        count, doubt = 0, None
        for surely, perhaps, pairs in self._wrong(guarantee, sources, targets):
            count += pairs
            if surely is not None:
                return self._failed(proof, Status.REFUTED, surely, sources, targets)
            doubt = doubt or perhaps
        if doubt is not None:
            return self._failed(proof, Status.UNKNOWN, doubt, sources, targets)
        doubtful = self._ways().doubt(guarantee) if at in self._led_to and guarantee.kind is not GuaranteeKind.REACHES else ""
        return replace(proof, count=count, status=Status.UNKNOWN if doubtful else Status.PROVED, note=doubtful or self._beside(at))

    def _beside(self, at: int) -> str:
        """What has to be known of an answer about the outside."""
        guarantee = self.network.guarantees[at]
        asked = at in self._led_to or guarantee.kind is GuaranteeKind.REACHES
        return self._ways().beside(guarantee) if asked else ""

    def _ways(self) -> HandedOn:
        """As the policies are now."""
        if self._handed_on is None:
            self._handed_on = HandedOn(self.network, [self.network.guarantees[at] for at in sorted(self._led_to)])
        return self._handed_on

    def _sides(self, at: int) -> tuple[_Members, _Members]:
        """Between whom something must or must not pass."""
        if at not in self._known:
            guarantee = self.network.guarantees[at]
            sources, targets = self._side(guarantee.sources), self._side(guarantee.destinations)
            self._known[at] = (self._others(sources), targets) if guarantee.kind is GuaranteeKind.ONLY else (sources, targets)
        return self._known[at]

    def _wrong(self, guarantee: Guarantee, sources: _Members, targets: _Members) -> Iterator[tuple[_Found | None, _Found | None, int]]:
        """(what is wrong, what may be, how many pairs of pods and parts of the outside were looked at), by pair of columns."""
        lanes, alphabet = self.table.lanes, self.table.alphabet
        wanted = 0
        for match in guarantee.matches:
            wanted |= alphabet.mask(match)
        if not guarantee.matches:
            wanted = alphabet.all
        spoken = {version: alphabet.over(version) for version in (4, 6)}
        for source, target, connection in self._cells(sources, targets):
            pairs = self._pairs(sources[source], targets[target], source, target)
            if not pairs:
                continue
            mask = self.table.connections.masks[connection]
            if guarantee.kind is GuaranteeKind.REACHES:
                certain = lanes.answered(mask)
                asked = wanted & spoken[int(self.columns.family[target])]
                surely, perhaps = asked & ~certain & ~lanes.doubtful(mask), asked & lanes.doubtful(mask)
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
        """How many there are of two columns; nobody is a pair with itself, unless it stands for several pods."""
        here = {e.id for e in sources} if source < self.columns.inside else {""}
        there = {e.id for e in targets} if target < self.columns.inside else {""}
        return len(here) * len(there) - len((here & there).difference(self.network.several))

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
        engine = self._engine_of([*sources[source], *targets[target]])
        here, there = self._points(engine, source, sources[source]), self._points(engine, target, targets[target])
        several = self.network.several
        pair = next((a, b) for a in here for b in there if a.endpoint is None or a.endpoint is not b.endpoint or a.endpoint.id in several)
        packet = Packet(*pair, *one_of(self.table.alphabet.decode(bits)))
        followed = trace(engine, packet.source, packet.destination, packet.protocol, packet.port)
        return replace(proof, status=status, packet=packet, trace=followed)

    def _points(self, engine: Engine, column: int, members: list[Endpoint]) -> list[Point]:
        """The points of a column, of its family."""
        if column >= self.columns.inside:
            edge = address(list(self.columns.edges_of_columns())[column])
            return [p for p in engine.points if p.endpoint is None and edge in p.members]
        family = int(self.columns.family[column])
        return [p for e in members for p in engine.interfaces[e.id] if p.address.version == family]

    def _engine_of(self, members: list[Endpoint]) -> Engine:
        """Of as much of the network as can matter between some pods: themselves, the policies of their namespaces, and nodes,
        which peers may mean."""
        ids, spaces = {e.id for e in members}, {(e.cluster, e.namespace) for e in members}
        return Engine(replace(
            self.network, policies=tuple(p for p in self.network.policies if (p.cluster, p.namespace) in spaces),
            endpoints=tuple(e for e in self.network.endpoints if e.id in ids or e.kind is EndpointKind.HOST),
        ))  # fmt: skip
