"""The process that keeps routes where tunnels are up: a BFD session at both ends of every tunnel (`bfd.py`), and routes that follow.

Of the tunnels of a connection the first that is up carries packets, at both ends the same, since both know of the same
tunnels whether they are up. Routes are told apart by their metrics, and those of a tunnel that is down are taken out of its
VPC's router. Where none is up the last one stays, as a cloud's static route does: what no tunnel takes is lost at the
gateway, and does not go out by another way.
"""

from __future__ import annotations

import heapq
import json
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import NoReturn

from budnet.twin import bfd, netlink, syscall
from budnet.twin.bfd import Session, State
from budnet.twin.plan import KernelRoute, Watched

Message = Callable[[str, KernelRoute], bytes]
"""A router and a route to its netlink message."""
_DOOR = "watcher"
_FIRST = 2.0
"""Seconds after the start in which no tunnel is held for down: the first exchange of keys takes its time."""
_SECONDS = 2.0
_IP_RECVTTL = 12
"""Linux; the socket module does not have it."""
_TTL: Mapping[int, tuple[int, int, int, int]] = {
    4: (socket.IPPROTO_IP, socket.IP_TTL, _IP_RECVTTL, socket.IP_TTL),
    6: (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, socket.IPV6_RECVHOPLIMIT, socket.IPV6_HOPLIMIT),
}
"""By family: the level, and the options to set the time to live of what is sent, to be told that of what comes, and how it is told."""


@dataclass(slots=True, eq=False)
class _End:
    """One end of a tunnel, with its sockets: `ear` hears, `mouth` speaks. `number` is its place among all."""

    number: int
    watched: Watched
    session: Session
    ear: socket.socket
    mouth: socket.socket
    since: float
    was_up: bool = False
    routed: bool = True
    """Whether the router has its routes."""

    @property
    def up(self) -> bool:
        return self.session.state is State.UP


@dataclass(frozen=True, slots=True)
class Health:
    """What the watcher says of one end: since when (`time.time`) it is up or not, and whether its routes are there."""

    up: bool
    since: float
    routed: bool


# ---- for others ---------------------------------------------------------------------------------------------------------


def start(ends: Sequence[Watched], spaces: Mapping[str, int], message: Message, home: Path) -> None:
    """Starts the process, and returns when every tunnel is up, or after two seconds. Leaves this thread where it is."""
    if not ends:
        return
    ours, theirs = os.pipe()
    if os.fork() == 0:
        _live(ends, spaces, message, home, theirs)
    os.close(theirs)
    select.select([ours], [], [], _FIRST + 0.1)
    os.close(ours)


def health(home: Path) -> dict[str, Health]:
    """By gateway. Empty where nobody watches."""
    with suppress(OSError, ValueError), _ask(home, "") as door:
        return {gateway: Health(*row) for gateway, row in json.loads(door.makefile().readline()).items()}
    return {}


def prefer(home: Path, tunnel: str) -> socket.socket:
    """Has a tunnel carry what its connection carries, while it is up and until what is returned is closed. Raises OSError."""
    door = _ask(home, tunnel)
    door.recv(1 << 16)
    return door


def _ask(home: Path, text: str) -> socket.socket:
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    door.settimeout(_SECONDS)
    door.connect(str(home / _DOOR))
    door.sendall(f"{text}\n".encode())
    return door


# ---- the process --------------------------------------------------------------------------------------------------------


def _live(ends: Sequence[Watched], spaces: Mapping[str, int], message: Message, home: Path, ready: int) -> NoReturn:
    try:
        syscall.die_with_parent(signal.SIGKILL)
        _Watcher(ends, spaces, message, home, ready).run()
    finally:
        os._exit(1)


@dataclass
class _Watcher:
    wanted: Sequence[Watched]
    spaces: Mapping[str, int]
    message: Message
    home: Path
    ready: int
    ends: list[_End] = field(default_factory=list)
    preferred: dict[int, str] = field(default_factory=dict)
    """By the connection that asked for it."""

    def run(self) -> NoReturn:
        self.began = time.monotonic()
        self.door = self._listen()
        self.ends = [self._end(w, number) for number, w in enumerate(self.wanted)]
        self.routers = {router: self._router(router) for router in {w.router for w in self.wanted}}
        self.poll = select.epoll()
        for each in (self.door, *(e.ear for e in self.ends)):
            self.poll.register(each.fileno(), select.EPOLLIN)
        self.by_ear = {e.ear.fileno(): e for e in self.ends}
        self.guests: dict[int, socket.socket] = {}
        self.queue: list[tuple[float, int]] = [(0.0, i) for i in range(len(self.ends))]
        while True:
            self._turn()

    def _turn(self) -> None:
        now = time.monotonic()
        while self.queue and self.queue[0][0] <= now:
            _, number = heapq.heappop(self.queue)
            end = self.ends[number]
            if end.session.due <= now:
                self._tell(end, end.session.tick(now))
                heapq.heappush(self.queue, (end.session.due, number))
        self._settle(now)
        for number, _ in self.poll.poll(max(self.queue[0][0] - time.monotonic(), 0) if self.queue else -1):
            if number == self.door.fileno():
                self._welcome()
            elif number in self.guests:
                self._goodbye(number)
            else:
                self._hear(self.by_ear[number])

    # ---- sessions -------------------------------------------------------------------------------------------------------

    def _end(self, watched: Watched, number: int) -> _End:
        """Sockets in the gateway's namespace: one on the port of BFD, and one to send from (RFC 5881, 4)."""
        syscall.setns(self.spaces[watched.gateway])
        family = socket.AF_INET6 if watched.own.version == 6 else socket.AF_INET
        level, sent, told, _ = _TTL[watched.own.version]
        ear, mouth = (socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) for _ in range(2))
        ear.setsockopt(level, told, 1)
        ear.bind((str(watched.own), bfd.PORT))
        mouth.setsockopt(level, sent, bfd.HOPS)
        mouth.bind((str(watched.own), bfd.FIRST_SOURCE + number % 16384))
        return _End(number, watched, Session(self.began + (0 if watched.begins else bfd.SLOW)), ear, mouth, time.time())

    def _hear(self, end: _End) -> None:
        _, _, _, told = _TTL[end.watched.own.version]
        try:
            data, about, _, source = end.ear.recvmsg(512, 64)
        except OSError:  # an error of what was sent before
            return
        hops = next((int.from_bytes(value[:4], "little") for _, kind, value in about if kind == told), 0)
        packet = bfd.decode(data, hops)
        if packet is None or ip_address(source[0]) != end.watched.other:
            return
        self._tell(end, end.session.heard(packet, time.monotonic()))
        heapq.heappush(self.queue, (end.session.due, end.number))

    def _tell(self, end: _End, packets: Sequence[bfd.Control]) -> None:
        for packet in packets:
            with suppress(OSError):  # no tunnel, no way: the other end hears nothing, which is what it has to know
                end.mouth.sendto(packet.encode(), (str(end.watched.other), bfd.PORT))
        if end.up != end.was_up:
            end.was_up, end.since = end.up, time.time()
            self._follow(end.watched.router, end.watched.connection)

    def _settle(self, now: float) -> None:
        """Once, when all are up or have had their time."""
        if self.ready < 0 or not (all(e.up for e in self.ends) or now >= self.began + _FIRST):
            return
        os.close(self.ready)
        self.ready = -1
        for router, connection in {(e.watched.router, e.watched.connection) for e in self.ends}:
            self._follow(router, connection)

    # ---- routes ---------------------------------------------------------------------------------------------------------

    def _router(self, router: str) -> netlink.Netlink:
        syscall.setns(self.spaces[router])
        return netlink.Netlink()

    def _follow(self, router: str, connection: str) -> None:
        """Routes over a connection at one of its ends: new ones first, so that at no time there is none."""
        here = [e for e in self.ends if (e.watched.router, e.watched.connection) == (router, connection)]
        up = [e for e in here if e.up or self.ready >= 0]
        chosen = [e for e in up if e.watched.tunnel in self.preferred.values()] or up
        if not chosen:
            return
        for end in (e for e in chosen if not e.routed):
            end.routed = self._change(end, lambda message: message)
        for end in (e for e in here if e.routed and e not in chosen):
            end.routed = not self._change(end, netlink.gone)

    def _change(self, end: _End, how: Callable[[bytes], bytes]) -> bool:
        """Whether it was done; what the kernel refuses shows in the state, and in packets."""
        with suppress(OSError):
            self.routers[end.watched.router].send([how(self.message(end.watched.router, r)) for r in end.watched.routes])
            return True
        return False

    # ---- who asks -------------------------------------------------------------------------------------------------------

    def _listen(self) -> socket.socket:
        door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        door.bind(str(self.home / _DOOR))
        door.listen(16)
        return door

    def _welcome(self) -> None:
        """A line with the tunnel to prefer, or none; answered by how all are."""
        guest, _ = self.door.accept()
        guest.settimeout(_SECONDS)
        with suppress(OSError):
            if wanted := guest.makefile().readline().strip():
                self.preferred[guest.fileno()] = wanted
                self._all_follow()
            said = {e.watched.gateway: (e.up, e.since, e.routed) for e in self.ends}
            guest.sendall(json.dumps(said).encode() + b"\n")
            self.guests[guest.fileno()] = guest
            self.poll.register(guest.fileno(), select.EPOLLIN)

    def _goodbye(self, number: int) -> None:
        self.poll.unregister(number)
        self.guests.pop(number).close()
        if self.preferred.pop(number, ""):
            self._all_follow()

    def _all_follow(self) -> None:
        for router, connection in {(e.watched.router, e.watched.connection) for e in self.ends}:
            self._follow(router, connection)
