"""Pods that are not there yet, in our own networks: each alone in a Network of its own, followed packet by packet, says the same."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from budnet import pipeline
from budnet.cli.main import cli
from budnet.ir.endpoint import Endpoint
from budnet.ir.network import Network
from budnet.reach import relay
from budnet.reach.engine import Engine
from budnet.reach.exposure.newcomers import newcomers
from budnet.reach.exposure.tried import NEW, Tried
from budnet.reach.trace import listeners
from budnet.records import replace
from helpers import GOLDEN

FILES = [str(GOLDEN / "one-vpc" / "topology.yaml"), str(GOLDEN / "dual-stack" / "topology.yaml"), str(GOLDEN / "linked" / "topology.yaml"),
         str(GOLDEN / "two-meshes" / "topology.yaml"), "catalog/foundry"]  # fmt: skip


def read(file: str) -> Network:
    network = pipeline.load(file).network
    assert network is not None
    return network


def alone(tried: Tried, network: Network, pod: Endpoint) -> dict[str, set[tuple[str, int]]]:
    """What one new pod opens to each service, by walking."""
    engine = Engine(replace(tried.network, endpoints=(*network.endpoints, pod)))
    found: dict[str, set[tuple[str, int]]] = {}
    for target in network.endpoints:
        for here in engine.interfaces[pod.id] if target.filtered else ():
            # a public address is another way to the same service
            for there in (p for p in engine.points if p.endpoint is target and p.address.version == here.address.version):
                way = relay.way(engine, here, there)
                mask = way.forward & way.back & listeners(engine, way)
                for x in target.listeners:
                    if not x.loopback and mask & engine.alphabet.bit(x.protocol, x.port):
                        found.setdefault(target.service or target.id, set()).add((x.protocol.name, x.port))
    return found


@pytest.mark.parametrize("file", FILES)
def test_as_each_alone(file: str) -> None:
    network = read(file)
    tried = Tried(network)
    new = [e for e in tried.network.endpoints if e.id in tried.of]
    chosen = [pod for number, pod in enumerate(new) if number % max(1, len(new) // 12) == 0]
    assert chosen
    said = {(n.workload, n.namespace): n for n in newcomers(network)}
    for pod in chosen:
        (space,) = [name for name, ids in tried.spaces.items() if pod.id in ids]
        for service, ports in alone(tried, network, pod).items():
            most = said[service, space].some_labels
            assert all(any(p.name == name and r.first <= port <= r.last for p, r in most) for name, port in ports), (pod, service)
    # and what all of one namespace get together is what is said
    space = max(tried.spaces, key=lambda s: len([n for n in said.values() if n.namespace == s and n.some_labels]))
    found: dict[str, set[tuple[str, int]]] = {}
    for pod in new if len(tried.spaces[space]) < 40 else ():
        if pod.id in tried.spaces[space]:
            for service, ports in alone(tried, network, pod).items():
                found.setdefault(service, set()).update(ports)
    if found:
        for n in said.values():
            if n.namespace == space:
                listed = {(p.name, r.first) for p, r in n.some_labels}
                assert {(p, number) for p, number in listed} <= found.get(n.workload, set()), n


def test_labels_of_a_service_bring_its_groups_and_none_bring_nothing() -> None:
    found = {(n.workload, n.namespace): n for n in newcomers(read("catalog/foundry"))}
    database = found["postgresql", "bud-system in control-plane/apps"]
    assert not database.any_labels and str(database.some_labels) == "5432/tcp" and dict(database.labels).keys() == {"app"}
    assert not found["postgresql", "bud-system in control-plane/management"].some_labels, "the ACL of that subnet is in between"
    assert not found["postgresql", f"{NEW} in control-plane/apps"].some_labels


def test_the_command_says_it_of_both() -> None:
    run = CliRunner().invoke(cli, ["exposure", "catalog/foundry", "--format", "markdown"])
    assert run.exit_code == 0
    assert "| postgresql | 5432/tcp | bud-system in control-plane/apps" in run.stdout
    assert "5432/tcp" not in CliRunner().invoke(cli, ["exposure", "catalog/foundry", "--no-new-pods"]).stdout
