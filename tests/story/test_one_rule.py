"""One rule from its line in the file to the packet: the first test to read.

    text -> Document -> Topology -> Network -> verdict      (the proof)
                                       |----> plan -> steps -> kernel -> packet   (the twin)

The rule is line 21 of the text below: `web` may speak to `db` on its port `sql`. Every step asserts what the rule has
become there. Each test is one step, named after the folder that it is about.
"""

from __future__ import annotations

from functools import cache

import pytest

from budnet.ir.address import Match, PortRange, Protocol
from budnet.ir.filters import GroupRef
from budnet.ir.network import Network
from budnet.model.decode import decode
from budnet.model.topology import Topology
from budnet.probe.truth import truth
from budnet.reach.disposition import Disposition
from budnet.reach.engine import Engine
from budnet.reach.trace import trace
from budnet.records import replace
from budnet.resolve import resolve
from budnet.source.document import Document
from budnet.source.yaml import parse
from budnet.twin.build import plan
from budnet.twin.steps import steps
from helpers import twin_of
from twin.fake import FakeKernel

TEXT = """\
# A web server and its database.
budnet: 1
name: two-tier
domain: two.example

networks:
  net:
    cidr: 10.7.0.0/16
    cluster: {services: 172.20.0.0/20}
    subnets:
      front: {cidr: 10.7.1.0/24, access: public}
      back:  {cidr: 10.7.2.0/24, access: isolated}

services:
  door: {subnet: net/front, kind: load-balancer, ports: {https: 443/tcp}}
  web:  {subnet: net/back, namespace: app, ports: {http: 8080/tcp}}
  db:   {subnet: net/back, address: 10.7.2.50, ports: {sql: 5432/tcp}}

flows:
  - {from: internet, to: door, port: https}
  - {from: web, to: db, port: sql}
"""
LINE = 21
SQL = Match(Protocol.TCP, PortRange(5432, 5432))


def test_1_source_keeps_the_place_of_everything() -> None:
    document = the_document()
    assert document.value["flows"][1] == {"from": "web", "to": "db", "port": "sql"}  # type: ignore[index]
    assert document.value_span(("flows", 1, "port")).line == LINE


def test_2_model_knows_what_a_flow_is() -> None:
    flow = the_topology().flows[1]
    assert (flow.from_, flow.to, flow.all_ports) == (["web"], ["db"], ["sql"])


def test_3_resolve_spells_the_flow_out() -> None:
    flow = next(f for f in the_network().flows if f.destinations.name == "db")
    assert flow.sources.endpoints == ("net/back/web",)
    assert flow.match == SQL
    assert flow.origin.line == LINE


def test_4_resolve_derives_a_security_group_rule_at_each_end() -> None:
    groups = the_network().security_group
    (out,) = groups["net/web"].egress
    (into,) = groups["net/db"].ingress
    assert (out.peer, out.match, out.origin.line) == (GroupRef("net/db"), SQL, LINE)
    assert (into.peer, into.match, into.origin.line) == (GroupRef("net/web"), SQL, LINE)


def test_5_resolve_derives_a_network_policy_for_the_pod() -> None:
    policy = next(p for p in the_network().policies if p.id == "net/app/web")
    rule = next(r for r in policy.egress or () if r.origin.line == LINE)
    assert [str(peer.prefix) for peer in rule.peers] == ["10.7.2.50/32"]  # type: ignore[union-attr]
    assert rule.ports[0].port == 5432


def test_6_reach_delivers_the_packet_and_no_other() -> None:
    engine = Engine(the_network())
    (web,), (db,) = engine.interfaces["net/back/web"], engine.interfaces["net/back/db"]
    assert trace(engine, web, db, Protocol.TCP, 5432).verdict.disposition is Disposition.DELIVERED
    other = trace(engine, web, db, Protocol.TCP, 5433).verdict
    assert (other.disposition, other.reason.layer) == (Disposition.DENIED_OUT, "network-policy")
    back = trace(engine, db, web, Protocol.TCP, 8080).verdict
    assert (back.disposition, back.reason.object) == (Disposition.DENIED_OUT, "net/db")


def test_7_twin_plans_a_filter_rule_for_it() -> None:
    router = plan(the_network()).space["net"]
    rules = [rule for chain in router.ruleset.chains for rule in chain.rules if rule.about == "net/db:in:net/web:5432/tcp"]
    assert next(r.text for r in rules if r.text.startswith("ip ")).endswith("tcp dport 5432 return")


def test_8_steps_bring_a_kernel_there_and_then_there_is_nothing_to_do() -> None:
    kernel, wanted = FakeKernel(), plan(the_network())
    kernel.apply(steps(wanted, kernel.read()))
    assert "net/back/db: address 10.7.2.50" in str(kernel)
    assert steps(wanted, kernel.read()) == ()


@pytest.mark.live
def test_9_the_packet() -> None:
    with twin_of(plan(the_network())) as twin:
        table = truth(the_network(), twin)
    assert not table.disagree
    assert table.fates["DELIVERED"] >= 2


@pytest.mark.live
def test_10_without_the_rule_the_row_names_its_line() -> None:
    """The twin of a network whose database lost the rule: the prover expects what the twin does not do."""
    network = the_network()
    without = network_without_rule(network)
    with twin_of(plan(without)) as twin:
        table = truth(network, twin)
    (row,) = [d.json() for d in table.disagree]
    assert (row["src"], row["dst"], row["port"]) == ("net/back/web", "net/back/db", 5432)
    assert row["predicted"] == "DELIVERED listener net/back/db"
    assert row["observed"] == "DENIED_IN security-group net/db"


def network_without_rule(network: Network) -> Network:

    groups = tuple(replace(g, ingress=()) if g.id == "net/db" else g for g in network.security_groups)
    return replace(network, security_groups=groups)


@cache
def the_document() -> Document:
    document, diagnostics = parse(TEXT, "two-tier.yaml")
    assert document is not None
    assert not diagnostics
    return document


@cache
def the_topology() -> Topology:
    topology, diagnostics = decode(the_document())
    assert topology is not None, diagnostics
    return topology


@cache
def the_network() -> Network:
    network, diagnostics, _ = resolve(the_document(), the_topology(), {})
    assert network is not None, diagnostics
    return network
