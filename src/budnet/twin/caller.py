"""Calls to sidecars, from inside the twin: each from a namespace, in clear or with one certificate or with none.

A caller that shows no certificate, or a bad one, finishes a TLS 1.3 handshake without knowing that it is refused: the
alert comes with the first read. So every call sends a request and reads an answer before it says anything.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from budnet.twin import haproxy_master, syscall
from budnet.twin.servers.sidecars import SERIALS, SIDECAR

_SECONDS, _THREADS = 5.0, 8
_FAMILY = {True: socket.AF_INET6, False: socket.AF_INET}


class Call(NamedTuple):
    """One request."""

    source: str
    """The namespace it is sent from."""
    address: str
    port: int
    secure: bool
    certificate: str = ""
    """A file below `mesh/`; none if empty."""
    maximum: str = ""
    """`1.2`: no later TLS version is offered."""
    app: str = ""
    """Whom a caller's own sidecar is asked for."""


class Said(NamedTuple):
    """What came back: an HTTP status with the pod whose sidecar answered, or 0 and why there is none."""

    status: int
    sidecar: str
    text: str
    """The page, or the refusal: a TLS alert such as `certificate required`, `refused`, `timed out`, `closed`."""
    identity: str
    """The SPIFFE ID in the certificate that the other end showed."""
    serials: str = ""
    """The serial numbers of the certificates by which the sidecar that answered and its caller knew each other."""


def ask(calls: Iterable[Call], namespaces: Mapping[str, int], folder: Path) -> list[Said]:
    """All calls; a few at a time, because one end of each is busy while the other one computes."""

    def one(call: Call) -> Said:
        syscall.setns(namespaces[call.source])  # of this thread alone
        return converse(call, folder)

    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(one, calls))


def converse(call: Call, folder: Path) -> Said:
    """One call, from the namespace of this thread."""
    identity = ""
    try:
        with socket.socket(_FAMILY[":" in call.address], socket.SOCK_STREAM) as plain:
            plain.settimeout(_SECONDS)
            plain.connect((call.address, call.port))
            if not call.secure:
                return _request(plain, call, "")
            with _context(str(folder), call.certificate, call.maximum).wrap_socket(plain, do_handshake_on_connect=False) as secure:
                secure.do_handshake()
                identity = _identity(secure)
                return _request(secure, call, identity)
    except ssl.SSLError as refused:
        return Said(0, "", _alert(refused), identity)
    except TimeoutError:
        return Said(0, "", "timed out", identity)
    except ConnectionRefusedError:
        return Said(0, "", "refused", identity)
    except (OSError, http.client.HTTPException):
        return Said(0, "", "closed", identity)


def _request(connection: socket.socket, call: Call, identity: str) -> Said:
    name = f"dapr-app-id: {call.app}\r\n" if call.app else ""
    connection.sendall(f"GET / HTTP/1.1\r\nHost: sidecar\r\n{name}Connection: close\r\n\r\n".encode())
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    sidecar, serials = (answer.getheader(name) or "" for name in (SIDECAR, SERIALS))
    return Said(answer.status, sidecar, answer.read().decode(errors="replace").strip(), identity, serials)


@lru_cache(maxsize=256)
def _context(folder: str, certificate: str, maximum: str) -> ssl.SSLContext:
    """Who answers is checked against the mesh's root, and who it is by the caller of this module."""
    context = ssl.create_default_context(cafile=f"{folder}/trust.pem")
    context.check_hostname = False
    if certificate:
        context.load_cert_chain(f"{folder}/{certificate}")
    if maximum == "1.2":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def _identity(connection: ssl.SSLSocket) -> str:
    names = (connection.getpeercert() or {}).get("subjectAltName", ())
    return next((str(name[1]) for name in names if name[0] == "URI"), "")


def _alert(refused: ssl.SSLError) -> str:
    """OpenSSL's `TLSV13_ALERT_CERTIFICATE_REQUIRED` in the words of RFC 8446: `certificate required`."""
    reason = refused.reason or str(refused)
    return reason.partition("_ALERT_")[2].replace("_", " ").lower() or reason.replace("_", " ").lower()


def lying(folder: Path, lies: Mapping[str, Mapping[str, str]], work: Callable[[], list[Said]]) -> list[Said]:
    """Does something while the sidecars' tables of callees have entries (by table) that are not true."""
    try:
        for table, entries in lies.items():
            for key, value in entries.items():
                _command(folder, f"add map {folder}/{table} {key} {value}")
        return work()
    finally:
        for table, entries in lies.items():
            for key in entries:
                _command(folder, f"del map {folder}/{table} {key}")


def _command(folder: Path, text: str) -> None:
    with suppress(OSError):
        haproxy_master.ask(folder, f"@1 {text}")
