"""Issuers: what they sign is what strict readers accept, and nothing that they may not sign is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from budnet.pki import keys
from budnet.pki.authority import Authority
from budnet.pki.issuer import Issuer, Leaf, Scope, Template

DAY = timedelta(days=1)


def accepts(root: bytes, leaf: Leaf, name: str, at: datetime | None = None) -> bool:
    """The second judge: `cryptography`'s own path building, as strict as webpki."""
    chain = x509.load_pem_x509_certificates(leaf.chain)
    verifier = PolicyBuilder().store(Store([x509.load_pem_x509_certificate(root)])).time(at or datetime.now(UTC))
    try:
        verifier.build_server_verifier(x509.DNSName(name)).verify(chain[0], chain[1:])
    except VerificationError:
        return False
    return True


@pytest.mark.parametrize("kind", [k for k in keys.KINDS if k not in ("rsa-3072", "rsa-4096", "ed25519")])
def test_a_leaf_of_every_kind_is_accepted_for_its_names_only(kind: str) -> None:
    authority = Authority("office")
    leaf = authority.issuer("database").issue(Template(["db", "db.store.svc", "10.0.0.5"], DAY, kind))
    assert keys.kind_of(leaf.certificate.public_key()) == kind
    assert accepts(authority.root, leaf, "db.store.svc")
    assert not accepts(authority.root, leaf, "db.other.svc")
    assert not accepts(Authority("other").root, leaf, "db.store.svc")


def test_an_ed25519_chain_verifies() -> None:
    """`cryptography`'s policy knows no Ed25519 (the web has none), so each signature is checked by itself."""
    issuer = Issuer.root("r", 9 * DAY, "ed25519").subordinate("i", 9 * DAY, "ed25519")
    leaf = issuer.issue(Template(["spiffe://td/ns/a/b"], DAY, "ed25519", client=True))
    leaf.certificate.verify_directly_issued_by(issuer.certificate)


def test_an_issuer_signs_for_its_scope_only() -> None:
    authority = Authority("office")
    issuer = authority.issuer("database", Scope(dns=("store.svc",), addresses=(ip_network("10.0.0.0/16"),)))
    assert accepts(authority.root, issuer.issue(Template(["db.store.svc", "10.0.0.5"], DAY)), "db.store.svc")
    assert not accepts(authority.root, issuer.issue(Template(["db.web.svc"], DAY)), "db.web.svc")
    assert not accepts(authority.root, issuer.issue(Template(["db.store.svc", "10.1.0.5"], DAY)), "db.store.svc")


def test_an_issuer_makes_no_issuers() -> None:
    authority = Authority("office")
    below = authority.issuer("database").subordinate("one too many", DAY)
    assert not accepts(authority.root, below.issue(Template(["db.store.svc"], DAY)), "db.store.svc")


def test_time() -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    authority = Authority("office", now)
    leaf = authority.issuer("database").issue(Template(["db.store.svc"], DAY), now=now)
    assert not accepts(authority.root, leaf, "db.store.svc", now - timedelta(minutes=16))
    assert accepts(authority.root, leaf, "db.store.svc", now - timedelta(minutes=14))
    assert not accepts(authority.root, leaf, "db.store.svc", now + DAY + timedelta(seconds=1))


def test_nothing_outlives_who_signed_it() -> None:
    issuer = Issuer.root("r", 2 * DAY).subordinate("i", 9 * DAY)
    leaf = issuer.issue(Template(["db.store.svc"], 9 * DAY)).certificate
    assert leaf.not_valid_after_utc == issuer.certificate.not_valid_after_utc


def test_names_are_critical_only_where_there_is_no_subject() -> None:
    issuer = Authority("office").issuer("mesh")
    for names in (["db"], ["spiffe://td/ns/a/b"], ["10.0.0.1"], [f"{'a' * 60}.example.com"]):
        leaf = issuer.issue(Template(names, DAY)).certificate
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        assert found.critical is (not list(leaf.subject))


def test_an_issuer_is_read_back() -> None:
    issuer = Authority("office").issuer("database")
    again = Issuer.load(issuer.pem, keys.pem(issuer.key), issuer.chain)
    assert again.issue(Template(["db"], DAY)).certificate.issuer == issuer.certificate.subject
