"""Workload identities, read by others: the strict verifier of `cryptography`, and OpenSSL where it is there."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.verification import ClientVerifier, PolicyBuilder, Store, VerificationError

from budnet.ir.mesh import Identity
from budnet.pki.identity import Sentry, encoded_names
from budnet.pki.issuer import Leaf

CART = Identity("shop.example", "orders", "cart")
KINDS = {"ec-p256": ec.EllipticCurvePublicKey, "ed25519": ed25519.Ed25519PublicKey}


def verifier(sentry: Sentry, at: datetime | None = None) -> ClientVerifier:
    builder = PolicyBuilder().store(Store(x509.load_pem_x509_certificates(sentry.trust)))
    return builder.time(at or datetime.now(UTC)).build_client_verifier()


def chain(leaf: Leaf) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(leaf.chain)


def test_what_a_certificate_says() -> None:
    certificate, issuer = chain(Sentry("shop").sign(CART))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["spiffe://shop.example/ns/orders/cart"]
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(days=1, minutes=15)
    assert issuer.not_valid_after_utc - issuer.not_valid_before_utc >= timedelta(days=364)


@pytest.mark.parametrize("kind", KINDS)
def test_the_key_is_of_the_kind_that_the_version_of_dapr_has(kind: str) -> None:
    sentry = Sentry("shop", kind)
    certificate, issuer = chain(sentry.sign(CART))
    assert isinstance(certificate.public_key(), KINDS[kind])
    assert isinstance(issuer.public_key(), KINDS[kind])


def test_only_its_own_sentry_s_trust_verifies_it_and_only_for_a_day() -> None:
    sentry = Sentry("shop")
    leaf, *others = chain(sentry.sign(CART))
    assert verifier(sentry).verify(leaf, others).subjects is not None
    with pytest.raises(VerificationError):
        verifier(Sentry("shop")).verify(leaf, others)
    with pytest.raises(VerificationError):
        verifier(sentry, datetime.now(UTC) + timedelta(hours=25)).verify(leaf, others)


def test_the_encoded_names_are_in_the_certificate_of_this_identity_and_in_no_other() -> None:
    """HAProxy knows a caller by them: a name that is part of another must not be enough."""
    sentry = Sentry("shop")
    near = [Identity("shop.example", "orders", "cart-2"), Identity("shop.example", "orders", "car"), Identity("shop.example", "order", "cart"),
            Identity("hop.example", "orders", "cart"), Identity("shop.example", "orders", "x" * 63), Identity("s" * 255, "n" * 63, "a" * 63)]  # fmt: skip
    for identity in (CART, *near):
        der = chain(sentry.sign(identity))[0].public_bytes(Encoding.DER)
        assert [i for i in (CART, *near) if encoded_names(i).hex() in der.hex()] == [identity]


@pytest.mark.skipif(not shutil.which("openssl"), reason="the second judge is the openssl program")
def test_openssl_agrees(tmp_path: Path) -> None:
    sentry = Sentry("shop", "ed25519")
    files = {"root": sentry.trust, "leaf": sentry.sign(CART).chain, "other": Sentry("other", "ed25519").trust}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)

    def verified(root: str) -> bool:
        argv = ["openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", root, "-untrusted", "leaf", "leaf"]
        return subprocess.run(argv, cwd=tmp_path, capture_output=True, check=False).returncode == 0

    assert verified("root")
    assert not verified("other")
