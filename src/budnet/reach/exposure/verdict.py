"""What is said of one workload at one way in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from budnet.ir.address import Prefix
from budnet.ir.origin import Origin


class Word(Enum):
    """Who of the internet reaches it."""

    EVERYWHERE = "from everywhere"
    RANGES = "from some ranges"
    THROUGH = "through what stands before it"
    UNKNOWN = "unknown"
    PRIVATE = "from private networks only"
    BLOCKED = "blocked"

    @property
    def open(self) -> bool:
        """Whether the internet reaches it in some way."""
        return self in (Word.EVERYWHERE, Word.RANGES, Word.THROUGH)


@dataclass(frozen=True, slots=True)
class Exposure:
    """A workload's port, the way in, and the answer with its reason."""

    workload: str
    """Or an address or a host name that is nobody's who was read; empty where it is not known who stands behind the way in."""
    port: str
    """`5432/tcp`, or `all`; empty where `workload` is."""
    entry: str
    """`Service shop/db`; of our own networks the gateway or load balancer."""
    kind: str
    door: str
    """The port outside, or the host name where that is what tells ways in apart."""
    word: Word
    prefixes: tuple[Prefix, ...]
    """Whom it is open to, where that is neither everybody nor nobody."""
    reason: str
    by: tuple[str, ...]
    """Policies or rules that decided."""
    origin: Origin
    shown: tuple[str, ...] = ()
    """Addresses or host names of the door, as far as they are known. They come and go with nodes."""

    @property
    def called(self) -> str:
        """`workload` for people."""
        return self.workload or "(not known)"

    @property
    def at(self) -> str:
        """The door and the first of its addresses, for people."""
        return self.door + (f" at {', '.join(self.shown[:_SHOWN])}{', ...' if len(self.shown) > _SHOWN else ''}" if self.shown else "")


_SHOWN = 3
