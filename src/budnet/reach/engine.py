"""The Network, prepared for questions: who can be asked about (points), and what each filter lets through to each.

A *row* is a list with one mask (see `packets.transports.Alphabet`) for each point. Rows are made once for a filter
and then only read, so a pair costs a handful of look-ups. Nothing here changes after it was made.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address

from budnet.ir.address import Address, Prefix, Protocol
from budnet.ir.cloud import Route, TargetKind
from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.filters import GroupRef, NetworkPolicy
from budnet.ir.links import Front
from budnet.ir.network import Network
from budnet.ir.origin import Origin
from budnet.packets.addresses import AddressSet, number, partition, span
from budnet.packets.transports import Alphabet
from budnet.reach import semantics
from budnet.reach.admission import Admissions
from budnet.reach.cuts import matches, prefixes, protocols
from budnet.reach.doubt import Doubts
from budnet.reach.egress import Names
from budnet.reach.families import families
from budnet.reach.points import Point, PointKind, outside_label

Row = list[int]


class Engine:
    """Questions about one Network. Construction costs about 20 ms for a hundred endpoints; rows are made when asked."""

    def __init__(self, network: Network, cut_like: Network | None = None) -> None:
        """`cut_like`: another Network whose ports and prefixes are told apart as well, so that the two can be compared."""
        both = (network,) if cut_like is None else (network, cut_like)
        self.network = network
        self.alphabet = Alphabet((m for each in both for m in matches(each)), {p for each in both for p in protocols(each)})
        self.spoken = {version: self.alphabet.over(version) for version in (4, 6)}
        self.answers = semantics.Answers(self.alphabet) if network.vpcs else None
        self.points = _points(network, both)
        order = sorted(range(len(self.points)), key=lambda i: number(self.points[i].address))
        self._order, self._numbers = order, [number(self.points[i].address) for i in order]
        self._public = {p.address: p for p in self.points if p.kind is PointKind.PUBLIC}
        self._prefixes: dict[Prefix, list[int]] = {}
        self._groups: dict[tuple[tuple[str, ...], bool], Row] = {}
        self._acls: dict[tuple[str, bool], tuple[Row, Row]] = {}
        self._selecting: dict[tuple[str, bool], tuple[NetworkPolicy, ...]] = {}
        self._routes: dict[str, list[Route | None]] = {}
        self._edges: dict[tuple[str, str], Row] = {}
        self._labels = {e.id: dict(e.labels) for e in network.endpoints}
        self._spaces = semantics.spaces(network)

    # ---- points -------------------------------------------------------------------------------------------------------

    @cached_property
    def interfaces(self) -> dict[str, list[Point]]:
        """The points of each endpoint, by endpoint id: one for each of its addresses."""
        out: dict[str, list[Point]] = {e.id: [] for e in self.network.endpoints}
        for point in self.points:
            if point.endpoint is not None and point.kind is not PointKind.PUBLIC:
                out[point.endpoint.id].append(point)
        return out

    @cached_property
    def doubts(self) -> Doubts:
        """Why it is not known what policies let through."""
        return Doubts(self.network)

    @cached_property
    def admissions(self) -> Admissions:
        """What policies let through."""
        return Admissions(self)

    def public_of(self, address: Address) -> Point:
        """The point of a public address of ours."""
        return self._public[address]

    def covered(self, prefix: Prefix) -> list[int]:
        """Indices of the points inside a prefix. Outside sets lie wholly in or out: the prefix was among their cuts."""
        known = self._prefixes.get(prefix)
        if known is None:
            first, last = span(prefix)
            low, high = bisect_left(self._numbers, first), bisect_right(self._numbers, last)
            known = self._prefixes[prefix] = self._order[low:high]
        return known

    # ---- rows ---------------------------------------------------------------------------------------------------------

    def groups(self, ids: tuple[str, ...], ingress: bool) -> Row:
        """What the security groups of one interface let through, by peer: the union of their rules."""
        row = self._groups.get((ids, ingress))
        if row is not None:
            return row
        row = [0] * len(self.points)
        for group in (self.network.security_group[i] for i in ids):
            for rule in group.ingress if ingress else group.egress:
                mask = self.alphabet.mask(rule.match)
                for index in self.group_peer(rule.peer):
                    row[index] |= mask
        self._groups[ids, ingress] = row
        return row

    def group_peer(self, peer: Prefix | GroupRef) -> Iterable[int]:
        """The points a security-group rule is about. A reference means its members' private addresses."""
        if not isinstance(peer, GroupRef):
            return self.covered(peer)
        return [p.index for e in self.network.members[peer.id] for p in self.interfaces[e.id]]

    def acl(self, acl_id: str, ingress: bool) -> tuple[Row, Row]:
        """What an ACL lets through by peer, and which requests get their answers through it."""
        known = self._acls.get((acl_id, ingress))
        if known is not None:
            return known
        acl = self.network.acl[acl_id]
        assert self.answers is not None, "ACLs are of VPCs"
        hits: list[list[int]] = [[] for _ in self.points]
        rules = acl.ingress if ingress else acl.egress
        for position, rule in enumerate(rules):
            for index in self.covered(rule.prefix):
                hits[index].append(position)
        # points hit by the same rules fare the same: decide once for each combination
        decided: dict[tuple[int, ...], tuple[int, int]] = {}
        forward, back = [0] * len(self.points), [0] * len(self.points)
        for index, positions in enumerate(hits):
            key = tuple(positions)
            if key not in decided:
                mask = semantics.first_match([(rules[i], self.alphabet.mask(rules[i].match)) for i in key], self.alphabet)
                decided[key] = mask, self.answers.through(mask)
            forward[index], back[index] = decided[key]
        self._acls[acl_id, ingress] = forward, back
        return forward, back

    def selecting(self, pod: Endpoint, ingress: bool) -> tuple[NetworkPolicy, ...]:
        """The policies that isolate a pod in a direction; none means that everything passes."""
        known = self._selecting.get((pod.id, ingress))
        if known is None:
            known = self._selecting[pod.id, ingress] = tuple(p for p in self.network.policies if self._isolates(p, pod, ingress))
        return known

    def _isolates(self, policy: NetworkPolicy, pod: Endpoint, ingress: bool) -> bool:
        if policy.cluster != pod.cluster or policy.namespace != pod.namespace:
            return False
        says = policy.ingress if ingress else policy.egress
        return says is not None and semantics.selects(policy.selector, self._labels[pod.id])

    def pod_at(self, index: int, cluster: str) -> Endpoint | None:
        """The pod of a cluster at a point: only pods have ports by name (Kubernetes API, NetworkPolicyPort)."""
        point = self.points[index]
        found = point.endpoint
        if point.kind is not PointKind.INTERFACE or found is None or found.kind is not EndpointKind.POD:
            return None
        return found if found.cluster == cluster else None

    def labels(self, endpoint: Endpoint) -> semantics.Labels:
        """The labels of an endpoint."""
        return self._labels[endpoint.id]

    def space(self, pod: Endpoint) -> semantics.Space:
        """A pod's namespace."""
        return self._spaces.get((pod.cluster, pod.namespace), semantics.NO_SPACE)

    def route(self, table_id: str, point: Point) -> Route | None:
        """Where a route table sends packets for a point: by the most specific prefix; of equals, by the first written."""
        row = self._routes.get(table_id)
        if row is None:
            row = self._routes[table_id] = [None] * len(self.points)
            # the longer prefix is put over the shorter, the earlier route over the later
            later_first = self.network.route_table[table_id].routes[::-1]
            for route in sorted(later_first, key=lambda r: r.destination.prefixlen):
                for index in self.covered(route.destination):
                    row[index] = route
        return row[point.index]

    def edge(self, vpc: str, source: str) -> Row:
        """What the egress filter of a VPC lets out from an endpoint, by destination."""
        row = self._edges.get((vpc, source))
        if row is None:
            row = self._edges[vpc, source] = [0] * len(self.points)
            for rule in self.network.egress_filter[vpc].rules:
                if source in rule.sources:
                    for prefix in rule.prefixes:
                        for index in self.covered(prefix):
                            row[index] |= self.alphabet.mask(rule.match)
        return row

    @cached_property
    def names(self) -> Names:
        """What names decide on the way out."""
        return Names(self)

    @cached_property
    def origins(self) -> dict[tuple[str, str], Origin]:
        """Where each object that can stop a packet was written, by layer and by the name that a gate gives it."""
        n = self.network
        named = [("security-group", g.id, g.origin) for g in n.security_groups]
        named += [("network-acl", f"{a.id}:{way}", a.origin) for a in n.acls for way in ("in", "out")]
        named += [("network-policy", p.id, p.origin) for p in n.policies]
        named += [("network-policy", p.id, p.origin) for p in n.admin_policies]
        named += [("network-policy", p.id, p.origin) for p in n.unknown_policies]
        named += [("route-table", t.id, t.origin) for t in n.route_tables]
        named += [("vpc", v.id, v.origin) for v in n.vpcs]
        named += [("peering", p.id, p.origin) for p in n.peerings]
        named += [("vpn", v.id, v.origin) for v in n.vpns]
        named += [("endpoint-service", f.id, f.origin) for f in n.fronts]
        named += [("mesh-access", c.id, c.origin) for c in n.access_controls]
        named += [("egress-filter", f.id, f.origin) for f in n.egress_filters]
        named += [("sni-filter", f.id, f.origin) for f in n.sni_filters]
        named += [("dns-filter", f.id, f.origin) for f in n.dns_filters]
        named += [("nat-gateway", g.id, g.origin) for g in n.nat_gateways]
        named += [(TargetKind.INTERNET.value, g.id, g.origin) for g in n.internet_gateways]
        named += [(TargetKind.EGRESS_ONLY.value, g.id, g.origin) for g in n.egress_only_gateways]
        return {(layer, name): origin for layer, name, origin in named}

    @cached_property
    def fronts(self) -> dict[tuple[str, str], Front]:
        """The front by which a VPC gets at an endpoint, by both."""
        return {(f.consumer, target): f for f in self.network.fronts for target in f.targets}

    @cached_property
    def listening(self) -> dict[str, int]:
        """What each endpoint answers from the network, by endpoint id."""
        bit, messages = self.alphabet.bit, self.alphabet.protocol(Protocol.ICMP) | self.alphabet.protocol(Protocol.ICMPV6)
        return {
            e.id: self.alphabet.all if e.any_port
            else sum({bit(x.protocol, x.port) for x in e.listeners if not x.loopback}) | (messages if e.takes_icmp else 0)
            for e in self.network.endpoints
        }  # fmt: skip


def _points(network: Network, both: tuple[Network, ...]) -> list[Point]:
    """Interfaces, public addresses, NAT gateways; then the outside, cut into sets that no rule tells apart."""
    found: list[Point] = []

    def add(kind: PointKind, address: Address, endpoint: Endpoint | None, members: AddressSet | None = None, known: bool = True) -> None:
        within = members or AddressSet.of([address])
        found.append(Point(len(found), kind, address, endpoint, within, _label(kind, address, endpoint, within), known))

    unplaced = families(network)
    for endpoint in network.endpoints:
        for address in endpoint.addresses:
            add(PointKind.OUTSIDE if endpoint.kind is EndpointKind.EXTERNAL else PointKind.INTERFACE, address, endpoint)
        for address in endpoint.public:
            add(PointKind.PUBLIC, address, endpoint)
        if endpoint.any_port and not endpoint.addresses:
            for family in unplaced[endpoint.cluster]:
                add(PointKind.INTERFACE, _UNKNOWN[family] + len(found), endpoint, known=False)
    for gateway in network.nat_gateways:
        add(PointKind.NAT, gateway.address, None)
        add(PointKind.PUBLIC, gateway.public, None)
    taken = AddressSet.of(p.address for p in found) | AddressSet.of(p for v in network.vpcs for p in v.prefixes)
    # of a cluster alone it is not known which private addresses lie around it
    outside = ~(taken | semantics.NOT_PUBLIC) if network.vpcs else ~taken
    cut = [AddressSet.of([p]) for each in both for p in prefixes(each)]
    for atom in partition(cut if network.vpcs else [*cut, semantics.NOT_PUBLIC], outside):
        add(PointKind.OUTSIDE, atom.first(), None, atom)
    return found


_UNKNOWN: dict[int, Address] = {4: IPv4Address("0.0.0.0"), 6: IPv6Address("100::")}
"""Where addresses begin that stand for those of pods that have none yet; nobody has them (RFC 1122, section 3.2.1.3; RFC 6666)."""


def _label(kind: PointKind, address: Address, endpoint: Endpoint | None, members: AddressSet) -> str:
    if endpoint is not None:
        return f"{endpoint.id}@{address}" if kind is PointKind.PUBLIC else endpoint.id
    return outside_label(members.prefixes())
