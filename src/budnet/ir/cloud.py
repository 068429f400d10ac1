"""The VPC layer: networks, subnets, route tables, gateways, links."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from budnet.ir.address import Address, Prefix
from budnet.ir.origin import Origin


class Cloud(Struct, frozen=True):
    """Where a VPC lives. `provider` is `aws`, `azure`, `on-prem` or empty where the file does not say."""

    provider: str = ""
    region: str = ""
    zones: int = 1


class Vpc(Struct, frozen=True):
    """A virtual private cloud (a VNet on Azure)."""

    id: str
    prefixes: tuple[Prefix, ...]
    cloud: Cloud
    resolver: tuple[Address, ...]
    """The VPC's own DNS server: the network address plus two on AWS; one address per family of the VPC."""
    origin: Origin


class Subnet(Struct, frozen=True):
    """A subnet in one zone. `tier` is the subnet as the file names it; its zones share it."""

    id: str
    vpc: str
    tier: str
    zone: str
    prefixes: tuple[Prefix, ...]
    access: str
    """`public`, `private` or `isolated`, as written; what holds is the route table."""
    route_table: str
    acl: str
    origin: Origin


class TargetKind(Enum):
    """What a route may point at."""

    LOCAL = "local"
    INTERNET = "internet-gateway"
    NAT = "nat-gateway"
    EGRESS_ONLY = "egress-only-internet-gateway"
    PEERING = "vpc-peering"
    VPN = "vpn"
    BLACKHOLE = "blackhole"


class Route(Struct, frozen=True):
    """One line of a route table; the longest matching prefix wins."""

    destination: Prefix
    target: TargetKind
    via: str
    """The gateway's, the peering's or the VPN connection's id; empty for LOCAL and BLACKHOLE."""
    origin: Origin


class RouteTable(Struct, frozen=True):
    """The routes of one or more subnets."""

    id: str
    vpc: str
    routes: tuple[Route, ...]
    origin: Origin


class InternetGateway(Struct, frozen=True):
    """Translates one to one between an interface's private and its public IPv4 address; passes IPv6 as it is."""

    id: str
    vpc: str
    origin: Origin


class EgressOnlyGateway(Struct, frozen=True):
    """IPv6 out and its answers back in; nothing that begins outside."""

    id: str
    vpc: str
    origin: Origin


class NatGateway(Struct, frozen=True):
    """Hides IPv4 sources of its VPC behind one public address. Sits in a public subnet; has no security group."""

    id: str
    vpc: str
    subnet: str
    address: Address
    public: Address
    origin: Origin


class Peering(Struct, frozen=True):
    """A link between exactly two VPCs. Not transitive: it carries only addresses of its two ends."""

    id: str
    between: tuple[str, str]
    origin: Origin
