"""All pairs of our own networks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from budnet.errors import WrongQuestion
from budnet.ir.network import Network
from budnet.packets.connections import Ids
from budnet.packets.transports import Transports
from budnet.questions.matrix import NOTHING, Sets
from budnet.questions.outside import meant
from budnet.reach.engine import Engine
from budnet.reach.matrix import Row, asked, matrix, receivers, senders
from budnet.reach.points import Point, PointKind
from budnet.reach.table.columns import Bools, Indices
from budnet.reach.trace import find


class Own:
    """By endpoint and by public address, with who listens. See `questions.matrix.Pairs`."""

    def __init__(self, network: Network, together: bool, own: bool) -> None:
        self._engine, self.endpoints = Engine(network), len(network.inside)
        self.labels = [*dict.fromkeys(p.label for p in self._engine.points)]
        self.both: list[str] = []  # `prove` asks every flow in each family
        self.outside = {p.label: p.members.prefixes() for p in self._engine.points if p.kind is PointKind.OUTSIDE and p.endpoint is None}
        self._within: dict[str, str] = {}
        self._at = {label: i for i, label in enumerate(self.labels)}
        self._numbers: dict[Sets, int] = {NOTHING: 0}
        self._sets = [NOTHING]
        self._found: dict[int, dict[int, int]] = {}
        for row in matrix(self._engine):
            self._found.setdefault(self._at[row.src], {})[self._at[row.dst]] = self._number(row)
        self._can = self._possible()
        self.several = np.zeros(len(self.labels), bool)
        if together:
            self._join(network, own)

    def _number(self, row: Row) -> int:
        sets = row.allowed, Transports(), row.one_way
        known = self._numbers.get(sets)
        if known is None:
            known = self._numbers[sets] = len(self._sets)
            self._sets.append(sets)
        return known

    def _possible(self) -> tuple[dict[int, list[Point]], dict[int, list[Point]]]:
        """Who may send and who may receive, by label."""
        found: list[dict[int, list[Point]]] = []
        for points in (senders(self._engine), receivers(self._engine)):
            found.append({})
            for p in points:
                found[-1].setdefault(self._at[p.label], []).append(p)
        return found[0], found[1]

    def _join(self, network: Network, own: bool) -> None:
        """Replicas that fare alike, as sources and as destinations, under their service's name."""
        kinds: dict[str, list[int]] = {}
        for e in network.inside:
            if e.id in self._at and e.id.rpartition("-")[2].isdigit():
                kinds.setdefault(e.id.rpartition("-")[0], []).append(self._at[e.id])
        arriving: dict[int, dict[int, int]] = {}
        for s, row in self._found.items():
            for d, c in row.items():
                arriving.setdefault(d, {})[s] = c
        gone: set[int] = set()
        several: set[int] = set()
        for name, ids in kinds.items():
            group = set(ids)
            looks = {
                tuple(frozenset((k, v) for k, v in side.get(i, {}).items() if k not in group) for side in (self._found, arriving))
                for i in ids
            }
            within = {self._found.get(i, {}).get(j, 0) for i in ids for j in ids if i != j}
            if len(looks) == 1 and len(within) <= 1 and len(ids) > 1:
                gone |= group - {ids[0]}
                several.add(ids[0])
                self._found.setdefault(ids[0], {})[ids[0]] = within.pop()
                self._within |= {self.labels[i]: name for i in ids}
                self.labels[ids[0]] = name
        left = [i for i in range(len(self.labels)) if i not in gone]
        new = {old: at for at, old in enumerate(left)}
        self.labels = [self.labels[i] for i in left]
        self.several = np.array([own and i in several for i in left], bool)
        self._found = {new[s]: {new[d]: c for d, c in row.items() if c and d in new} for s, row in self._found.items() if s in new}
        self._can = tuple({new[i]: p for i, p in side.items() if i in new} for side in self._can)  # type: ignore[assignment]

    def by_source(self, chosen: Bools) -> Iterator[tuple[int, Indices, Ids]]:
        """From the rows, which are few."""
        for source in sorted(self._found):
            if chosen[source]:
                row = sorted(self._found[source].items())
                yield source, np.array([d for d, _ in row], np.intp), np.array([c for _, c in row], np.int32)

    def sets(self, connection: int) -> Sets:
        """Of a connection's number."""
        return self._sets[connection]

    def why(self, source: int, destination: int) -> str:
        """Nothing is unknown in a network that is all described."""
        return ""

    def asked(self, source: int) -> Bools:
        """As `reach.matrix.asked` says it of two points."""
        found = np.zeros(len(self.labels), bool)
        for destination, points in self._can[1].items():
            found[destination] = any(asked(a, b) for a in self._can[0].get(source, ()) for b in points)
        found[source] |= self.several[source]
        return found

    def meant(self, text: str) -> Iterable[str]:
        """Points as `reach` finds them; of a prefix the parts of the outside that it has some of."""
        try:
            points = find(self._engine, text)
        except ValueError as reason:
            raise WrongQuestion(str(reason)) from None
        return [self._within.get(p.label, p.label) for p in points if p.kind is not PointKind.OUTSIDE or p.endpoint] + meant(
            text, self.outside
        )
