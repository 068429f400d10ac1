"""Columns: every point of a Network, where points that no rule can tell apart are one.

A point is an address of an endpoint, or a part of the outside that lies wholly in or out of every prefix in use. Two
points are one column where they agree in all that any rule could look at: cluster, namespace, the labels that some
selector names, the ports that some rule calls by name, security groups, listeners, the address family, the prefixes they
lie in, and their place in the network. So the table is exact, and its size goes by how different endpoints are and not by
how many there are.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator
from copy import copy
from functools import cached_property
from typing import Protocol as Interface

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from budnet.ir.address import Address, Prefix, Protocol
from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.network import Network
from budnet.packets.addresses import address, edges, number
from budnet.reach import cuts
from budnet.reach.families import families
from budnet.reach.nodes import NOWHERE, SOMEWHERE, Nodes

_V6 = 1 << 32
_END = _V6 + (1 << 128)
NO_ATOM = -1
"""Of an endpoint whose address is not known: no prefix holds it."""
OUTSIDE = -1
FLAT = 0
_TOLD_APART = 2000
"""Up to so many kinds of pods on nodes are told apart by node; of more it is not known who is on which."""

Indices = NDArray[np.intp]
"""Positions: of columns, of rows, of whatever is numbered."""
Bools = NDArray[np.bool_]

NamedPorts = tuple[tuple[str, Protocol, int], ...]


class Shape(Struct, frozen=True):
    """What selectors, named ports and security groups see of an endpoint."""

    cluster: str
    namespace: str
    labels: tuple[tuple[str, str], ...]
    ports: NamedPorts
    pod: bool
    """Whether policies select it: a pod with an address of its own."""
    node: bool
    provided: bool
    """What a VPC gives by itself, its resolver and metadata address: security groups are not asked about it."""
    groups: tuple[str, ...] | None
    """None where security groups are not asked."""
    vpc: str
    on: str = NOWHERE
    """The node that it is on, as `reach.nodes` says it; SOMEWHERE also where there are too many to be told apart."""


class Places(Interface):
    """Where an address is in the network, as a number: what routes, ACLs and gateways see of it."""

    def edges(self) -> Iterable[Prefix]:
        """Prefixes that tell the outside from the inside."""
        ...

    def of(self, endpoint: Endpoint, at: Address) -> int:
        """Of an endpoint's address."""
        ...

    def public(self) -> frozenset[int]:
        """The places of public addresses, which no security group's reference means."""
        ...

    def gateways(self) -> Iterable[tuple[Address, int]]:
        """Addresses that sources may look like, though they are nobody's, with their places."""
        ...

    def outside(self, first: Address) -> int | None:
        """Of the part of the outside that begins with an address; None where no packet comes from or goes to."""
        ...


class Flat:
    """The places of a cluster that nothing more is known of: one, where everybody reaches everybody."""

    def edges(self) -> Iterable[Prefix]:
        """None: the whole world is outside."""
        return ()

    def gateways(self) -> Iterable[tuple[Address, int]]:
        """None."""
        return ()

    def public(self) -> frozenset[int]:
        """None is told apart."""
        return frozenset()

    def of(self, endpoint: Endpoint, at: Address) -> int:
        """The one place."""
        return FLAT

    def outside(self, first: Address) -> int | None:
        """The same."""
        return FLAT


class Columns:
    """The columns of a Network; the outside's are behind those of endpoints.

    `shape`, `family`, `atom` and `place` have one entry a column: an index into `shapes` (-1 outside); 4 or 6; the
    position between the edges of all prefixes; the number that `Places` gave it. `members` lists the endpoints of each column.
    """

    def __init__(self, network: Network, places: Places, cut_at: Iterable[Prefix] = (), own_nodes: bool = True) -> None:
        cut = {*cuts.prefixes(network), *places.edges(), *cut_at}
        self._edges = sorted({0, _V6, _END} | {edge for p in cut for edge in edges(p)})
        self._keys = frozenset(r.key for s in cuts.selectors(network) for r in s)
        self._names = frozenset(p.port for p in cuts.policy_ports(network) if isinstance(p.port, str))
        self._families = families(network)
        self._nodes = Nodes(network)
        kinds = {(id(e.labels), e.namespace, self._nodes.of(e)) for e in network.endpoints} if self._nodes.any else set()
        self._placed = self._nodes.any and own_nodes
        self._by_node = len(kinds) <= _TOLD_APART
        self.shapes: list[Shape] = []
        self.members: list[list[Endpoint]] = []
        self.addresses: list[list[Address]] = []
        keys: dict[tuple[int, ...], int] = {}
        for endpoint, shape in zip(network.endpoints, self._shaped(network.endpoints), strict=True):
            for key, a in self._points(endpoint, shape, places):
                at = keys.get(key)
                if at is None:
                    at = keys[key] = len(self.members)
                    self.members.append([])
                    self.addresses.append([])
                self.members[at].append(endpoint)
                if a is not None:
                    self.addresses[at].append(a)
        self.inside = len(keys)
        """How many columns are endpoints'; the others are the outside's."""
        rows = [(*key[:4],) for key in keys]
        for atom, edge in enumerate(self._edges[:-1]):
            place = places.outside(address(edge))
            if place is not None:
                rows.append((OUTSIDE, 4 if edge < _V6 else 6, atom, place))
        rows += [(OUTSIDE, a.version, self.at(a), place) for a, place in places.gateways()]
        table = np.array(rows, np.int32).reshape(len(rows), 4)
        self.shape, self.family, self.atom, self.place = (np.ascontiguousarray(table[:, i]) for i in range(4))
        self.public = np.isin(self.place, list(places.public()))
        self.provided = np.array([s.provided for s in self.shapes] + [False], bool)[self.shape]
        self.count = len(rows)

    def knows(self, network: Network) -> bool:
        """Whether policies look at no label and at no port's name that columns are not told apart by."""
        keys = {r.key for s in cuts.selectors(network) for r in s}
        names = {p.port for p in cuts.policy_ports(network) if isinstance(p.port, str)}
        return keys <= self._keys and names <= self._names

    def finer(self, prefixes: Iterable[Prefix]) -> tuple[Columns, Indices] | None:
        """The same columns cut at the edges of more prefixes, each with the column that it is a part of; None where none is cut.
        Of a cluster, whose endpoints have no public addresses and are at one place."""
        more = {edge for p in prefixes for edge in edges(p)} - set(self._edges)
        if not more:
            return None
        out = copy(self)
        out._edges = sorted({*self._edges, *more})
        first = [bisect_right(out._edges, edge) - 1 for edge in self._edges]
        parents, atoms = [], []
        out.members, out.addresses = [], []
        for column, atom in enumerate(self.atom.tolist()):
            cut = [NO_ATOM] if atom == NO_ATOM else list(range(first[atom], first[atom + 1]))
            if column < self.inside:
                for at, members, addresses in self._cut(out, column, cut):
                    parents.append(column)
                    atoms.append(at)
                    out.members.append(members)
                    out.addresses.append(addresses)
            else:
                parents += [column] * len(cut)
                atoms += cut
        out.inside, out.count = len(out.members), len(parents)
        of = np.array(parents, np.intp)
        out.shape, out.family, out.place = self.shape[of], self.family[of], self.place[of]
        out.public, out.provided = self.public[of], self.provided[of]
        out.atom = np.array(atoms, np.int32)
        for name in ("of", "unplaced", "of_outside"):
            out.__dict__.pop(name, None)
        return out, of

    def _cut(self, finer: Columns, column: int, atoms: list[int]) -> Iterator[tuple[int, list[Endpoint], list[Address]]]:
        """A column of endpoints by the atoms that it is cut into, with those who are in each."""
        if len(atoms) == 1:
            yield atoms[0], self.members[column], self.addresses[column]
            return
        for atom in atoms:
            mine = [i for i, a in enumerate(self.addresses[column]) if finer.at(a) == atom]
            if mine:
                yield atom, [self.members[column][i] for i in mine], [self.addresses[column][i] for i in mine]

    def _points(self, endpoint: Endpoint, shape: int, places: Places) -> list[tuple[tuple[int, ...], Address | None]]:
        """(what tells it apart, its address) for each address; public ones go with those that they stand for."""
        given = endpoint.addresses
        if given and not endpoint.public:
            return [((shape, a.version, self.at(a), places.of(endpoint, a)), a) for a in given]
        public, own = tuple(self.at(a) for a in endpoint.public), tuple(self.at(a) for a in given)
        found: list[tuple[tuple[int, ...], Address | None]] = []
        found += (((shape, a.version, self.at(a), places.of(endpoint, a), *public), a) for a in given)
        found += (((shape, a.version, self.at(a), places.of(endpoint, a), *own), a) for a in endpoint.public)
        return found if given else [*found, *(((shape, family, NO_ATOM, 0), None) for family in self._families[endpoint.cluster])]

    def shapes_of(self, who: Callable[[Endpoint], bool]) -> set[int]:
        """The shapes that some endpoint of these has."""
        return {shape for shape, members in zip(self.shape.tolist(), self.members, strict=False) if any(map(who, members))}

    def edges_of_columns(self) -> Iterator[int]:
        """For each column a number on the line of addresses that stands for it: every prefix in use has it or has it not."""
        return (self._edges[atom] if atom >= 0 else -1 for atom in self.atom.tolist())

    @cached_property
    def of(self) -> dict[tuple[str, Address], int]:
        """The column of each endpoint's address, public ones included, by the endpoint's id."""
        inside = range(self.inside)
        return {(e.id, a): c for c in inside for e, a in zip(self.members[c], self.addresses[c], strict=False)}

    @cached_property
    def unplaced(self) -> dict[tuple[str, int], int]:
        """The columns of each endpoint whose address is not known, by its id and each family that it may be of."""
        return {(e.id, int(self.family[c])): c for c in range(self.inside) if not self.addresses[c] for e in self.members[c]}

    @cached_property
    def of_outside(self) -> dict[int, int]:
        """The column of each part of the outside, by its position between the edges."""
        return {int(self.atom[c]): c for c in range(self.inside, self.count) if not self.public[c]}

    def at(self, a: Address) -> int:
        """Between which edges an address lies."""
        return bisect_right(self._edges, number(a)) - 1

    def _shaped(self, endpoints: Iterable[Endpoint]) -> Iterator[int]:
        """The shape of each endpoint. Replicas differ in nothing that is hashed here, and share what takes long to hash."""
        raw: dict[tuple[Hashable, ...], int] = {}
        known: dict[Shape, int] = {}
        for e in endpoints:
            listens = e.listeners if self._names else ()
            on = self._on(e) if self._placed else NOWHERE
            key = (e.cluster, e.namespace, id(e.labels), e.kind, e.host_network, e.groups, e.vpc, id(listens), on)
            at = raw.get(key)
            if at is None:
                shape = self._shape(e, on)
                at = known.get(shape)
                if at is None:
                    at = known[shape] = len(self.shapes)
                    self.shapes.append(shape)
                raw[key] = at
            yield at

    def _on(self, e: Endpoint) -> str:
        on = self._nodes.of(e)
        return on if self._by_node or not on else SOMEWHERE

    def _shape(self, e: Endpoint, on: str) -> Shape:
        labels = tuple(pair for pair in e.labels if pair[0] in self._keys)
        pod = e.kind is EndpointKind.POD and not e.host_network
        ports = tuple(
            sorted(((x.name, x.protocol, x.port) for x in e.listeners if x.name in self._names), key=lambda x: (x[0], x[1].value))
        )
        return Shape(
            e.cluster, e.namespace, labels, ports if pod else (), pod, e.kind is EndpointKind.HOST,
            e.kind in (EndpointKind.RESOLVER, EndpointKind.METADATA),
            e.groups if e.vpc and e.filtered else None, e.vpc, on,
        )  # fmt: skip

    def within(self, prefix: Prefix) -> Bools:
        """Which columns lie in a prefix of some rule."""
        first, following = edges(prefix)
        low, high = bisect_right(self._edges, first) - 1, bisect_right(self._edges, following) - 1
        return (self.atom >= low) & (self.atom < high)

    def outside_prefixes(self, columns: Iterable[int]) -> tuple[Prefix, ...]:
        """The addresses that columns of the outside stand for, as the shortest list of prefixes."""
        from ipaddress import summarize_address_range

        parts: list[list[int]] = []
        for column in sorted(columns):
            atom = int(self.atom[column])
            first, following = self._edges[atom], self._edges[atom + 1]
            if parts and parts[-1][1] == first and first != _V6:
                parts[-1][1] = following
            else:
                parts.append([first, following])
        return tuple(p for first, following in parts for p in summarize_address_range(address(first), address(following - 1)))
