"""Who signs: a root, the issuers below it, and the certificates that they make from templates.

Certificates follow RFC 5280 as its strict readers check it (webpki in Go, Rust and `cryptography`): a subject is empty
and the names critical, or there is a subject and they are not; a CA has critical basic constraints and may sign
certificates; what is below it says who signed it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from budnet.ir.address import Prefix
from budnet.pki import keys

SKEW = timedelta(minutes=15)
"""Clocks differ: a certificate is valid from a little before it was made (Dapr's `allowedClockSkew`)."""

_COMMON_NAME_LIMIT = 64


@dataclass(frozen=True, slots=True)
class Leaf:
    """A certificate with its issuers up to, and without, the root, and its key; all in PEM."""

    chain: bytes
    key: bytes

    @property
    def certificate(self) -> x509.Certificate:
        """The first certificate of the chain."""
        return x509.load_pem_x509_certificate(self.chain)


@dataclass(frozen=True, slots=True)
class Template:
    """What is asked of an issuer. `names` are DNS names (one may begin with `*.`), addresses and URIs such as SPIFFE IDs."""

    names: Sequence[str]
    lifetime: timedelta
    kind: str = "ec-p256"
    """One of `keys.KINDS`."""
    server: bool = True
    client: bool = False
    skew: timedelta = SKEW


@dataclass(frozen=True, slots=True)
class Scope:
    """Name constraints of an issuer: what it may sign for (RFC 5280, 4.2.1.10). Nothing said of a form permits all of it.

    `dns` permits a name and everything below it, `uris` the host of a URI (of a SPIFFE ID: the trust domain).
    """

    dns: tuple[str, ...] = ()
    addresses: tuple[Prefix, ...] = ()
    uris: tuple[str, ...] = ()

    def names(self) -> list[x509.GeneralName]:
        """As they stand in the extension."""
        return [
            *map(x509.DNSName, self.dns),
            *map(x509.IPAddress, self.addresses),
            *map(x509.UniformResourceIdentifier, self.uris),
        ]


ANYTHING = Scope()


class Issuer:
    """A certificate authority: a certificate, its key, and the chain from here up to, and without, the root.

    Immutable; issuing leaves no trace in it. `Issuer.root` makes one that signed itself, `subordinate` one below it.
    """

    def __init__(self, certificate: x509.Certificate, key: keys.PrivateKey, chain: bytes) -> None:
        self.certificate, self.key = certificate, key
        self.chain = chain
        """What follows a leaf: empty for a root."""

    @classmethod
    def root(
        cls, name: str, lifetime: timedelta, kind: str = "ec-p256", path_length: int | None = 1, now: datetime | None = None
    ) -> Issuer:
        """A new root with a key of its own; at most `path_length` issuers stand between it and a leaf."""
        key = keys.generate(kind)
        subject = _common_name(name)
        builder = _builder(subject, subject, key.public_key(), key.public_key(), lifetime, SKEW, now)
        return cls(_ca(builder, path_length, ANYTHING).sign(key, keys.signing_hash(key)), key, b"")

    @classmethod
    def load(cls, certificate: bytes, key: bytes, chain: bytes) -> Issuer:
        """From what `pem`, `keys.pem` and `chain` gave."""
        private = load_pem_private_key(key, None)
        assert isinstance(private, keys.PrivateKey)
        return cls(x509.load_pem_x509_certificate(certificate), private, chain)

    @property
    def pem(self) -> bytes:
        """Its certificate in PEM: for a root, what clients trust."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def kind(self) -> str:
        """The kind of its key."""
        return keys.kind_of(self.key)

    @property
    def scope(self) -> Scope:
        """What it may sign for, as its certificate says."""
        try:
            found = self.certificate.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
        except x509.ExtensionNotFound:
            return ANYTHING
        dns = tuple(n.value for n in found if isinstance(n, x509.DNSName))
        uris = tuple(n.value for n in found if isinstance(n, x509.UniformResourceIdentifier))
        addresses = tuple(n.value for n in found if isinstance(n, x509.IPAddress))
        return Scope(dns, cast("tuple[Prefix, ...]", addresses), uris)

    def subordinate(
        self, name: str, lifetime: timedelta, kind: str = "ec-p256", scope: Scope = ANYTHING, now: datetime | None = None
    ) -> Issuer:
        """An issuer below this one that signs leaves only. It never outlives who signed it."""
        key = keys.generate(kind)
        builder = self._below(_common_name(name), key.public_key(), lifetime, SKEW, now)
        certificate = _ca(builder, 0, scope).sign(self.key, keys.signing_hash(self.key))
        return Issuer(certificate, key, certificate.public_bytes(Encoding.PEM) + self.chain)

    def issue(self, template: Template, key: keys.PrivateKey | None = None, now: datetime | None = None) -> Leaf:
        """A leaf for a template, with a new key unless one is given. It never outlives its issuer."""
        key = key or keys.generate(template.kind)
        usages = [ExtendedKeyUsageOID.SERVER_AUTH] * template.server + [ExtendedKeyUsageOID.CLIENT_AUTH] * template.client
        subject = _subject(template.names)
        # RSA without forward secrecy encrypts to the key; clients refuse it where the usage is not written
        encipher = isinstance(key, rsa.RSAPrivateKey)
        certificate = (
            self._below(subject, key.public_key(), template.lifetime, template.skew, now)
            .add_extension(x509.SubjectAlternativeName([general_name(n) for n in template.names]), critical=not list(subject))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(True, False, encipher, False, False, False, False, False, False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .sign(self.key, keys.signing_hash(self.key))
        )
        return Leaf(certificate.public_bytes(Encoding.PEM) + self.chain, keys.pem(key))

    def _below(
        self, subject: x509.Name, key: keys.PublicKey, lifetime: timedelta, skew: timedelta, now: datetime | None
    ) -> x509.CertificateBuilder:
        end = self.certificate.not_valid_after_utc
        signer = self.key.public_key()
        return _builder(subject, self.certificate.subject, key, signer, lifetime, skew, now, end)


def general_name(name: str) -> x509.GeneralName:
    """An address, a URI or a DNS name, told apart by how it is written."""
    if "://" in name:
        return x509.UniformResourceIdentifier(name)
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: keys.PublicKey,
    signer: keys.PublicKey,
    lifetime: timedelta,
    skew: timedelta,
    now: datetime | None,
    end: datetime | None = None,
) -> x509.CertificateBuilder:
    start = (now or datetime.now(UTC)).replace(microsecond=0)
    until = start + lifetime
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - skew)
        .not_valid_after(min(until, end) if end else until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
    )


def _ca(builder: x509.CertificateBuilder, path_length: int | None, scope: Scope) -> x509.CertificateBuilder:
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    builder = builder.add_extension(x509.KeyUsage(True, False, False, False, False, True, True, False, False), critical=True)
    permitted = scope.names()
    return builder.add_extension(x509.NameConstraints(permitted, None), critical=True) if permitted else builder


def _subject(names: Sequence[str]) -> x509.Name:
    """The first DNS name that fits; readers of today look at it no more, logs of servers do."""
    fitting = (n for n in names if isinstance(general_name(n), x509.DNSName) and len(n) <= _COMMON_NAME_LIMIT)
    first = next(fitting, None)
    return _common_name(first) if first else x509.Name([])


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:_COMMON_NAME_LIMIT])])
