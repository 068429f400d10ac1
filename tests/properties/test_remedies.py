"""The smallest change that opens a flow: it opens it, no part of it does, nothing smaller does, and it opens nothing that is not its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import budnet
from budnet import pipeline
from budnet.ir.address import Protocol
from budnet.ir.filters import Action, AdminPolicy, AdminRule, NetworkPolicy, PolicyRule
from budnet.ir.network import Network
from budnet.ir.origin import NOWHERE
from budnet.observe.kubernetes import cluster
from budnet.observe.kubernetes.fields import Place, Problems
from budnet.reach.disposition import Disposition
from budnet.reach.engine import Engine
from budnet.reach.matrix import receivers, senders
from budnet.reach.points import Point
from budnet.reach.remedy import Remedy, remedies
from budnet.reach.remedy.edits import Edit, applied
from budnet.reach.remedy.policies import CHANGING, edits
from budnet.reach.trace import Trace, again, trace
from budnet.records import replace
from helpers import GOLDEN
from properties.clusters import Object, random_cluster

PORTS = ((Protocol.TCP, 80), (Protocol.TCP, 5432), (Protocol.UDP, 443))
FEW = 3
"""Blocked flows of a seed that are looked at; the brute force behind them asks a Network for each change there could be."""


def network(objects: list[Object]) -> Network:
    problems = Problems()
    return cluster.network(((o, Place("x.json")) for o in objects), problems).network


def blocked(engine: Engine, seed: int) -> Iterator[Trace]:
    """Flows that are stopped, spread over all pairs there are."""
    pairs = [
        (s, d) for s in senders(engine) for d in receivers(engine)
        if s.endpoint is not d.endpoint and s.address.version == d.address.version and (s.endpoint or d.endpoint)
    ]  # fmt: skip
    for number in range(len(pairs)):
        source, destination = pairs[(number * 37 + seed) % len(pairs)]
        found = trace(engine, source, destination, *PORTS[number % len(PORTS)])
        if any(passed is False for _, passed in found.steps):
            yield found


def opens(network: Network, found: Trace, changes: list[Edit]) -> bool:
    return again(Engine(applied(network, changes)), found).verdict.reachable


@pytest.mark.parametrize("first", range(0, 40, 10))
def test_it_opens_the_flow_and_no_part_of_it_does(first: int) -> None:
    assert sum(opened(seed) for seed in range(first, first + 10)) > 20


def opened(seed: int) -> int:
    """How many changes were tried."""
    count = 0
    whole = network(random_cluster(seed))
    engine = Engine(whole)
    for number, found in zip(range(3 * FEW), blocked(engine, seed), strict=False):
        changes = edits(engine, found)
        then = again(Engine(applied(whole, changes)), found)
        if not changes:
            continue
        count += 1
        doubt = any(passed is None for _, passed in then.steps)  # a policy of another maker stays what it is
        assert then.verdict.reachable or (doubt and then.verdict.disposition is Disposition.UNKNOWN)
        for left_out in changes:
            assert not opens(whole, found, [c for c in changes if c is not left_out])
        if number < FEW and len(changes) > 1 and not doubt:
            assert not any(opens(whole, found, [change]) for change in every_change(engine, found))
    return count


def every_change(engine: Engine, found: Trace) -> Iterator[Edit]:
    """One rule more, anywhere: in each policy at each place, or a policy of its own on either side."""
    for ingress in (True, False):
        own, peer = (found.destination, found.source) if ingress else (found.source, found.destination)
        likely = [e for e in edits(engine, found) if e.ingress is ingress]
        if not likely or own.endpoint is None or peer is None:
            continue
        peers, ports = likely[0].rule.peers, likely[0].rule.ports
        for policy in engine.network.policies:
            rules = policy.ingress if ingress else policy.egress
            if rules is not None and policy.namespace == own.endpoint.namespace:
                yield Edit(policy, ingress, PolicyRule("new", (), ports, NOWHERE), len(rules))
        for admin in engine.network.admin_policies:
            for at in range(len(admin.ingress if ingress else admin.egress) + 1):
                yield Edit(admin, ingress, AdminRule("new", Action.ACCEPT, peers, ports, NOWHERE), at)


@pytest.mark.parametrize("seed", range(60, 90))
def test_it_opens_its_own_port_for_its_own_labels_and_closes_nothing(seed: int) -> None:
    """Every pair is asked before and after on the port and on another one."""
    whole = network(random_cluster(seed))
    engine = Engine(whole)
    found = next((f for f in blocked(engine, seed) if edits(engine, f)), None)
    if found is None:
        return
    changes = edits(engine, found)
    after = Engine(applied(whole, changes))
    for source in senders(engine):
        for destination in receivers(engine):
            if source.endpoint is destination.endpoint or source.address.version != destination.address.version:
                continue
            for port in (found.port, found.port + 1):
                before = trace(engine, source, destination, found.protocol, port)
                now = again(after, before)
                assert not (before.verdict.reachable and not now.verdict.reachable), "nothing is closed"
                if now.verdict.reachable and not before.verdict.reachable:
                    assert port == found.port
                    # a rule in a policy that is there is about all that the policy is about
                    theirs = [e for e in changes if not isinstance(e.policy, NetworkPolicy) or not e.new]
                    both = ((source, found.source), (destination, found.destination))
                    assert theirs or all(meant(p, wanted) for p, wanted in both), (source.label, destination.label)


def meant(point: Point, wanted: Point) -> bool:
    """By labels, or by the address, which a node's hostNetwork pods have as well."""
    return labels(wanted) <= labels(point) or (wanted.known and point.address == wanted.address)


def labels(point: Point) -> set[object]:
    endpoint = point.endpoint
    if endpoint is None:
        return set()
    return {("namespace", endpoint.namespace), *((k, v) for k, v in endpoint.labels if k not in CHANGING)}


# ---- as it is written ------------------------------------------------------------------------------------------------------


def with_text(objects: list[Object], change: Remedy) -> list[Object]:
    """The manifests with what `explain` prints, put where it says."""
    edit = change.edit
    assert edit is not None
    written = yaml.safe_load(change.write)
    if edit.new:
        return [*objects, written]
    out = []
    for of in json.loads(json.dumps(objects)):
        name = "/".join(filter(None, [of["metadata"].get("namespace"), of["metadata"]["name"]]))
        kind = edit.policy.kind if isinstance(edit.policy, AdminPolicy) else "NetworkPolicy"
        if (of["kind"], name) == (kind, edit.policy.id):
            rules = of["spec"].setdefault("ingress" if edit.ingress else "egress", []) or []
            of["spec"]["ingress" if edit.ingress else "egress"] = [*rules[: edit.at], *written, *rules[edit.at :]]
        out.append(of)
    return out


@pytest.mark.parametrize("seed", range(100, 140))
def test_the_text_is_the_change(seed: int) -> None:
    """Read again, what is printed means the same rules; only their names and places are others."""
    objects = random_cluster(seed)
    whole = network(objects)
    engine = Engine(whole)
    for _, found in zip(range(4), blocked(engine, seed), strict=False):
        for change in remedies(engine, found):
            assert change.edit is not None
            ours, theirs = applied(whole, [change.edit]), network(with_text(objects, change))
            assert [bare(p) for p in by_name(ours)] == [bare(p) for p in by_name(theirs)], change.write


def by_name(whole: Network) -> list[NetworkPolicy | AdminPolicy]:
    return sorted((*whole.policies, *whole.admin_policies), key=lambda p: (p.id, str(getattr(p, "kind", ""))))


def bare(policy: NetworkPolicy | AdminPolicy) -> NetworkPolicy | AdminPolicy:
    ways = {}
    for way in ("ingress", "egress"):
        rules = getattr(policy, way)
        ways[way] = rules if rules is None else tuple(replace(r, id="", origin=NOWHERE) for r in rules)
    return replace(policy, origin=NOWHERE, **ways)


# ---- our own files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["one-vpc", "linked", "dual-stack", "two-meshes"])
def test_a_row_opens_the_flow_and_everything_else_stays_as_declared(name: str) -> None:
    """What `explain` writes is put into the file: the flow is open, and what is delivered is exactly what is declared."""
    file = str(GOLDEN / name / "topology.yaml")
    found = budnet.load(file)
    loaded = found.place.loaded
    assert loaded is not None
    services = sorted({e.service for e in found.resolved.inside if e.service})
    tried = 0
    for source in [*services[:6], "internet"]:
        for target in [*services[-6:], "203.0.113.200"]:
            port = "7/udp" if target == "203.0.113.200" else "sql" if target == "db" else "9999/tcp"
            try:
                document = found.explain(source, target, port).document
            except budnet.WrongQuestion:
                continue
            assert bool(document["changes"]) != bool(document["no_change"]) or all(g["passes"] for g in document["gates"])
            for change in document["changes"]:
                tried += 1
                after = pipeline.with_rows(loaded, change["write"])
                assert after.network is not None
                then = budnet.Network(replace(found.place, network=after.network))
                assert all(g["passes"] for g in then.explain(source, target, port))
                if tried % 5 == 0:
                    assert [p["status"] for p in then.prove() if p["name"] == "nothing-undeclared"] == ["proved"]
    assert tried > 3


def test_what_stands_in_the_way_of_a_row_is_said(tmp_path: Path) -> None:
    document = budnet.load("catalog/foundry").explain("internet", "postgresql", "5432/tcp").document
    assert not document["changes"]
    assert "has no public address" in document["no_change"] and "load balancer" in document["no_change"]
