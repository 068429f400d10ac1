"""Ways between networks: what the file calls a link, and what carries it.

`vpc-peering` and `vpn` route: addresses stay what they are from end to end. `aws-privatelink`, `azure-private-link` and
`public` do not: whoever connects speaks to a front, and the front opens a connection of its own to the target.
"""

from __future__ import annotations

from dataclasses import dataclass

from budnet.ir.address import Address, Prefix
from budnet.ir.origin import Origin

ROUTED = ("vpc-peering", "vpn")
PRIVATE = ("aws-privatelink", "azure-private-link")
PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Link:
    """A link as it was written."""

    id: str
    between: tuple[str, str]
    method: str
    detail: str
    """The tunnel of a VPN, the authentication of a public link; empty for the others."""
    origin: Origin


@dataclass(frozen=True, slots=True)
class VpnGateway:
    """One end of a site-to-site VPN: attached to its VPC, with a public address of its own, in no subnet.

    AWS gives a connection two tunnels, each with an address of its own; here a connection has one at either end.
    """

    id: str
    vpc: str
    public: Address
    inside: tuple[Address, ...]
    """The router addresses of its VPC (base plus one, which AWS and Azure keep): one for each of its ranges."""
    origin: Origin


@dataclass(frozen=True, slots=True)
class VpnConnection:
    """A tunnel between the gateways of two VPCs, over the internet. It carries only addresses of its two ends."""

    id: str
    between: tuple[str, str]
    tunnel: str
    """`ipsec` (IKEv2) or `wireguard`."""
    proposal: str
    """Of IKE and ESP, as strongSwan writes it; empty for WireGuard, whose algorithms are fixed."""
    gateways: tuple[VpnGateway, VpnGateway]
    """In the order of `between`."""
    origin: Origin

    def gateway(self, vpc: str) -> VpnGateway:
        """The gateway of one of the two VPCs."""
        return self.gateways[self.between.index(vpc)]

    def other(self, vpc: str) -> str:
        """The VPC at the far end."""
        return self.between[1 - self.between.index(vpc)]


@dataclass(frozen=True, slots=True)
class Front:
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


@dataclass(frozen=True, slots=True)
class ClientVpn:
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
