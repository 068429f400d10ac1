"""Bidirectional Forwarding Detection: whether the other end of a tunnel answers, asked a few times a second. Pure.

RFC 5880 in asynchronous mode, without authentication, demand mode and echo; RFC 5881 for its ports and its time to live.
Each end says what it hears: who hears nothing says so, so both ends are down even where one direction alone is cut.
Times are seconds on a clock of the caller's.
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count

PORT, FIRST_SOURCE = 3784, 49152
"""RFC 5881, 4: where control packets go to, and the lowest port that they may come from."""
HOPS = 255
"""The time to live of a control packet, and of every one that is believed: nobody farther away can send it (RFC 5881, 5)."""
INTERVAL, MISSED = 0.3, 3
"""Seconds between two packets, and so many that may be missing. As Azure has them on its own lines
(https://learn.microsoft.com/azure/expressroute/expressroute-bfd)."""
DETECTION = INTERVAL * MISSED
"""Seconds until an end that hears nothing says so."""
SLOW = 1.0
"""Seconds between two packets while a session is not up, at least (RFC 5880, 6.8.3)."""
_PACKET = struct.Struct("!BBBBIIIII")
_MICRO = 1_000_000
_POLL, _FINAL = 0x20, 0x10
_REFUSED = 0x04 | 0x02 | 0x01
"""Flags of what is not spoken here: authentication, demand mode, and one that must be zero."""
_EXPIRED, _SIGNALLED = 1, 3
"""Diagnostics: the detection time expired; the neighbour says that its session is down."""


class State(IntEnum):
    """RFC 5880, 4.1."""

    ADMIN_DOWN = 0
    DOWN = 1
    INIT = 2
    UP = 3


@dataclass(frozen=True, slots=True)
class Control:
    """A control packet (RFC 5880, 4.1). Times are in seconds."""

    state: State
    mine: int
    yours: int
    transmit: float
    receive: float
    missed: int = MISSED
    poll: bool = False
    final: bool = False
    diagnostic: int = 0

    def encode(self) -> bytes:
        """As it is sent."""
        flags = self.state << 6 | _POLL * self.poll | _FINAL * self.final
        times = (round(self.transmit * _MICRO), round(self.receive * _MICRO), 0)
        return _PACKET.pack(1 << 5 | self.diagnostic, flags, self.missed, _PACKET.size, self.mine, self.yours, *times)


def decode(data: bytes, hops: int) -> Control | None:
    """A packet that may be believed (RFC 5880, 6.8.6; RFC 5881, 5), else None. `hops` is the time to live that it came with."""
    if len(data) < _PACKET.size or hops != HOPS:
        return None
    head, flags, missed, length, mine, yours, transmit, receive, _ = _PACKET.unpack_from(data)
    state = State(flags >> 6)
    if head >> 5 != 1 or length != _PACKET.size or length > len(data) or flags & _REFUSED or not missed or not mine:
        return None
    if not yours and state not in (State.DOWN, State.ADMIN_DOWN):
        return None
    poll, final = bool(flags & _POLL), bool(flags & _FINAL)
    return Control(state, mine, yours, transmit / _MICRO, receive / _MICRO, missed, poll, final, head & 31)


_numbers = count(1)


@dataclass(slots=True)
class Session:
    """One end of one session. `heard` and `tick` return the packets to be sent; `due` is when to call `tick` again."""

    begins: float = 0.0
    """When to say the first word: a session may wait for that of its neighbour."""
    state: State = State.DOWN
    mine: int = field(default_factory=lambda: next(_numbers))
    yours: int = 0
    diagnostic: int = 0
    polling: bool = False
    _slowest: float = 0.0
    """The neighbour's smallest receiving interval."""
    _neighbour: Control | None = None
    _silent_at: float = float("inf")
    _next: float = field(init=False)

    def __post_init__(self) -> None:
        self._next = self.begins

    @property
    def due(self) -> float:
        """When `tick` has something to do."""
        return min(self._next, self._silent_at)

    def heard(self, packet: Control, now: float) -> list[Control]:
        """A packet that `decode` let through."""
        if packet.yours and packet.yours != self.mine:
            return []
        self.yours, self._neighbour, self._slowest = packet.mine, packet, packet.receive
        self.polling &= not packet.final
        self._silent_at = now + packet.missed * max(packet.transmit, INTERVAL)
        before = self.state
        self._turn(packet.state)
        out = [self._control(final=True)] if packet.poll else []
        if self.state is not before:
            out.append(self._at_once(now))
        return out

    def tick(self, now: float) -> list[Control]:
        """When `due` has come: the periodic packet, or that nothing was heard for too long."""
        out = []
        if now >= self._silent_at:
            # of a neighbour that is silent nothing is known any more (RFC 5880, 6.8.1 and 6.8.4)
            self.yours, self._slowest, self._silent_at = 0, 0.0, float("inf")
            if self.state in (State.INIT, State.UP):
                self.state, self.diagnostic, self.polling = State.DOWN, _EXPIRED, False
                out.append(self._at_once(now))
        if now >= self._next:
            out.append(self._at_once(now))
        return out

    def _turn(self, theirs: State) -> None:
        """The state machine (RFC 5880, 6.2 and 6.8.6)."""
        if theirs is State.ADMIN_DOWN or (theirs is State.DOWN and self.state is State.UP):
            if self.state is not State.DOWN:
                self.state, self.diagnostic, self.polling = State.DOWN, _SIGNALLED, False
        elif self.state is State.DOWN and theirs is State.DOWN:
            self.state = State.INIT
        elif (self.state is State.DOWN and theirs is State.INIT) or (self.state is State.INIT and theirs in (State.INIT, State.UP)):
            # from here on the intervals are others, which is asked to be confirmed (RFC 5880, 6.5 and 6.8.3)
            self.state, self.diagnostic, self.polling = State.UP, 0, True

    def _at_once(self, now: float) -> Control:
        """A periodic packet now; the next one after an interval, shortened at random by up to a quarter (RFC 5880, 6.8.7)."""
        self._next = now + max(self._interval, self._slowest) * random.uniform(0.75, 1.0)
        return self._control()

    @property
    def _interval(self) -> float:
        return INTERVAL if self.state is State.UP else SLOW

    def _control(self, final: bool = False) -> Control:
        poll = self.polling and not final
        return Control(self.state, self.mine, self.yours, self._interval, INTERVAL, MISSED, poll, final, self.diagnostic)
