"""A user's own certificate: read, and judged before anything presents it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from budnet.pki import keys
from budnet.pki.expiry import State, state

T = TypeVar("T", bound=x509.ExtensionType)
CHAIN, KEY = "chain", "private-key"
"""Which of the two files a problem is in; as the file's keys are called."""


@dataclass(frozen=True, slots=True)
class Problem:
    """`kind` is stable: `not-pem`, `other-key`, `order`, `authority`, `not-yet`, `expired`, `due`, `names`, `usage`."""

    kind: str
    where: str
    summary: str
    help: str


def judge(chain: bytes, key: bytes, names: Sequence[str], now: datetime | None = None) -> list[Problem]:
    """What is wrong with a chain and its key for a server of these names; nothing more is said of what cannot be read."""
    now = now or datetime.now(UTC)
    try:
        certificates = x509.load_pem_x509_certificates(chain)
        leaf = certificates[0]
        leaf.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return [
            Problem("not-pem", CHAIN, "this file has no certificates in PEM", "it begins with -----BEGIN CERTIFICATE-----, your own first")
        ]
    try:
        private = load_pem_private_key(key, None)
    except TypeError:
        return [Problem("not-pem", KEY, "the key is protected by a passphrase", "servers start alone: store it without one")]
    except (ValueError, UnsupportedAlgorithm):
        return [Problem("not-pem", KEY, "this file has no private key in PEM", "it begins with -----BEGIN PRIVATE KEY-----")]
    if private.public_key() != leaf.public_key():
        belongs = next((i for i, c in enumerate(certificates) if c.public_key() == private.public_key()), 0)
        help = (
            f"it belongs to certificate {belongs + 1} of the chain: yours goes first"
            if belongs
            else "take the key that it was requested with"
        )
        return [Problem("other-key", KEY, "the key does not belong to the certificate", help)]
    return [*_order(certificates), *(list(_purpose(leaf)) or _names(leaf, names)), *_time(certificates, now)]


def _order(certificates: list[x509.Certificate]) -> Iterator[Problem]:
    """Each is signed by the next (RFC 5246, section 7.4.2: strict readers take no other order)."""
    for number, (lower, upper) in enumerate(pairwise(certificates), 2):
        try:
            lower.verify_directly_issued_by(upper)
        except (ValueError, TypeError, InvalidSignature):
            yield Problem("order", CHAIN, f"certificate {number} of the chain did not sign the one before it",
                          "put them in order: your own, who signed it, who signed that; the root may be left out")  # fmt: skip
            return


def _purpose(leaf: x509.Certificate) -> Iterator[Problem]:
    if authority(leaf):
        yield Problem("authority", CHAIN, "the first certificate of the chain is an issuer's, not a server's", "put the server's own first")
    usage = _extension(leaf, x509.ExtendedKeyUsage)
    if usage is not None and x509.oid.ExtendedKeyUsageOID.SERVER_AUTH not in usage:
        yield Problem("usage", CHAIN, "the certificate may not be used by a server", "ask its issuer for one with server authentication")


def _names(leaf: x509.Certificate, names: Sequence[str]) -> Iterator[Problem]:
    uncovered = [n for n in names if not covered(n, names_of(leaf))]
    if uncovered:
        carried = ", ".join(names_of(leaf)) or "none"
        yield Problem("names", CHAIN, f"the certificate does not cover {uncovered[0]}", f"it carries {carried}")


def _time(certificates: list[x509.Certificate], now: datetime) -> Iterator[Problem]:
    for number, certificate in enumerate(certificates, 1):
        start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        which = "the certificate" if number == 1 else f"certificate {number} of the chain"
        found = state(start, end, now)
        if found is State.NOT_YET:
            yield Problem("not-yet", CHAIN, f"{which} is not valid before {start:%Y-%m-%d %H:%M} UTC", "wait, or set the clock")
        elif found is State.EXPIRED:
            yield Problem("expired", CHAIN, f"{which} expired on {end:%Y-%m-%d}", "renew it")
        elif found is State.DUE and number == 1:
            yield Problem("due", CHAIN, f"{which} expires on {end:%Y-%m-%d}: less than a third of its lifetime is left", "renew it now")


def names_of(certificate: x509.Certificate) -> list[str]:
    """Its alternative names, as text."""
    found = _extension(certificate, x509.SubjectAlternativeName)
    return [str(getattr(name, "value", name)) for name in found] if found is not None else []


def covered(name: str, carried: Sequence[str]) -> bool:
    """Whether a name, an address or a wildcard is among what a certificate carries; `*` stands for one label (RFC 6125)."""
    return name in carried or ("." in name and f"*.{name.partition('.')[2]}" in carried)


def kind(certificate: x509.Certificate) -> str:
    """The kind of its key."""
    return keys.kind_of(certificate.public_key())


def authority(certificate: x509.Certificate) -> bool:
    """Whether it may sign certificates."""
    found = _extension(certificate, x509.BasicConstraints)
    return found is not None and found.ca


def _extension(certificate: x509.Certificate, wanted: type[T]) -> T | None:
    try:
        return certificate.extensions.get_extension_for_class(wanted).value
    except x509.ExtensionNotFound:
        return None
