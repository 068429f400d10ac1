"""Who can be asked about: addresses that packets come from or go to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from budnet.ir.address import Address, Prefix
from budnet.ir.endpoint import Endpoint
from budnet.packets.addresses import AddressSet


def outside_label(prefixes: Sequence[Prefix]) -> str:
    """What a part of the outside is called: the widest of its prefixes, and how many more it has. No two parts share a prefix, so
    no two are called the same."""
    widest = min(prefixes, key=lambda p: p.prefixlen)
    return f"{widest}+{len(prefixes) - 1}" if len(prefixes) > 1 else str(widest)


class PointKind(Enum):
    """What an address is, seen from a packet."""

    INTERFACE = "interface"
    PUBLIC = "public"
    """The public address of one of our interfaces, or of a NAT gateway."""
    NAT = "nat"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """An address that packets come from or go to; for the outside, a set of addresses that no rule tells apart."""

    index: int
    kind: PointKind
    address: Address
    """The address, or one that stands for the set."""
    endpoint: Endpoint | None
    members: AddressSet

    label: str
    """What tables call it: the endpoint's id, with its public address behind it where that is meant; of an outside set as
    `outside_label` has it."""
    known: bool = True
    """Whether the address is one, and does not only stand for one that is not known."""
