"""All questions to one server: which versions, suites and groups it takes, what it proves itself with, whether it wants a
client to do the same, and whether it also speaks without TLS.

A list is found by offering everything, taking what the server picks out of the offer, and offering the rest, until it
refuses: one connection more than the list is long. Only for the client's side of a handshake, which needs keys, OpenSSL
is asked (Python's ssl): a refusal of TLS 1.3 for want of a client certificate comes after the handshake, on the first
read (RFC 8446, section 4.4.2.4), so one line is written and read.
"""

from __future__ import annotations

import socket
import ssl
import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from budnet.tls import groups, suites, talk
from budnet.tls.talk import HELLO, NOBODY, Negotiation, Outcome, Place, ask, connect
from budnet.tls.wire import Version

_STARTUP_BODY = b"\0\3\0\0user\0postgres\0database\0postgres\0\0"
_STARTUP = struct.pack("!I", len(_STARTUP_BODY) + 4) + _STARTUP_BODY
_LINE = b"PING\r\n\r\n"
"""Redis answers it, HTTP servers refuse it, and nobody takes it for anything that changes something."""
_PATIENCE = 0.5
"""Seconds for a server to speak after a handshake; a refusal comes at once, so who is silent has let us in."""
_ALL_GROUPS = tuple(groups.BY_NUMBER)
_CURVES = tuple(g.number for g in groups.GROUPS if g.elliptic)


@dataclass
class Seen:
    """What a server showed. Names of suites are OpenSSL's, in the order of the server's choice."""

    trouble: str = ""
    """Why there is nothing below: nobody is there, or it is no TLS."""
    suites: dict[str, list[str]] = field(default_factory=dict)
    """By version from the oldest, such as `TLS 1.2`; only versions that it takes."""
    refusals: dict[str, str] = field(default_factory=dict)
    """By version, how the first offer of it, or the last, was refused."""
    groups: dict[str, list[str]] = field(default_factory=dict)
    """By version, TLS 1.2 (ECDHE) and 1.3."""
    key: str = ""
    """Of its certificate, such as `rsa-2048`, `ec-p256`, `ed25519`."""
    names: list[str] = field(default_factory=list)
    """DNS names, addresses and URIs of its certificate."""
    clients: str = ""
    """Who has no certificate is `admitted`, or how it is refused."""
    plaintext: str = ""
    """`refused` and how, or `answered` and what."""
    with_certificate: str = ""
    """The same as `clients` with the certificate that was given; empty where none was."""
    questions: int = 0

    def json(self) -> dict[str, Any]:
        """As it goes over a socket."""
        return asdict(self)


def scan(place: Place, identity: Path | None = None) -> Seen:
    """Asks everything; `identity` is a PEM file with a client's certificate and key. Never raises for what a server does.

    The questions do not depend on each other, so about ten connections are open at a time. Threads start in the network
    namespace of who starts them.
    """
    with ThreadPoolExecutor(len(Version) + 5) as pool:
        lists = {version: pool.submit(_suites, place, version) for version in reversed(Version)}
        exchanged = {version: pool.submit(_groups, place, version) for version in (Version.TLS12, Version.TLS13)}
        plaintext = pool.submit(_plaintext, place)
        stranger = pool.submit(_handshake, place, None)
        known = pool.submit(_handshake, place, identity) if identity else None
    seen = Seen(plaintext=plaintext.result(), questions=3 if identity else 2)
    for version in Version:
        found, refused = lists[version].result()
        seen.questions += len(found) + 1
        seen.refusals[version.text] = refused.text
        if found:
            seen.suites[version.text] = [suites.called(n) for n in found]
    for version, groups_of in exchanged.items():
        seen.questions += len(groups_of.result()) + 1
        if version.text in seen.suites:
            seen.groups[version.text] = groups_of.result()
    if not seen.suites:
        seen.trouble = _trouble([lists[version].result()[1] for version in Version])
        return seen
    admitted = stranger.result()
    seen.key, seen.names, seen.clients = admitted.key, admitted.names, admitted.fate
    seen.with_certificate = known.result().fate if known else ""
    return seen


def _trouble(refusals: list[Outcome]) -> str:
    """Nobody being there says more than any version's refusal, and today's versions more than those of old."""
    absent = next((o for o in refusals if o.kind in NOBODY), None)
    return (absent or refusals[-1]).text


def _suites(place: Place, version: Version) -> tuple[list[int], Outcome]:
    """What it picks, one after the other, and how it refused in the end."""
    pool = [s.number for s in (suites.SUITES_13 if version == Version.TLS13 else suites.SUITES_12)]
    if version < Version.TLS12:
        pool = [n for n in pool if not suites.BY_NUMBER[n].since_12]
    offered = _ALL_GROUPS if version == Version.TLS13 else _CURVES
    found: list[int] = []
    while True:
        outcome = ask(place, version, pool, offered)
        flight = outcome.flight
        if outcome.kind != HELLO or flight.version != version or flight.suite not in pool:
            return found, _odd(outcome, version)
        found.append(flight.suite)
        pool.remove(flight.suite)
        if not pool:
            return found, outcome


def _odd(outcome: Outcome, version: Version) -> Outcome:
    """A ServerHello that does not fit the offer is a refusal, too: of old, of the version (RFC 5246, appendix E.1)."""
    if outcome.kind != HELLO:
        return outcome
    what = "another version" if outcome.flight.version != version else "a suite that was not offered"
    return Outcome(talk.NO_TLS, more=f"ServerHello with {what}")


def _groups(place: Place, version: Version) -> list[str]:
    usable = [s.number for s in (suites.SUITES_13 if version == Version.TLS13 else suites.SUITES_12) if s.key_exchange in ("any", "ECDHE")]
    pool, out = list(_ALL_GROUPS if version == Version.TLS13 else _CURVES), list[str]()
    while pool:
        outcome = ask(place, version, usable, pool, whole=True)
        group = outcome.flight.group
        if outcome.kind != HELLO or outcome.flight.version != version or group not in pool:
            break
        out.append(groups.called(group))
        pool.remove(group)
    return out


# ---- what needs a whole handshake, or none --------------------------------------------------------------------------


@dataclass
class _Handshake:
    """`fate` is `admitted`, or how it was refused."""

    fate: str = "admitted"
    key: str = ""
    names: list[str] = field(default_factory=list)


def _handshake(place: Place, identity: Path | None) -> _Handshake:
    """A whole one, and one line said and read: a refusal of TLS 1.3 is not there before that."""
    found = _Handshake()
    try:
        with connect(place) as plain, _context(identity).wrap_socket(plain, server_hostname=place.name or None) as secure:
            _certificate(found, secure.getpeercert(binary_form=True))
            secure.settimeout(min(_PATIENCE, place.seconds))
            secure.sendall(_STARTUP if place.starttls else _LINE)
            answer = secure.recv(400)
    except TimeoutError:
        return found
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


def _certificate(found: _Handshake, der: bytes | None) -> None:
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


def _plaintext(place: Place) -> str:
    """Speaks without TLS and sees who answers. PostgreSQL refuses in its own words, others in TLS's or by hanging up."""
    try:
        with socket.create_connection((place.address, place.port), place.seconds) as plain:
            plain.settimeout(min(_PATIENCE, place.seconds))
            plain.sendall(_STARTUP if place.starttls else _LINE)
            answer = plain.recv(400)
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
