"""What differs between two clusters, and which object made the difference."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from budnet.catalog import topology_text
from budnet.cli.main import cli
from questions.shop import FOREIGN, SHOP, written


def diff(one: str, other: str, form: str = "json") -> tuple[int, str]:
    run = CliRunner().invoke(cli, ["diff", one, other, "--format", form])
    return run.exit_code, run.stdout


def test_an_edit_of_a_policy_is_what_opened_and_closed(tmp_path: Path) -> None:
    old, new = written(tmp_path / "old"), written(tmp_path / "new", SHOP.replace("{port: sql}", "{port: 6000}"))
    code, out = diff(old, new)
    found = json.loads(out)
    assert code == 1
    (opened,), (closed,) = found["opened"], found["closed"]
    assert opened["allowed"] == [{"protocol": "TCP", "ports": [[6000, 6000]]}]
    assert closed["allowed"] == [{"protocol": "TCP", "ports": [[5432, 5432]]}]
    for row in (opened, closed):
        assert (row["src"], row["dst"], row["change"]) == ("shop/web[Deployment]", "shop/db[StatefulSet]", "changed")
        (cause,) = row["causes"]
        assert cause.startswith("policy shop/db changed (") and cause.endswith("): ingress[0] changed")


def test_the_order_of_objects_is_no_difference(tmp_path: Path) -> None:
    turned = "---\n".join(reversed((SHOP + FOREIGN).rstrip().split("\n---\n"))).replace("---", "\n---")
    assert diff(written(tmp_path / "old", SHOP + FOREIGN), written(tmp_path / "new", turned))[0] == 0


def test_a_policy_that_goes_opens_to_the_outside_as_one_row(tmp_path: Path) -> None:
    without = SHOP[: SHOP.index("---\napiVersion: networking")]
    code, out = diff(written(tmp_path / "old"), written(tmp_path / "new", without))
    found = json.loads(out)
    assert code == 1 and not found["closed"]
    assert {row["dst"] for row in found["opened"]} == {"shop/db[StatefulSet]"}
    assert len(found["opened"]) <= 5  # web, probe, and the outside in either family and what lies between pods
    assert all(
        cause == "policy shop/db removed" or cause.startswith("policy shop/db removed (") for r in found["opened"] for cause in r["causes"]
    )


def test_what_becomes_unknown_is_said(tmp_path: Path) -> None:
    code, out = diff(written(tmp_path / "old"), written(tmp_path / "new", SHOP + FOREIGN))
    found = json.loads(out)
    assert code == 1
    assert {row["dst"] for row in found["unknown"]} == {"other/probe[Pod]"}
    assert all("policy other/odd added" in r["causes"][0] for r in found["unknown"])


def test_labels_and_new_workloads_are_causes(tmp_path: Path) -> None:
    new = SHOP.replace("metadata: {labels: {app: web}}", "metadata: {labels: {app: front}}")
    _, out = diff(written(tmp_path / "old"), written(tmp_path / "new", new))
    (closed,) = json.loads(out)["closed"]
    assert closed["causes"] == ["shop/web[Deployment] changed its labels, ports or addresses"]


def test_a_cluster_beside_a_file_of_ours(tmp_path: Path) -> None:
    """Services and workloads meet by namespace and name; the cluster without policies is more open than the file."""
    topology = tmp_path / "shop.yaml"
    topology.write_text(OURS, encoding="utf-8")
    bare = "\n---\n".join(SHOP.split("\n---\n")[:5]) + "\n"
    code, out = diff(str(topology), written(tmp_path / "cluster", bare))
    found = json.loads(out)
    assert code == 1 and not found["closed"]
    assert {(r["src"], r["dst"]) for r in found["opened"] if "/" in r["src"] and "shop" in r["src"]} >= {("shop/db", "shop/web")}
    assert not any("probe" in r["src"] + r["dst"] for r in found["opened"]), "the file has no such service"
    assert found["matched"] == {"by": "namespace and name", "both": 2, "only_old": [], "only_new": ["other/probe"]}
    (row,) = [r for r in found["opened"] if (r["src"], r["dst"]) == ("shop/db", "shop/web")]
    stops = [c.split(" (")[0] for c in row["causes"]]
    assert stops == [
        "no longer stopped by network-policy main/shop/default-deny+main/shop/db", "no longer stopped by security-group main/db",
        "no longer stopped by security-group main/web", "no longer stopped by network-policy main/shop/default-deny+main/shop/web",
    ]  # fmt: skip


OWN_EDITS = {
    "a row less": (
        "- {from: web, to: db, port: sql}\n",
        "- {from: web, to: db, port: sql}\n- {from: db, to: web, port: http}\n",
        "removed: db -> web http",
    ),
    "somebody who is gone": ("  db: {", "  db2: {subnet: main/nodes, namespace: shop, ports: {sql: 5432/tcp}}\n  db: {", "db2 is gone"),
    "a port that is closed": ("ports: {sql: 5432/tcp}", "ports: {sql: 5432/tcp, more: 5433/tcp}", "nobody listens there any more"),
}


@pytest.mark.parametrize("edit", OWN_EDITS)
def test_what_closed_a_flow_between_files_of_ours(tmp_path: Path, edit: str) -> None:
    new, old, cause = OWN_EDITS[edit]
    files = [tmp_path / "old.yaml", tmp_path / "new.yaml"]
    base = OURS.replace(new, old)
    assert base != OURS
    flows = {
        "somebody who is gone": "- {from: web, to: db2, port: sql}\n",
        "a port that is closed": "- {from: web, to: db, port: 5433/tcp}\n",
    }
    files[0].write_text(base + flows.get(edit, ""), encoding="utf-8")
    files[1].write_text(OURS + (flows[edit] if edit == "a port that is closed" else ""), encoding="utf-8")
    closed = json.loads(diff(str(files[0]), str(files[1]))[1])["closed"]
    assert closed
    assert all(any(cause in c for c in row["causes"]) for row in closed), closed


def test_sarif_points_at_the_cause(tmp_path: Path) -> None:
    old, new = written(tmp_path / "old"), written(tmp_path / "new", SHOP.replace("{port: sql}", "{port: 6000}"))
    (run,) = json.loads(diff(old, new, "sarif")[1])["runs"]
    assert {r["ruleId"] for r in run["results"]} == {"R911", "R912"}
    (place,) = run["results"][0]["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"].endswith("new/manifests.yaml")


OURS = """\
budnet: 1
name: shop
networks:
  main:
    cidr: 10.0.0.0/16
    subnets:
      nodes: {cidr: 10.0.1.0/24, access: isolated}
    cluster: {services: 10.100.0.0/20}
services:
  web: {subnet: main/nodes, namespace: shop, ports: {http: 8080/tcp}}
  db: {subnet: main/nodes, namespace: shop, ports: {sql: 5432/tcp}}
flows:
- {from: web, to: db, port: sql}
"""


def test_markdown_is_for_pull_requests(tmp_path: Path) -> None:
    _, out = diff(written(tmp_path / "old"), written(tmp_path / "new", SHOP.replace("{port: sql}", "{port: 6000}")), "markdown")
    assert "| opened | `shop/web[Deployment]` | `shop/db[StatefulSet]` | 6000/tcp | policy shop/db changed (" in out


def test_parts_of_the_outside_are_one_line(tmp_path: Path) -> None:
    """As people read it; JSON has every part."""
    wide = tmp_path / "wide.yaml"
    wide.write_text(topology_text("foundry").decode().replace("from: admins, to: bastion", "from: internet, to: bastion"))
    rows = json.loads(diff("catalog/foundry", str(wide))[1])["opened"]
    text = diff("catalog/foundry", str(wide), "text")[1]
    lines = [line for line in text.splitlines() if line.startswith("opened")]
    assert len(rows) > 20 and len(lines) == 1 and "more -> control-plane/public/bastion" in lines[0]


def test_nothing_in_common_is_no_answer(tmp_path: Path) -> None:
    run = CliRunner().invoke(cli, ["diff", "catalog/foundry", written(tmp_path)])
    assert run.exit_code == 3 and "there is nothing to compare" in run.stderr


BLOCK = """\
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: block, namespace: shop}
spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.7.0.0/16}}]}]}
"""
WIDE = "{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}, {ipBlock: {cidr: 'fd00::/8'}}"
BOTH = SHOP.replace("podIP: 10.1.2.3", "podIP: 10.1.2.3, podIPs: [{ip: 10.1.2.3}, {ip: 'fc00::3'}]")


def test_a_part_of_the_outside_is_said_in_full(tmp_path: Path) -> None:
    """By family; its label alone says no more than how much it is."""
    old, new = (BOTH + BLOCK.replace("{ipBlock: {cidr: 10.7.0.0/16}}", peers) for peers in ("{ipBlock: {cidr: 10.7.0.0/16}}", WIDE))
    places = written(tmp_path / "old", old), written(tmp_path / "new", new)
    found = json.loads(diff(*places)[1])
    opened = {tuple(r["outside"]) for r in found["opened"] if r["dst"] == "shop/web[Deployment]" and r["outside"]}
    ours = ("0.0.0.0/5", "8.0.0.0/7", "11.0.0.0/8", "12.0.0.0/6", "16.0.0.0/4", "32.0.0.0/3", "64.0.0.0/2", "128.0.0.0/1")
    assert opened == {ours, ("fd00::/8",)}
    assert "0.0.0.0/0 except 10.0.0.0/8 -> shop/db[StatefulSet], shop/web[Deployment]" in diff(*places, "text")[1]
    row = next(r for r in csv.DictReader(io.StringIO(diff(*places, "csv")[1])) if r["outside"].startswith("0.0.0.0/5"))
    assert row["outside"] == "; ".join(ours) and row["allowed"] == "icmp, tcp, udp, sctp"


def test_what_pods_of_one_workload_do_to_each_other_is_compared(tmp_path: Path) -> None:
    three = SHOP.replace(
        "spec:\n  template:\n    metadata: {labels: {app: web}}", "spec:\n  replicas: 3\n  template:\n    metadata: {labels: {app: web}}"
    )
    alone = BLOCK.replace("podSelector: {}", "podSelector: {matchLabels: {app: web}}").replace(
        "[{from: [{ipBlock: {cidr: 10.7.0.0/16}}]}]", "[]"
    )
    for text, expected in ((SHOP, False), (three, True)):
        closed = json.loads(diff(written(tmp_path / "old", text), written(tmp_path / "new", text + alone))[1])["closed"]
        assert any(r["src"] == r["dst"] == "shop/web[Deployment]" for r in closed) is expected
