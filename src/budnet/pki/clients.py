"""Client certificates for ways in from outside: an authority of its own, so that no server's certificate opens a door."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFETIME, _SKEW = timedelta(days=30), timedelta(minutes=15)


class ClientAuthority:
    """A root, and certificates that say who a client is. Both live as long as this object."""

    def __init__(self, name: str) -> None:
        self._name = _named(f"{name[:40]} client CA")
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._root = self._sign(self._name, self._key.public_key(), ca=True)

    @property
    def root(self) -> bytes:
        """In PEM: what a server asks clients to be signed by."""
        return self._root.public_bytes(Encoding.PEM)

    def issue(self, client: str) -> bytes:
        """A certificate for a client, and its new key behind it, in PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(_named(client), key.public_key(), ca=False)
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return certificate.public_bytes(Encoding.PEM) + secret

    def _sign(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, ca: bool) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _SKEW)
            .not_valid_after(now + _LIFETIME)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=0 if ca else None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .add_extension(x509.KeyUsage(True, False, False, False, False, ca, ca, False, False), critical=True)
        )
        if not ca:
            builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        return builder.sign(self._key, hashes.SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
