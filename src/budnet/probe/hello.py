"""The first bytes of TLS: what a client says, and who answers.

The client offers TLS 1.2 at most: there a server sends its certificate in clear (RFC 5246, 7.4.2), so that the first answer
says who gave it, and nothing has to be negotiated to its end.
"""

from __future__ import annotations

import ssl
from functools import cache

_ALERT, _HANDSHAKE = 0x15, 0x16
_DNS_NAME = 0x82
"""The tag of a DNS name in a certificate (RFC 5280, 4.2.1.6)."""


@cache
def client_hello(name: str) -> bytes:
    """A ClientHello for a server of this name; without one if it is empty."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    said = ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), said, server_hostname=name or None).do_handshake()
    except ssl.SSLWantReadError:
        return said.read()
    raise AssertionError("nobody answered, and yet it is done")


def is_tls(said: bytes) -> bool:
    """Whether an answer is TLS: a handshake message or an alert."""
    return said[:1] in (bytes([_ALERT]), bytes([_HANDSHAKE]))


def certified(said: bytes, name: str) -> bool:
    """Whether the certificate in an answer is for a name."""
    return bytes([_DNS_NAME, len(name)]) + name.encode() in said
