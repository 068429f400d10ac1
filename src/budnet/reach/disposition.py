"""What can become of a packet: a closed list, and the reason that goes with it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from budnet.ir.origin import Origin


class Disposition(Enum):
    """The fate of a connection attempt."""

    DELIVERED = "DELIVERED"
    """It reaches a listener of ours, and the answer comes back."""
    EXITS = "EXITS"
    """It leaves the modelled world, for example to an internet address that nobody here stands for."""
    DENIED_OUT = "DENIED_OUT"
    """A filter on the way out of its source, its subnet or its VPC drops it."""
    DENIED_IN = "DENIED_IN"
    """A filter on the way into its destination's subnet or interface drops it."""
    NO_ROUTE = "NO_ROUTE"
    """A route table, a gateway or a peering on the way has no place to send it."""
    BLACKHOLE = "BLACKHOLE"
    """A route says to throw it away."""
    NOT_LISTENING = "NOT_LISTENING"
    """It arrives, and no listener has the port."""
    UNKNOWN = "UNKNOWN"
    """Something on the way is not modelled, or not known, and the rest does not stop it."""
    LOOP = "LOOP"
    """It comes back to a place it has been at."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Who decided. `code` follows the explanation codes of AWS's Reachability Analyzer where it has one."""

    code: str
    layer: str
    object: str
    origin: Origin
    text: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A disposition with its first reason, and every other filter or table that would have blocked it as well."""

    disposition: Disposition
    reason: Reason
    blockers: tuple[Reason, ...] = ()

    @property
    def reachable(self) -> bool:
        return self.disposition in (Disposition.DELIVERED, Disposition.EXITS)
