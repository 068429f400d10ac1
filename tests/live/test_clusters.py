"""The kernel as second judge of clusters that budnet did not write: every packet between all classes fares as the table says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.network import Network
from budnet.observe.kubernetes import cluster, sources
from budnet.observe.kubernetes.fields import Place, Problems
from budnet.probe.rehearsal import Expected, rehearse
from budnet.probe.truth import Truth, truth
from budnet.records import replace
from budnet.twin.build import plan
from budnet.twin.plan import Chain
from budnet.twin.policies import Policies
from conformance.kubernetes.cases import CASES, policies_of
from conformance.kubernetes.cases import cluster as pods
from helpers import twin_of
from properties.clusters import random_cluster

pytestmark = pytest.mark.live
BOOKSHOP = Path(__file__).parents[2] / "examples" / "bookshop"
SEEDS = range(8)
EVERY = 8
"""Of the cases of the specification so many are one quick test; `slow` asks all of them."""


def run(network: Network) -> Truth:
    rehearsal = rehearse(network)
    expected = Expected(rehearsal)
    asked = list(rehearsal.questions(expected))
    with twin_of(plan(rehearsal.network)) as twin:
        table = truth(rehearsal.network, twin, asked, predicted=expected)
    assert not table.disagree, f"{len(table.disagree)} of {table.questions}\n" + "\n".join(map(str, table.disagree[:5]))
    return table


def read(objects: list[dict[str, Any]]) -> Network:
    problems = Problems()
    found = cluster.network([(o, Place("made.json", 0)) for o in objects], problems)
    assert all(p.code == cluster.NO_LABELS for p in problems.found)
    return found.network


def test_the_bookshop() -> None:
    problems = Problems()
    table = run(cluster.network(sources.objects(str(BOOKSHOP), problems), problems).network)
    assert table.questions > 2000 and set(table.fates) == {"DELIVERED", "DENIED_IN"}


def case(number: int) -> Any:
    marks = () if number % EVERY == 0 else pytest.mark.slow
    return pytest.param(CASES[number], id=CASES[number]["case"], marks=marks)


@pytest.mark.parametrize("one", [case(i) for i in range(len(CASES))])
def test_cases_of_the_specification(one: dict[str, Any]) -> None:
    run(read(pods() + policies_of(one)))


@pytest.mark.parametrize("seed", [*SEEDS, *(pytest.param(s, marks=pytest.mark.slow) for s in range(100, 160))])
def test_clusters_that_nobody_designed(seed: int) -> None:
    run(read(random_cluster(seed)))


# ---- the filters of a twin with one fault in them -----------------------------------------------------------------------


def pass_accepts(text: str) -> str:
    return text.replace("goto in_behind", "accept") if "saddr" in text or "dport" in text else text


FAULTS: dict[str, tuple[str, Callable[[str], str]]] = {
    "Pass is Accept": ("an admin's Pass", pass_accepts),
    "Accept goes on to NetworkPolicies": (
        "an admin's Accept",
        lambda t: t.replace("accept", "goto in_behind") if "10.0.3" in t and "dport" in t else t,
    ),
    "Deny lets pass": ("an admin's Deny", lambda t: t.replace(" drop", " accept") if "saddr" in t else t),
    "exceptions of blocks are forgotten": ("a block with an exception", lambda t: re.sub(r"ip6? .addr != \{[^}]*\} ", "", t)),
    "ranges end one port early": ("a range of ports", lambda t: t.replace("80-82", "80-81")),
    "ports are of any protocol": ("a port", lambda t: t.replace("tcp dport", "th dport")),
    "nobody is isolated": ("deny all ingress", lambda t: t.replace(" drop", " accept") if t.startswith("log") else t),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_a_filter_is_seen(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, change = FAULTS[fault]
    chains = Policies.chains

    def spoilt(self: Policies, pod: Endpoint, ingress: bool) -> list[Chain]:
        found = chains(self, pod, ingress)
        return [replace(c, rules=tuple(replace(r, text=change(r.text)) for r in c.rules)) for c in found]

    monkeypatch.setattr(Policies, "chains", spoilt)
    with pytest.raises(AssertionError, match="network-policy"):
        run(read(pods() + policies_of(next(c for c in CASES if c["case"] == name))))


def test_of_many_some_run_and_it_is_said() -> None:
    labels = [{"app": f"a{i}"} for i in range(130)]
    objects: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"p{i}-{k}", "namespace": "x", "labels": own}}
        for i, own in enumerate(labels)
        for k in range(3)
    ]
    some = {
        "podSelector": {},
        "ingress": [{"from": [{"podSelector": {"matchLabels": own}}], "ports": [{"port": 10 + 2 * i}]} for i, own in enumerate(labels)],
    }
    objects.append(policies_of({"policies": [{"kind": "NetworkPolicy", "in": "x", "spec": some}]})[0])
    network = read(objects)
    part, whole = rehearse(network), rehearse(network, everything=True)
    assert sum(e.kind is EndpointKind.POD for e in part.network.endpoints) == 100
    assert sum(e.kind is EndpointKind.POD for e in whole.network.endpoints) == 390
    assert any("100 of 390 endpoints run" in note for note in part.notes) and any(
        "ports at the edges of rules" in note for note in part.notes
    )
    assert sum(len(e.listeners) for e in whole.network.endpoints) <= 12_000
