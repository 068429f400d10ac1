"""What a change does to ways in from the internet, which no flow between addresses shows."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from questions.shop import SHOP, written
from questions.test_diff import OURS, diff

BOOKSHOP = Path(__file__).parents[2] / "examples" / "bookshop"
NODE = """\
---
apiVersion: v1
kind: Node
metadata: {{name: {name}}}
status: {{addresses: [{{type: InternalIP, address: 10.9.0.{last}}}, {{type: ExternalIP, address: 198.51.100.{last}}}]}}
"""
SERVICE = """\
---
apiVersion: v1
kind: Service
metadata: {{name: {of}, namespace: shop}}
spec: {{type: {type}, selector: {{app: {of}}}, ports: [{{port: 80, targetPort: {port}{more}}}]{spec}}}
{status}
"""
WEB = SHOP + NODE.format(name="a", last=1)
PUBLIC = "status: {loadBalancer: {ingress: [{hostname: lb.example.net}]}}"
NODE_PORT = SERVICE.format(of="web", type="NodePort", port=8080, more=", nodePort: 30080", spec="", status="")
INTERNAL = SERVICE.format(of="web", type="ClusterIP", port=8080, more="", spec="", status="")
LET_IN = """\
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec: {podSelector: {matchLabels: {app: web}}, ingress: []}
"""


def balancer(*sources: str) -> str:
    """A load balancer before web that takes these ranges, and hands on with the client's address."""
    limits = f", externalTrafficPolicy: Local, loadBalancerSourceRanges: [{', '.join(sources)}]"
    return SERVICE.format(of="web", type="LoadBalancer", port=8080, more=", nodePort: 30081", spec=limits, status=PUBLIC)


def ways(tmp_path: Path, old: str, new: str) -> tuple[int, list[dict[str, object]]]:
    code, out = diff(written(tmp_path / "old", old), written(tmp_path / "new", new))
    return code, json.loads(out)["ways_in"]


def test_a_node_port_that_comes_is_opened_and_one_that_goes_is_closed(tmp_path: Path) -> None:
    code, (way,) = ways(tmp_path, WEB + INTERNAL, WEB + NODE_PORT)
    assert code == 1 and (way["is"], way["workload"], way["port"], way["before"]) == ("opened", "shop/web[Deployment]", "8080/tcp", None)
    assert way["after"]["exposure"] == "from everywhere" and way["after"]["at"] == "30080/tcp at 198.51.100.1"  # type: ignore[index]
    assert way["causes"][0].startswith("Service shop/web (node port) added (")  # type: ignore[index]
    code, (way,) = ways(tmp_path, WEB + NODE_PORT, WEB + INTERNAL)
    assert code == 1 and way["is"] == "closed" and way["after"] is None
    assert way["causes"][0].startswith("Service shop/web (node port) removed (")  # type: ignore[index]


def test_a_policy_that_blocks_a_way_in_is_its_cause(tmp_path: Path) -> None:
    _, (way,) = ways(tmp_path, WEB + NODE_PORT, WEB + NODE_PORT + LET_IN)
    assert way["is"] == "closed" and way["after"]["exposure"] == "blocked"  # type: ignore[index]
    assert way["causes"][0].startswith("policy shop/web added (")  # type: ignore[index]


def test_a_way_in_that_is_blocked_is_a_change_too(tmp_path: Path) -> None:
    code, (way,) = ways(tmp_path, WEB + INTERNAL + LET_IN, WEB + NODE_PORT + LET_IN)
    assert code == 1 and way["is"] == "changed" and way["after"]["exposure"] == "blocked"  # type: ignore[index]


def test_more_ranges_are_opened_and_fewer_closed(tmp_path: Path) -> None:
    one, two = balancer("203.0.113.0/24"), balancer("203.0.113.0/24", "192.0.2.0/24")
    for old, new, expected in ((one, two, "opened"), (two, one, "closed")):
        _, found = ways(tmp_path, WEB + old, WEB + new)
        (way,) = [w for w in found if w["after"]["kind"] == "load balancer"]  # type: ignore[index]
        assert way["is"] == expected
        assert way["causes"][0].endswith("whom it takes connections from")  # type: ignore[index]


def test_nodes_come_and_go(tmp_path: Path) -> None:
    assert ways(tmp_path, WEB + NODE_PORT, WEB + NODE.format(name="b", last=2) + NODE_PORT)[1] == []


def test_what_stands_before_an_ingress_is_its_cause(tmp_path: Path) -> None:
    """A controller whose load balancer becomes an internal one takes the shop from the internet with it."""
    files = {f.name: f.read_text(encoding="utf-8") for f in BOOKSHOP.glob("*.yaml")}
    public = "\n---\n".join(files.values())
    private = public.replace("type: LoadBalancer", "type: ClusterIP")
    assert public != private
    _, found = ways(tmp_path, public, private)
    shop = [w for w in found if w["workload"] == "shop/storefront[Deployment]"]
    assert [(w["is"], w["after"]["exposure"]) for w in shop] == [("closed", "from private networks only")]  # type: ignore[index]
    assert any(c.startswith("Service ingress/ingress-nginx (load balancer) removed (") for c in shop[0]["causes"])  # type: ignore[attr-defined]


def test_every_form_says_it(tmp_path: Path) -> None:
    places = written(tmp_path / "old", WEB + INTERNAL), written(tmp_path / "new", WEB + NODE_PORT)
    assert "opened  internet -> shop/web[Deployment]  8080/tcp  by Service shop/web (node port) 30080/tcp" in diff(*places, "text")[1]
    assert (
        "| opened | Service shop/web (node port) 30080/tcp at 198.51.100.1 | `shop/web[Deployment]` 8080/tcp"
        in diff(*places, "markdown")[1]
    )
    (row,) = csv.DictReader(io.StringIO(diff(*places, "csv")[1]))
    assert (row["is"], row["src"], row["dst"], row["allowed"], row["after"]) == (
        "opened", "internet", "shop/web[Deployment]", "8080/tcp", "from everywhere",
    )  # fmt: skip
    (run,) = json.loads(diff(*places, "sarif")[1])["runs"]
    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == ("R911", "warning")
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].endswith("new/manifests.yaml")


@pytest.mark.parametrize("flow", [True, False])
def test_a_cluster_beside_a_file_of_ours(tmp_path: Path, flow: bool) -> None:
    """By workload and port, however each of the two lets the internet in."""
    ours = OURS.replace("access: isolated", "access: public").replace(
        "cluster: {", "cloud: {provider: aws, region: eu-west-1, zones: 1}\n    cluster: {"
    )
    door = "  door: {subnet: main/nodes, kind: load-balancer, ports: {https: 443/tcp}}\n"
    file = tmp_path / "shop.yaml"
    file.write_text(ours.replace("flows:", door + "flows:") + "- {from: internet, to: door, port: https}\n" * flow, encoding="utf-8")
    found = json.loads(diff(str(file), written(tmp_path / "cluster", WEB + NODE_PORT))[1])["ways_in"]
    assert [(w["is"], w["workload"], w["port"], w["before"]) for w in found] == [("opened", "shop/web[Deployment]", "8080/tcp", None)]


def test_what_may_have_passed_and_does_not_any_more(tmp_path: Path) -> None:
    odd = "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: odd, namespace: shop}\n"
    odd += "spec: {endpointSelector: {matchLabels: {app: web}}, ingress: [{}]}\n"
    code, out = diff(written(tmp_path / "old", WEB + LET_IN + odd), written(tmp_path / "new", WEB + LET_IN))
    found = json.loads(out)
    assert code == 1 and not found["opened"] and found["closed"]
    assert {(r["dst"], r["change"]) for r in found["closed"]} == {("shop/web[Deployment]", "was unknown")}
