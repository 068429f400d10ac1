"""Addresses, protocols and ports, in the words of the field."""

from __future__ import annotations

from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from msgspec import Struct

from budnet.ir import icmp

Address = IPv4Address | IPv6Address
Prefix = IPv4Network | IPv6Network

EVERYWHERE: tuple[Prefix, ...] = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))
EPHEMERAL = (1024, 65535)
"""Client ports that a stateless filter must let answers through to: the widest range that AWS tells users to open
(a NAT gateway takes 1024-65535; Linux takes 32768-60999), https://docs.aws.amazon.com/vpc/latest/userguide/custom-network-acl.html."""


def single(address: Address) -> Prefix:
    """The prefix of one address: /32 or /128."""
    return ip_network(address)


def inside(part: Prefix, whole: Prefix) -> bool:
    """Whether every address of `part` is one of `whole`; never where they are of different families."""
    return part.version == whole.version and part.subnet_of(whole)  # type: ignore[arg-type]


class Protocol(Enum):
    """IP protocols that filters tell apart. The value is the IANA protocol number."""

    __hash__ = object.__hash__  # members are one object each, and Enum's own hash is Python

    ICMP = 1
    TCP = 6
    UDP = 17
    ICMPV6 = 58
    SCTP = 132

    def __lt__(self, other: Protocol) -> bool:
        return self.value < other.value

    @property
    def spoken_over(self) -> frozenset[int]:
        """The versions of IP that carry it: each has an ICMP of its own (RFC 792, RFC 4443)."""
        return _SPOKEN_OVER.get(self, _BOTH)


_BOTH = frozenset({4, 6})
_SPOKEN_OVER = {Protocol.ICMP: frozenset({4}), Protocol.ICMPV6: frozenset({6})}


PORTED = frozenset({Protocol.TCP, Protocol.UDP, Protocol.SCTP})
"""Those with ports; the others have messages."""


class PortRange(Struct, frozen=True, order=True):
    """Ports `first` to `last`, both included, 0..65535; of the two ICMPs messages, numbered as `ir/icmp.py` says."""

    first: int
    last: int

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


ALL_PORTS = PortRange(0, 65535)


def spelt(protocol: Protocol, ports: PortRange) -> str:
    """`443/tcp`, `8/icmp`, and `udp` for all of a protocol."""
    name = protocol.name.lower()
    if ports == ALL_PORTS:
        return name
    return f"{ports if protocol in PORTED else icmp.spelt(ports.first, ports.last)}/{name}"


def spelt_one(protocol: Protocol, port: int) -> str:
    """One packet's protocol and destination port, or message."""
    return spelt(protocol, PortRange(port, port))


class Match(Struct, frozen=True):
    """What a rule says of the protocol and the destination port. `protocol=None` is every protocol, and every port."""

    protocol: Protocol | None = None
    ports: PortRange = ALL_PORTS

    def __str__(self) -> str:
        if self.protocol is None:
            return "all traffic"
        return spelt(self.protocol, self.ports)
