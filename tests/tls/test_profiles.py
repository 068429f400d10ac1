"""From a file to what a server is told: published profiles, a user's own, and what no server can be told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from budnet.ir.names import TlsProfile
from budnet.pipeline import load_text
from budnet.records import replace
from budnet.tls import groups, published, suites
from budnet.tls.enforce import HAPROXY, POSTGRESQL, REDIS, REGISTRY, demand, enforce
from helpers import network_of

TEXT = """\
budnet: 1
name: shop
networks:
  main: {{cidr: 10.0.0.0/16, subnets: {{public: {{cidr: 10.0.1.0/24, access: public}}}}}}
tls:
  strict: {profile}
services:
  web: {{subnet: main/public, kind: load-balancer, tls: strict, ports: {{https: 443/tcp, http: {{port: 80/tcp, tls: none}}}}}}
"""


def profile_of(text: str, folder: Path = Path(".")) -> TlsProfile:
    """The one profile of a topology with this in it."""
    loaded = load_text(TEXT.format(profile=text).encode(), str(folder / "budnet.yaml"), {})
    assert loaded.network is not None, loaded.diagnostics
    assert [(x.port, x.transport, x.profile) for x in loaded.network.endpoint["main/public/web"].listeners] == [
        (443, "tls", "strict"), (80, "plaintext", ""),
    ]  # fmt: skip
    return loaded.network.tls_profiles[0]


@pytest.mark.parametrize("name", published.shipped())
def test_what_ships_is_well_formed(name: str) -> None:
    data = published.shipped()[name]
    found = profile_of(f"{{from: {name}}}")
    assert list(found.ciphers) == data["ciphers"]["openssl"] == [s.openssl for n in data["ciphers"]["iana"] if (s := suites.find(n))]
    assert list(found.ciphersuites) == data["ciphersuites"]
    assert list(found.groups) == [g.name for n in data["tls_curves"] if (g := groups.find(n))]


@pytest.mark.parametrize("row", ["external", "internal", "database"])
def test_the_reference_topology_has_the_rows_that_ship(row: str) -> None:
    written = next(p for p in network_of("foundry").tls_profiles if p.id == row)
    found = profile_of(f"{{from: foundry-{row}}}")
    assert replace(found, id=row, origin=written.origin, managed_by=written.managed_by) == written


def test_what_is_written_goes_before_what_was_published() -> None:
    found = profile_of("{from: mozilla-intermediate, ciphers: [tls_ecdhe_rsa_with_aes_128_gcm_sha256], groups: [secp256r1, prime256v1]}")
    assert found.ciphers == ("ECDHE-RSA-AES128-GCM-SHA256",)
    assert found.groups == ("P-256",)
    assert len(found.ciphersuites) == 3
    later = profile_of('{from: mozilla-intermediate, minimum: "1.3"}')
    assert (later.minimum, later.ciphers) == ("1.3", ())


def test_a_file_of_one_s_own(tmp_path: Path) -> None:
    one = {
        "tls_versions": ["TLSv1.2", "TLSv1.3"],
        "ciphers": {"iana": ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"]},
        "certificate_types": ["ecdsa"],
    }
    (tmp_path / "ours.json").write_text(json.dumps({"configurations": {"a": one, "b": {"tls_versions": ["TLSv1.3"]}}}))
    found = profile_of("{from: 'ours.json#a'}", tmp_path)
    assert (found.ciphers, found.key) == (("ECDHE-ECDSA-AES256-GCM-SHA384",), "ec-p256")
    assert profile_of("{from: 'ours.json#b'}", tmp_path).minimum == "1.3"
    (tmp_path / "one.json").write_text(json.dumps(one))
    assert profile_of("{from: one.json}", tmp_path) == found


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "1", "[" * 5000, "{}", '{"configurations": 1}', '{"configurations": {"a": 1}}', '{"tls_versions": "TLSv1.2"}', '{"tls_versions": ["TLSv9"]}',
     '{"tls_versions": ["TLSv1.2"]}', '{"tls_versions": ["TLSv1.3"], "ciphersuites": [1]}', '{"tls_versions": ["TLSv1.3"], "ciphers": 7}',
     '{"configurations": {"a": {}, "b": {}}}', '{"tls_versions": ["TLSv1.3"], "rsa_key_size": {}, "certificate_curves": {}}'],
)  # fmt: skip
def test_a_wrong_file_is_refused_in_words(text: str, tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(text)
    with pytest.raises(published.NotInSchema) as wrong:
        published.from_file(tmp_path / "p.json", "")
    assert str(wrong.value) and wrong.value.help


@pytest.mark.parametrize("server", [HAPROXY, POSTGRESQL, REDIS, REGISTRY], ids=lambda s: s.name)
@pytest.mark.parametrize("name", published.shipped())
def test_no_gap_takes_a_version_away(name: str, server: object) -> None:
    profile = profile_of(f"{{from: {name}}}")
    told, _ = enforce(profile, server)  # type: ignore[arg-type]
    wanted = demand(profile, server, "rsa-2048")  # type: ignore[arg-type]
    assert told.minimum == profile.minimum
    assert wanted.versions[-1] == "TLS 1.3"


def test_what_postgresql_cannot_be_told() -> None:
    network = network_of("foundry")
    database = next(p for p in network.tls_profiles if p.id == "database")
    told, gaps = enforce(database, POSTGRESQL)
    assert (told.suites, told.groups) == ((), ("P-256",))
    assert {g.what for g in gaps} == {"the suites of TLS 1.3", "the groups"}
    wanted = demand(database, POSTGRESQL, "rsa-2048")
    assert wanted.ciphersuites.admits(suites.USUAL_13)
    assert not wanted.ciphersuites.admits(("TLS_AES_256_GCM_SHA384",)), "exactly what it does instead"
    assert not demand(database, HAPROXY, "rsa-2048").ciphersuites.admits(suites.USUAL_13)
    assert enforce(database, HAPROXY)[1] == ()
