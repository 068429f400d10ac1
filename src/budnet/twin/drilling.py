"""A part is lost under a steady load, and comes back: what becomes of the requests.

Requests begin at fixed times, whatever became of those before (an open loop): a system that hangs is asked no less, so a loss
of a second costs a second of requests and not one. Each has a deadline. A client that knows several addresses of a server
tries the next where one does not answer; no request is made twice after it was sent.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from budnet.twin import syscall
from budnet.twin.handshake import POSTGRESQL, SSL_REQUEST
from budnet.twin.part import Part

DNS, PLAIN, TLS, HTTPS = "dns", "plain", "tls", "https"
RUN = 20
"""So many successes one after the other are a recovery."""
_CALM, _LOOK = 0.5, 0.02
"""Seconds: of load before and after, and between two looks."""
_HTTP = b"GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Request:
    """One kind of request. `kind` is dns, plain, tls, https or postgresql."""

    consumer: str
    kind: str
    addresses: tuple[str, ...]
    port: int
    name: str


@dataclass(frozen=True, slots=True)
class Made:
    """When a request began and ended (`time.monotonic`), and what went wrong."""

    began: float
    ended: float
    error: str = ""


class OpenLoop:
    """Requests at a rate until `stop`; `made` grows meanwhile, in the order in which they end."""

    def __init__(self, requests: Sequence[Request], spaces: Mapping[str, int], trust: ssl.SSLContext, rate: int, deadline: float) -> None:
        self.requests, self.spaces, self.trust, self.rate, self.deadline = requests, spaces, trust, rate, deadline
        self.made: list[Made] = []
        self._over = threading.Event()
        self._pace = threading.Thread(target=self._begin_all, daemon=True)

    def start(self) -> None:
        """Begins."""
        self._pace.start()

    def stop(self) -> None:
        """Ends when the requests on their way have, or when their time is over."""
        self._over.set()
        self._pace.join()
        time.sleep(self.deadline)

    def _begin_all(self) -> None:
        began, number = time.monotonic(), 0
        while not self._over.wait(max(began + number / self.rate - time.monotonic(), 0)):
            threading.Thread(target=self._one, args=(number,), daemon=True).start()
            number += 1

    def _one(self, number: int) -> None:
        began = time.monotonic()
        request = self.requests[number % len(self.requests)]
        error = ""
        try:
            syscall.setns(self.spaces[request.consumer])
            converse(request, number // len(self.requests), self.trust, began + self.deadline)
        except OSError as failed:
            error = failed.strerror or str(failed) or type(failed).__name__
        self.made.append(Made(began, time.monotonic(), error))


def drill(
    part: Part, load: OpenLoop, away: float, patience: float, still_wanted: Callable[[], bool], say: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Takes the part away for `away` seconds and gives it back, then waits until it is well and for a run of successes,
    `patience` seconds at most.

    The part is back when this returns or raises. InterruptedError where nobody wants the answer any more.
    """

    def pause(seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not until():
            if not still_wanted():
                raise InterruptedError
            time.sleep(_LOOK)

    def phase(name: str) -> float:
        say({"phase": {"part": part.name, "name": name}})
        return time.monotonic()

    load.start()
    try:
        phase("load alone")
        pause(_CALM)
        lost = phase(part.how)
        try:
            part.take()
            pause(away)
        finally:
            returned = time.monotonic()
            part.give()
        ready = phase("it is back")
        pause(patience, part.well)
        restored = time.monotonic() - returned if part.well() else None
        pause(returned + patience - time.monotonic(), lambda: recovery(load.made, returned) is not None)
        pause(_CALM)
    finally:
        load.stop()
    return account(load.made, lost, returned) | {
        "part": part.name, "how": part.how, "ready": round(ready - returned, 3),
        "restored_after_return": None if restored is None else round(restored, 3),
    }  # fmt: skip


def account(made: Sequence[Made], lost: float, returned: float) -> dict[str, Any]:
    """What became of the requests, in seconds after the loss, and after the return began."""
    bad = [m for m in sorted(made, key=lambda m: m.began) if m.error]
    after = [m for m in bad if m.ended >= lost]
    back, through = recovery(made, returned), recovery(made, lost)
    return {
        "requests": len(made), "failed": len(bad), "failed_before": len(bad) - len(after), "away": round(returned - lost, 3),
        "failed_away": sum(lost <= m.began < returned for m in after),
        "first_failure": round(after[0].ended - lost, 3) if after else None,
        "last_failure": round(after[-1].began - lost, 3) if after else None,
        "recovered_after_loss": None if through is None else round(through - lost, 3),
        "recovered_after_return": None if back is None else round(back - returned, 3),
        "errors": Counter(m.error for m in bad).most_common(5),
    }  # fmt: skip


def recovery(made: Sequence[Made], since: float) -> float | None:
    """When the first request of a run of successes ended, among those that began since; None while there is no such run."""
    run: list[Made] = []
    for one in sorted(made, key=lambda m: m.began):
        if one.began < since:
            continue
        run = [] if one.error else [*run, one]
        if len(run) == RUN:
            return run[0].ended
    return None


# ---- one request --------------------------------------------------------------------------------------------------------


def converse(request: Request, turn: int, trust: ssl.SSLContext, deadline: float) -> None:
    """From this thread's namespace: one whole conversation. Addresses are taken in turn, as answers of DNS are. Raises OSError."""
    start = turn % len(request.addresses)
    addresses = (*request.addresses[start:], *request.addresses[:start])
    if request.kind == DNS:
        _look_up(addresses[0], request, deadline)
        return
    with _connect(addresses, request.port, deadline) as plain:
        if request.kind == PLAIN:
            plain.sendall(_HTTP % request.name.encode())
            _some(plain)
            return
        if request.kind == POSTGRESQL:
            plain.sendall(SSL_REQUEST)
            if plain.recv(1) != b"S":
                raise ConnectionError("the server speaks no TLS")
        with trust.wrap_socket(plain, server_hostname=request.name) as secure:
            if request.kind == HTTPS:
                secure.sendall(_HTTP % request.name.encode())
                if (said := _some(secure)[9:12]) >= b"500":
                    raise ConnectionError(f"the load balancer answers {said.decode(errors='replace')}")


def _connect(addresses: Sequence[str], port: int, deadline: float) -> socket.socket:
    for left in range(len(addresses), 0, -1):
        seconds = deadline - time.monotonic()
        if seconds <= 0:
            break
        try:
            found = socket.create_connection((addresses[-left], port), seconds / left)
        except OSError:
            if left == 1:
                raise
            continue
        found.settimeout(max(deadline - time.monotonic(), 0.001))
        return found
    raise TimeoutError("timed out")


def _some(plain: socket.socket) -> bytes:
    said = plain.recv(4096)
    if not said:
        raise ConnectionError("the server closed without a word")
    return said


def _look_up(address: str, request: Request, deadline: float) -> None:
    """One question over UDP (RFC 1035); an answer is one that has records."""
    labels = b"".join(bytes([len(x)]) + x.encode() for x in request.name.split("."))
    kind = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(kind, socket.SOCK_DGRAM) as plain:
        plain.settimeout(max(deadline - time.monotonic(), 0.001))
        plain.connect((address, request.port))
        plain.send(struct.pack("!6H", 1, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", 1, 1))
        _, flags, _, answers, _, _ = struct.unpack_from("!6H", plain.recv(4096))
        if flags & 15 or not answers:
            raise ConnectionError(f"the name server answers code {flags & 15} with {answers} records")
