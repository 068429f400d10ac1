"""One HTTPS request, as a careful client makes it: name in SNI and Host, certificate checked, TLS 1.2 or later."""

from __future__ import annotations

import socket
import ssl
from functools import cache
from pathlib import Path

_SECONDS = 3.0


def get(address: str, port: int, host: str, authority: Path) -> str:
    """The text of `https://host/` at an address in this thread's namespace; where there is none, why."""
    request = f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    try:
        with (
            socket.create_connection((address, port), timeout=_SECONDS) as plain,
            _context(authority).wrap_socket(plain, server_hostname=host) as secure,
        ):
            secure.sendall(request.encode())
            data = b""
            while part := secure.recv(65536):
                data += part
    except ssl.SSLCertVerificationError as refused:
        return f"certificate refused: {refused.verify_message}"
    except OSError as refused:
        return f"no connection: {refused}"
    head, _, body = data.partition(b"\r\n\r\n")
    status = head.partition(b"\r\n")[0].decode(errors="replace")
    return body.decode(errors="replace").strip() if " 200 " in f"{status} " else status


@cache
def _context(authority: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority))
