"""Others who must agree with the rules: OpenSSL about suites, keys and names, and the resolver about ranges."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from budnet.lint.design import covers
from budnet.lint.tls import no_forward_secrecy, with_forward_secrecy
from budnet.pipeline import load_text

HERE = Path(__file__).parent
BASE = (HERE / "base.yaml").read_text()


def suites(which: str) -> list[dict[str, object]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(which)
    return [dict(c) for c in context.get_ciphers() if c["protocol"] != "TLSv1.3"]  # type: ignore[index]


def test_openssl_agrees_which_suites_have_no_forward_secrecy() -> None:
    found = suites("ALL:COMPLEMENTOFALL:!PSK:!SRP:!aNULL:@SECLEVEL=0")
    assert len(found) > 50
    for suite in found:
        assert no_forward_secrecy(str(suite["name"])) == (suite["kea"] == "kx-rsa"), suite["name"]


def test_what_takes_their_place_is_a_suite_with_forward_secrecy() -> None:
    for suite in suites("kRSA:@SECLEVEL=0"):
        (new,) = suites(with_forward_secrecy(str(suite["name"])))
        assert (new["kea"], new["auth"], new["aead"]) == ("kx-ecdhe", "auth-rsa", True)


@cache
def pem(key_type: str, names: tuple[str, ...], folder: Path) -> Path:
    """A certificate that signs itself, with its key."""
    key = rsa.generate_private_key(65537, 2048) if key_type.startswith("rsa") else ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=True)
        .add_extension(x509.BasicConstraints(True, None), critical=True).sign(key, hashes.SHA256())
    )  # fmt: skip
    path = folder / f"{key_type}-{abs(hash(names))}.pem"
    path.write_bytes(made.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    return path


def handshake(server_pem: Path, ciphers: str | None, host: str, limit: ssl.TLSVersion | None = None) -> str:
    """A TLS handshake in memory with a client as Python makes it by default: "" or the reason why it failed."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(server_pem)
    if ciphers:
        server_context.set_ciphers(ciphers)
    client_context = ssl.create_default_context(cafile=str(server_pem))
    if limit:
        client_context.maximum_version = limit
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(down, up, server_hostname=host)
    server = server_context.wrap_bio(up, down, server_side=True)
    waiting = [client, server]
    for _ in range(10):
        for side in list(waiting):
            try:
                side.do_handshake()
                waiting.remove(side)
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as failure:
                return failure.reason or str(failure)
    assert not waiting
    return ""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("judges")


@pytest.mark.parametrize("key", ["rsa-2048", "ec-p256"])
@pytest.mark.parametrize(
    "ciphers",
    ["ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384, ECDHE-ECDSA-AES256-GCM-SHA384"],
)
def test_a_key_that_the_suites_cannot_use_fails_a_client_of_tls_1_2(key: str, ciphers: str, folder: Path) -> None:
    """D102 is found exactly where OpenSSL finds no suite, and TLS 1.3 hides it."""
    text = BASE.replace('web: {minimum: "1.2", ciphers: [ECDHE-RSA-AES256-GCM-SHA384]', f'web: {{minimum: "1.2", ciphers: [{ciphers}]')
    text = text.replace("challenge: dns-01, key: rsa-2048", f"challenge: dns-01, key: {key}")
    found = any(f.code == "D102" for f in load_text(text.encode(), "t.yaml", {}).findings)
    server = pem(key, ("a.example",), folder)
    assert bool(handshake(server, ciphers.replace(", ", ":"), "a.example", ssl.TLSVersion.TLSv1_2)) == found
    assert handshake(server, ciphers.replace(", ", ":"), "a.example") == ""


def test_a_suite_without_forward_secrecy_fails_a_default_client_of_tls_1_2(folder: Path) -> None:
    server = pem("rsa-2048", ("a.example",), folder)
    written = "AES256-GCM-SHA384"
    assert handshake(server, written, "a.example", ssl.TLSVersion.TLSv1_2)
    assert handshake(server, with_forward_secrecy(written), "a.example", ssl.TLSVersion.TLSv1_2) == ""


@pytest.mark.parametrize("name", ["*.shop.example", "shop.example", "*.eu.shop.example"])
@pytest.mark.parametrize("host", ["www.shop.example", "shop.example", "www.eu.shop.example", "eu.shop.example", "a.www.eu.shop.example"])
def test_openssl_agrees_what_a_name_covers(name: str, host: str, folder: Path) -> None:
    reason = handshake(pem("ec-p256", (name,), folder), None, host)
    assert (reason == "") == covers(name, host), reason


prefixes = st.builds(
    lambda length, bits: ip_network((int(ip_network("10.0.0.0/8").network_address) | (bits << (32 - length)) & 0xFFFFFF, length)),
    st.integers(12, 24), st.integers(0, 2**16),
)  # fmt: skip


@given(prefixes, prefixes)
def test_the_range_that_takes_effect_overlaps_nothing(services: object, other: object) -> None:
    """Whatever is written, pods can reach every network: D501's repair is a law, also where it has to look further."""
    text = BASE.replace("services: 172.20.0.0/20", f"services: {services}").replace("addresses:\n", f"addresses:\n  elsewhere: [{other}]\n")
    loaded = load_text(text.encode(), "t.yaml", {})
    if loaded.network is not None:  # `other` may be ours
        used = [p for c in loaded.network.clusters for p in c.services]
        theirs = [p for v in loaded.network.vpcs for p in v.prefixes]
        assert not [p for p in used for q in theirs if p.version == q.version and p.overlaps(q)]
