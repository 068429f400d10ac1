"""What comes of proving: an answer, and where it is no, a packet that shows it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from budnet.ir.address import Protocol
from budnet.ir.origin import Origin
from budnet.reach.points import Point
from budnet.reach.trace import Trace


class Status(Enum):
    """The answer to a guarantee."""

    PROVED = "proved"
    REFUTED = "refuted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Packet:
    """A concrete counter-example."""

    source: Point
    destination: Point
    protocol: Protocol
    port: int


@dataclass(frozen=True, slots=True)
class Proof:
    """A guarantee with its answer. `count` is how many pairs of points were looked at, `note` what has to be known of the answer."""

    name: str
    status: Status
    summary: str
    origin: Origin
    because: str = ""
    packet: Packet | None = None
    trace: Trace | None = None
    count: int = 0
    note: str = ""
