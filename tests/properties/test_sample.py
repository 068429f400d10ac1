"""What is left out of the questions about a large fleet, and that it is counted exactly."""

from __future__ import annotations

import pytest

from budnet.catalog import topology_text
from budnet.ir.network import Network
from budnet.pipeline import load_text
from budnet.probe.question import questions
from budnet.probe.sample import Sample, chosen
from helpers import CASES, network_of

TWO = """\
  edge:
    count: 3
    cidr: {pool: 10.128.0.0/12, size: 16}
    subnets: {a: {cidr: {size: 24}, access: isolated}}
links:
  side-by-side: {between: [edge-01, workload-02], method: vpc-peering}
"""


def fleet(count: int, more: str = "links:\n") -> Network:
    text = topology_text("fleet").decode().replace("count: 50", f"count: {count}").replace("links:\n", more)
    text = text.replace("services:\n", "services:\n  probe: {subnet: edge/a, ports: {http: 80/tcp}}\n") if "edge" in more else text
    found = load_text(text.encode(), "fleet.yaml", {}).network
    assert found is not None
    return found


NETWORKS = [fleet(1), fleet(2), fleet(7), fleet(5, TWO), network_of("fleet-of-three")]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda n: f"{n.name}-{len(n.vpcs)}")
def test_what_is_left_out_is_counted_exactly(network: Network) -> None:
    sample = Sample(network)
    everything, asked = list(questions(network)), list(questions(network, sample))
    assert len(everything) - len(asked) == sample.left_out
    assert set(asked) <= set(everything)


@pytest.mark.parametrize("network", NETWORKS, ids=lambda n: f"{n.name}-{len(n.vpcs)}")
def test_only_questions_between_members_are_left_out(network: Network) -> None:
    """Not those inside a member, nor those to or from any other network, nor those between two that are linked."""
    linked = {frozenset(p.between) for p in network.links}
    members = {v.id for v in network.vpcs if sum(o.origin == v.origin for o in network.vpcs) > 1}
    left = set(questions(network)) - set(questions(network, Sample(network)))
    for question in left:
        here, there = question.source.partition("/")[0], question.destination.partition("/")[0]
        assert here in members and there in members and here != there and frozenset((here, there)) not in linked


def test_every_endpoint_asks_and_is_asked_about_another_member() -> None:
    network = fleet(7)
    inside = {e.id for e in network.inside if e.vpc != "control-plane"}
    across = [(q.source, q.destination) for q in questions(network, Sample(network)) if q.source in inside and q.destination in inside]
    across = [(a, b) for a, b in across if a.partition("/")[0] != b.partition("/")[0]]
    assert {a for a, _ in across} == {b for _, b in across} == inside


@pytest.mark.parametrize("case", [*CASES, "foundry"])
def test_of_small_networks_everything_is_asked(case: str) -> None:
    network = network_of(case)
    assert chosen(network) == (list(questions(network)), 0)


def test_of_the_fleet_that_ships_a_part_is_asked_unless_all_is_wanted() -> None:
    network = network_of("fleet")
    asked, left_out = chosen(network)
    assert len(asked) < 50_000 and left_out > 300_000
    assert chosen(network, everything=True)[1] == 0
