"""Files that are nearly right: whatever one slip makes of them, nobody raises.

`BUDNET_FUZZ=20000 pytest tests/errors/test_mutations.py` tries that many, and judges every network that comes out of it.
A failure names the number of its input; `mutant(text, number)` makes it again.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable

import pytest

from budnet.catalog import REFERENCE, topology_text
from budnet.ir.network import Network
from budnet.pipeline import load_text
from budnet.reach.engine import Engine
from budnet.reach.prove import prove
from budnet.source.diagnostic import has_errors, in_order
from budnet.source.report import to_text
from budnet.twin.build import plan

MANY = "BUDNET_FUZZ" in os.environ
INPUTS = int(os.environ.get("BUDNET_FUZZ", "400"))

# A little of everything, so that a network that comes out of it is judged in a moment.
SMALL = """\
budnet: 1
name: small
domain: example.org
addresses:
  admins: [203.0.113.0/24, "2001:db8:1::/48"]
  partner: 198.51.100.7/32
networks:
  head:
    cidr: [10.0.0.0/16, "fd00:a::/48"]
    cloud: {provider: aws, region: eu-west-1, zones: 2, nat: per-zone}
    cluster: {services: [172.20.0.0/16, "fd01:a::/112"], domain: cluster.local}
    subnets:
      public: {cidr: [10.0.1.0/24, "fd00:a:0:1::/64"], access: public}
      apps: {cidr: [10.0.2.0/24, "fd00:a:0:2::/64"], access: private}
      data: {cidr: 10.0.3.0/24, access: isolated}
  site:
    cidr: 10.1.0.0/16
    cluster: {services: 172.21.0.0/16}
    subnets:
      edge: {cidr: 10.1.1.0/24, access: public}
      inner: {cidr: 10.1.2.0/24, access: private}
links:
  line: {between: [head, site], method: vpc-peering}
tls:
  strict: {minimum: "1.3", managed-by: dapr}
certificates:
  front: {issuer: lets-encrypt, names: ["*.example.org"]}
  inside: {issuer: internal-ca, for: [stores, api]}
groups:
  stores: [db, cache]
services:
  web: {subnet: head/public, kind: load-balancer, software: haproxy, tls: strict, ports: {https: 443/tcp, http: {port: 80/tcp, tls: none}}}
  jump: {subnet: head/public, public: true, tls: ssh, ports: {ssh: 22/tcp}}
  api: {subnet: head/apps, namespace: prod, replicas: 2, mesh: dapr, ports: {http: {port: 8080/tcp, service: 80}}}
  cart: {subnet: head/apps, namespace: prod, mesh: dapr, labels: {team: shop}, ports: {http: 8080/tcp}}
  agent: {subnet: [head/apps, site/inner], namespace: ops, ports: {metrics: 9100/tcp}}
  db: {subnet: head/data, address: 10.0.3.9, software: postgresql, tls: strict, ports: {sql: 5432/tcp}}
  cache: {subnet: head/data, ports: {redis: 6379/tcp, gossip: 7000/udp}}
  sensor: {subnet: site/inner, ports: {opc: 4840/tcp}}
names:
  external:
    www: {at: web, to: api, port: http}
  internal:
    plant: {to: sensor}
flows:
  - {from: internet, to: web, ports: [https, http]}
  - {from: admins, to: jump, port: ssh}
  - {from: web, to: api, port: http}
  - {from: api, to: cart, via: mesh}
  - {from: mesh/dapr, to: stores, ports: [5432/tcp, 6379/tcp]}
  - {from: cache, to: cache, port: gossip}
  - {from: api, to: sensor, port: opc}
  - {from: jump, to: [stores, sensor], port: 22/tcp}
egress:
  models: {from: [api, agent], to: [catalog/huggingface, wheels.example.net], port: 443/tcp}
  feed: {from: sensor, to: partner, port: 8000-8010/tcp}
guarantees:
  - {never: {from: internet, to: [head/data, site/inner]}, because: nothing comes in}
  - {only: {from: [mesh/dapr, jump], to: db, ports: [sql, 6379/tcp]}, name: stores}
  - {reaches: {from: web, to: api, ports: http}}
  - {never: {from: pods, to: metadata}}
  - encrypted: {across: subnets, waive: [api, any]}
"""

ODD = [
    "", "null", "~", "[]", "{}", "[[]]", "[null]", "{a: b}", "-1", "0", "1", "2", "7", "1.5", "true", "false", '""', "' '", "'\\'",
    "x" * 5000, "9" * 5000, '"' + "9" * 5000 + '/tcp"', "😀", "ß", "²/tcp", "0/tcp", "65535/tcp", "70000/tcp", "443", "443/sctp",
    "1-65535/udp", "9-1/tcp", "a/b/c", "/", "//", ".", "..", "a..b", "-", "- -", "*", '"*"', "&a", "!b", "@", "%", "|", ">", "? x", "#",
    ": ", "'", '"', "\t", "0.0.0.0/0", '"::/0"', "10.0.0.0/8", "10.0.0.0", "255.255.255.255/32", "169.254.0.0/16", "127.0.0.1",
    "10.0.3.4", '"fd00::/48"', '"fd00:a::/64"', '"::1"', '"fe80::1%eth0"', "198.18.0.0/16", "internet", "any", "pods", "metadata",
    "egress", "mesh/dapr", "catalog/", "catalog/aws", "none", "ssh", "public", "private", "isolated", "host", "pod", "load-balancer",
    "azure", "on-prem", "per-zone", "1000", "999999999999999999", "Ünïcode", "a-", "UPPER", "under_score", "example.com", "*.example.com",
    "1.2.3.4",
]  # fmt: skip

_CHARACTERS: list[str] = ["", *"[]{},:-/\"'# \n0aZ\x00\u2028é"]
_TOKEN = re.compile(r"[\w./:*@-]+")
_PAIR = re.compile(r"([a-z-]+): *(\[[^\[\]\n]*\]|\{[^{}\n]*\}|\"[^\"\n]*\"|[\w./@-]+)")


def _lines(text: str, dice: random.Random) -> str:
    rows = text.split("\n")
    at, other = dice.randrange(len(rows)), dice.randrange(len(rows))
    match dice.randrange(5):
        case 0:
            del rows[at]
        case 1:
            rows.insert(other, rows[at])
        case 2:
            rows[at], rows[other] = rows[other], rows[at]
        case 3:
            rows[at] = rows[at][dice.choice([1, 2, -1, -2]) :] if dice.random() < 0.5 else "  " + rows[at]
        case _:
            del rows[at : at + dice.randrange(1, 12)]
    return "\n".join(rows)


def _tokens(text: str, dice: random.Random) -> str:
    found = list(_TOKEN.finditer(text))
    spot = dice.choice(found)
    new = dice.choice(ODD) if dice.random() < 0.5 else dice.choice(found).group()
    return text[: spot.start()] + new + text[spot.end() :]


def _values(text: str, dice: random.Random) -> str:
    """A value replaced by an odd one, by another of the same key (which is often right), or by any other."""
    found = list(_PAIR.finditer(text))
    spot = dice.choice(found)
    alike = [f for f in found if f[1] == spot[1]]
    new = dice.choice([dice.choice(ODD), dice.choice(alike)[2], dice.choice(alike)[2], dice.choice(found)[2]])
    return text[: spot.start(2)] + new + text[spot.end(2) :]


def _pairs(text: str, dice: random.Random) -> str:
    """A key with its value taken away, or put somewhere else."""
    found = list(_PAIR.finditer(text))
    spot, other = dice.choice(found), dice.choice(found)
    if dice.random() < 0.5:
        return text[: spot.start()] + text[spot.end() :].lstrip(", ")
    return text[: spot.start()] + other.group() + ", " + text[spot.start() :]


def _characters(text: str, dice: random.Random) -> str:
    at = dice.randrange(len(text))
    return text[:at] + dice.choice(_CHARACTERS) + text[at + dice.randrange(2) :]


_WAYS: list[Callable[[str, random.Random], str]] = [_lines, _tokens, _values, _values, _values, _pairs, _characters]


def mutant(text: str, number: int) -> str:
    """Input `number`: one slip mostly, sometimes a few."""
    dice = random.Random(number)
    for _ in range(dice.choice([1, 1, 1, 2, 3])):
        text = dice.choice(_WAYS)(text, dice)
    return text


def judge(text: str, every: bool) -> Network | None:
    """Reads, and does with the network what commands do. The network where one came out of it."""
    data = text.encode("utf-8", "surrogatepass")
    loaded = load_text(data, "mutant.yaml", {})
    assert (loaded.network is None) == has_errors(loaded.diagnostics)
    to_text(in_order(loaded.diagnostics), {loaded.file: loaded.text}, colour=False)
    for found in loaded.diagnostics:
        assert found.span is not None and found.summary and len(found.summary) < 400
    if loaded.network is not None and every:
        prove(Engine(loaded.network))
        plan(loaded.network)
        again = load_text(data, "mutant.yaml", loaded.addresses)
        assert again.network == loaded.network, "the lock moves addresses"
    return loaded.network


def run(text: str, numbers: range, every: Callable[[int], bool]) -> int:
    good = 0
    for number in numbers:
        try:
            good += judge(mutant(text, number), every(number)) is not None
        except Exception as failure:
            raise AssertionError(f"input {number}: {type(failure).__name__}: {failure}") from failure
    return good


def test_small() -> None:
    """Many networks come out of it, and each is judged."""
    assert run(SMALL, range(INPUTS), lambda number: True) > INPUTS // 20


def test_reference() -> None:
    """The same of the reference topology, where judging takes its time."""
    text = topology_text(REFERENCE).decode()
    assert run(text, range(INPUTS // 4), lambda number: MANY or number % 10 == 0) > INPUTS // 80


def test_taken_as_written() -> None:
    """A file that is taken literally has faults and is no error of ours."""
    text = topology_text("foundry-literal").decode()
    for number in range(INPUTS // 10):
        data = mutant(text, number).encode("utf-8", "surrogatepass")
        loaded = load_text(data, "mutant.yaml", {}, literal=True)
        assert (loaded.network is None) == has_errors(loaded.diagnostics), number
        assert all(found.span is not None and len(found.summary) < 400 for found in loaded.findings), number


@pytest.mark.parametrize("text", [SMALL, topology_text(REFERENCE).decode()], ids=["small", "reference"])
def test_the_start_is_good(text: str) -> None:
    """Or mutants of it would hardly ever be networks."""
    assert judge(text, every=True) is not None
