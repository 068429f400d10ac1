"""What the specifications say of single flows: `cases.yaml`, asked of the judge and of the table."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.kubernetes.cases import CASES, cluster, policies_of, rows_of
from properties.cluster_flows import Tabled
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
