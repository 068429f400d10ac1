"""The table of suites, against OpenSSL's own."""

from __future__ import annotations

import subprocess

import pytest

from budnet.tls import suites
from budnet.tls.groups import GROUPS
from budnet.tls.suites import SUITES, Suite, find


def openssl(*arguments: str) -> list[list[str]]:
    """The suites that this machine's OpenSSL has, as words of its lines; those without a certificate left out."""
    try:
        out = subprocess.run(
            ["openssl", "ciphers", *arguments, "ALL:COMPLEMENTOFALL:@SECLEVEL=0"], capture_output=True, text=True, check=True
        )
    except FileNotFoundError:
        pytest.skip("no openssl here")
    return [line.split() for line in out.stdout.splitlines() if "PSK" not in line and "SRP" not in line and "GOST" not in line]


def test_numbers_and_names_are_openssl_s() -> None:
    rows = openssl("-V")
    assert len(rows) > 80
    for number, _, name, *_ in rows:
        first, second = number.split(",")
        suite = find(name)
        assert suite is not None and suite.number == int(first, 16) << 8 | int(second, 16)
    for iana, _, name, *_ in openssl("-stdname"):
        assert find(iana) is find(name)


def test_what_a_suite_means_is_what_openssl_says() -> None:
    words = {"any": "any", "ECDH": "ECDHE", "DH": "DHE", "RSA": "RSA"}
    for _, _, name, _, exchange, authentication, cipher, mac in (row[:8] for row in openssl("-V")):
        suite = find(name)
        assert suite is not None
        signed = authentication.removeprefix("Au=")
        assert suite.authentication == {"None": "anon"}.get(signed, signed)
        expected = words[exchange.removeprefix("Kx=")]
        assert suite.key_exchange == (expected.removesuffix("E") if signed == "None" else expected)
        assert suite.aead == (mac == "Mac=AEAD"), cipher


def test_every_name_and_number_stands_once() -> None:
    assert len({s.number for s in SUITES}) == len(SUITES)
    assert len({n for s in SUITES for n in {s.openssl, s.iana}}) == sum(len({s.openssl, s.iana}) for s in SUITES)
    assert len({g.number for g in GROUPS}) == len(GROUPS)


@pytest.mark.parametrize(
    ("name", "aead", "keys"),
    [
        ("AES256-GCM-SHA384", True, ["rsa-2048"]),
        ("ECDHE-RSA-AES256-GCM-SHA384", True, ["rsa-2048"]),
        ("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", False, ["ec-p256", "ed25519"]),
        ("TLS_AES_256_GCM_SHA384", True, ["rsa-2048", "ec-p256", "ed25519"]),
        ("RC4-SHA", False, ["rsa-2048"]),
    ],
)
def test_meaning(name: str, aead: bool, keys: list[str]) -> None:
    found = find(name.lower())
    assert isinstance(found, Suite)
    assert found.aead == aead
    assert [k for k in ("rsa-2048", "ec-p256", "ed25519") if found.signed_by(k)] == keys


def test_a_number_without_a_name_is_still_said() -> None:
    assert suites.called(0xFFFE) == "0xFFFE"
