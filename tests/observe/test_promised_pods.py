"""What pods makers stand for whose pods are not there, with the names and labels that controllers give them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from budnet.ir.endpoint import Endpoint
from budnet.source.diagnostic import Severity
from observe.reading import observed, policy, service


def maker(version: str, kind: str, name: str, spec: str = "", template: str = "template", **meta: str) -> str:
    """A maker of pods with the label `app: NAME`, and no pod of it."""
    of = {"name": name, "namespace": "shop", **{k: yaml.safe_load(v) for k, v in meta.items()}}
    pod = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "main"}]}}
    body = {"apiVersion": version, "kind": kind, "metadata": of, "spec": {template: pod, **yaml.safe_load(spec or "{}")}}
    return "---\n" + yaml.safe_dump(body)


def made_by(kind: str, name: str) -> str:
    return f"[{{apiVersion: any/v1, kind: {kind}, name: {name}, uid: u, controller: true}}]"


def pods(folder: Path, text: str) -> dict[str, Endpoint]:
    found = observed(folder, all_yaml=text)
    assert not found.problems.found
    return {e.id: e for e in found.network.endpoints}


def test_a_stateful_set_is_its_pods_by_name(tmp_path: Path) -> None:
    text = maker("apps/v1", "StatefulSet", "db", "{replicas: 2, ordinals: {start: 3}}") + maker("apps/v1", "StatefulSet", "one")
    found = pods(tmp_path, text + maker("apps/v1", "StatefulSet", "off", "{replicas: 0}"))
    assert set(found) == {"shop/db-3[Pod]", "shop/db-4[Pod]", "shop/one-0[Pod]", "shop/off-0[Pod]"}, "nobody is what would be there"
    assert {e.service for e in found.values()} == {"shop/db[StatefulSet]", "shop/one[StatefulSet]", "shop/off[StatefulSet]"}
    assert dict(found["shop/db-3[Pod]"].labels) == {
        "app": "db", "statefulset.kubernetes.io/pod-name": "db-3", "apps.kubernetes.io/pod-index": "3",
    }  # fmt: skip


def test_a_service_of_one_pod_leads_to_it(tmp_path: Path) -> None:
    alone = service("db", "type: LoadBalancer").replace("selector: {app: db}", "selector: {statefulset.kubernetes.io/pod-name: db-1}")
    found = observed(tmp_path, all_yaml=maker("apps/v1", "StatefulSet", "db", "{replicas: 3}") + alone.replace("http", "80"))
    assert {t for e in found.network.entries for t in e.targets} == {("shop/db-1[Pod]", 80)}


def test_pods_that_are_there_stand_for_all(tmp_path: Path) -> None:
    one = """\
---
apiVersion: v1
kind: Pod
metadata: {name: db-0, namespace: shop, labels: {app: db}, ownerReferences: OWNED}
spec: {containers: [{name: main}]}
"""
    text = maker("apps/v1", "StatefulSet", "db", "{replicas: 3}")
    assert set(pods(tmp_path, text + one.replace("OWNED", made_by("StatefulSet", "db")))) == {"shop/db-0[Pod]"}
    assert set(pods(tmp_path, text + one.replace("OWNED", "[]"))) == {"shop/db-0[Pod]", "shop/db-1[Pod]", "shop/db-2[Pod]"}


def test_a_job_s_pods_have_its_name(tmp_path: Path) -> None:
    (one,) = pods(tmp_path, maker("batch/v1", "Job", "migrate")).values()
    assert dict(one.labels) == {"app": "migrate", "job-name": "migrate", "batch.kubernetes.io/job-name": "migrate"}
    only = policy("only", "{podSelector: {matchLabels: {job-name: migrate}}, policyTypes: [Egress]}")
    from budnet.reach.table.table import Table

    table = Table(observed(tmp_path, all_yaml=maker("batch/v1", "Job", "migrate") + only).network)
    assert not any(table.egress.ids[table.egress.of_column[c]].any() for c in range(table.columns.inside))


def test_makers_of_others(tmp_path: Path) -> None:
    text = maker("apps.openshift.io/v1", "DeploymentConfig", "web") + maker("argoproj.io/v1alpha1", "Rollout", "api")
    found = pods(tmp_path, text + maker("argoproj.io/v1alpha1", "Rollout", "of", "{workloadRef: {kind: Deployment, name: d}}", "unused"))
    assert set(found) == {"shop/web[DeploymentConfig]", "shop/api[Rollout]"}
    assert dict(found["shop/web[DeploymentConfig]"].labels)["deploymentconfig"] == "web"


@pytest.mark.parametrize(
    ("labels", "owner", "wanted"),
    [
        ("{pod-template-hash: a1}", ("ReplicaSet", "web-a1"), "shop/web[Deployment]"),
        ("{rollouts-pod-template-hash: a1}", ("ReplicaSet", "web-a1"), "shop/web[Rollout]"),
        ("{deploymentconfig: web}", ("ReplicationController", "web-4"), "shop/web[DeploymentConfig]"),
        ("{}", ("ReplicaSet", "web-a1"), "shop/web-a1[ReplicaSet]"),
        ("{}", ("VirtualMachineInstance", "web"), "shop/web[VirtualMachineInstance]"),
    ],
)
def test_the_maker_of_a_maker_that_is_not_there_is_known_by_labels(
    tmp_path: Path, labels: str, owner: tuple[str, str], wanted: str
) -> None:
    text = f"""\
apiVersion: v1
kind: Pod
metadata: {{name: one, namespace: shop, labels: {labels}, ownerReferences: {made_by(*owner)}}}
spec: {{containers: [{{name: main}}]}}
"""
    assert [e.service for e in pods(tmp_path, text).values()] == [wanted]


GUEST = """\
---
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {name: vm, namespace: shop}
spec:
  runStrategy: Always
  template:
    metadata: {labels: {app: old}}
    spec: {domain: {devices: {interfaces: [{name: default, masquerade: {}, ports: [{name: sql, port: 5432}, {port: 53, protocol: UDP}]}]}}}
"""


def test_a_virtual_machine_is_a_pod(tmp_path: Path) -> None:
    (one,) = pods(tmp_path, GUEST).values()
    assert one.service == "shop/vm[VirtualMachine]"
    assert dict(one.labels) == {"app": "old", "kubevirt.io": "virt-launcher", "vm.kubevirt.io/name": "vm"}
    assert {(x.name, x.protocol.name, x.port) for x in one.listeners} == {("sql", "TCP", 5432), ("", "UDP", 53)}


def test_a_virtual_machine_that_runs_is_its_pod(tmp_path: Path) -> None:
    launcher = f"""\
---
apiVersion: v1
kind: Pod
metadata: {{name: virt-launcher-vm-x, namespace: shop, labels: {{app: old}}, ownerReferences: {made_by("VirtualMachineInstance", "vm")}}}
spec: {{containers: [{{name: compute}}]}}
"""
    instance = """\
---
apiVersion: kubevirt.io/v1
kind: VirtualMachineInstance
metadata: {name: alone, namespace: shop, labels: {app: new}}
spec: {domain: {devices: {}}}
"""
    found = pods(tmp_path, GUEST + launcher + instance)
    assert {(e.id, e.service) for e in found.values()} == {
        ("shop/virt-launcher-vm-x[Pod]", "shop/vm[VirtualMachine]"),
        ("shop/alone[VirtualMachineInstance]", "shop/alone[VirtualMachineInstance]"),
    }


@pytest.mark.parametrize(
    ("port", "where"),
    [
        ("{name: sql, containerport: 5432}", "ports[1].containerPort"),
        ("{name: sql, containerPort: '5432'}", "ports[1].containerPort"),
        ("{name: sql, containerPort: 70000}", "ports[1].containerPort"),
        ("{name: sql, containerPort: 5432, protocol: tcp}", "ports[1].protocol"),
        ("{name: 7, containerPort: 5432}", "ports[1].name"),
    ],
)
@pytest.mark.parametrize("form", ["yaml", "json", "list"])
@pytest.mark.parametrize("kind", ["Pod", "Deployment", "CronJob"])
def test_a_port_that_is_wrong_does_not_take_the_pod_with_it(tmp_path: Path, port: str, where: str, form: str, kind: str) -> None:
    spec = {"containers": [{"name": "main", "ports": [{"name": "http", "containerPort": 80}, yaml.safe_load(port)]}]}
    inner = spec if kind == "Pod" else {"template": {"metadata": {"labels": {"app": "a"}}, "spec": spec}}
    body = {"jobTemplate": {"spec": inner}} if kind == "CronJob" else inner
    version = {"Pod": "v1", "Deployment": "apps/v1", "CronJob": "batch/v1"}[kind]
    of = {"apiVersion": version, "kind": kind, "metadata": {"name": "one", "namespace": "shop"}, "spec": body}
    text = yaml.safe_dump(of) if form == "yaml" else json.dumps(of if form == "json" else {"kind": "List", "items": [of]})
    found = observed(tmp_path, all_yaml=text)
    (said,) = found.problems.found
    assert said.severity is Severity.ERROR and where in said.summary
    (one,) = found.network.endpoints
    assert [(x.name, x.port) for x in one.listeners] == [("http", 80)]


def test_ports_that_are_no_list_do_not_take_the_pod_with_them(tmp_path: Path) -> None:
    text = maker("apps/v1", "Deployment", "web").replace("- name: main", "- {name: main, ports: {}}")
    found = observed(tmp_path, all_yaml=text)
    assert len(found.problems.found) == len(found.network.endpoints) == 1
