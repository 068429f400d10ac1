"""What the author wants: flows that must work and guarantees that must hold. Only `prove` reads these."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from budnet.ir.address import Match, Prefix
from budnet.ir.origin import Origin


class Side(Struct, frozen=True):
    """One side of a flow: endpoints by id, and outside addresses by prefix."""

    name: str
    endpoints: tuple[str, ...] = ()
    prefixes: tuple[Prefix, ...] = ()
    """Addresses outside every VPC; a prefix here never means an endpoint of ours."""


class Flow(Struct, frozen=True):
    """Who may open a connection to whom."""

    id: str
    sources: Side
    destinations: Side
    match: Match
    transport: str
    origin: Origin
    link: str = ""
    """The link whose fronts carry it, in connections that have flows of their own; empty where packets go the whole way."""
    via: str = ""
    """`mesh`: from sidecar to sidecar, so that the caller's identity is asked as well."""


class GuaranteeKind(Enum):
    """The shapes of a guarantee."""

    NEVER = "never"
    ONLY = "only"
    REACHES = "reaches"
    ENCRYPTED = "encrypted"


class Guarantee(Struct, frozen=True):
    """NEVER: no packet from `sources` is delivered to `destinations`. ONLY: nobody else's is. REACHES: every one is.

    ENCRYPTED: what is delivered across a border (`subnets` or `networks`) is protected, but for the waivers.
    """

    id: str
    kind: GuaranteeKind
    sources: Side
    destinations: Side
    matches: tuple[Match, ...]
    """Empty: every protocol and port."""
    across: str
    waivers: tuple[Side, ...]
    """ENCRYPTED: destinations that may be spoken to in clear. NEVER: destinations that are left out."""
    because: str
    origin: Origin
