"""The Network: everything a topology means, as one immutable value."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from enum import Enum
from functools import cached_property
from typing import Any, TypeVar

from msgspec import Struct

from budnet.ir.address import Address, Prefix
from budnet.ir.airgap import Airgap
from budnet.ir.bundle import Bundle
from budnet.ir.cloud import EgressOnlyGateway, InternetGateway, NatGateway, Peering, RouteTable, Subnet, Vpc
from budnet.ir.endpoint import Cluster, ClusterService, Endpoint, EndpointKind
from budnet.ir.entry import Entry
from budnet.ir.filters import (
    AdminPolicy,
    DnsFilter,
    EgressFilter,
    NetworkAcl,
    NetworkPolicy,
    SecurityGroup,
    SniFilter,
    UnknownPolicy,
)
from budnet.ir.intent import Flow, Guarantee
from budnet.ir.links import ClientVpn, Front, Link, VpnConnection
from budnet.ir.mesh import AccessControl, Identity
from budnet.ir.names import Certificate, Record, TlsProfile, Zone

T = TypeVar("T")


class AddressGroup(Struct, frozen=True):
    """A named set of addresses outside our networks."""

    name: str
    prefixes: tuple[Prefix, ...]


@dataclass(frozen=True)
class Network:
    """What a topology means. Tuples are in a stable order; look-ups are built on first use."""

    name: str
    domain: str = ""
    vpcs: tuple[Vpc, ...] = ()
    subnets: tuple[Subnet, ...] = ()
    route_tables: tuple[RouteTable, ...] = ()
    internet_gateways: tuple[InternetGateway, ...] = ()
    egress_only_gateways: tuple[EgressOnlyGateway, ...] = ()
    nat_gateways: tuple[NatGateway, ...] = ()
    peerings: tuple[Peering, ...] = ()
    security_groups: tuple[SecurityGroup, ...] = ()
    acls: tuple[NetworkAcl, ...] = ()
    policies: tuple[NetworkPolicy, ...] = ()
    egress_filters: tuple[EgressFilter, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    services: tuple[ClusterService, ...] = ()
    address_groups: tuple[AddressGroup, ...] = ()
    zones: tuple[Zone, ...] = ()
    records: tuple[Record, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    tls_profiles: tuple[TlsProfile, ...] = ()
    flows: tuple[Flow, ...] = ()
    guarantees: tuple[Guarantee, ...] = ()
    links: tuple[Link, ...] = ()
    vpns: tuple[VpnConnection, ...] = ()
    fronts: tuple[Front, ...] = ()
    client_vpns: tuple[ClientVpn, ...] = ()
    dns_filters: tuple[DnsFilter, ...] = ()
    sni_filters: tuple[SniFilter, ...] = ()
    access_controls: tuple[AccessControl, ...] = ()
    admin_policies: tuple[AdminPolicy, ...] = ()
    unknown_policies: tuple[UnknownPolicy, ...] = ()
    airgap: Airgap | None = None
    """Where there is no way out: who stands in for what is outside otherwise."""
    bundle: Bundle | None = None
    """What is carried in where there is no way out."""
    entries: tuple[Entry, ...] = ()
    pods_on: tuple[tuple[str, str], ...] = ()
    """(pod, node) of pods of which that is known, by the ids of endpoints. A node's endpoint need not be there."""
    several: tuple[str, ...] = ()
    """The ids of endpoints that stand for several pods, replicas of one template: what one of them says to another is a question."""

    @cached_property
    def vpc(self) -> dict[str, Vpc]:
        """VPCs by id."""
        return _by(self.vpcs, lambda v: v.id)

    @cached_property
    def subnet(self) -> dict[str, Subnet]:
        """Subnets by id."""
        return _by(self.subnets, lambda s: s.id)

    @cached_property
    def route_table(self) -> dict[str, RouteTable]:
        """Route tables by id."""
        return _by(self.route_tables, lambda t: t.id)

    @cached_property
    def security_group(self) -> dict[str, SecurityGroup]:
        """Security groups by id."""
        return _by(self.security_groups, lambda g: g.id)

    @cached_property
    def acl(self) -> dict[str, NetworkAcl]:
        """Network ACLs by id."""
        return _by(self.acls, lambda a: a.id)

    @cached_property
    def peering(self) -> dict[str, Peering]:
        """Peerings by id."""
        return _by(self.peerings, lambda p: p.id)

    @cached_property
    def vpn(self) -> dict[str, VpnConnection]:
        """VPN connections by id."""
        return _by(self.vpns, lambda v: v.id)

    @cached_property
    def nat_gateway(self) -> dict[str, NatGateway]:
        """NAT gateways by id."""
        return _by(self.nat_gateways, lambda g: g.id)

    @cached_property
    def endpoint(self) -> dict[str, Endpoint]:
        """Endpoints by id."""
        return _by(self.endpoints, lambda e: e.id)

    @cached_property
    def cluster(self) -> dict[str, Cluster]:
        """Clusters by id."""
        return _by(self.clusters, lambda c: c.id)

    @cached_property
    def egress_filter(self) -> dict[str, EgressFilter]:
        """The egress filter of a VPC, by the VPC's id."""
        return _by(self.egress_filters, lambda f: f.vpc)

    @cached_property
    def dns_filter(self) -> dict[str, DnsFilter]:
        """The allow list of a VPC's resolver, by the VPC's id."""
        return _by(self.dns_filters, lambda f: f.vpc)

    @cached_property
    def sni_filter(self) -> dict[str, SniFilter]:
        """The SNI filter of a VPC, by the VPC's id."""
        return _by(self.sni_filters, lambda f: f.vpc)

    @cached_property
    def access_control(self) -> dict[str, AccessControl]:
        """What the sidecar of an endpoint applies, by the endpoint's id."""
        return {e: control for control in self.access_controls for e in control.endpoints}

    @cached_property
    def identity(self) -> dict[str, Identity]:
        """Who an endpoint's sidecar is, by the endpoint's id."""
        return {e: control.callee for e, control in self.access_control.items()}

    @cached_property
    def inside(self) -> tuple[Endpoint, ...]:
        """Endpoints of ours that a filter can be about: not the outside, not what a VPC provides itself."""
        return tuple(e for e in self.endpoints if e.filtered)

    @cached_property
    def outside(self) -> tuple[Endpoint, ...]:
        """The modelled part of the world around us."""
        return tuple(e for e in self.endpoints if e.kind is EndpointKind.EXTERNAL)

    @cached_property
    def members(self) -> dict[str, tuple[Endpoint, ...]]:
        """The endpoints of each security group, by the group's id."""
        found: dict[str, list[Endpoint]] = {group.id: [] for group in self.security_groups}
        for endpoint in self.endpoints:
            for group in endpoint.groups:
                found[group].append(endpoint)
        return {group: tuple(members) for group, members in found.items()}


def _by(items: Iterable[T], key: Callable[[T], str]) -> dict[str, T]:
    return {key(item): item for item in items}


def to_json(value: Any) -> Any:
    """A canonical JSON form of any IR value, for golden files and `--format json`: records become objects."""
    if isinstance(value, Struct):
        return {name: to_json(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, Network):
        return {f.name: to_json(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Enum):
        return value.name if isinstance(value.value, int) else value.value
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    if isinstance(value, Address | Prefix):
        return str(value)
    return value
