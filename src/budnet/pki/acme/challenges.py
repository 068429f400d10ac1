"""What a validator looks for, by kind of challenge (RFC 8555, section 8; RFC 8737)."""

from __future__ import annotations

import hashlib

from budnet.pki.acme.jws import Key, base64url

DNS, HTTP, ALPN = "dns-01", "http-01", "tls-alpn-01"


def thumbprint(account: bytes) -> str:
    """What an HTTP-01 answer ends with: known before there is an order, so a web server can answer every challenge of an
    account by itself."""
    return Key(account).thumbprint


def answer(kind: str, host: str, token: str, key: Key) -> tuple[str, str]:
    """(where, what) is to be shown:

    dns-01       the name `_acme-challenge.HOST`, and its TXT record (section 8.4)
    http-01      the host, and the text of `/.well-known/acme-challenge/TOKEN`, which begins with the token (section 8.3)
    tls-alpn-01  the host, and in hexadecimal what acmeIdentifier of the certificate for ALPN `acme-tls/1` holds (RFC 8737)
    """
    authorization = f"{token}.{key.thumbprint}"  # section 8.1
    digest = hashlib.sha256(authorization.encode()).digest()
    if kind == DNS:
        return f"_acme-challenge.{host}", base64url(digest)
    return host, digest.hex() if kind == ALPN else authorization
