"""What a comparison of two networks comes to."""

from __future__ import annotations

from dataclasses import dataclass

from budnet.ir.address import Prefix
from budnet.ir.origin import NOWHERE, Origin
from budnet.packets.transports import Transports
from budnet.reach.exposure.verdict import Exposure
from budnet.reach.proof import Proof, Status


@dataclass(frozen=True, slots=True)
class Cause:
    """What made a difference: an object that differs, a rule that only one of the two has, or what stops it in the other."""

    text: str
    origin: Origin = NOWHERE
    detail: str = ""
    """Which part of the object."""

    def __str__(self) -> str:
        place = f" ({self.origin})" if self.origin.line else ""
        return f"{self.text}{place}" + (f": {self.detail}" if self.detail else "")


@dataclass(frozen=True, slots=True)
class Matched:
    """How the one's workloads are known again in the other, and how many are; what only one of them has is not compared with anything."""

    by: str
    both: int
    only_old: tuple[str, ...]
    only_new: tuple[str, ...]


WAS_UNKNOWN = "was unknown"


@dataclass(frozen=True, slots=True)
class Change:
    """What from `src` to `dst` is delivered in one Network and not in the other."""

    src: str
    dst: str
    allowed: Transports
    kind: str = "new"
    """`changed` where there is something else from `src` to `dst` in the other Network as well; WAS_UNKNOWN of what may have passed
    in the old one and does not in the new one."""
    causes: tuple[Cause, ...] = ()
    """What made the difference, where that can be told."""
    outside: tuple[Prefix, ...] = ()
    """Where `src` or `dst` is a part of the outside: all of it, of one family."""


@dataclass(frozen=True, slots=True)
class WayIn:
    """What the internet gets at, and how, where that is not what it was; None for a way in that only one of the two has."""

    before: Exposure | None
    after: Exposure | None
    causes: tuple[Cause, ...] = ()


@dataclass(frozen=True, slots=True)
class GuaranteeChange:
    """A guarantee with its answer before and after; None where it was not there."""

    name: str
    before: Status | None
    after: Status | None
    proof: Proof | None


@dataclass(frozen=True, slots=True)
class Difference:
    """All of it. Falsy where nothing differs."""

    opened: tuple[Change, ...]
    closed: tuple[Change, ...]
    guarantees: tuple[GuaranteeChange, ...]
    unknown: tuple[Change, ...] = ()
    """What may pass and may not in the new one, and was known in the old one."""
    matched: Matched = Matched("id", 0, (), ())
    ways: tuple[WayIn, ...] = ()
    """What the internet gets at, beside flows between addresses."""

    def __bool__(self) -> bool:
        return bool(self.opened or self.closed or self.guarantees or self.unknown or self.ways)
