"""What somebody looks for in a matrix: who, in which direction, on which port, and with which answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase

import numpy as np
from msgspec import Struct

from budnet.errors import WrongQuestion
from budnet.ir import icmp
from budnet.ir.address import ALL_PORTS, PORTED, PortRange, Protocol
from budnet.packets.transports import Transports
from budnet.reach.table.columns import Bools
from budnet.source.diagnostic import suggest

ANSWERS = ("allowed", "unknown", "denied")


class Focus(Struct, frozen=True):
    """What rows to keep; as it stands every row with something in it. Names are compared as they are printed, with or without
    their kind; `*` in one is anything. What is no such name is read as `reach` reads it: `internet`, an address, a name."""

    workload: str | None = None
    """On a side of the row."""
    peer: str | None = None
    """On the other one; alone it is as `workload`."""
    direction: str | None = None
    """`in` or `out`, seen from `workload`."""
    port: str | None = None
    """`5432/tcp`, `8000-8100/udp`, `8/icmp`, or a protocol alone."""
    answers: tuple[str, ...] = ()
    """Of ANSWERS those that a row has to have one of, on `port` where one is given. `denied`: none of it passes or may pass."""

    def __post_init__(self) -> None:
        if self.direction and not self.workload:
            raise WrongQuestion("a direction is that of a workload: name it, too")
        if self.port is not None:
            ports(self.port)

    @property
    def denied(self) -> bool:
        """Whether pairs are wanted between which nothing passes."""
        return "denied" in self.answers

    def wanted(self, transports: tuple[Transports, Transports, Transports]) -> bool:
        """By what passes, what may pass, and what passes one way."""
        allowed, unknown, one_way = transports
        if self.port is not None:
            asked = ports(self.port)
            allowed, unknown, one_way = (asked - (asked - t) for t in transports)
        if not self.answers:
            return bool(allowed or unknown or one_way)
        has = {"allowed": bool(allowed), "unknown": bool(unknown), "denied": not (allowed or unknown)}
        return any(has[a] for a in self.answers)


class Sides:
    """Of everybody in a matrix, who is on which side of the rows that are kept."""

    def __init__(self, focus: Focus, labels: Sequence[str], meant: Callable[[str], Iterable[str]]) -> None:
        """`meant`: the labels of those whom a name means that is no label. Raises WrongQuestion where a name means nobody."""
        one, other = (focus.workload, focus.peer) if focus.workload else (focus.peer, None)
        here, there = (_named(labels, p, meant) for p in (one, other))
        nobody = np.zeros(len(labels), bool)
        self._out = (here, there) if focus.direction != "in" else (nobody, nobody)
        self._in = (there, here) if focus.direction != "out" else (nobody, nobody)

    @property
    def sources(self) -> Bools:
        """Who may be the source of a row."""
        found: Bools = self._out[0] | self._in[0]
        return found

    def of(self, source: int) -> Bools:
        """Who may be the destination of a row from a source."""
        nobody = np.zeros(len(self._out[0]), bool)
        found: Bools = (self._out[1] if self._out[0][source] else nobody) | (self._in[1] if self._in[0][source] else nobody)
        return found


def _named(labels: Sequence[str], name: str | None, meant: Callable[[str], Iterable[str]]) -> Bools:
    found = np.array([_called(label, name) for label in labels], bool)
    if name is None or found.any():
        return found
    try:
        others = {*meant(name)}
    except ValueError as wrong:
        raise WrongQuestion(f"{wrong}, which labels of pods are") from None
    found = np.array([label in others for label in labels], bool)
    if not found.any():
        raise WrongQuestion(f"nobody here is called '{name}'. {suggest(name, [x.partition('[')[0] for x in labels])}".strip())
    return found


def _called(label: str, pattern: str | None) -> bool:
    # a kind stands in brackets, which in a pattern are a choice of letters
    return pattern is None or label == pattern or fnmatchcase(label, pattern) or fnmatchcase(label.partition("[")[0], pattern)


def ports(text: str) -> Transports:
    """`5432/tcp`, `5432`, `8000-8100/udp`, `udp`, `8/icmp`. Raises WrongQuestion."""
    number, slash, protocol = text.partition("/")
    known = {p.name.lower(): p for p in Protocol}
    if text in known:
        return Transports(((known[text], (ALL_PORTS,)),))
    if protocol in known and known[protocol] not in PORTED:
        messages = icmp.read(number)
        if messages is None or messages[0] > messages[1]:
            raise WrongQuestion(
                f"'{text}' is no message of ICMP: write 8/{protocol} (a type), 3:4/{protocol} (a code of it) or 0-8/{protocol}"
            )
        return Transports(((known[protocol], (PortRange(*messages),)),))
    first, dash, last = number.partition("-")
    written = [first, last] if dash else [first, first]
    if not all(n.isascii() and n.isdigit() and int(n) <= 65535 for n in written) or (protocol if slash else "tcp") not in known:
        raise WrongQuestion(f"'{text}' is no port: write 5432/tcp, 8000-8100/udp, or a protocol")
    if int(written[0]) > int(written[1]):
        raise WrongQuestion(f"'{text}' ends before it begins")
    return Transports(((known[protocol or "tcp"], (PortRange(int(written[0]), int(written[1])),)),))
