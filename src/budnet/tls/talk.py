"""One question to a server: a connection, a ClientHello, what came back. Refusals keep their kind, because a port that
drops packets, one that is closed and one that answers with an alert are three different findings."""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from budnet.tls.loop import READ, WRITE, ready
from budnet.tls.wire import ALERTS, PROTOCOL_VERSION, Flight, Malformed, Version, client_hello, read_flight

SSL_REQUEST = struct.pack("!II", 8, 80877103)
"""PostgreSQL's way into TLS (its protocol documentation, "SSL Session Encryption"): answered by one byte, `S` or `N`."""
HELLO, ALERT, CLOSED, RESET, TIMEOUT, REFUSED, UNREACHABLE, NO_TLS = (
    "hello", "alert", "closed", "reset", "timeout", "refused", "unreachable", "no TLS",
)  # fmt: skip
NOBODY = (TIMEOUT, REFUSED, UNREACHABLE)
"""Nobody is there: further questions would find no more."""


@dataclass(frozen=True)
class Place:
    """A server to ask. `name` goes into SNI; `starttls` is empty or `postgresql`; `seconds` for each step.

    `enter` is called before a socket is made: the way into the network namespace from which to ask.
    """

    address: str
    port: int
    name: str = ""
    starttls: str = ""
    seconds: float = 3.0
    enter: Callable[[], None] | None = field(default=None, compare=False)

    @cached_property
    def ways(self) -> tuple[tuple[socket.AddressFamily, Any], ...]:
        """What to connect to, in order; none where nobody knows the name, which is looked up once and not once a question."""
        try:
            found = socket.getaddrinfo(self.address, self.port, type=socket.SOCK_STREAM)
        except OSError:
            return ()
        return tuple((family, address) for family, _, _, _, address in found)


@dataclass(frozen=True, slots=True)
class Outcome:
    """`kind` is one of the constants above; `more` says what was read where it was no TLS."""

    kind: str
    flight: Flight = Flight()
    more: str = ""

    @property
    def wrong_version(self) -> bool:
        """A refusal of the version, and not of anything else that was offered."""
        return self.kind == ALERT and self.flight.alert == PROTOCOL_VERSION

    @property
    def text(self) -> str:
        """`alert 70 protocol_version`, `reset`."""
        if self.kind == ALERT and self.flight.alert is not None:
            return f"alert {self.flight.alert} {ALERTS.get(self.flight.alert, 'unknown')}"
        return f"{self.kind}: {self.more}" if self.more else self.kind


class Negotiation(Exception):
    """The way into TLS failed before its first byte."""


async def connect(place: Place) -> socket.socket:
    """A connection that never blocks, ready for what the server speaks without TLS. Raises OSError."""
    failure = OSError(errno.EHOSTUNREACH, "nobody has this name")
    for family, address in place.ways:
        if place.enter:
            place.enter()
        plain = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            code = plain.connect_ex(address)
            if code == errno.EINPROGRESS:
                await ready(plain, WRITE, place.seconds)
                code = plain.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                raise OSError(code, os.strerror(code))
        except OSError as refused:
            plain.close()
            failure = refused
        else:
            return plain
    raise failure


async def secure(place: Place) -> socket.socket:
    """A connection whose next bytes are TLS. Raises OSError or Negotiation."""
    plain = await connect(place)
    if place.starttls == "postgresql":
        try:
            plain.send(SSL_REQUEST)
            answer = await receive(plain, place.seconds)
            if answer != b"S":
                raise Negotiation(_negotiated(answer))
        except BaseException:
            plain.close()
            raise
    return plain


async def receive(connection: socket.socket, seconds: float) -> bytes:
    """What is there as soon as something is; empty where the server has closed. Raises OSError."""
    await ready(connection, READ, seconds)
    return connection.recv(16384)


def _negotiated(answer: bytes) -> str:
    if answer == b"N":
        return "the server answers SSLRequest with N: it has no TLS"
    if answer[:1] == b"S":
        # whatever stands behind the S was there before TLS was, and would be taken for its content (CVE-2021-23214)
        return f"{len(answer) - 1} bytes behind the S that answers SSLRequest"
    return f"SSLRequest is answered with {answer[:16]!r}"


async def ask(place: Place, version: Version, suites: Sequence[int], groups: Sequence[int], whole: bool = False) -> Outcome:
    """Offers one version with these suites and groups; reads the ServerHello, or with `whole` all that comes in clear."""
    hello = client_hello(version, suites, groups, place.name, os.urandom(32), os.urandom(32))
    try:
        with await secure(place) as plain:
            plain.send(hello)
            return await _read(plain, place.seconds, whole)
    except Negotiation as refused:
        return Outcome(NO_TLS, more=str(refused))
    except OSError as refused:
        return Outcome(kind_of(refused))


def kind_of(refused: OSError) -> str:
    """Which refusal it was."""
    match refused:
        case TimeoutError():
            return TIMEOUT
        case ConnectionRefusedError():
            return REFUSED
        case ConnectionResetError() | BrokenPipeError():
            return RESET
        case _:
            return UNREACHABLE


async def _read(plain: socket.socket, seconds: float, whole: bool) -> Outcome:
    data = b""
    while True:
        try:
            part = await receive(plain, seconds)
        except TimeoutError:
            # a connection that was taken and then says nothing is someone, who may be waiting for another protocol
            return Outcome(NO_TLS, more="silence") if not data else Outcome(TIMEOUT)
        data += part
        try:
            found = read_flight(data)
        except Malformed as wrong:
            return Outcome(NO_TLS, more=f"{wrong}: {data[:24]!r}")
        if found.alert is not None:
            return Outcome(ALERT, found)
        if found.version and (found.done or not whole):
            return Outcome(HELLO, found)
        if not part:
            return Outcome(CLOSED)
