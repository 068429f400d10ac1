"""One careful TLS handshake, as a client makes it: the chain that it accepted, or what was wrong with what it was shown."""

from __future__ import annotations

import base64
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from budnet.twin.certificates import EVERYONE

POSTGRESQL = "postgresql"
SSL_REQUEST = bytes.fromhex("0000000804d2162f")
_SECONDS = 5.0
"""A packet that was lost on the way to a connection is sent again after one second, and after three (RFC 6298)."""


@dataclass(frozen=True, slots=True)
class Seen:
    """`chain` in DER, the server's own first; up to the root where it was accepted, else as the server sent it."""

    chain: tuple[bytes, ...]
    error: str = ""

    def json(self) -> dict[str, Any]:
        """For the way between the twin and who asked it."""
        return {"chain": [base64.b64encode(c).decode() for c in self.chain], "error": self.error}

    @staticmethod
    def read(text: dict[str, Any]) -> Seen:
        """What `json` gave."""
        return Seen(tuple(base64.b64decode(c) for c in text["chain"]), text["error"])


class Look(NamedTuple):
    """One handshake to make: `source` is the namespace; the client calls who is there `name` and trusts `roots`, a file below the
    twin's directory."""

    source: str
    address: str
    port: int
    name: str
    starttls: str = ""
    roots: str = EVERYONE


def look(one: Look, home: Path) -> Seen:
    """From this thread's namespace, whatever the source is."""
    context = ssl.create_default_context(cafile=str(home / one.roots))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    to = one.address, one.port, one.name, one.starttls
    try:
        return Seen(chain(connect(*to, context), "get_verified_chain"))
    except ssl.SSLCertVerificationError as refused:
        reason = refused.verify_message or str(refused)
    except OSError as refused:
        return Seen((), str(refused))
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        return Seen(chain(connect(*to, context), "get_unverified_chain"), reason)
    except OSError:
        return Seen((), reason)


def connect(address: str, port: int, name: str, starttls: str, context: ssl.SSLContext) -> ssl.SSLSocket:
    """A connection over TLS; PostgreSQL wants to be asked first (its protocol's "SSL Session Encryption")."""
    plain = socket.create_connection((address, port), timeout=_SECONDS)
    try:
        if starttls == POSTGRESQL:
            plain.sendall(SSL_REQUEST)
            if plain.recv(1) != b"S":
                raise ConnectionError("the server speaks no TLS")
        return context.wrap_socket(plain, server_hostname=name)
    except BaseException:
        plain.close()
        raise


def chain(connection: ssl.SSLSocket, which: str) -> tuple[bytes, ...]:
    """The chain in DER, `get_verified_chain` or `get_unverified_chain`; closes the connection."""
    with connection:
        # public as SSLSocket.get_verified_chain from Python 3.13 on; the object below it has it since 3.10
        found = getattr(connection._sslobj, which)()  # type: ignore[attr-defined]
        return tuple(ssl.PEM_cert_to_DER_cert(c.public_bytes()) for c in found)
