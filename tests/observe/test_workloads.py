"""Who is there: pods, and what makes pods whose pods are not in what was read."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from budnet.observe.kubernetes import cluster
from budnet.observe.kubernetes.fields import Place, Problems

Object = dict[str, Any]
VERSIONS = {"Pod": "v1", "CronJob": "batch/v1", "Job": "batch/v1"}


def made(kind: str, name: str, by: str = "", replicas: int | None = None) -> Object:
    """A Pod or what makes pods; `by` is `Kind/name`."""
    meta: Object = {"name": name, "namespace": "shop"}
    if by:
        maker, _, called = by.partition("/")
        meta["ownerReferences"] = [{"apiVersion": "some/v1", "kind": maker, "name": called, "controller": True}]
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "main"}]}}
    spec: Object = {"template": template} if replicas is None else {"template": template, "replicas": replicas}
    if kind == "CronJob":
        spec = {"jobTemplate": {"spec": {"template": template}}}
    return {
        "apiVersion": VERSIONS.get(kind, "apps/v1"),
        "kind": kind,
        "metadata": meta,
        "spec": template["spec"] if kind == "Pod" else spec,
    }


PROMETHEUS = made("StatefulSet", "prometheus-k8s", "Prometheus/k8s")
ENDED = made("Job", "migrate") | {"status": {"conditions": [{"type": "Complete", "status": "True"}]}}
NEW, OLD = made("ReplicaSet", "web-2", "Rollout/web", 3), made("ReplicaSet", "web-1", "Rollout/web", 0)
CASES = {
    "an operator's StatefulSet without its pods": ([PROMETHEUS], {"prometheus-k8s-0[Pod]": "prometheus-k8s[StatefulSet]"}),
    "an operator's StatefulSet with a pod": (
        [PROMETHEUS, made("Pod", "p-0", "StatefulSet/prometheus-k8s")], {"p-0[Pod]": "prometheus-k8s[StatefulSet]"}
    ),
    "of two that one operator made, one with a pod": (
        [made("StatefulSet", "data", "Elasticsearch/es"), made("StatefulSet", "master", "Elasticsearch/es"), made("Pod", "d", "StatefulSet/data")],
        {"d[Pod]": "data[StatefulSet]", "master-0[Pod]": "master[StatefulSet]"},
    ),
    "a pod that an operator made itself": ([made("Pod", "broker-0", "StrimziPodSet/broker")], {"broker-0[Pod]": "broker[StrimziPodSet]"}),
    "a Job that has ended": ([ENDED], {}),
    "versions of a Rollout": ([NEW, OLD], {"web-2[ReplicaSet]": "web[Rollout]"}),
    "versions of a Rollout, and a pod of one": ([NEW, OLD, made("Pod", "p", "ReplicaSet/web-2")], {"p[Pod]": "web[Rollout]"}),
    "a Rollout that is scaled to nothing": ([OLD], {"web-1[ReplicaSet]": "web[Rollout]"}),
    "a ReplicaSet of its own without replicas": ([made("ReplicaSet", "web", "", 0)], {"web[ReplicaSet]": "web[ReplicaSet]"}),
    "a Deployment and its ReplicaSet": (
        [made("Deployment", "web"), made("ReplicaSet", "web-1", "Deployment/web", 1)], {"web[Deployment]": "web[Deployment]"}
    ),
    "a Job whose CronJob was not read": ([made("Job", "night-1", "CronJob/night")], {"night-1[Job]": "night[CronJob]"}),
    "a Job, its CronJob, and a pod": (
        [made("CronJob", "night"), made("Job", "night-1", "CronJob/night"), made("Pod", "p", "Job/night-1")], {"p[Pod]": "night[CronJob]"}
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_nobody_is_left_out_and_nobody_is_there_twice(case: str) -> None:
    objects, expected = CASES[case]
    for order in permutations(objects):
        problems = Problems()
        found = cluster.network([(of, Place("made.json", i)) for i, of in enumerate(order)], problems).network
        assert not problems.found
        assert {e.id.removeprefix("shop/"): e.service.removeprefix("shop/") for e in found.endpoints} == expected


def test_each_of_those_whose_names_the_server_completes_is_there() -> None:
    jobs = [made("Job", "x"), made("Job", "x")]
    for job, app in zip(jobs, "ab", strict=True):
        job["metadata"] = {"generateName": "migrate-", "namespace": "shop"}
        job["spec"] = {"template": {"metadata": {"labels": {"app": app}}, "spec": {"containers": []}}}
    problems = Problems()
    found = cluster.network([(of, Place("made.json", i)) for i, of in enumerate(jobs)], problems).network
    assert not problems.found and {dict(e.labels)["app"] for e in found.endpoints} == {"a", "b"}


def test_what_makes_pods_in_a_way_that_is_not_known_is_said() -> None:
    strange = {**made("Deployment", "hello"), "apiVersion": "serving.knative.dev/v1", "kind": "Service"}
    for objects, said in (([strange], ["K107"]), ([strange, made("Pod", "hello-1", "Service/hello")], [])):
        problems = Problems()
        cluster.network([(of, Place("made.json", i)) for i, of in enumerate(objects)], problems)
        assert [p.code for p in problems.found] == said
