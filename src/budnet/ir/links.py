"""Ways between networks: what the file calls a link, and what carries it.

`vpc-peering` and `vpn` route: addresses stay what they are from end to end. `aws-privatelink`, `azure-private-link` and
`public` do not: whoever connects speaks to a front, and the front opens a connection of its own to the target.
"""

from __future__ import annotations

from msgspec import Struct

from budnet.ir.address import Address, Prefix
from budnet.ir.origin import Origin

ROUTED = ("vpc-peering", "vpn")
PRIVATE = ("aws-privatelink", "azure-private-link")
PUBLIC = "public"


class Link(Struct, frozen=True):
    """A link as it was written."""

    id: str
    between: tuple[str, str]
    method: str
    detail: str
    """The tunnel of a VPN, the authentication of a public link; empty for the others."""
    origin: Origin


class VpnGateway(Struct, frozen=True):
    """One end of one tunnel: attached to its VPC, with a public address of its own, in no subnet."""

    id: str
    """`VPC/vpn-LINK-NUMBER`."""
    vpc: str
    zone: str
    """Those of one VPC and link stand in its zones by turns; empty where it has one."""
    public: Address
    inside: tuple[Address, ...]
    """The router addresses of its VPC (base plus one, which AWS and Azure keep): one for each of its ranges."""
    origin: Origin


class VpnTunnel(Struct, frozen=True):
    """One of the tunnels of a connection, with a gateway of its own at either end."""

    id: str
    """`LINK-NUMBER`, from 1."""
    gateways: tuple[VpnGateway, VpnGateway]
    """In the order of the connection's `between`."""

    def gateway(self, vpc: str) -> VpnGateway:
        """The gateway of one of the two VPCs."""
        return next(g for g in self.gateways if g.vpc == vpc)

    def other(self, vpc: str) -> VpnGateway:
        """The gateway at the far end."""
        return next(g for g in self.gateways if g.vpc != vpc)


class VpnConnection(Struct, frozen=True):
    """A VPN between two VPCs, over the internet. It carries only addresses of its two ends.

    AWS gives a connection two tunnels, which end in different zones, Azure a gateway two instances
    (https://docs.aws.amazon.com/vpn/latest/s2svpn/VPNTunnels.html,
    https://learn.microsoft.com/azure/vpn-gateway/vpn-gateway-highlyavailable).
    """

    id: str
    between: tuple[str, str]
    protocol: str
    """`ipsec` (IKEv2) or `wireguard`."""
    proposal: str
    """Of IKE and ESP, as strongSwan writes it; empty for WireGuard, whose algorithms are fixed."""
    tunnels: tuple[VpnTunnel, ...]
    """One carries packets, both ways: the first of those that are up. Without any the connection carries nothing."""
    origin: Origin

    @property
    def gateways(self) -> tuple[VpnGateway, ...]:
        """Both ends of every tunnel, tunnel by tunnel."""
        return tuple(g for t in self.tunnels for g in t.gateways)

    def at(self, vpc: str) -> tuple[VpnGateway, ...]:
        """The gateways of one of the two VPCs, in the order of the tunnels: each stands in for those before it."""
        return tuple(t.gateway(vpc) for t in self.tunnels)


class Front(Struct, frozen=True):
    """What stands for a service of one VPC in front of clients from another: one direction, TCP only.

    Clients connect to `near`; `far` connects on to one of `targets` on the same port, as an address of the provider's
    VPC. For private link `near` is an interface endpoint in the consumer's VPC and `far` the load balancer of the
    endpoint service; for a public link both are one load balancer with a public address.
    """

    id: str
    """`TARGET.LINK`."""
    link: str
    method: str
    consumer: str
    provider: str
    near: str
    far: str
    targets: tuple[str, ...]
    ports: tuple[int, ...]
    name: str
    """The DNS name that clients use."""
    accepted: bool
    """Whether the provider has accepted the connection; while it has not, nothing passes."""
    auth: str
    """`client-certificate` or `key` on a public link, else empty."""
    profile: str
    """The TLS profile of a public link; empty where the file names none."""
    origin: Origin


class ClientVpn(Struct, frozen=True):
    """A way in for people: clients outside get a tunnel, and what comes out of it has the gateway's own address.

    So what a client may do is what the flows say of the gateway (AWS Client VPN translates in the same way:
    https://docs.aws.amazon.com/vpn/latest/clientvpn-admin/how-it-works.html).
    """

    id: str
    """The endpoint that is the gateway."""
    clients: str
    """The set of addresses whose machines have a key."""
    port: int
    pool: Prefix
    """Addresses inside the tunnel: the first is the gateway's, the second the client's that the twin runs."""
    client: Address
    """Where that client is on the internet: an address of the set."""
    routes: tuple[Prefix, ...]
    """What clients send into the tunnel: the ranges of the gateway's VPC and of those it is linked with by routing."""
    origin: Origin

    @property
    def client_space(self) -> str:
        """What the twin and its tables call that client."""
        return f"{self.id}/client"
