"""What routes, ACLs and gateways let pass between places, whatever security groups and policies say.

Two addresses are at one place where no route, ACL or gateway tells them apart: same subnet, same prefixes, same rules at the
edge. A network has far fewer places than addresses, so `reach/path.py`, which is the meaning of all these, is walked for
every pair of places; nothing of it is written a second time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

import numpy as np

from budnet.ir.address import Address, Prefix, single
from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.network import Network
from budnet.packets.addresses import edges, number
from budnet.packets.connections import Connections, Ids
from budnet.packets.transports import Alphabet
from budnet.reach import cuts, semantics
from budnet.reach.engine import Engine
from budnet.reach.path import Path, Walk
from budnet.reach.points import Point, PointKind
from budnet.reach.tiers import Lanes


class Wires:
    """The places of a Network with VPCs. A place's number is the index of a point of `engine`, which knows one endpoint a place."""

    def __init__(self, network: Network) -> None:
        self._edges = sorted({e for p in dict.fromkeys(cuts.network_prefixes(network)) for e in edges(p)})
        rules: dict[str, list[str]] = {}
        named = [(s, r.id) for f in network.egress_filters for r in f.rules for s in r.sources]
        named += [(s, f"{f.id}:{r.id}") for f in network.sni_filters for r in f.rules for s in r.sources]
        for source, rule in named:
            rules.setdefault(source, []).append(rule)
        alike: dict[tuple[object, ...], Endpoint] = {}
        self._stands_for: dict[str, Endpoint] = {}
        for e in network.endpoints:
            self._stands_for[e.id] = alike.setdefault(self._signature(e, rules), e)
        self.network = Network(
            network.name, vpcs=network.vpcs, subnets=network.subnets, route_tables=network.route_tables,
            internet_gateways=network.internet_gateways, egress_only_gateways=network.egress_only_gateways,
            nat_gateways=network.nat_gateways, peerings=network.peerings, vpns=network.vpns, fronts=network.fronts,
            client_vpns=network.client_vpns, acls=network.acls, egress_filters=network.egress_filters,
            sni_filters=network.sni_filters, records=network.records, zones=network.zones,
            endpoints=tuple(alike.values()),
        )  # fmt: skip
        self.engine = Engine(self.network)
        self._points = {(p.endpoint.id, p.address): p.index for p in self.engine.points if p.endpoint is not None}
        beyond = (p for p in self.engine.points if p.endpoint is None and p.kind is PointKind.OUTSIDE)
        # of interfaces the VPC's range is enough; these lie outside of it
        apart = (a for e in network.endpoints for a in (e.public if e.vpc else e.addresses))
        self._taken = frozenset((*apart, *(g.public for g in network.nat_gateways)))
        self._beyond = sorted((first, last, p.index) for p in beyond for first, last in p.members.parts)
        self._inside = [v.prefixes for v in network.vpcs]

    def _signature(self, e: Endpoint, rules: dict[str, list[str]]) -> tuple[object, ...]:
        if e.kind is EndpointKind.EXTERNAL or not e.filtered:
            return (e.id,)
        where = tuple((a.version, bisect_right(self._edges, number(a))) for a in (*e.addresses, *e.public))
        return e.vpc, e.subnet, len(e.addresses), where, tuple(rules.get(e.id, ()))

    def edges(self) -> Iterable[Prefix]:
        """What tells the outside from the inside."""
        return [*(p for v in self.network.vpcs for p in v.prefixes), *semantics.NOT_PUBLIC.prefixes(), *map(single, self._taken)]

    def gateways(self) -> Iterable[tuple[Address, int]]:
        """Addresses that NAT gateways show to the outside: nobody opens connections from or to them, but sources look like them."""
        return [(p.address, p.index) for p in self.engine.points if p.kind is PointKind.PUBLIC and p.endpoint is None]

    def of(self, endpoint: Endpoint, at: Address) -> int:
        """The place of an endpoint's address."""
        other = self._stands_for[endpoint.id]
        if at in endpoint.addresses:
            return self._points[other.id, other.addresses[endpoint.addresses.index(at)]]
        return self._points[other.id, other.public[endpoint.public.index(at)]]

    def outside(self, first: Address) -> int | None:
        """The place of a part of the outside, if it is one that packets come from and go to."""
        if first in self._taken:
            return None
        value = number(first)
        at = bisect_right(self._beyond, (value, 1 << 200, 0)) - 1
        if at < 0 or not self._beyond[at][0] <= value <= self._beyond[at][1]:
            return None
        return self._beyond[at][2]

    def public(self) -> frozenset[int]:
        """Which places are public addresses."""
        return frozenset(p.index for p in self.engine.points if p.kind is PointKind.PUBLIC)

    def pairs(self, alphabet: Alphabet, lanes: Lanes, into: Connections) -> tuple[Ids, dict[tuple[int, int], int]]:
        """The connection of each pair of places; and for whom the end takes the source where it is somebody else."""
        ids = np.zeros((len(self.engine.points), len(self.engine.points)), np.int32)
        seen: dict[tuple[int, int], int] = {}
        spelt: dict[int, int] = {}

        def same(mask: int) -> int:
            """The same set in the other alphabet."""
            known = spelt.get(mask)
            if known is None:
                known = spelt[mask] = alphabet.encode(self.engine.alphabet.decode(mask))
            return known

        for source in self._senders():
            for there in self._receivers():
                if source.address.version == there.address.version and not (source.kind is there.kind is PointKind.OUTSIDE):
                    way = Path(source, there)
                    _OnlyWires(self.engine, way).go()
                    requests = way.forward & self.engine.alphabet.all
                    if requests:
                        ids[source.index, there.index] = into.id(lanes.asked(same(requests), same(requests & way.back)))
                        if way.seen is not None and way.seen is not source:
                            seen[source.index, there.index] = way.seen.index
        return ids, seen

    def _senders(self) -> list[Point]:
        return [
            p for p in self.engine.points
            if p.kind is PointKind.OUTSIDE or (p.kind is PointKind.INTERFACE and p.endpoint is not None and p.endpoint.filtered)
        ]  # fmt: skip

    def _receivers(self) -> list[Point]:
        return [p for p in self.engine.points if p.endpoint is not None or p.kind is PointKind.OUTSIDE]


class _OnlyWires(Walk):
    """A walk that asks neither security groups nor policies."""

    def group(self, endpoint: Endpoint, peer: Point, ingress: bool) -> None:
        """Asked elsewhere, for every endpoint."""

    def policy(self, pod: Endpoint, peer: Point, ingress: bool) -> None:
        """The same."""
