"""Random flows through random clusters: what the table says is what the judge says, of every one."""

from __future__ import annotations

from random import Random

import pytest

from properties.cluster_flows import disagreements
from properties.clusters import random_cluster

_EACH = 200
"""Flows asked of one cluster. Some of them are a pod's with itself, or of two ends that have no family in common."""


@pytest.mark.parametrize("part", range(4))
def test_flows_of_clusters_are_judged_alike(part: int) -> None:
    """20,000 in all."""
    _judged(part * 100_000, 5_000)


@pytest.mark.parametrize("seed", [1_000_023, 1_500_044, 1_700_117, 1_800_022, 1_900_064, 2_300_073])
def test_clusters_that_were_once_judged_otherwise(seed: int) -> None:
    """Labels of a namespace that are not known: a policy that is about a pod perhaps denied what no rule of it means, and its rules
    were taken to decide each for itself."""
    found, wrong = disagreements(random_cluster(seed), Random(seed), _EACH)
    assert found and not wrong


@pytest.mark.slow
@pytest.mark.parametrize("part", range(20))
def test_a_million_flows_are_judged_alike(part: int) -> None:
    """1,000,000 in all."""
    _judged(1_000_000 + part * 100_000, 50_000)


def _judged(first: int, wanted: int) -> None:
    asked, seed = 0, first
    while asked < wanted:
        found, wrong = disagreements(random_cluster(seed), Random(seed), _EACH)
        assert not wrong, f"random_cluster({seed}): {len(wrong)} of {found} flows, as\n" + "\n".join(wrong[:5])
        asked, seed = asked + found, seed + 1


def test_clusters_are_worth_asking() -> None:
    """All three answers are common, so agreement is no accident."""
    from properties.cluster_flows import flows
    from properties.kubernetes_judge import Judge

    said: dict[str, int] = {"allowed": 0, "denied": 0, "unknown": 0}
    for seed in range(40):
        judge = Judge(random_cluster(seed))
        for f in flows(judge, Random(seed), 100):
            said[judge.verdict(f.source, f.destination, f.protocol, f.port, f.family)] += 1
    asked = sum(said.values())
    assert said["denied"] > asked * 0.3 and said["allowed"] > asked * 0.2 and said["unknown"] > asked * 0.02, said
