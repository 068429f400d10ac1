"""What became of a network that has no way out."""

from __future__ import annotations

from msgspec import Struct

from budnet.ir.origin import Origin


class Row(Struct, frozen=True):
    """A row of `egress` in an air gap."""

    name: str
    to: str
    """As it was written: where the row led."""
    instead: str
    """The service inside that does what they did; empty where none does."""
    why: str
    origin: Origin


class Airgap(Struct, frozen=True):
    """Services by what they stand in for; empty where there is none."""

    registry: str
    models: str
    time: str
    rows: tuple[Row, ...]
    origin: Origin
