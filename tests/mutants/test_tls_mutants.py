"""A single fault in what a server is told about TLS turns a row of the TLS layer red, and the row names the line."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest

from budnet.ir.network import Network
from budnet.pipeline import load
from budnet.pki.authority import Authority
from budnet.pki.issuer import Template
from budnet.probe import tls
from budnet.probe.truth import Truth
from budnet.records import replace
from budnet.twin import tools
from budnet.twin.build import plan
from budnet.twin.staging import Stage, stage
from helpers import twin_of

pytestmark = pytest.mark.live
TOPOLOGY = Path(__file__).parents[1] / "tls" / "shop.yaml"
LINES = {line.partition(":")[0].strip(): n for n, line in enumerate(TOPOLOGY.read_text().splitlines(), 1) if line.startswith("  ")}
"""Where each profile and each service is written."""
Change = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Mutant:
    """`path` of the server at `node` is changed; a row about `row` of that node must differ and name the line of `written`."""

    what: str
    node: str
    path: str
    change: Change
    row: str
    written: str


def sub(pattern: str, by: str) -> Change:
    return lambda content: re.sub(pattern.encode(), by.encode(), content)


def other_certificate(*names: str, kind: str = "rsa-2048") -> bytes:
    leaf = Authority("another").issuer("leaf").issue(Template(names, timedelta(days=1), kind))
    return leaf.chain + leaf.key


WEB, SQL, CACHE, IMAGES, VAULT = "main/public/web", "main/apps/sql", "main/apps/cache", "main/apps/images", "tls"
CONFIG = "haproxy.cfg"
MUTANTS = (
    Mutant("TLS 1.1 on", WEB, CONFIG, sub("ssl-min-ver TLSv1.2 ciphers ", "ssl-min-ver TLSv1.1 ciphers @SECLEVEL=0:ECDHE-RSA-AES256-SHA:"), "versions", "outer"),
    Mutant("TLS 1.2 off", CACHE, "redis.conf", sub('"TLSv1.2 TLSv1.3"', '"TLSv1.3"'), "versions", "inner"),
    Mutant("TLS 1.3 off", WEB, CONFIG, sub("ssl-min-ver", "ssl-max-ver TLSv1.2 ssl-min-ver"), "versions", "outer"),
    Mutant("a suite without forward secrecy", SQL, "postgresql.conf", sub("(ssl_ciphers = ')", r"\1AES256-GCM-SHA384:"), "TLS 1.2 suites", "inner"),
    Mutant("a suite missing", CACHE, "redis.conf", sub(":ECDHE-RSA-CHACHA20-POLY1305", ""), "TLS 1.2 suites", "inner"),
    Mutant("a suite missing, Go", IMAGES, "config.yml", sub("    - TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256\n", ""), "TLS 1.2 suites", "inner"),
    Mutant("another suite of 1.3", WEB, CONFIG, sub("TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256"), "TLS 1.3 suites", "outer"),
    Mutant("a suite of 1.3 too many", CACHE, "redis.conf", sub("(tls-ciphersuites .*)", r"\1:TLS_CHACHA20_POLY1305_SHA256"), "TLS 1.3 suites", "inner"),
    Mutant("other groups", WEB, CONFIG, sub(r"curves \S+", "curves X25519:P-521"), "TLS 1.3 groups", "outer"),
    Mutant("another curve", SQL, "postgresql.conf", sub("prime256v1", "secp384r1"), "TLS 1.3 groups", "inner"),
    Mutant("EC key under a list for RSA", WEB, "0.pem", lambda _: other_certificate("*.example.org", kind="ec-p256"), "key", "outer"),
    Mutant("certificate for another name", WEB, "0.pem", lambda _: other_certificate("*.example.net"), "name", "web"),
    Mutant("plaintext port beside TLS", CACHE, "redis.conf", sub("port 0", "port 6380"), "ports that listen", "cache"),
    Mutant("plaintext instead of TLS", CACHE, "redis.conf", sub("port 0\ntls-port 6379", "port 6379"), "versions", "inner"),
    Mutant("`host` for `hostssl`", SQL, "pg_hba.conf", sub("hostssl", "host"), "plaintext", "sql"),
    Mutant("PostgreSQL without TLS", SQL, "postgresql.conf", sub("ssl = on", "ssl = off"), "versions", "inner"),
    Mutant("client certificate not asked for", VAULT, CONFIG, sub("verify required", "verify none"), "client without", "mutual"),
    Mutant("client certificates of another authority", VAULT, "clients.pem", lambda _: Authority("another").root, "client with", "mutual"),
)  # fmt: skip


@cache
def shop() -> Network:
    network = load(str(TOPOLOGY)).network
    assert network is not None
    return network


def spoilt(good: Stage, mutant: Mutant) -> Stage:
    """A file of one server changed; it must really change."""
    processes = []
    for process in good.processes:
        files = tuple(
            replace(f, content=mutant.change(f.content)) if (process.name, f.path) == (mutant.node, mutant.path) else f
            for f in process.files
        )
        processes.append(replace(process, files=files))
    assert tuple(processes) != good.processes, "nothing changed"
    return replace(good, processes=tuple(processes))


@cache
def staged() -> Stage:
    return stage(shop(), plan(shop()), tools.find())


def truth_of(mutant: Mutant | None = None) -> Truth:
    if staged().missing:
        pytest.skip(f"not here: {', '.join(staged().missing)}")
    with twin_of(staged().plan, spoilt(staged(), mutant) if mutant else staged()) as twin:
        return tls.truth(shop(), twin)


def test_without_a_fault_all_agree() -> None:
    table = truth_of()
    assert not table.disagree, "\n".join(map(str, table.disagree))
    assert table.questions > 40


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.what)
def test_mutant_is_seen_and_named(mutant: Mutant) -> None:
    table = truth_of(mutant)
    node = "main/apps/vault" if mutant.node == VAULT else mutant.node
    rows = [d for d in table.disagree if f"{node}" in d.question.destination and f" {mutant.row}" in d.question.destination]
    assert rows, "nobody noticed:\n" + "\n".join(map(str, table.disagree))
    assert all(f":{LINES[mutant.written]}:" in str(d) for d in rows), "\n".join(map(str, rows))
    # what is not spoilt stays as it was
    assert all(node in d.question.destination for d in table.disagree), "\n".join(map(str, table.disagree))
