"""What holds of the records of every network."""

from __future__ import annotations

import random
from ipaddress import ip_address, ip_network
from pathlib import Path

import dns.message
import pytest

from budnet.ir.names import PUBLIC_VIEW
from budnet.ir.network import Network
from budnet.pipeline import load
from budnet.probe.resolvers import Query, expected
from budnet.probe.resolvers import read as heard
from budnet.reach.resolution import View
from budnet.twin import nameserver, resolvers
from helpers import CASES, network_of

PRIVATE = [ip_network(p) for p in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")]
HERE = str(Path(__file__).with_name("topology.yaml"))


def all_kinds() -> Network:
    network = load(HERE).network
    assert network is not None
    return network


NETWORKS = [pytest.param(case, id=case) for case in (*CASES, "foundry", "")]


@pytest.fixture(scope="module", params=NETWORKS)
def network(request: pytest.FixtureRequest) -> Network:
    return network_of(request.param) if request.param else all_kinds()


def test_the_public_view_has_no_private_address(network: Network) -> None:
    for record in network.records:
        if record.view == PUBLIC_VIEW and record.kind in ("A", "AAAA"):
            address = ip_address(record.data)
            assert not any(address in p for p in PRIVATE if p.version == address.version), record
            assert not any(address in p for v in network.vpcs for p in v.prefixes if p.version == address.version == 4), record


def test_every_target_has_an_address_in_the_same_view(network: Network) -> None:
    has = {(r.view, r.name) for r in network.records if r.kind in ("A", "AAAA", "CNAME")}
    for record in network.records:
        if record.kind in ("CNAME", "SRV", "NS"):
            assert (record.view, record.data.rpartition(" ")[2]) in has, record


def test_every_public_name_is_in_every_private_view(network: Network) -> None:
    """Or whoever is inside would not resolve it: the private zone covers the public one."""
    ours = {r.name for r in network.records if r.view == PUBLIC_VIEW and r.name.endswith(network.domain)}
    for vpc in network.vpcs:
        here = {r.name for r in network.records if r.view == vpc.id}
        assert not ours - here


def test_both_readings_of_the_specification_have_the_same_records(network: Network) -> None:
    for name in (PUBLIC_VIEW, *(v.id for v in network.vpcs)):
        derived = {(r.name, r.kind, r.data, r.ttl) for r in network.records if r.view == name}
        read = {(r.name, r.kind, r.data, r.ttl) for rows in View(network, name).records.values() for r in rows}
        assert derived == read


def test_an_alias_stands_alone(network: Network) -> None:
    """RFC 1034, section 3.6.2: where there is a CNAME there is nothing else."""
    aliases = {(r.view, r.name) for r in network.records if r.kind == "CNAME"}
    found = [(r.view, r.name) for r in network.records if (r.view, r.name) in aliases]
    assert len(found) == len(aliases)


def test_our_own_server_and_the_proof_answer_whatever_is_asked_alike(network: Network) -> None:
    """Two programs that share nothing but the Network, and names that mostly are not there."""
    dice = random.Random(7)
    servers = {e.vpc or PUBLIC_VIEW: resolvers.zone(network, e) for e in network.endpoints if any(x.port == 53 for x in e.listeners)}
    names = sorted({r.name for r in network.records})
    for view, zone in servers.items():
        read = View(network, view)
        for name in [_varied(dice, dice.choice(names)) for _ in range(150)]:
            kind = dice.choice(["A", "AAAA", "CNAME", "NS", "PTR", "SOA", "SRV", "TXT"])
            said = nameserver.answer(zone, dns.message.make_query(name, kind, use_edns=0, payload=4096).to_wire())
            assert said is not None
            reply, query = read.reply(name, kind), Query(network.endpoints[0], network.endpoints[0], read, name, kind)
            assert heard(said, query, reply) == expected(reply), (view, name, kind)


def _varied(dice: random.Random, name: str) -> str:
    """The name, one above it, one below it, one beside it, or it in other letters."""
    head, _, rest = name.partition(".")
    return dice.choice([name, rest or name, f"x.{name}", f"{head}x.{rest}" if rest else name, name.title()])
