"""The command line as a contract: names, exit codes, JSON keys."""

from __future__ import annotations

import json
import os
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from bundle.made import everything
from helpers import GOLDEN, PROGRAM, budnet

BOOKSHOP = GOLDEN.parents[1] / "examples" / "bookshop"
SHOP = str(GOLDEN / "one-vpc" / "topology.yaml")


def document(*arguments: str) -> dict[str, object]:
    run = budnet(*arguments, "--format", "json")
    return {"exit": run.returncode} | json.loads(run.stdout)


def test_check_is_good_and_says_how_much_there_is() -> None:
    run = budnet("check", SHOP)
    assert run.returncode == 0
    assert "1 networks" in run.stdout


def test_check_of_a_wrong_file_underlines_the_place_and_exits_with_3(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(Path(SHOP).read_text().replace("from: cart, to: pay", "from: cart, to: pya"))
    run = budnet("check", str(wrong))
    assert run.returncode == 3
    assert "did you mean 'pay'?" in run.stderr
    assert "^^^" in run.stderr
    found = document("check", str(wrong))
    assert found["schema"] == "budnet.check/1"
    (diagnostic,) = found["diagnostics"]  # type: ignore[misc]
    assert {"code", "severity", "summary", "file", "line", "column", "help"} <= set(diagnostic)
    sarif = json.loads(budnet("check", str(wrong), "--format", "sarif").stdout)
    assert sarif["version"] == "2.1.0"


def test_every_verb_that_reads_a_file_exits_with_3_on_a_wrong_one(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("budnet: 1\nname: x\n")
    for verb in (["prove"], ["matrix"], ["show"], ["up"], ["probe"], ["lock"], ["graph", "-o", str(tmp_path / "x.svg")], ["diff", SHOP]):
        run = budnet(*verb, str(wrong))
        assert (run.returncode, "M002" in run.stderr) == (3, True), verb
        assert "Traceback" not in run.stderr
    assert not (tmp_path / "x.svg").exists()


def test_prove() -> None:
    found = document("prove", SHOP)
    assert found["exit"] == 0
    assert {g["status"] for g in found["guarantees"]} == {"proved"}  # type: ignore[attr-defined]
    assert {"name", "status", "packet", "trace", "origin"} <= set(found["guarantees"][0])  # type: ignore[index]


def test_a_refuted_guarantee_has_a_packet_and_a_trace(tmp_path: Path) -> None:
    loose = tmp_path / "loose.yaml"
    loose.write_text(Path(SHOP).read_text().replace("- {from: office, to: jump", "- {from: internet, to: jump"))
    found = document("prove", str(loose))
    assert found["exit"] == 1
    (refuted,) = [g for g in found["guarantees"] if g["status"] == "refuted"]  # type: ignore[attr-defined]
    assert refuted["packet"]["dst"].startswith("shop/edge/jump")
    assert refuted["trace"][-1].startswith("verdict: DELIVERED")
    assert refuted["origin"].startswith(str(loose))


@pytest.mark.parametrize(
    ("question", "code", "disposition"),
    [
        (("cart", "db", "sql"), 0, "DELIVERED"),
        (("cart", "db", "5432/tcp"), 1, "DENIED_OUT"),
        (("internet", "db", "sql"), 1, "NO_ROUTE"),
        (("shop/web", "shop/store", "5433"), 0, "DELIVERED"),
        (("198.51.100.17", "front", "https"), 0, "DELIVERED"),
        (("db", "internet", "443/tcp"), 1, "DENIED_OUT"),
    ],
)
def test_reach(question: tuple[str, str, str], code: int, disposition: str) -> None:
    found = document("reach", *question, "-f", SHOP)
    assert (found["exit"], found["disposition"], found["reachable"]) == (code, disposition, code == 0)
    assert {"reasons", "hops"} <= set(found)


def test_reach_of_nobody_suggests_somebody() -> None:
    run = budnet("reach", "crat", "db", "-f", SHOP)
    assert run.returncode == 3
    assert "did you mean 'cart'?" in run.stderr


def test_explain_names_all_blockers_and_the_rules_that_let_pass() -> None:
    blocked = document("explain", "watch", "db", "sql", "-f", SHOP)
    layers = [g["layer"] for g in blocked["gates"] if not g["passes"]]  # type: ignore[attr-defined]
    assert layers == ["network-policy", "security-group", "security-group"]
    passed = document("explain", "cart", "db", "sql", "-f", SHOP)
    rules = [r["origin"] for g in passed["gates"] for r in g["rules"]]  # type: ignore[attr-defined]
    assert {r.rsplit(":", 2)[1] for r in rules} == {"39"}


def test_matrix_in_its_three_forms() -> None:
    found = document("matrix", SHOP)
    rows = {(r["src"], r["dst"]): r for r in found["rows"]}  # type: ignore[attr-defined]
    row = rows["shop/web/cart-0", "shop/store/db"]
    assert row["allowed"] == [{"protocol": "TCP", "ports": [[5433, 5433]]}]
    assert (row["one_way"], row["unknown"]) == (False, None)
    assert len(budnet("matrix", SHOP, "--format", "csv").stdout.splitlines()) >= len(rows)
    assert budnet("matrix", SHOP).returncode == 0


def test_diff(tmp_path: Path) -> None:
    assert document("diff", SHOP, SHOP) == {
        "exit": 0,
        "schema": "budnet.diff/1",
        "opened": [],
        "closed": [],
        "unknown": [],
        "ways_in": [],
        "guarantees": [],
        "matched": {"by": "id", "both": 14, "only_old": [], "only_new": []},
    }
    other = tmp_path / "other.yaml"
    other.write_text(
        Path(SHOP).read_text().replace("  - {from: [cart, pay], to: db, port: sql}", "  - {from: [cart, watch], to: db, port: sql}")
    )
    found = document("diff", SHOP, str(other))
    assert found["exit"] == 1
    assert {(c["src"], c["dst"]) for c in found["opened"]} == {("shop/web/watch", "shop/store/db")}  # type: ignore[attr-defined]
    assert {c["src"] for c in found["closed"]} == {"shop/web/pay-0", "shop/web/pay-1"}  # type: ignore[attr-defined]
    assert [g["after"] for g in found["guarantees"]] == ["refuted"]  # type: ignore[attr-defined]
    causes = {c for row in (*found["opened"], *found["closed"]) for c in row["causes"]}  # type: ignore[misc]
    assert causes == {f"added: watch -> db sql ({other}:39:5)", f"removed: pay -> db sql ({SHOP}:39:5)"}
    assert "| opened | `shop/web/watch` |" in budnet("diff", SHOP, str(other), "--format", "markdown").stdout


@pytest.mark.parametrize("topic", ["networks", "services", "flows", "names", "certificates", "egress"])
def test_show(topic: str) -> None:
    assert document("show", SHOP, topic)[topic]
    assert budnet("show", SHOP, topic).returncode == 0


def test_advise(tmp_path: Path) -> None:
    """Good where what is written fits; 2 where it does not, also on a file that `check` refuses for that very reason."""
    good = document("advise", "catalog/foundry")
    (row,) = good["advice"]  # type: ignore[misc]
    assert good["exit"] == 0 and good["schema"] == "budnet.advise/1"
    assert row["written"] == row["advised"] == "vpc-peering" and row["result"] == "as written"
    file = tmp_path / "budnet.yaml"
    text = (GOLDEN / "three-workloads" / "topology.yaml").read_text()
    file.write_text(text.replace("10.9.", "10.8.").replace("7071/udp", "7071/tcp"))
    bad = budnet("advise", str(file))
    assert bad.returncode == 2
    assert "take aws-privatelink" in bad.stdout and "`budnet check` finds" in bad.stderr
    file.write_text("budnet: 1\nname: x\n")
    assert budnet("advise", str(file)).returncode == 3


def test_schema_accepts_our_own_topologies() -> None:
    import jsonschema
    import yaml

    schema = json.loads(budnet("schema").stdout)
    for path in GOLDEN.glob("*/topology.yaml"):
        jsonschema.validate(yaml.safe_load(path.read_text()), schema)


def test_init_writes_once(tmp_path: Path) -> None:
    assert budnet("init", str(tmp_path / "new")).returncode == 0
    assert budnet("init", str(tmp_path / "new")).returncode == 3
    assert budnet("check", cwd=tmp_path / "new").returncode == 0


def test_lock_is_written_and_followed(tmp_path: Path) -> None:
    budnet("init", str(tmp_path))
    assert budnet("lock", cwd=tmp_path).returncode == 0
    locked = json.loads((tmp_path / "budnet.lock").read_text())["addresses"]
    locked["control-plane/data/valkey/v4"] = "10.0.20.77"
    (tmp_path / "budnet.lock").write_text(json.dumps({"budnet": 1, "addresses": locked}))
    assert "10.0.20.77" in budnet("show", "services", cwd=tmp_path).stdout


def test_what_is_misspelt_is_suggested() -> None:
    run = subprocess.run([PROGRAM, "chek"], capture_output=True, text=True)
    assert run.returncode == 3
    assert "did you mean 'check'?" in run.stderr


def test_no_colours_where_nobody_looks_and_colours_on_demand() -> None:
    assert "\x1b[" not in budnet("prove", SHOP).stdout
    assert "\x1b[" in budnet("--color", "prove", SHOP).stdout


def test_completion_for_each_shell() -> None:
    for shell in ("bash", "zsh", "fish"):
        assert "_BUDNET_COMPLETE" in budnet("completion", shell).stdout


@pytest.mark.live
def test_probe_writes_json_and_junit(tmp_path: Path) -> None:
    report, evidence = tmp_path / "probe.xml", tmp_path / "probe.csv"
    run = budnet("probe", SHOP, "--format", "json", "--junit", str(report), "--evidence", str(evidence))
    table = json.loads(run.stdout)
    assert run.returncode == 0
    assert table["questions"] == table["agree"] > 1500
    assert table["disagree"] == []
    suite = ET.parse(report).getroot().find("testsuite")
    assert suite is not None
    assert suite.get("failures") == "0"
    assert len(evidence.read_text().splitlines()) == table["questions"] + 1


@pytest.mark.live
def test_a_cluster_comes_up_and_is_probed() -> None:
    place = f"kubernetes:{BOOKSHOP}"
    name = f"test-{os.getpid()}"
    try:
        assert "pods without an address" in budnet("up", "--from", place, "--name", name).stdout
        assert "shop/checkout[Deployment]" in budnet("ps", "--name", name).stdout
        table = document("probe", "--from", place, "--to", "data/orders-db", "--name", name)
        assert table["exit"] == 0 and table["questions"] == table["agree"] > 100  # type: ignore[operator]
    finally:
        budnet("down", "--name", name)
    assert budnet("probe", "--from", place, "tls").returncode == 3


def test_no_twin_is_said_and_exits_with_4() -> None:
    for verb in (["ps", "--name", "nosuch"], ["exec", "--name", "nosuch", "a", "true"], ["logs", "--name", "nosuch", "a"]):
        run = budnet(*verb)
        assert run.returncode == 4
        assert "`budnet up`" in run.stderr


LITERAL = "catalog/foundry-literal"


def test_check_exits_with_1_on_a_finding_of_severity_error() -> None:
    found = document("check", LITERAL)
    assert found["exit"] == 1
    one = next(d for d in found["diagnostics"] if d["code"] == "D101")  # type: ignore[attr-defined]
    assert (one["written"], one["effective"]) == ("AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384")
    assert {"why", "source", "url", "line", "column", "help", "accepted"} <= set(one)
    assert budnet("check", "catalog/foundry").returncode == 0


def test_check_explains_one_finding_or_all() -> None:
    assert "forward secrecy" in budnet("check", "--explain", "d101").stdout
    assert len(document("check", "--explain")["findings"]) > 30  # type: ignore[arg-type]
    assert document("check", "--explain", "D101")["finding"]["url"]  # type: ignore[index]
    wrong = budnet("check", "--explain", "D110x")
    assert wrong.returncode == 3
    assert "did you mean" in wrong.stderr


def test_literal_takes_the_file_as_written() -> None:
    """Repaired, only the bastion is open, which nobody but the author can close; as written sidecars cannot call each other."""

    def refuted(*options: str) -> list[str]:
        proofs = document("prove", LITERAL, *options)["guarantees"]
        return [g["summary"].partition("  ")[0] for g in proofs if g["status"] == "refuted"]  # type: ignore[attr-defined]

    assert refuted() == ["nothing from internet reaches bastion on 22/tcp"]
    assert len(refuted("--literal")) == 4
    question = ("reach", "budapp", "budcluster", "50002/tcp", "-f", LITERAL)
    assert (document(*question)["reachable"], document(*question, "--literal")["reachable"]) == (True, False)
    assert "--literal" in budnet("prove", LITERAL).stderr


def test_bundle_is_written_checked_cut_and_joined(tmp_path: Path) -> None:
    file = everything(tmp_path)
    out, public = str(tmp_path / "out"), str(tmp_path / "out.pub")
    made = document("bundle", str(file), "-o", out, "--chunk", "4KB")
    assert made["schema"] == "budnet.bundle/1"
    assert (tmp_path / "out.key").stat().st_mode & 0o777 == 0o600
    assert budnet("bundle", "verify", out, "--key", public, "--for", str(file)).returncode == 0
    assert budnet("bundle", "join", f"{out}.pieces", "-o", f"{out}2").returncode == 0
    assert document("bundle", "verify", f"{out}2", "--key", public)["good"] is True
    next(iter((tmp_path / "out" / "blobs" / "sha256").iterdir())).write_bytes(b"other")
    bad = document("bundle", "verify", out, "--key", public)
    assert (bad["exit"], bad["good"]) == (1, False)
    assert budnet("bundle", "verify", out, "--key", str(file)).returncode == 3
    assert budnet("bundle", "verify", str(tmp_path / "nowhere"), "--key", public).returncode == 3


def test_what_cannot_be_carried_is_underlined(tmp_path: Path) -> None:
    file = everything(tmp_path)
    (tmp_path / "api.tar").unlink()
    run = budnet("bundle", str(file), "-o", str(tmp_path / "out"))
    assert run.returncode == 3
    assert "error[F030]: image 'shop/api:7': cannot read api.tar" in run.stderr
    assert f"{file}:" in run.stderr
    assert budnet("bundle", SHOP, "-o", str(tmp_path / "out")).returncode == 3


def test_airgapped_on_the_command_line() -> None:
    assert budnet("prove", "catalog/foundry", "--airgapped").returncode == 0
    rows = document("show", "catalog/foundry", "egress", "--airgapped")["egress"]
    assert isinstance(rows, list)
    assert any(r["row"] == "images" and "registry in place of" in r["to"] for r in rows)


@pytest.mark.parametrize(("layer", "says"), [
    ("database", "the internal CA's root is that of every layer of it"),
    ("databse", "there is no layer 'databse': choose from ingress, mesh, database, internal, dapr-sentry"),
])  # fmt: skip
def test_a_root_is_that_of_all_its_layers(layer: str, says: str) -> None:
    run = budnet("rotate", "root", "catalog/foundry", "--layer", layer)
    assert run.returncode == 3 and says in run.stderr
