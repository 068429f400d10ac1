"""What the passes work on: the Topology, where it was written, and the Network as far as it has come."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from budnet.ir.airgap import Airgap
from budnet.ir.bundle import Bundle
from budnet.ir.cloud import EgressOnlyGateway, InternetGateway, NatGateway, Peering, RouteTable, Subnet, Vpc
from budnet.ir.endpoint import Cluster, ClusterService, Endpoint
from budnet.ir.filters import DnsFilter, EgressFilter, HostName, NetworkAcl, NetworkPolicy, SecurityGroup, SniFilter
from budnet.ir.intent import Flow, Guarantee
from budnet.ir.links import ClientVpn, Front, Link, VpnConnection
from budnet.ir.mesh import AccessControl
from budnet.ir.names import Certificate, Record, TlsProfile, Zone
from budnet.ir.network import AddressGroup
from budnet.ir.origin import Origin
from budnet.model.flow import Egress
from budnet.model.topology import Topology
from budnet.resolve.pins import Pins
from budnet.source.diagnostic import Diagnostic, Severity, error, suggest, warning
from budnet.source.document import Document, Path
from budnet.source.span import Span

TOO_MANY = "R001"
LIMIT = 50
"""Of one severity. What is wrong with a generated file is wrong everywhere in it."""


@dataclass(frozen=True, slots=True)
class Outside:
    """A name in an egress row, and the modelled hosts that it means."""

    name: HostName
    hosts: tuple[str, ...]


@dataclass
class Draft:
    """Each pass reads what the passes before it made, and appends its own. No pass changes what is there."""

    topology: Topology
    document: Document
    pins: Pins
    fleets: dict[str, list[str]] = field(default_factory=dict)
    """The networks that a network with `count` stands for."""
    members: dict[str, list[str]] = field(default_factory=dict)
    """The services of every group."""
    outside: dict[str, list[Outside]] = field(default_factory=dict)
    """The names of every egress row."""
    hosts: dict[str, dict[str, None]] = field(default_factory=dict)
    """The modelled hosts of everything that an egress row names: `catalog/GROUP`, a name, one of the hosts."""
    diagnostics: list[Diagnostic] = field(default_factory=list)
    vpcs: list[Vpc] = field(default_factory=list)
    subnets: list[Subnet] = field(default_factory=list)
    route_tables: list[RouteTable] = field(default_factory=list)
    internet_gateways: list[InternetGateway] = field(default_factory=list)
    egress_only_gateways: list[EgressOnlyGateway] = field(default_factory=list)
    nat_gateways: list[NatGateway] = field(default_factory=list)
    peerings: list[Peering] = field(default_factory=list)
    security_groups: list[SecurityGroup] = field(default_factory=list)
    acls: list[NetworkAcl] = field(default_factory=list)
    policies: list[NetworkPolicy] = field(default_factory=list)
    egress_filters: list[EgressFilter] = field(default_factory=list)
    clusters: list[Cluster] = field(default_factory=list)
    endpoints: list[Endpoint] = field(default_factory=list)
    services: list[ClusterService] = field(default_factory=list)
    address_groups: list[AddressGroup] = field(default_factory=list)
    zones: list[Zone] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    certificates: list[Certificate] = field(default_factory=list)
    tls_profiles: list[TlsProfile] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)
    guarantees: list[Guarantee] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    vpns: list[VpnConnection] = field(default_factory=list)
    fronts: list[Front] = field(default_factory=list)
    client_vpns: list[ClientVpn] = field(default_factory=list)
    dns_filters: list[DnsFilter] = field(default_factory=list)
    sni_filters: list[SniFilter] = field(default_factory=list)
    access_controls: list[AccessControl] = field(default_factory=list)
    airgap: Airgap | None = None
    bundle: Bundle | None = None
    left_out: dict[str, Egress] = field(default_factory=dict)
    """Rows of `egress` that an air gap took away; their hosts are modelled all the same."""
    _subnets: dict[str, Subnet] = field(default_factory=dict)
    _said: set[tuple[str, str, Span | None]] = field(default_factory=set)

    def origin(self, *path: str | int) -> Origin:
        """The place of a key or list item in the file."""
        span = self.document.nearest(path, key=True)
        return Origin(span.file, span.line, span.column)

    def error(self, code: str, summary: str, path: Path, help: str, related: tuple[tuple[str, Path], ...] = (), key: bool = False) -> None:
        """Something that makes the Network meaningless. Said once, however often it is found. `key`: at the key, not the value."""
        places = tuple((label, self._place(p, False)) for label, p in related)
        self._say(error(code, summary, self._place(path, key), help, places))

    def warning(self, code: str, summary: str, path: Path, help: str = "") -> None:
        """Something that has a meaning, but hardly the one that was meant."""
        self._say(warning(code, summary, self._place(path, False), help))

    def suggest(self, word: str, names: Iterable[str]) -> str:
        """`did you mean ...?`, while there is room to say it: to compare with thousands of names takes its time."""
        return suggest(word, names) if self._room(Severity.ERROR) else ""

    def _say(self, found: Diagnostic) -> None:
        key = (found.code, self._of_any_member(found.summary), found.span)
        if key in self._said:
            return
        self._said.add(key)
        if self._room(found.severity):
            self.diagnostics.append(found)
        elif found.severity is Severity.ERROR and not any(d.code == TOO_MANY for d in self.diagnostics):
            summary = f"there are more than {LIMIT} errors; the others are not shown"
            self.diagnostics.append(error(TOO_MANY, summary, found.span, "mend those above first"))

    def _of_any_member(self, summary: str) -> str:
        """What is wrong in every member of a fleet is said of one: without its number, and without addresses, which differ."""
        if not self.fleets:
            return summary
        names = "|".join(map(re.escape, self.fleets))
        return re.sub(r"\b[0-9a-f]*[.:][0-9a-f.:]+(/[0-9]+)?", "", re.sub(rf"\b({names})-[0-9]+\b", r"\1", summary))

    def places(self, name: str) -> set[str]:
        """What a network's or NETWORK/SUBNET's name means: of a fleet, that of every member."""
        network, slash, tier = name.partition("/")
        return {f"{member}{slash}{tier}" for member in self.fleets.get(network, [network])}

    def as_written(self, place: str) -> str:
        """A network's or NETWORK/SUBNET's name with the fleet's in place of the member's."""
        network, slash, tier = place.partition("/")
        fleet = network.rpartition("-")[0]
        return f"{fleet if network in self.fleets.get(fleet, ()) else network}{slash}{tier}"

    @property
    def network_names(self) -> list[str]:
        """As the file has them: a fleet's in place of its members'."""
        return list(dict.fromkeys(map(self.as_written, self.topology.networks)))

    def _room(self, severity: Severity) -> bool:
        return sum(d.severity is severity for d in self.diagnostics) < LIMIT

    def _place(self, path: Path, key: bool) -> Span:
        """The value where it is on one line, else its key: a block says less than the word above it."""
        span = self.document.nearest(path, key)
        return span if span.line == span.end_line else self.document.nearest(path, key=True)

    @property
    def walked(self) -> list[Flow]:
        """Flows whose packets go the whole way: of these filters and routes are made."""
        return [f for f in self.flows if not f.link]

    def link_between(self, one: str, other: str) -> Link | None:
        """The link of two networks."""
        return next((x for x in self.links if set(x.between) == {one, other}), None)

    def endpoints_of(self, service: str) -> list[Endpoint]:
        """The endpoints of a service, in every network it is placed in."""
        return [e for e in self.endpoints if e.service == service]

    def subnet(self, subnet_id: str) -> Subnet:
        """A subnet by id."""
        if len(self._subnets) != len(self.subnets):
            self._subnets = {s.id: s for s in self.subnets}
        return self._subnets[subnet_id]
