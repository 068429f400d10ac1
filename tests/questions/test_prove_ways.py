"""Guarantees about the internet where something hands its connections on: nodes under their own address, Ingresses by one of their own."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from budnet.cli.main import cli
from budnet.questions.watch import Watch
from budnet.reach.proof import Status
from questions.shop import SHOP, written
from questions.test_diff_ways import BOOKSHOP, NODE, SERVICE

NEVER = "{never: {from: internet, to: shop/web}}"
NODES_MAY = """\
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec: {podSelector: {matchLabels: {app: web}}, ingress: [{from: [{ipBlock: {cidr: 10.9.0.0/24}}]}]}
"""
KEPT = ", externalTrafficPolicy: Local"


def node_port(spec: str = "") -> str:
    """Before web, with a node whose own address policies may let in."""
    port = SERVICE.format(of="web", type="NodePort", port=8080, more=", nodePort: 30080", spec=spec, status="")
    return SHOP + NODE.format(name="a", last=1) + port


def proofs(tmp_path: Path, cluster: str, *guarantees: str) -> list[dict[str, object]]:
    file = tmp_path / "guarantees.yaml"
    file.write_text("guarantees:\n" + "".join(f"- {g}\n" for g in guarantees), encoding="utf-8")
    run = CliRunner().invoke(cli, ["prove", "--from", cluster, "--guarantees", str(file), "--format", "json"])
    found: list[dict[str, object]] = json.loads(run.stdout)["guarantees"]
    assert run.exit_code == any(p["status"] != "proved" for p in found)
    return found


def test_what_nodes_hand_on_is_not_proved_to_be_kept_out(tmp_path: Path) -> None:
    guarantees = NEVER, "{never: {from: internet, to: shop/web, ports: [9090/tcp]}}", "{never: {from: internet, to: shop/db}}"
    found = proofs(tmp_path, written(tmp_path / "shop", node_port() + NODES_MAY), *guarantees)
    assert [p["status"] for p in found] == ["unknown", "proved", "proved"]
    assert str(found[0]["note"]).startswith(
        "Service shop/web (node port) hands connections on to shop/web[Deployment] under the addresses of nodes"
    )


def test_nobody_else_is_not_proved_where_nodes_hand_on(tmp_path: Path) -> None:
    """Which addresses nodes have is not known where none was read."""
    cluster = written(tmp_path / "shop", node_port().replace(NODE.format(name="a", last=1), "") + NODES_MAY)
    assert [p["status"] for p in proofs(tmp_path, cluster, "{only: {from: 10.9.0.0/24, to: shop/web}}")] == ["unknown"]


@pytest.mark.parametrize("cluster", [
    node_port(KEPT) + NODES_MAY,
    node_port() + NODES_MAY.replace("10.9.0.0/24", "10.8.0.0/24"),
    node_port().replace("type: NodePort", "type: ClusterIP").replace(", nodePort: 30080", "") + NODES_MAY,
], ids=["the client's address is kept", "nodes are not let in", "no way in"])  # fmt: skip
def test_what_nodes_cannot_hand_on_is_proved(tmp_path: Path, cluster: str) -> None:
    (found,) = proofs(tmp_path, written(tmp_path / "shop", cluster), NEVER)
    assert (found["status"], found["note"]) == ("proved", None)


def test_a_private_client_comes_through_nodes_as_well(tmp_path: Path) -> None:
    (found,) = proofs(tmp_path, written(tmp_path / "shop", node_port() + NODES_MAY), "{never: {from: 192.168.0.0/16, to: shop/web}}")
    assert found["status"] == "unknown"


def test_what_an_ingress_hands_on_is_said_beside_the_proof(tmp_path: Path) -> None:
    (found,) = proofs(tmp_path, f"kubernetes:{BOOKSHOP}", "{never: {from: internet, to: shop/storefront}}")
    assert (found["status"], found["note"]) == ("proved", "requests from the internet get there through Ingress shop/storefront (ingress)")


def test_what_is_not_modelled_may_hand_on_and_that_is_said_beside_the_proof(tmp_path: Path) -> None:
    deny = "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a, namespace: shop}\nspec: {podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}\n"
    way = "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a, namespace: shop}\nspec: {gateways: [a], http: [{route: [{destination: {host: %s}}]}]}\n"
    for host in ("web", "somebody"):  # who is named, and who may be all the same
        (found,) = proofs(tmp_path, written(tmp_path / host, node_port(KEPT) + deny + way % host), NEVER)
        assert (found["status"], found["note"]) == (
            "proved",
            "requests from the internet may get there through VirtualService shop/a (not modelled)",
        )
    (found,) = proofs(tmp_path, written(tmp_path / "reaches", SHOP + way % "somebody"), "{reaches: {from: internet, to: shop/web}}")
    assert (found["status"], found["note"]) == ("proved", None), "that no way in leads there is not known"


@pytest.mark.parametrize(("peers", "code"), [("10.9.0.0/24", 1), ("10.8.0.0/24", 0)])
def test_a_gate_takes_what_is_not_known_for_no(tmp_path: Path, peers: str, code: int) -> None:
    """As `reach` and `prove` do."""
    cluster = written(tmp_path / "shop", node_port() + NODES_MAY.replace("10.9.0.0/24", peers))
    for form in ("json", "sarif"):
        run = CliRunner().invoke(cli, ["exposure", "--from", cluster, "--fail-on", "internet", "--format", form])
        assert run.exit_code == code
    assert [r["level"] for r in json.loads(run.stdout)["runs"][0]["results"]] == ["warning"] * code


def test_where_no_way_in_leads_policies_alone_let_through(tmp_path: Path) -> None:
    reaches = "{reaches: {from: internet, to: shop/web}}"
    for cluster, note in ((node_port(), None), (SHOP, "no way in leads there from the internet: this is what policies let through")):
        (found,) = proofs(tmp_path, written(tmp_path / "shop", cluster), reaches)
        assert (found["status"], found["note"]) == ("proved", note)


def test_an_edit_that_lets_nodes_in_is_seen(tmp_path: Path) -> None:
    """Though no pair that the guarantee is about changes."""
    folder = tmp_path / "shop"
    written(folder, node_port())
    policy = folder / "policy.yaml"
    policy.write_text(NODES_MAY.replace("10.9.0.0/24", "10.8.0.0/24"), encoding="utf-8")
    file = tmp_path / "guarantees.yaml"
    file.write_text(f"guarantees:\n- {NEVER}\n", encoding="utf-8")
    watched = Watch(None, f"kubernetes:{folder}", str(file))
    seen = watched.look()
    assert seen is not None and [p.status for p in seen.proofs] == [Status.PROVED]
    policy.write_text(NODES_MAY, encoding="utf-8")
    seen = watched.look()
    assert seen is not None and [p.status for p in seen.proofs] == [Status.UNKNOWN]


def test_what_the_internet_is_asked_about_is_called_so_and_has_an_address(tmp_path: Path) -> None:
    cluster = written(tmp_path / "shop", SHOP)
    run = CliRunner().invoke(cli, ["reach", "internet", "other/probe", "80", "--from", cluster, "--format", "json"])
    found = json.loads(run.stdout)
    assert (found["src"], found["hops"][0], found["dst"]) == ("internet", "internet", "other/probe[Pod]")
    assert found["destination"] == "10.1.2.3" and found["source"]


def test_csv_has_a_column_for_each_thing_of_a_packet(tmp_path: Path) -> None:
    file = tmp_path / "guarantees.yaml"
    file.write_text(
        "guarantees:\n- {never: {from: internet, to: other/probe}}\n- {never: {from: internet, to: shop/db}}\n", encoding="utf-8"
    )
    line = ["prove", "--from", written(tmp_path / "shop", SHOP), "--guarantees", str(file), "--format", "csv"]
    refuted, proved = csv.DictReader(io.StringIO(CliRunner().invoke(cli, line).stdout))
    assert (refuted["packet.dst"], refuted["packet.destination"], refuted["packet.protocol"]) == ("other/probe[Pod]", "10.1.2.3", "TCP")
    assert {v for k, v in proved.items() if k.startswith("packet.")} == {""}


def test_a_file_of_guarantees_that_is_not_there(tmp_path: Path) -> None:
    line = ["prove", "--from", written(tmp_path / "shop", SHOP), "--guarantees", str(tmp_path / "none.yaml")]
    run = CliRunner().invoke(cli, line)
    assert run.exit_code == 3 and "budnet init" not in run.stderr and "guarantees: [{never:" in run.stderr
