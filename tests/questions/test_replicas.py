"""Pods of one workload may reach each other or not, whether they are there yet or not."""

from __future__ import annotations

from pathlib import Path

import pytest

import budnet
from questions.shop import written
from questions.test_prove_ways import proofs

KAFKA = """\
apiVersion: apps/v1
kind: KIND
metadata: {name: kafka, namespace: data}
spec: {replicas: 3, template: {metadata: {labels: {app: kafka}}, spec: {containers: [{name: main, ports: [{containerPort: 9094}]}]}}}
"""
APART = """\
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: apart, namespace: data}
spec: {podSelector: {}, policyTypes: [Ingress]}
"""
NEVER = "{never: {from: data/kafka, to: data/kafka}}"


@pytest.mark.parametrize("kind", ["StatefulSet", "Deployment", "DaemonSet"])
def test_what_replicas_do_to_each_other_is_proved(kind: str, tmp_path: Path) -> None:
    text = KAFKA.replace("KIND", kind)
    assert [p["status"] for p in proofs(tmp_path, written(tmp_path, text), NEVER)] == ["refuted"]
    assert budnet.load(written(tmp_path, text)).reach("data/kafka", "data/kafka", "9094/tcp")[0]["reachable"] is True
    assert [p["status"] for p in proofs(tmp_path, written(tmp_path, text + APART), NEVER)] == ["proved"]
