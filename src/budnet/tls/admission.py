"""Whom a server lets in: a stranger or a known client after a whole handshake, and who speaks without TLS.

Only here OpenSSL is asked (Python's ssl), because the client's side of a handshake needs keys. A refusal of TLS 1.3 for want of
a client certificate comes after the handshake, on the first read (RFC 8446, section 4.4.2.4), so a line is written and read.
"""

from __future__ import annotations

import ssl
import struct
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from budnet.tls import talk
from budnet.tls.loop import READ, WRITE, ready
from budnet.tls.talk import Negotiation, Place

ADMITTED = "admitted"
_STARTUP_BODY = b"\0\3\0\0user\0postgres\0database\0postgres\0\0"
_STARTUP = struct.pack("!I", len(_STARTUP_BODY) + 4) + _STARTUP_BODY
_LINE = b"PING\r\n\r\n"
"""Redis answers it, HTTP servers refuse it, and nobody takes it for anything that changes something."""
_PATIENCE = 0.5
"""Seconds for a server to speak after a handshake; a refusal comes at once, so who is silent has let us in."""


@dataclass
class Admission:
    """`fate` is `admitted`, or how it was refused; `key` and `names` are of the certificate that the server showed."""

    fate: str = ADMITTED
    key: str = ""
    names: list[str] = field(default_factory=list)


async def handshake(place: Place, identity: Path | None) -> Admission:
    """A whole one, and one line said and read: a refusal of TLS 1.3 is not there before that."""
    found = Admission()
    try:
        with await talk.secure(place) as plain, _context(identity).wrap_socket(
            plain, server_hostname=place.name or None, do_handshake_on_connect=False
        ) as connection:  # fmt: skip
            await _finished(connection, place.seconds)
            _certificate(found, connection.getpeercert(binary_form=True))
            connection.send(_STARTUP if place.starttls else _LINE)
            answer = await _answer(connection, min(_PATIENCE, place.seconds))
    except ssl.SSLError as refused:
        found.fate = (refused.reason or str(refused)).lower().replace("_", " ")
    except Negotiation as refused:
        found.fate = str(refused)
    except OSError as refused:
        found.fate = talk.kind_of(refused)
    else:
        # PostgreSQL takes the connection and says afterwards whom it does not let in
        if place.starttls and answer[:1] == b"E" and b"certificate" in answer:
            found.fate = "connection requires a valid client certificate"
    return found


async def _finished(connection: ssl.SSLSocket, seconds: float) -> None:
    while True:
        try:
            return connection.do_handshake()
        except ssl.SSLWantReadError:
            await ready(connection, READ, seconds)
        except ssl.SSLWantWriteError:
            await ready(connection, WRITE, seconds)


async def _answer(connection: ssl.SSLSocket, seconds: float) -> bytes:
    """Empty where it closes, or says nothing."""
    while True:
        try:
            return connection.recv(400)
        except ssl.SSLWantReadError:
            try:
                await ready(connection, READ, seconds)
            except TimeoutError:
                return b""


@cache
def _context(identity: Path | None) -> ssl.SSLContext:
    """One that takes anything: whether to believe a certificate is another question, and is asked apart."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    if identity:
        context.load_cert_chain(identity)
    return context


def _certificate(found: Admission, der: bytes | None) -> None:
    if not der:
        return
    try:
        certificate = x509.load_der_x509_certificate(der)
        found.key = key_of(certificate)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found.names = [str(name.value) for name in names]
    except (ValueError, x509.ExtensionNotFound) as wrong:
        found.key = f"unreadable: {wrong}"


def key_of(certificate: x509.Certificate) -> str:
    """The kind of its key, in the words of the language."""
    key = certificate.public_key()
    match key:
        case rsa.RSAPublicKey():
            return f"rsa-{key.key_size}"
        case ec.EllipticCurvePublicKey():
            return {"secp256r1": "ec-p256", "secp384r1": "ec-p384", "secp521r1": "ec-p521"}.get(key.curve.name, f"ec-{key.curve.name}")
        case ed25519.Ed25519PublicKey():
            return "ed25519"
        case ed448.Ed448PublicKey():
            return "ed448"
        case _:
            return type(key).__name__


async def plaintext(place: Place) -> str:
    """Speaks without TLS and sees who answers. PostgreSQL refuses in its own words, others in TLS's or by hanging up."""
    try:
        with await talk.connect(place) as plain:
            plain.send(_STARTUP if place.starttls else _LINE)
            answer = await talk.receive(plain, min(_PATIENCE, place.seconds))
    except TimeoutError:
        return "refused: silence"
    except OSError as refused:
        return f"refused: {talk.kind_of(refused)}"
    if not answer:
        return "refused: closed"
    if place.starttls and answer[:1] == b"E":
        return "refused: " + ("no encryption" if b"no encryption" in answer else "an error message")
    if len(answer) > 1 and answer[0] == 21 and answer[1] == 3:
        return "refused: alert"
    return f"answered: {answer[:16]!r}"
