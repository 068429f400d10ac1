"""Names in the proof: the resolver's list, the filter by address and the one by name, each alone and with the others."""

from __future__ import annotations

import json
from importlib import import_module

import pytest
from click.testing import CliRunner

from budnet.cli import show
from budnet.ir.address import Protocol
from budnet.ir.filters import ANY_DEPTH, HostName
from budnet.ir.network import Network
from budnet.pipeline import load_text
from budnet.reach.engine import Engine
from budnet.reach.path import Call
from budnet.reach.prove import Status, prove
from budnet.reach.trace import trace
from budnet.records import replace

TEXT = """\
budnet: 1
name: names
domain: names.example
addresses: {partner: [203.0.113.0/24]}
networks:
  net:
    cidr: [10.7.0.0/16, "2001:db8:7::/48"]
    cloud: {provider: aws, region: eu-west-3}
    cluster: {services: 172.20.0.0/20}
    subnets:
      edge: {cidr: [10.7.1.0/24, "2001:db8:7:1::/64"], access: public}
      back: {cidr: [10.7.2.0/24, "2001:db8:7:2::/64"], access: private}
services:
  puller: {subnet: net/back, kind: host}
  caller: {subnet: net/back, namespace: app}
  other:  {subnet: net/back, namespace: app}
egress:
  models: {from: puller, to: [{name: hf.co, depth: any}, {name: quay.io, depth: 1}], port: 443/tcp}
  calls:  {from: caller, to: [api.openai.com, partner], port: 443/tcp}
  clouds: {from: puller, to: catalog/aws, port: 443/tcp}
  clock:  {from: puller, to: catalog/ntp, port: 123/udp}
guarantees:
  - {never: {from: other, to: [api.openai.com, catalog/aws]}}
  - {only: {from: caller, to: api.openai.com}}
  - {reaches: {from: puller, to: one.hf.co, ports: [443/tcp]}}
"""


@pytest.fixture(scope="module")
def network() -> Network:
    loaded = load_text(TEXT.encode(), "names.yaml", {})
    assert loaded.network is not None, loaded.diagnostics
    return loaded.network


def verdict(
    network: Network, source: str, name: str, port: int = 443, says: str | None = None, looked_up: bool = True, version: int = 4
) -> str:
    """What becomes of a connection to a modelled name; `says` is the name in the handshake, where it is another one."""
    engine = Engine(network)
    sender = next(p for p in engine.interfaces[f"net/back/{source}"] if p.address.version == version)
    target = next(p for p in engine.names.points(name, "net") if p.address.version == version)
    call = Call(name if looked_up else "", name if says is None else says)
    found = trace(engine, sender, target, Protocol.UDP if port == 123 else Protocol.TCP, port, call).verdict
    return f"{found.disposition.value} {found.reason.layer}"


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize(
    ("source", "name", "says", "expected"),
    [
        ("puller", "hf.co", None, "DELIVERED listener"),
        ("puller", "one.hf.co", None, "DELIVERED listener"),
        ("puller", "two.one.hf.co", None, "DELIVERED listener"),
        ("puller", "quay.io", None, "DELIVERED listener"),
        ("puller", "one.quay.io", None, "DELIVERED listener"),
        ("puller", "one.quay.io", "two.one.quay.io", "DENIED_OUT sni-filter"),
        ("puller", "hf.co", "quay.io", "DENIED_OUT sni-filter"),
        ("puller", "hf.co", "HF.co", "DENIED_OUT sni-filter"),
        ("puller", "hf.co", "", "DENIED_OUT sni-filter"),
        ("puller", "sts.eu-west-3.amazonaws.com", None, "DELIVERED listener"),
        ("caller", "api.openai.com", None, "DELIVERED listener"),
        ("caller", "hf.co", None, "DENIED_OUT egress-filter"),
        ("other", "api.openai.com", None, "DENIED_OUT network-policy"),
    ],
)
def test_tls(network: Network, source: str, name: str, says: str | None, expected: str, version: int) -> None:
    assert verdict(network, source, name, says=says, version=version) == expected


def test_each_filter_stops_alone(network: Network) -> None:
    no_list = replace(network, dns_filters=tuple(replace(f, rules=()) for f in network.dns_filters))
    assert verdict(no_list, "puller", "hf.co") == "DENIED_OUT dns-filter"
    assert verdict(no_list, "puller", "hf.co", looked_up=False) == "DELIVERED listener"
    no_sni = replace(network, sni_filters=tuple(replace(f, rules=()) for f in network.sni_filters))
    assert verdict(no_sni, "puller", "hf.co") == "DENIED_OUT sni-filter"
    assert verdict(no_sni, "puller", "time.google.com", 123) == "DELIVERED listener"
    no_addresses = replace(network, egress_filters=tuple(replace(f, rules=()) for f in network.egress_filters))
    assert verdict(no_addresses, "puller", "hf.co") == "DENIED_OUT egress-filter"


def test_what_is_named_by_address_may_say_anything(network: Network) -> None:
    engine = Engine(network)
    (sender,) = (p for p in engine.interfaces["net/back/caller"] if p.address.version == 4)
    (partner,) = engine.interfaces["internet/partner"]
    for says in ("", "anything.example", "api.openai.com"):
        found = trace(engine, sender, partner, Protocol.TCP, 443, Call("", says)).verdict
        assert found.disposition.value == "DELIVERED"


def test_the_region_is_the_network_s_own(network: Network) -> None:
    names = {n.name for f in network.dns_filters for r in f.rules for n in r.names}
    assert "ec2.eu-west-3.amazonaws.com" in names
    assert not any("{" in n for n in names)
    assert HostName("hf.co", ANY_DEPTH) in {n for f in network.dns_filters for r in f.rules for n in r.names}


def test_a_resolver_has_records_of_what_its_vpc_may_call(network: Network) -> None:
    here = {r.name for r in network.records if r.view == "net"}
    assert {"hf.co", "one.hf.co", "two.one.hf.co", "api.openai.com"} <= here
    records = [(r.view, r.name, r.kind, r.data) for r in network.records]
    assert len(set(records)) == len(records)


def test_guarantees_by_name(network: Network) -> None:
    assert {p.status for p in prove(Engine(network))} == {Status.PROVED}
    wider = load_text(TEXT.replace("calls:  {from: caller", "calls:  {from: [caller, other]").encode(), "names.yaml", {}).network
    assert wider is not None
    refuted = [p for p in prove(Engine(wider)) if p.status is Status.REFUTED]
    assert len(refuted) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["reach", "budgateway", "api.openai.com", "443/tcp"], 0, "DELIVERED"),
        (["reach", "budgateway", "huggingface.co", "443/tcp"], 1, "DENIED_OUT"),
        (["reach", "budapp", "cas-bridge.xethub.hf.co", "443/tcp"], 0, "cas-bridge.xethub.hf.co is not modelled; hf.co stands for it"),
        (["reach", "budapp", "evil.example.net", "443/tcp"], 1, "DENIED_OUT by dns-filter control-plane/names"),
        (["reach", "vllm", "api.openai.com", "443/tcp"], 1, "dns-filter workload/names"),
        (["reach", "nodes", "ghcr.io", "443/udp"], 1, "egress-filter"),
        (["reach", "nodes", "time.google.com", "123/udp"], 0, "DELIVERED"),
        (["explain", "budapp", "HF.co", "443/tcp"], 0, "by huggingface:budapp"),
        (["show", "egress"], 0, "huggingface.co/.well-known/meta.json"),
        (["show", "egress", "--for", "aws-network-firewall"], 0, ".hf.co"),
    ],
)
def test_on_the_command_line(arguments: list[str], code: int, said: str) -> None:
    verb = import_module(f"budnet.cli.{arguments[0]}")
    result = CliRunner().invoke(verb.command, arguments[1:])
    assert result.exit_code == code, result.output
    assert said in result.output


def test_show_as_json() -> None:
    result = CliRunner().invoke(show.command, ["egress", "--format", "json"])
    found = json.loads(result.stdout)
    assert {"name": "hf.co", "below": "any depth"}.items() <= next(r for r in found["egress_names"] if r["name"] == "hf.co").items()
