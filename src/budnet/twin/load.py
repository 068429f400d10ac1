"""A steady load of short requests on TLS servers, each made by a consumer from its own namespace and with its own trust.

A request is a whole conversation: connection, verified handshake, one question, its answer. A pod with a sidecar has that speak for it,
and says nothing of TLS itself. Requests begin at fixed times, whatever became of those before: a server that is slow is asked no less.
"""

from __future__ import annotations

import hashlib
import itertools
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from budnet.pki.store import SIDECAR
from budnet.twin import caller, syscall
from budnet.twin.certificates import CLIENT
from budnet.twin.handshake import POSTGRESQL, connect
from budnet.twin.mesh import API
from budnet.twin.reload import show

_THREADS = 16
_DENIED, _BROKEN = 403, 500
"""Statuses of HTTP that are failures here: access control's, and all from this one on."""
_STARTUP_BODY = b"\0\3\0\0user\0postgres\0database\0postgres\0\0"


@dataclass(frozen=True, slots=True)
class Pair:
    """One consumer of one server."""

    consumer: str
    server: str
    address: str
    port: int
    name: str
    software: str
    number: int = 0
    """Which of the server's certificates the name leads to."""
    certificate: str = CLIENT
    """What the consumer shows where it is asked: a file below the twin's directory, which need not be there."""
    mutual: bool = False
    """Whether the server asks for it, and believes who signed it."""
    app: str = ""
    """`app.namespace`, where the consumer's sidecar calls another one; address, port and name are that one's."""

    @property
    def key(self) -> tuple[str, int]:
        """The certificate that it is shown."""
        return self.server, self.number


@dataclass(frozen=True, slots=True)
class Made:
    """A request that was made: when it began and how long it took in seconds, the serial numbers of certificates that were shown
    (a server's; of sidecars both), what went wrong."""

    pair: Pair
    began: float
    took: float
    serials: tuple[str, ...]
    error: str = ""
    late: float = 0.0
    """Seconds after its time: a load that cannot keep its rate begins its requests late."""


@dataclass
class Trust:
    """What each consumer trusts: a file of its own, read anew when it has changed."""

    home: Path
    """The twin's directory."""
    _read: dict[tuple[str, str], tuple[tuple[int, int], ssl.SSLContext]] = field(default_factory=dict)
    _used: dict[str, str] = field(default_factory=dict)

    def path(self, consumer: str) -> Path:
        """A consumer's bundle."""
        return self.home / "trust" / f"{consumer.replace('/', '_')}.pem"

    def hand_out(self, consumer: str, bundle: str) -> None:
        """Gives a consumer another bundle; it takes notice before its next request."""
        path = self.path(consumer)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(bundle)
        part.rename(path)

    def context(self, pair: Pair) -> ssl.SSLContext:
        """As the consumer has it now, with the certificate that it shows."""
        bundle, shown = self.path(pair.consumer), self.home / pair.certificate
        inodes = (bundle.stat().st_ino, shown.stat().st_ino if shown.is_file() else 0)
        held = self._read.get((pair.consumer, pair.certificate))
        if held is None or held[0] != inodes:
            text = bundle.read_text()
            held = (inodes, ssl.create_default_context(cadata=text))
            show(held[1], shown)
            self._read[pair.consumer, pair.certificate] = held
            self._used[pair.consumer] = digest(text)
        return held[1]

    def acknowledged(self, consumer: str) -> str:
        """The digest of the bundle that a consumer last used."""
        return self._used.get(consumer, "")


def digest(text: str) -> str:
    """Names a bundle."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Load:
    """Requests at a rate until `stop`; `made` grows meanwhile."""

    def __init__(self, pairs: Sequence[Pair], spaces: Mapping[str, int], trust: Trust, rate: int) -> None:
        self.pairs, self.spaces, self.trust, self.rate = pairs, spaces, trust, rate
        self.made: list[Made] = []
        self._numbers = itertools.count()
        self._stop = threading.Event()
        self._began = time.monotonic()
        self._under_way: dict[int, float] = {}
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(_THREADS)]

    def start(self) -> None:
        """Begins."""
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends when the requests on their way have."""
        self._stop.set()
        for thread in self._threads:
            thread.join(10)

    def oldest(self) -> float:
        """When the oldest of the requests began that are under way."""
        return min(list(self._under_way.values()), default=float("inf"))

    def _work(self) -> None:
        while True:
            number = next(self._numbers)
            wait = self._began + number / self.rate - time.monotonic()
            if self._stop.wait(max(wait, 0)):
                return
            self.made.append(self._one(self.pairs[number % len(self.pairs)], max(-wait, 0.0)))

    def _one(self, pair: Pair, late: float) -> Made:
        began = self._under_way[threading.get_ident()] = time.monotonic()
        space = self.spaces[pair.consumer]
        try:
            serials = through_sidecar(pair, space) if pair.app else request(pair, space, self.trust.context(pair))
            return Made(pair, began, time.monotonic() - began, serials, "", late)
        except OSError as failed:
            return Made(pair, began, time.monotonic() - began, (), str(failed) or type(failed).__name__, late)
        finally:
            del self._under_way[threading.get_ident()]


def through_sidecar(pair: Pair, space: int) -> tuple[str, ...]:
    """One call by name over the sidecar on the consumer's loopback; returns the serial numbers of both sidecars. Raises OSError."""
    syscall.setns(space)
    said = caller.converse(caller.Call(pair.consumer, "127.0.0.1", API, False, app=pair.app), Path())
    if not said.status or said.status == _DENIED or said.status >= _BROKEN:
        raise ConnectionError(f"the call to {pair.app} is answered {said.status or said.text}")
    return tuple(said.serials.split())


def request(pair: Pair, space: int, context: ssl.SSLContext) -> tuple[str, ...]:
    """One conversation over TLS from a namespace; returns the serial number of what the server showed. Raises OSError."""
    syscall.setns(space)
    starttls = POSTGRESQL if pair.software == "postgresql" else ""
    with connect(pair.address, pair.port, pair.name, starttls, context) as tls:
        # without a trusted root Python parses nothing of a certificate
        serial = str((tls.getpeercert() or {}).get("serialNumber", ""))
        _TALK[pair.software](tls, pair.name)
        return (serial,)


def _postgresql(tls: ssl.SSLSocket, name: str) -> None:
    _say(tls, struct.pack("!I", len(_STARTUP_BODY) + 4) + _STARTUP_BODY)
    _until(tls, b"Z\0\0\0\5I")
    query = b"select 1\0"
    _say(tls, b"Q" + struct.pack("!I", len(query) + 4) + query)
    _until(tls, b"Z\0\0\0\5I")
    _say(tls, b"X\0\0\0\4")


def _redis(tls: ssl.SSLSocket, name: str) -> None:
    _say(tls, b"PING\r\n")
    _until(tls, b"+PONG\r\n")


def _http(tls: ssl.SSLSocket, name: str) -> None:
    _say(tls, f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
    head = _until(tls, b"\r\n\r\n").split(b"\r\n", 1)[0].decode(errors="replace")
    if not head.startswith("HTTP/") or int(head.split(" ")[1]) in (_DENIED, *range(_BROKEN, 600)):
        raise ConnectionError(f"the server answers {head!r}")


def _front(tls: ssl.SSLSocket, name: str) -> None:
    """Whoever is behind it may speak anything or nothing: being let in is all that is asked of a front."""
    _say(tls, f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
    head = tls.recv(4096)
    if head.startswith(b"HTTP/1.1 5"):
        raise ConnectionError(f"the front answers {head[:60]!r}")


_TALK: Mapping[str, Callable[[ssl.SSLSocket, str], None]] = {
    "postgresql": _postgresql,
    "redis": _redis,
    "haproxy": _http,
    "registry": _http,
    SIDECAR: _http,
    "front": _front,
}
SPOKEN = frozenset(_TALK)
"""Software that a load can speak to."""


def _say(tls: ssl.SSLSocket, data: bytes) -> None:
    """Who was refused in TLS 1.3 may hear of it when it writes; the alert that says why has come before."""
    try:
        tls.sendall(data)
    except (ssl.SSLEOFError, BrokenPipeError, ConnectionResetError):
        tls.recv(1)
        raise


def _until(tls: ssl.SSLSocket, end: bytes) -> bytes:
    data = b""
    while end not in data:
        part = tls.recv(65536)
        if not part:
            raise ConnectionError(f"the server closed after {data[:60]!r}")
        data += part
    return data
