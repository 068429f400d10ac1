"""What differs between two networks of which at least one was observed: by workload, over two tables with the same parts
of the outside, and which object made the difference.

A workload is known again by namespace, name and kind. Beside a file of our own, where a service has no kind, by namespace and
name; what else the file has, its machines and its other clusters, has no counterpart and is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from budnet.ir.address import Prefix
from budnet.ir.called import workload
from budnet.ir.endpoint import Endpoint
from budnet.ir.network import Network
from budnet.packets.addresses import address
from budnet.packets.connections import Ids
from budnet.packets.transports import Transports
from budnet.reach import cuts, diff_ways, semantics
from budnet.reach.diff_edits import Edits
from budnet.reach.diff_rows import NOTHING, Numbers, Sets, differing
from budnet.reach.diff_traced import CLOSED, OPENED, Traced
from budnet.reach.difference import WAS_UNKNOWN, Change, Difference, Matched
from budnet.reach.engine import Engine
from budnet.reach.points import Point, outside_label
from budnet.reach.table.columns import Bools
from budnet.reach.table.grouped import Party, by_source
from budnet.reach.table.table import Table

_Key = str | int
"""A workload's or a pod's name; of a part of the outside the first address of it, as a number."""


def diff_table(old: Network, new: Network) -> Difference:
    """What `new` opens and closes against `old`, whoever listens, and what becomes or ceases to be unknown."""
    clusters = not old.vpcs and not new.vpcs
    name = _names(old, new)
    before, after = _Side(old, new, name), _Side(new, old, name)
    split = before.uneven() | after.uneven()
    sides = before.parties(split), after.parties(split)
    asked = sorted({*sides[0], *sides[1]} if clusters else _shared(before, after, sides), key=_order)
    why = Edits(old, new) if clusters else None
    opened, closed, unknown = (
        _Rows(one, why or Traced(one.network, other.network, words, one.points))
        for one, other, words in ((after, before, OPENED), (before, after, CLOSED), (after, before, OPENED))
    )
    numbers = Numbers()
    several = np.array([all(k in parties and parties[k].several for parties in sides) for k in asked], bool)
    rows = (side.rows([parties.get(k) for k in asked], numbers, several) for side, parties in zip((before, after), sides, strict=True))
    for source, there, was, now in differing(*rows):
        one, other, key = numbers.sets[was], numbers.sets[now], (asked[source], asked[there])
        opened.add(key, other[0] - one[0], _kind(one))
        closed.add(key, one[0] - other[0], _kind(other))
        closed.add(key, one[1] - other[1] - other[0], WAS_UNKNOWN)
        unknown.add(key, other[1] - one[1], _kind(one))
    ways = diff_ways.of_clusters(old, new, why) if why else diff_ways.of_both_kinds(old, new, before.shared(after), after.shared(before))
    return Difference(opened.rows(), closed.rows(), (), unknown.rows(), _matched(before, after, clusters), ways)


def _kind(other: Sets) -> str:
    """Of a change, by what the other network has."""
    return "changed" if any(other) else "new"


def _matched(before: _Side, after: _Side, clusters: bool) -> Matched:
    how = "namespace, name and kind" if clusters else "namespace and name"
    old, new = before.services, after.services
    return Matched(how, len(old & new), tuple(sorted(old - new)), tuple(sorted(new - old)))


def _shared(before: _Side, after: _Side, sides: Iterable[Iterable[_Key]]) -> set[_Key]:
    """Of a file and a cluster what both have."""
    outside, inside = before.parts & after.parts, before.services & after.services
    return {k for keys in sides for k in keys if (k in outside if isinstance(k, int) else k.partition(" ")[0] in inside)}


def _order(key: _Key) -> tuple[bool, str]:
    """Workloads by name, then the outside by address."""
    return (True, f"{key:040}") if isinstance(key, int) else (False, key)


def _names(old: Network, new: Network) -> Callable[[Endpoint], str]:
    """What a workload is called on both sides; empty for what has no counterpart."""
    if not old.vpcs and not new.vpcs:
        return lambda e: e.service
    ours = old if old.vpcs else new
    theirs = {_short(e) for e in (new if old.vpcs else old).endpoints}
    shared = Counter(e.cluster for e in ours.endpoints if e.namespace and _short(e) in theirs)
    cluster = max(shared, key=lambda c: (shared[c], c), default="")
    others = {c.id for c in ours.clusters} - {cluster}
    return lambda e: _short(e) if e.namespace and e.cluster not in others else ""


def _short(e: Endpoint) -> str:
    return f"{e.namespace}/{workload(e.service)}"


class _Side:
    """One of the two networks, as cells between what both call the same."""

    def __init__(self, network: Network, other: Network, name: Callable[[Endpoint], str]) -> None:
        around = (
            p for n in (network, other) if n.vpcs for p in (*(p for v in n.vpcs for p in v.prefixes), *semantics.NOT_PUBLIC.prefixes())
        )
        self.name = name
        self.network, self.table = network, Table(network, cut_at={*cuts.prefixes(other), *around})
        self._columns: dict[str, dict[str, list[int]]] = {}
        for column, members in enumerate(self.table.columns.members):
            for endpoint in members:
                if name(endpoint):
                    self._columns.setdefault(name(endpoint), {}).setdefault(endpoint.id, []).append(column)
        edges = list(self.table.columns.edges_of_columns())
        outside = range(self.table.columns.inside, self.table.columns.count)
        self._outside = {edges[c]: c for c in outside if not self.table.columns.public[c]}

    @property
    def parts(self) -> set[int]:
        """Of the outside."""
        return set(self._outside)

    @property
    def services(self) -> set[str]:
        """The names of all workloads."""
        return set(self._columns)

    def shared(self, other: _Side) -> dict[str, str]:
        """By its own name what both call a workload that the other has as well."""
        return {e.service or e.id: self.name(e) for e in self.network.endpoints if self.name(e) in other.services}

    def points(self, engine: Engine, key: _Key) -> list[Point]:
        """Who is meant by a key, in an engine of this network or of the other one."""
        if isinstance(key, int):
            some = address(key)
            return [p for p in engine.points if p.endpoint is None and some in p.members]
        service, _, pod = key.partition(" ")
        ends = [e for e in engine.network.endpoints if self.name(e) == service and (not pod or e.id == pod)]
        return [p for e in ends for p in engine.interfaces[e.id]]

    def uneven(self) -> set[str]:
        """Workloads whose pods do not fare alike."""
        return {service for service, pods in self._columns.items() if len({tuple(c) for c in pods.values()}) > 1}

    def parties(self, split: set[str]) -> dict[_Key, Party]:
        """Whom rows are about: workloads, those in `split` by their pods, and parts of the outside."""
        out: dict[_Key, Party] = {}
        several = set(self.network.several)
        for service, pods in self._columns.items():
            if service in split:
                out |= {f"{service} {i}": Party(i, tuple(columns), several=i in several) for i, columns in pods.items()}
            else:
                out[service] = Party(service, tuple(next(iter(pods.values()))), several=len(pods) > 1 or not several.isdisjoint(pods))
        return out | {edge: Party(str(edge), (column,)) for edge, column in self._outside.items()}

    def rows(self, asked: Sequence[Party | None], numbers: Numbers, several: Bools) -> Iterator[tuple[int, Ids]]:
        """(source, what passes to each of those asked about) of each that something passes from, as `numbers` says it. By places in
        `asked`, where None is somebody whom only the other network has. `several`: whose pods are asked about each other."""
        at = np.array([i for i, party in enumerate(asked) if party is not None], np.intp)
        spelt = numbers.of(lambda connection: self.table.sets(connection)[:2])
        for source, there, found in by_source(self.table, [p for p in asked if p is not None]):
            row = np.zeros(len(asked), np.int32)
            row[at[there]] = spelt(found)
            if not several[at[source]]:
                row[at[source]] = NOTHING
            yield int(at[source]), row

    def prefixes(self, parts: Iterable[int]) -> tuple[Prefix, ...]:
        """Of parts of the outside."""
        return self.table.columns.outside_prefixes(self._outside[p] for p in parts if p in self._outside)


class _Rows:
    """Collects changes; parts of the outside of one family with one and the same change become one row."""

    def __init__(self, side: _Side, why: Edits | Traced) -> None:
        self.side, self.why = side, why
        self._found: dict[tuple[_Key | None, _Key | None, Transports, str, int], list[int]] = {}

    def add(self, key: tuple[_Key, _Key], transports: Transports, kind: str) -> None:
        """A cell, or a part of it."""
        if transports:
            inside = [None if isinstance(k, int) else k for k in key]
            outside = [k for k in key if isinstance(k, int)]
            family = address(outside[0]).version if outside else 0
            self._found.setdefault((inside[0], inside[1], transports, kind, family), []).extend(outside)

    def rows(self) -> tuple[Change, ...]:
        """All of them."""
        return tuple(self._row(*key[:4], parts) for key, parts in self._found.items())

    def _row(self, src: _Key | None, dst: _Key | None, transports: Transports, kind: str, parts: list[int]) -> Change:
        prefixes = self.side.prefixes(parts)
        label = outside_label(prefixes) if prefixes else ""
        if isinstance(self.why, Edits):
            causes = self.why.about(*(None if k is None else str(k).partition(" ")[0] for k in (src, dst)))
        else:
            some = parts[0] if parts else 0
            causes = self.why.causes(some if src is None else src, some if dst is None else dst, transports)
        return Change(_shown(src, label), _shown(dst, label), transports, kind, causes, prefixes)


def _shown(key: _Key | None, outside: str) -> str:
    """A pod of a workload whose pods differ is called by its own name."""
    return outside if key is None else str(key).rpartition(" ")[2]
