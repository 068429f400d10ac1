"""The twin as a value: namespaces, the wires between them, and what each is told. No kernel is touched here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from budnet.ir.address import Address, Prefix, Protocol
from budnet.ir.origin import Origin

MAIN = 254
"""The kernel's own routing table."""
MISS, HOLE = "rtmiss", "rthole"
"""Devices that lead nowhere. What no route takes, and what a blackhole route takes, is sent to them and logged: the
kernel's own answer, an ICMP error, is rate limited and says nothing of the table."""

LAST = 0xFFFFFFFF
"""The metric of a route that is taken where no other one is."""

HERE = "lo"
"""The device of a route by which packets for other addresses are handed to a socket of this namespace."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What it means when a rule logs a packet: the number in the log's prefix is an index into `TwinPlan.marks`."""

    disposition: str
    layer: str
    object: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Wire:
    """A veth pair. Both ends are wired to each other by permanent neighbour entries; no ARP, no bridge."""

    a: str
    a_device: str
    b: str
    b_device: str


@dataclass(frozen=True, slots=True)
class KernelRoute:
    """`prefix dev device table N`; `device=""` is a `throw` route: look on in the next table."""

    prefix: Prefix
    device: str
    table: int = MAIN
    metric: int = 0


@dataclass(frozen=True, slots=True)
class Watched:
    """One end of a tunnel: its gateway asks from `own` whether `other` answers, and these routes of `router` follow."""

    tunnel: str
    connection: str
    gateway: str
    router: str
    own: Address
    other: Address
    begins: bool
    """Whether it speaks first: where both ends of WireGuard begin at once, each breaks off the other's exchange of keys for five seconds."""
    routes: tuple[KernelRoute, ...]


@dataclass(frozen=True, slots=True)
class KernelRule:
    """`from prefix [to there] [iif device] [fwmark mark] lookup table`, lower priorities first."""

    prefix: Prefix
    table: int
    priority: int
    to: Prefix | None = None
    device: str = ""
    mark: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """One nftables rule. `about` is the id of the object of the Network it stands for."""

    text: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Chain:
    """An nftables chain; `hook` is `type ... hook ... priority ...; policy ...` for a base chain."""

    name: str
    rules: tuple[Rule, ...]
    hook: str = ""

    @property
    def text(self) -> str:
        """The whole chain."""
        head = [f"  {self.hook};"] if self.hook else []
        return "\n".join([f" chain {self.name} {{", *head, *(f"  {r.text}" for r in self.rules), " }"])

    def parts(self, size: int) -> Iterator[str]:
        """The chain in pieces; each appends its rules to those before it."""
        for piece in _packed((f"  {r.text}" for r in self.rules), size):
            yield f" chain {self.name} {{\n{piece}\n }}"


@dataclass(frozen=True, slots=True)
class Ruleset:
    """One nftables table of family inet: sets and maps as text, then chains."""

    sets: tuple[str, ...] = ()
    chains: tuple[Chain, ...] = ()

    def transactions(self, table: str, old: str, size: int = 14_000) -> list[str]:
        """What `nft -f` reads, in pieces of about `size` characters, to be run in order.

        An ordinary user's netlink socket takes no large transaction. So the new table grows beside the old one without
        hooks, and the last piece hooks it in and removes the old one at the same moment. `old` is empty the first time.
        """
        plain = [c for c in self.chains if not c.hook]
        hooked = "".join(_wrap(table, chain.text) for chain in self.chains if chain.hook)
        # a chain may jump to any other, so all of them are there before the first rule
        names = "\n".join(f" chain {c.name} {{\n }}" for c in plain)
        lines = [*self.sets, *(part for chain in plain for part in chain.parts(size))]
        last = (f"delete table inet {old}\n" if old else "") + hooked
        first = [_wrap(table, names)] if plain else []
        return [*first, *(_wrap(table, piece) for piece in _packed(lines, size)), last]


def _wrap(table: str, text: str) -> str:
    return f"table inet {table} {{\n{text}\n}}\n"


def _packed(lines: Iterable[str], size: int) -> Iterator[str]:
    """Joins lines to pieces of at most `size` characters; a longer line is a piece of its own."""
    piece: list[str] = []
    length = 0
    for line in lines:
        if piece and length + len(line) > size:
            yield "\n".join(piece)
            piece, length = [], 0
        piece.append(line)
        length += len(line) + 1
    if piece:
        yield "\n".join(piece)


@dataclass(frozen=True, slots=True)
class Space:
    """One network namespace."""

    id: str
    kind: str
    """`endpoint`, `external`, `router`, `internet-gateway`, `egress-only-gateway`, `nat-gateway` or `internet`."""
    addresses: tuple[Address, ...] = ()
    """On its one wire, which is called eth0."""
    routes: tuple[KernelRoute, ...] = ()
    rules: tuple[KernelRule, ...] = ()
    ruleset: Ruleset = Ruleset()
    forwards: bool = False


@dataclass(frozen=True, slots=True)
class OwnListener:
    """A socket of ours that answers with its endpoint's id."""

    endpoint: str
    protocol: Protocol
    port: int
    loopback: bool


@dataclass(frozen=True)
class TwinPlan:
    """The whole twin. Spaces are in the order in which they are made: who forwards comes first."""

    name: str
    spaces: tuple[Space, ...]
    wires: tuple[Wire, ...]
    marks: tuple[Mark, ...]
    listeners: tuple[OwnListener, ...] = field(default=())

    @cached_property
    def space(self) -> dict[str, Space]:
        """Spaces by id."""
        return {s.id: s for s in self.spaces}
