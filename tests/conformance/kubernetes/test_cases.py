"""What the specifications say of single flows: `cases.yaml`, asked of the judge and of the table."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.kubernetes.cases import CASES, cluster, policies_of, rows_of
from properties.cluster_flows import Flow, Tabled
from properties.kubernetes_judge import Judge


@pytest.mark.parametrize("case", CASES, ids=[c["case"] for c in CASES])
def test_flows_fare_as_the_specifications_say(case: dict[str, Any]) -> None:
    objects = cluster() + policies_of(case)
    judge, tabled = Judge(objects), Tabled(objects)
    for flow, verdict in rows_of(case, judge):
        assert judge.verdict(flow.source, flow.destination, flow.protocol, flow.port, flow.family) == verdict, f"the judge: {flow}"
        assert tabled.verdict(flow) == verdict, f"the table: {flow}: {case['rule']}"


def test_pods_that_ended_are_nobody() -> None:
    assert "job" not in {p.name for p in Judge(cluster()).pods}
    assert not any("z/job" in e.id for members in Tabled(cluster()).columns.members for e in members)


def test_there_are_rows_enough() -> None:
    assert sum(len(c["flows"]) for c in CASES) >= 160


DEPLOYED = {"apiVersion": "apps/v1", "kind": "Deployment"}


@pytest.mark.parametrize(
    "others, families",
    [
        ([], {4, 6}),
        ([("Pod", "10.0.0.1")], {4}),
        ([("Pod", "fd00::1")], {6}),
        ([("Pod", "10.0.0.1"), ("Pod", "fd00::1")], {4, 6}),
        ([("Node", "192.0.2.1")], {4}),
        ([("Node", "2001:db8::1")], {6}),
        ([("Node", "192.0.2.1"), ("Pod", "fd00::1")], {6}),
    ],
)
def test_a_pod_that_does_not_run_yet_gets_addresses_as_others_have_them(others: list[tuple[str, str]], families: set[int]) -> None:
    """One that may be of both families is asked about both: neither is taken for granted."""
    allow = {"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]}
    objects = [
        {**DEPLOYED, "metadata": {"name": n, "namespace": "x"}, "spec": {"template": {"spec": {"containers": []}}}} for n in ("a", "b")
    ]
    objects.append(policies_of({"policies": [{"kind": "NetworkPolicy", "in": "x", "spec": allow}]})[0])
    for i, (kind, address) in enumerate(others):
        status = {"addresses": [{"type": "InternalIP", "address": address}]} if kind == "Node" else {"podIPs": [{"ip": address}]}
        objects.append({"apiVersion": "v1", "kind": kind, "metadata": {"name": f"o{i}", "namespace": "z"}, "spec": {}, "status": status})
    judge, tabled = Judge(objects), Tabled(objects)
    a, b = (p for p in judge.pods if p.kind == "Deployment")
    assert judge.families(a) == families == {family for name, family in tabled.columns.unplaced if name == "x/a[Deployment]"}
    for family in families:
        flow = Flow(a, b, "TCP", 80, family)
        assert judge.verdict(a, b, "TCP", 80, family) == tabled.verdict(flow) == ("allowed" if family == 4 else "denied")
