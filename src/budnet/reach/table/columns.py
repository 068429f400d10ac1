"""Columns: every point of a Network, where points that no rule can tell apart are one.

A point is an address of an endpoint, or a part of the outside that lies wholly in or out of every prefix in use. Two
points are one column where they agree in all that any rule could look at: cluster, namespace, the labels that some
selector names, the ports that some rule calls by name, the address family, and the prefixes they lie in. So the table
is exact, and its size goes by how different pods are and not by how many there are.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from budnet.ir.address import Prefix, Protocol
from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.filters import BlockPeer, NamePeer, NodePeer, PodPeer, PolicyPort, Selector
from budnet.ir.network import Network
from budnet.packets.addresses import address, number, span

_V6 = 1 << 32
_END = _V6 + (1 << 128)
NO_ATOM = -1
"""Of an endpoint whose address is not known: no prefix holds it."""
ANY_FAMILY = 0

NamedPorts = tuple[tuple[str, Protocol, int], ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """What selectors and named ports see of an endpoint."""

    cluster: str
    namespace: str
    labels: tuple[tuple[str, str], ...]
    ports: NamedPorts
    pod: bool
    """Whether policies select it: a pod with an address of its own."""
    node: bool


class Columns:
    """The columns of a Network; the outside's are behind those of endpoints.

    `shape`, `family` and `atom` have one entry a column; `shape` is an index into `shapes`, -1 outside; `family` is 4, 6 or
    0 (not known); `atom` is the place between the edges of all prefixes. `members` lists the endpoints of each column.
    """

    def __init__(self, network: Network) -> None:
        blocks = [p for p in peers_of(network) if isinstance(p, BlockPeer)]
        self._edges = sorted({0, _V6, _END} | {edge for b in blocks for p in (b.prefix, *b.without) for edge in _edges(p)})
        self._keys = frozenset(r.key for s in selectors_of(network) for r in s)
        self._names = frozenset(p.port for p in ports_of(network) if isinstance(p.port, str))
        self.shapes: list[Shape] = []
        self.members: list[list[Endpoint]] = []
        columns: dict[tuple[int, int, int], int] = {}
        for endpoint, shape in zip(network.endpoints, self._shaped(network.endpoints), strict=True):
            for family, atom in self._places(endpoint):
                key = (shape, family, atom)
                at = columns.get(key)
                if at is None:
                    at = columns[key] = len(self.members)
                    self.members.append([])
                self.members[at].append(endpoint)
        outside = range(len(self._edges) - 1)
        keys = [*columns, *((-1, 4 if self._edges[i] < _V6 else 6, i) for i in outside)]
        table = np.array(keys, np.int32).reshape(len(keys), 3)
        self.shape, self.family, self.atom = (np.ascontiguousarray(table[:, i]) for i in range(3))
        self.inside = len(columns)
        """How many columns are endpoints'; the others are the outside's."""
        self.count = len(keys)

    def _shaped(self, endpoints: Iterable[Endpoint]) -> Iterator[int]:
        """The shape of each endpoint; replicas differ in nothing that is hashed here, so this is one look-up for each."""
        raw: dict[tuple[object, ...], int] = {}
        known: dict[Shape, int] = {}
        for e in endpoints:
            key = (e.cluster, e.namespace, e.labels, e.kind, e.host_network, e.listeners if self._names else ())
            at = raw.get(key)
            if at is None:
                shape = self._shape(e)
                at = known.get(shape)
                if at is None:
                    at = known[shape] = len(self.shapes)
                    self.shapes.append(shape)
                raw[key] = at
            yield at

    def _shape(self, e: Endpoint) -> Shape:
        labels = tuple(pair for pair in e.labels if pair[0] in self._keys)
        pod = e.kind is EndpointKind.POD and not e.host_network
        ports = tuple(
            sorted(((x.name, x.protocol, x.port) for x in e.listeners if x.name in self._names), key=lambda x: (x[0], x[1].value))
        )
        return Shape(e.cluster, e.namespace, labels, ports if pod else (), pod, e.kind is EndpointKind.HOST)

    def _places(self, endpoint: Endpoint) -> Iterator[tuple[int, int]]:
        for a in endpoint.addresses:
            yield a.version, bisect_right(self._edges, number(a)) - 1
        if not endpoint.addresses:
            yield ANY_FAMILY, NO_ATOM

    def within(self, prefix: Prefix) -> NDArray[np.bool_]:
        """Which columns lie in a prefix of some rule."""
        first, following = _edges(prefix)
        low, high = bisect_right(self._edges, first) - 1, bisect_right(self._edges, following) - 1
        return (self.atom >= low) & (self.atom < high)

    def outside_prefixes(self, columns: Iterable[int]) -> tuple[Prefix, ...]:
        """The addresses that columns of the outside stand for, as the shortest list of prefixes."""
        from ipaddress import summarize_address_range

        out: list[Prefix] = []
        parts: list[list[int]] = []
        for column in sorted(columns):
            atom = int(self.atom[column])
            first, following = self._edges[atom], self._edges[atom + 1]
            if parts and parts[-1][1] == first and first != _V6:
                parts[-1][1] = following
            else:
                parts.append([first, following])
        for first, following in parts:
            out += summarize_address_range(address(first), address(following - 1))
        return tuple(out)


def _edges(prefix: Prefix) -> tuple[int, int]:
    first, last = span(prefix)
    return first, last + 1


def peers_of(network: Network) -> Iterator[PodPeer | BlockPeer | NodePeer | NamePeer]:
    """Every peer of every policy rule."""
    for policy in network.policies:
        for rules in (policy.ingress, policy.egress):
            for rule in rules or ():
                yield from rule.peers
    for admin in network.admin_policies:
        for row in (*admin.ingress, *admin.egress):
            yield from row.peers


def ports_of(network: Network) -> Iterator[PolicyPort]:
    """Every port of every policy rule."""
    for policy in network.policies:
        for rules in (policy.ingress, policy.egress):
            for rule in rules or ():
                yield from rule.ports
    for admin in network.admin_policies:
        for row in (*admin.ingress, *admin.egress):
            yield from row.ports


def selectors_of(network: Network) -> Iterator[Selector]:
    """Every selector that looks at labels of pods or nodes."""
    yield from (p.selector for p in network.policies)
    yield from (p.subject.pods for p in network.admin_policies)
    yield from (p.subject.pods for p in network.unknown_policies)
    for peer in peers_of(network):
        if isinstance(peer, PodPeer):
            yield peer.pods
        elif isinstance(peer, NodePeer):
            yield peer.nodes
