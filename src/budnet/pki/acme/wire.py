"""Requests to an ACME server: directory, nonces, problems; no request and no wait outlives the deadline."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from budnet.errors import OrderRefused
from budnet.pki.acme.jws import CONTENT_TYPE, Key

_NONCES = 5
"""So often a request is repeated with a new nonce before the server is given up."""
_LARGEST = 1 << 20
"""Bytes of an answer: a chain has some thousand."""
_IDLE = 1.0
"""Seconds after which a connection is not used again: the server may close it at the moment we write."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server answered; `headers` by their names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The object in the body. Raises OrderRefused."""
        try:
            found = json.loads(self.body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise OrderRefused(f"the server's answer makes no sense: it is no JSON object but {self.body[:60]!r}")
        return found

    def location(self) -> str:
        """Where what was made is. Raises OrderRefused."""
        return self.headers.get("location", "") or _missing("header Location")

    def wait(self) -> float | None:
        """Seconds of Retry-After, which is a number or a date (RFC 9110, section 10.2.3); None without it."""
        text = self.headers.get("retry-after", "")
        if text.isdecimal():
            return float(text)
        with suppress(ValueError):
            return max((parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds(), 0.0)
        return None


class Wire:
    """A conversation with one directory, as one account."""

    def __init__(self, directory: str, key: Key, trust: Path | None, patience: float) -> None:
        self.url, self.key, self.patience = directory, key, patience
        self.until = time.monotonic() + patience
        self.account = ""
        self._context = ssl.create_default_context(cafile=str(trust) if trust else None)
        self._nonce = ""
        self._open: tuple[tuple[str, int], http.client.HTTPSConnection, float] | None = None
        self.directory = self._accepted(self._send("GET", directory)).json()
        for name in ("newNonce", "newAccount", "newOrder"):
            self.resource(name)

    def resource(self, name: str) -> str:
        """A URL of the directory (section 7.1.1). Raises OrderRefused."""
        return text(self.directory, name)

    def get(self, url: str) -> Answer:
        """POST-as-GET (section 6.3)."""
        return self.post(url, None)

    def post(self, url: str, payload: Mapping[str, Any] | None) -> Answer:
        """A signed request; repeated with the nonce that comes with the refusal where a nonce is not good (section 6.5)."""
        for _ in range(_NONCES):
            nonce = self._nonce or self._new_nonce()
            self._nonce = ""  # each is good for one request
            answer = self._send("POST", url, self.key.sign(url, nonce, self.account, payload))
            if answer.status < HTTPStatus.BAD_REQUEST or not str(_problem(answer).get("type", "")).endswith(":badNonce"):
                break
        return self._accepted(answer)

    def pause(self, seconds: float) -> None:
        """Waits. Raises OrderRefused where the deadline comes first."""
        if time.monotonic() + seconds > self.until:
            raise self.late()
        time.sleep(seconds)

    def late(self) -> OrderRefused:
        """To be raised at the deadline."""
        return OrderRefused(f"the server has not done it within {self.patience:g} s")

    def close(self) -> None:
        """Ends the connection that is open."""
        if self._open:
            self._open[1].close()
        self._open = None

    def _new_nonce(self) -> str:
        self._accepted(self._send("HEAD", self.resource("newNonce")))  # section 7.2
        return self._nonce or _missing("header Replay-Nonce")

    def _accepted(self, answer: Answer) -> Answer:
        if answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return answer
        said = reason(_problem(answer)) or f"{answer.status} {answer.body[:60].decode(errors='replace')}".strip()
        wait = answer.wait()
        raise OrderRefused(f"the server refused: {said}" + (f"; ask again in {wait:.0f} s" if wait is not None else ""))

    def _send(self, method: str, url: str, body: bytes | None = None) -> Answer:
        left = self.until - time.monotonic()
        if left <= 0:
            raise self.late()
        where = urlsplit(url)
        if where.scheme != "https" or not where.hostname:  # section 6.1
            raise OrderRefused(f"the server's answer makes no sense: '{url}' is no https URL")
        connection = self._connection((where.hostname, where.port or 443), left)
        # a timeout of a socket is for one read: a server that sends a byte a second would never run into it
        guard = threading.Timer(left, _cut, [connection])
        guard.daemon = True
        guard.start()
        try:
            path = where.path + (f"?{where.query}" if where.query else "")
            connection.request(
                method, path or "/", body, {"User-Agent": "budnet", "Content-Type": CONTENT_TYPE} if body else {"User-Agent": "budnet"}
            )
            got = connection.getresponse()
            answer = Answer(got.status, {k.lower(): v for k, v in got.getheaders()}, got.read(_LARGEST))
        except ssl.SSLCertVerificationError as refused:
            raise OrderRefused(f"the directory's own certificate is not trusted: {refused.verify_message}") from refused
        except (OSError, http.client.HTTPException) as failed:
            self.close()
            if time.monotonic() >= self.until or isinstance(failed, TimeoutError):
                raise self.late() from failed
            raise OrderRefused(f"{where.hostname} cannot be reached: {failed or type(failed).__name__}") from failed
        finally:
            guard.cancel()
        self._nonce = answer.headers.get("replay-nonce", self._nonce)
        self._open = ((where.hostname, where.port or 443), connection, time.monotonic())
        return answer

    def _connection(self, to: tuple[str, int], left: float) -> http.client.HTTPSConnection:
        if self._open and self._open[0] == to and time.monotonic() - self._open[2] < _IDLE:
            return self._open[1]
        self.close()
        return http.client.HTTPSConnection(*to, timeout=left, context=self._context)


def text(found: Mapping[str, Any], member: str) -> str:
    """A member that must be there. Raises OrderRefused."""
    value = found.get(member)
    return value if isinstance(value, str) and value else _missing(f"'{member}'")


def reason(problem: object) -> str:
    """`rateLimited: too many certificates already issued`: the type's last word, and what the server says (RFC 7807), of
    each name where it tells them apart (section 6.7.1)."""
    if not isinstance(problem, dict):
        return ""
    kind = str(problem.get("type") or "").rpartition(":")[2]
    below = [s for s in problem.get("subproblems") or [] if isinstance(s, dict)]
    each = [f"{(s.get('identifier') or {}).get('value', '')}: {reason(s)}" for s in below]
    return "; ".join([x for x in (": ".join(x for x in (kind, str(problem.get("detail") or "")) if x),) if x] + each)


def _problem(answer: Answer) -> dict[str, Any]:
    with suppress(ValueError):
        found = json.loads(answer.body)
        if isinstance(found, dict):
            return found
    return {}


def _missing(what: str) -> NoReturn:
    raise OrderRefused(f"the server's answer makes no sense: it has no {what}")


def _cut(connection: http.client.HTTPSConnection) -> None:
    if connection.sock is not None:
        with suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)
