"""Questions about networks that budnet did not write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from helpers import budnet
from questions.shop import FOREIGN, SHOP, written


@pytest.mark.parametrize(
    ("source", "destination", "port", "reachable"),
    [
        ("shop/web", "shop/db", "sql", True),
        ("other/probe", "shop/db", "5432/tcp", False),
        ("10.1.2.3", "shop?app=db", "5432/tcp", False),
        ("shop/*", "other/probe", "80", None),
        ("internet", "shop/db", "5432", False),
        ("internet", "shop/web", "5432", True),
    ],
)
def test_reach(tmp_path: Path, source: str, destination: str, port: str, reachable: bool | None) -> None:
    where = written(tmp_path, SHOP + FOREIGN)
    run = budnet("reach", source, destination, port, "--from", where, "--format", "json")
    assert json.loads(run.stdout)["reachable"] is reachable
    assert run.returncode == (0 if reachable else 1)


def test_reach_without_a_port_says_what_is_unknown(tmp_path: Path) -> None:
    run = budnet("reach", "shop/web", "other/probe", "--from", written(tmp_path, SHOP + FOREIGN), "--format", "json")
    found = json.loads(run.stdout)
    assert found["reachable"] is None and not found["allowed"] and found["unknown"]


def test_the_smallest_change_opens_the_flow(tmp_path: Path) -> None:
    """What `explain` writes is put beside the manifests, and the flow is delivered: this one, and no other port."""
    run = budnet("explain", "other/probe", "shop/db", "5432/tcp", "--from", written(tmp_path), "--format", "json")
    assert run.returncode == 1
    (change,) = json.loads(run.stdout)["changes"]
    where = written(tmp_path, f"{SHOP}---\n{change['write']}\n")
    assert budnet("reach", "other/probe", "shop/db", "5432/tcp", "--from", where).returncode == 0
    assert budnet("reach", "other/probe", "shop/db", "5433/tcp", "--from", where).returncode == 1


GUARANTEES = {
    "only: {from: shop/web, to: shop/db}": "proved",
    "never: {from: internet, to: shop/db}": "proved",
    "never: {from: 'other/*', to: 'shop?app=db'}": "proved",
    "never: {from: shop/web, to: shop/db, ports: 443/tcp}": "proved",
    "reaches: {from: shop/web, to: shop/db, ports: sql}": "proved",
    "reaches: {from: shop/web, to: shop/db}": "refuted",
    "never: {from: shop/web, to: shop/db, ports: sql}": "refuted",
    "never: {from: internet, to: shop/web}": "refuted",
    "never: {from: 203.0.113.0/24, to: 'shop/*'}": "refuted",
    "only: {from: shop/db, to: shop/web}": "refuted",
    "never: {from: shop/web, to: other/probe}": "unknown",
    "reaches: {from: shop/web, to: other/probe}": "unknown",
    "encrypted: {across: networks}": "unknown",
}


def test_guarantees(tmp_path: Path) -> None:
    file = tmp_path / "guarantees.yaml"
    file.write_text("guarantees:\n" + "".join(f"- {{{g}}}\n" for g in GUARANTEES), encoding="utf-8")
    run = budnet("prove", "--from", written(tmp_path / "shop", SHOP + FOREIGN), "--guarantees", str(file), "--format", "json")
    found = json.loads(run.stdout)["guarantees"]
    assert [g["status"] for g in found] == list(GUARANTEES.values())
    assert all(g["packet"] for g in found if g["status"] == "refuted")
    assert run.returncode == 1


@pytest.mark.parametrize(
    ("text", "code", "column"),
    [
        ("guarantees:\n- never: {from: shop/wbe, to: shop/db}\n", "Q101", 17),
        ("guarantees:\n- never: {from: shop/web, to: 'shop?app'}\n", "Q103", 31),
        ("guarantees:\n- never: {from: shop/web, to: shop/db, ports: sqll}\n", "Q102", 47),
        ("guarantees:\n- never: {from: shop/web}\n", "M002", 3),
        ("networks: {}\nguarantees:\n- never: {from: shop/web, to: shop/db}\n", "M001", 1),
        ("guarantees: []\n", "M004", 1),
    ],
)
def test_a_wrong_guarantee_is_underlined(tmp_path: Path, text: str, code: str, column: int) -> None:
    file = tmp_path / "guarantees.yaml"
    file.write_text(text, encoding="utf-8")
    run = budnet("prove", "--from", written(tmp_path / "shop"), "--guarantees", str(file))
    assert run.returncode == 3 and "Traceback" not in run.stderr
    assert f"[{code}]" in run.stderr and "^" in run.stderr, run.stderr
    assert f":{column}" in run.stderr, run.stderr


def test_a_source_needs_guarantees_and_they_need_a_source(tmp_path: Path) -> None:
    assert budnet("prove", "--from", written(tmp_path)).returncode == 3
    assert budnet("prove", "--guarantees", "x.yaml").returncode == 3


MANY = """\
apiVersion: {group}/v1
kind: {kind}
metadata: {{name: web, namespace: shop}}
spec:
  {count}
  template:
    metadata: {{labels: {{app: web}}}}
    spec: {{containers: [{{name: web}}]}}
"""


@pytest.mark.parametrize(
    ("kind", "count", "several"),
    [
        ("Deployment", "replicas: 3", True),
        ("Deployment", "paused: false", False),
        ("Deployment", "replicas: 1", False),
        ("DaemonSet", "minReadySeconds: 0", True),
        ("Job", "parallelism: 2", True),
        ("StatefulSet", "replicas: 2", True),
    ],
)
def test_replicas_may_speak_to_each_other(tmp_path: Path, kind: str, count: str, several: bool) -> None:
    """Of a template one pod stands for all; a guarantee about a workload and itself is about its replicas."""
    file = tmp_path / "guarantees.yaml"
    file.write_text("guarantees:\n- {never: {from: shop/web, to: shop/web}}\n", encoding="utf-8")
    where = written(tmp_path, MANY.format(group="batch" if kind == "Job" else "apps", kind=kind, count=count))
    run = budnet("prove", "--from", where, "--guarantees", str(file))
    assert run.stdout.startswith("refuted" if several else "proved")
    assert budnet("reach", "shop/web", "shop/web", "80/tcp", "--from", where).returncode == (0 if several else 3)
