"""A matrix cut down to what somebody looks for."""

from __future__ import annotations

import csv
import io
import json
from ipaddress import collapse_addresses, ip_network
from pathlib import Path

import pytest
from click.testing import CliRunner

import budnet
from budnet.cli.main import cli
from budnet.questions.answer import Answer
from budnet.questions.outside import spelt
from helpers import GOLDEN
from properties.clusters import random_cluster
from questions.shop import FOREIGN, SHOP, written

DB, WEB, PROBE = "shop/db[StatefulSet]", "shop/web[Deployment]", "other/probe[Pod]"


def rows(where: str, *options: str) -> set[tuple[str, str]]:
    run = CliRunner().invoke(cli, ["matrix", "--from", where, "--format", "json", *options])
    assert run.exit_code == 0, run.output
    return {(r["src"], r["dst"]) for r in json.loads(run.stdout)["rows"]}


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (["--workload", "shop/db", "--direction", "in"], {(WEB, DB)}),
        (["--workload", "shop/db", "--peer", "other/*"], {(DB, PROBE)}),
        (["--peer", "shop/web", "--workload", "shop/db"], {(WEB, DB), (DB, WEB)}),
        (["--workload", DB, "--direction", "in", "--port", "5432/tcp"], {(WEB, DB)}),
        (["--workload", DB, "--direction", "in", "--port", "5433/tcp"], set()),
        (["--unknown", "--workload", "shop/web"], {(WEB, PROBE)}),
        (["--denied", "--workload", "shop/db", "--peer", "other/*"], {(PROBE, DB)}),
        (["--denied", "--workload", DB, "--direction", "in", "--peer", "shop/*", "--port", "5000-5431/tcp"], {(WEB, DB)}),
        (["--denied", "--workload", DB, "--direction", "in", "--peer", "shop/*", "--port", "5000-5432/tcp"], set()),
        (["--allowed", "--workload", DB, "--direction", "in", "--port", "udp"], set()),
    ],
)
def test_focus(tmp_path: Path, options: list[str], wanted: set[tuple[str, str]]) -> None:
    assert rows(written(tmp_path, SHOP + FOREIGN), *options) == wanted


def test_markdown(tmp_path: Path) -> None:
    run = CliRunner().invoke(
        cli, ["matrix", "--from", written(tmp_path), "--format", "markdown", "--workload", "shop/db", "--direction", "in"]
    )
    assert run.stdout == f"| source | destination | allowed |\n|---|---|---|\n| {WEB} | {DB} | 5432/tcp |\n"


@pytest.mark.parametrize("options", [["--direction", "in"], ["--port", "http"], ["--port", "70000"], ["--port", "2-1/tcp"]])
def test_what_makes_no_sense_is_said(tmp_path: Path, options: list[str]) -> None:
    run = CliRunner().invoke(cli, ["matrix", "--from", written(tmp_path), *options])
    assert run.exit_code == 3 and "Traceback" not in run.output


# ---- what the forms and ways of grouping have to do with each other -------------------------------------------------------------

OWN = str(GOLDEN / "two-meshes" / "topology.yaml")
Cell = tuple[str, str, str]


def cells(found: Answer) -> set[Cell]:
    """Every pair with what it has, whichever way rows are joined."""
    out = set()
    for row in found.rows:
        sources, targets = ([x] if isinstance(x, str) else x for x in (row["src"], row["dst"]))
        what = json.dumps([row[k] for k in ("allowed", "one_way", "unknown_ports")])
        out |= {(s, d, what) for s in sources for d in targets if s != d}
    return out


@pytest.fixture(scope="module", params=[*range(12), OWN, "catalog/five-ways"])
def network(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> budnet.Network:
    if isinstance(request.param, str):
        return budnet.load(request.param)
    folder = tmp_path_factory.mktemp("cluster")
    (folder / "all.json").write_text(json.dumps({"kind": "List", "items": random_cluster(request.param)}))
    return budnet.load(f"kubernetes:{folder}")


def test_classes_are_the_same_pairs_in_fewer_rows(network: budnet.Network) -> None:
    plain, joined = network.matrix(), network.matrix(by="class")
    assert cells(joined) == cells(plain)
    assert len(joined) <= len(plain)
    pairs = [(s, d, r["one_way"]) for r in joined for s in r["src"] for d in r["dst"]]
    assert len(pairs) == len(set(pairs)), "rectangles do not overlap"


def test_denied_is_the_rest(network: budnet.Network) -> None:
    some = {(r["src"], r["dst"]) for r in network.matrix(allowed=True, unknown=True)}
    none = {(r["src"], r["dst"]) for r in network.matrix(denied=True)}
    assert not some & none
    both = network.matrix(allowed=True, unknown=True, denied=True)
    assert {(r["src"], r["dst"]) for r in both} == some | none
    assert len(none) + len(some) == len({(r["src"], r["dst"]) for r in both})
    for row in network.matrix(denied=True, port="udp"):
        assert not any(p["protocol"] == "UDP" for p in [*row["allowed"], *row["unknown_ports"]])


def test_csv_has_a_line_for_each_pair(network: budnet.Network) -> None:
    run = CliRunner().invoke(cli, ["matrix", *_arguments(network), "--format", "csv"])
    lines = list(csv.DictReader(io.StringIO(run.stdout)))
    assert {(r["src"], r["dst"]) for r in lines} == {(r["src"], r["dst"]) for r in network.matrix()}
    assert len(lines) == len({(r["src"], r["dst"]) for r in lines})
    assert all(r["allowed"] or r["one_way"] or r["unknown"] for r in lines)
    assert all(bool(r["unknown"]) == bool(r["why"]) for r in lines)


def _arguments(network: budnet.Network) -> list[str]:
    name = network.place.name
    return ["--from", name] if name.startswith("kubernetes:") else [name]


def test_workloads_of_our_own_join_replicas() -> None:
    by_endpoint, by_workload = budnet.load(OWN).matrix(), budnet.load(OWN).matrix(by="workload")
    joined = {r["src"] for r in by_workload} - {r["src"] for r in by_endpoint}
    assert joined and len(by_workload) < len(by_endpoint)
    assert all(f"{name}-0" in {r["src"] for r in by_endpoint} for name in joined)


def test_what_is_unknown_stands_apart_and_says_why(tmp_path: Path) -> None:
    """A policy of another maker about the one end; of the other end everything is known."""
    found = budnet.load(written(tmp_path, SHOP + FOREIGN)).matrix(workload="shop/web", peer="other/*", direction="out")
    (row,) = found.rows
    assert (row["allowed"], row["one_way"]) == ([], False)
    assert row["unknown"] == "CiliumNetworkPolicy other/odd of cilium.io is not modelled"
    assert {p["protocol"] for p in row["unknown_ports"]} == {"TCP", "UDP", "SCTP", "ICMP"}
    of_web = FOREIGN.replace("name: odd, namespace: other", "name: even, namespace: shop").replace("app: probe", "app: web")
    found = budnet.load(written(tmp_path, SHOP + FOREIGN + of_web)).matrix(workload="shop/web", peer="other/*", direction="out")
    assert found[0]["unknown"] == "CiliumNetworkPolicy other/odd of cilium.io is not modelled", (
        "the other one says nothing of what web sends"
    )


def test_those_who_fare_alike_are_one_row(tmp_path: Path) -> None:
    bare = SHOP[: SHOP.index("---\napiVersion: networking")]
    (row,) = budnet.load(written(tmp_path, bare)).matrix(by="class")
    assert row["src"] == row["dst"] == [PROBE, DB, WEB, "0.0.0.0/0"] and row["allowed"][0]["ports"] is None
    found = budnet.load(written(tmp_path)).matrix(by="class", port="5432/tcp")
    assert [(r["src"], r["dst"]) for r in found] == [
        ([PROBE, DB, "0.0.0.0/0"], [PROBE, WEB, "0.0.0.0/0"]), ([WEB], [PROBE, "0.0.0.0/0"]), ([WEB], [DB]),
    ]  # fmt: skip


BLOCKS = """
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: blocks, namespace: shop}
spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 203.0.113.0/24, except: [203.0.113.64/26]}}, {ipBlock: {cidr: 198.51.100.0/30}}]}]}
"""


def test_parts_of_the_outside_are_all_there_and_each_address_in_one(tmp_path: Path) -> None:
    found = budnet.load(written(tmp_path, SHOP + BLOCKS)).matrix().document
    whole = [ip_network(p) for prefixes in found["outside"].values() for p in prefixes if ":" not in p]
    assert sum(p.num_addresses for p in whole) == 2**32 and [*collapse_addresses(whole)] == [ip_network("0.0.0.0/0")]
    ends = {r[side] for r in found["rows"] for side in ("src", "dst")}
    assert {e for e in ends if "[" not in e} == set(found["outside"]) - {"::/0"}, "nobody here has IPv6"
    let_in = {r["src"] for r in found["rows"] if r["dst"] == DB} & set(found["outside"])
    assert {p for each in let_in for p in found["outside"][each]} == {"198.51.100.0/30", "203.0.113.0/26", "203.0.113.128/25"}


def test_people_read_what_a_part_of_the_outside_is(tmp_path: Path) -> None:
    where = written(tmp_path, SHOP + BLOCKS)
    text = CliRunner().invoke(cli, ["matrix", "--from", where, "--peer", "*+*"]).stdout
    assert "203.0.113.128/25+2: 198.51.100.0/30, 203.0.113.0/26 and 203.0.113.128/25\n" in text
    assert spelt([ip_network(p) for p in ("0.0.0.0/1", "128.0.0.0/2", "224.0.0.0/3")]) == "0.0.0.0/0 except 192.0.0.0/3"
    assert spelt([ip_network("fd00::/8")]) == "fd00::/8"


ALMOST = """
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: almost, namespace: shop}
spec: {podSelector: {matchLabels: {app: db}}, ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}]}]}
"""


def test_a_part_that_takes_few_words_is_called_by_them(tmp_path: Path) -> None:
    where = written(tmp_path, SHOP + ALMOST)
    text = CliRunner().invoke(cli, ["matrix", "--from", where, "--workload", "shop/db", "--direction", "in"]).stdout
    assert "0.0.0.0/0 except 10.0.0.0/8" in text and "+" not in text


@pytest.mark.parametrize(("name", "sources"), [
    ("internet", {"128.0.0.0/1+7"}), ("8.8.8.8", {"128.0.0.0/1+7"}), ("10.1.2.3", {PROBE, "10.0.0.0/8"}), ("10.9.0.0/16", {"10.0.0.0/8"}),
    ("*?app=probe", {PROBE}), ("10.0.0.0/8", {"10.0.0.0/8"}),
])  # fmt: skip
def test_names_are_those_of_reach(tmp_path: Path, name: str, sources: set[str]) -> None:
    found = budnet.load(written(tmp_path, SHOP + ALMOST)).matrix(workload=name, direction="out")
    assert {r["src"] for r in found} == sources


def test_names_are_those_of_reach_in_our_own_networks() -> None:
    ours = budnet.load(str(GOLDEN / "one-vpc" / "topology.yaml"))
    assert {r["src"].rpartition("/")[2] for r in ours.matrix(workload="cart", direction="out")} >= {"cart-0"}
    assert all("cart" not in r["src"] for r in ours.matrix(workload="internet", direction="out"))
    assert ours.matrix(workload="internet", direction="out").rows


@pytest.mark.parametrize("form", ["text", "json", "csv", "markdown"])
def test_a_name_of_nobody_is_refused(tmp_path: Path, form: str) -> None:
    where = written(tmp_path)
    for option in ("--workload", "--peer"):
        run = CliRunner().invoke(cli, ["matrix", "--from", where, option, "shop/dbb", "--format", form])
        assert (run.exit_code, run.stdout) == (3, "") and "did you mean 'shop/db'?" in run.stderr


@pytest.mark.parametrize("by", ["workload", "class"])
def test_csv_has_every_prefix(tmp_path: Path, by: str) -> None:
    where = written(tmp_path, SHOP + ALMOST)
    run = CliRunner().invoke(
        cli, ["matrix", "--from", where, "--workload", "internet", "--direction", "out", "--by", by, "--format", "csv"]
    )
    rows = [*csv.DictReader(io.StringIO(run.stdout))]
    assert rows and all(r["src_prefixes"].split()[-1] == "128.0.0.0/1" and len(r["src_prefixes"].split()) == 8 for r in rows)
    assert not any(r["dst_prefixes"] for r in rows)


CLOSED = """
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec: {podSelector: {matchLabels: {app: web}}, ingress: []}
"""


@pytest.mark.parametrize("by", ["workload", "class"])
def test_what_pods_of_one_workload_may_open_to_each_other_is_a_row(tmp_path: Path, by: str) -> None:
    """Where there are several: of a workload of one pod nothing is asked."""
    three = SHOP.replace(
        "kind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:",
        "kind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  replicas: 3",
    )
    assert three != SHOP

    def own(text: str, **options: bool) -> list[str]:
        found = budnet.load(written(tmp_path, text)).matrix(workload="shop/*", peer="shop/*", by=by, **options)
        sides = [(r["src"], r["dst"]) if by == "class" else ([r["src"]], [r["dst"]]) for r in found]
        return sorted(one for src, dst in sides for one in src if one in dst)

    several = {WEB} if by == "workload" else {WEB, DB}  # db alone may stand on both sides of what web's row is joined to
    assert own(SHOP) == [] and WEB in own(three) and {*own(three)} <= several
    assert own(three + CLOSED) == [] and WEB in own(three + CLOSED, denied=True)
