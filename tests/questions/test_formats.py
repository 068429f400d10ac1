"""Every question in every form, of both kinds of network: each is what it says it is, and two runs write the same bytes."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from budnet.cli.main import cli
from budnet.questions.answer import indented
from helpers import GOLDEN
from questions.sarif import SCHEMA
from questions.shop import FOREIGN, SHOP, written

OWN = str(GOLDEN / "one-vpc" / "topology.yaml")
ROWS = ("text", "json", "csv", "markdown")
QUESTIONS = {
    "matrix": ROWS,
    "matrix --by class": ROWS,
    "matrix --denied --workload {b}": ROWS,
    "reach {a} {b} {port}": ROWS,
    "reach {a} {b}": ROWS,
    "explain {b} {a} 6000/tcp": ROWS,
    "exposure": (*ROWS, "sarif"),
    "lint": (*ROWS, "sarif"),
    "prove": (*ROWS, "sarif"),
    "diff": (*ROWS, "sarif"),
    "show {topic}": ROWS,
}
CASES = [(question, form) for question, forms in QUESTIONS.items() for form in forms]
GUARANTEES = "guarantees:\n- {never: {from: internet, to: shop/web}}\n- {only: {from: shop/web, to: shop/db}}\n- {never: {from: shop/web, to: other/probe}}\n"


def asked(question: str, kind: str, folder: Path) -> list[str]:
    """The command line of a question."""
    ours = kind == "file"
    names = (
        {"a": "cart", "b": "db", "port": "sql", "topic": "services"}
        if ours
        else {"a": "shop/web", "b": "shop/db", "port": "sql", "topic": "workloads"}
    )
    words = question.format(**names).split(" ")
    where = written(folder / "shop", SHOP + FOREIGN)
    if words[0] == "diff":
        loose = folder / "loose.yaml"
        loose.write_text(Path(OWN).read_text().replace("- {from: office, to: jump", "- {from: internet, to: jump"))
        return [*words, *((OWN, str(loose)) if ours else (where, written(folder / "new", SHOP.replace("{port: sql}", "{port: 6000}"))))]
    if words[0] == "prove" and not ours:
        (folder / "guarantees.yaml").write_text(GUARANTEES)
        words += ["--guarantees", str(folder / "guarantees.yaml")]
    if ours:
        return [*words, *(("-f",) if words[0] in ("reach", "explain") else ()), OWN]
    return [*words, "--from", where]


@pytest.mark.parametrize("kind", ["file", "cluster"])
@pytest.mark.parametrize(("question", "form"), CASES)
def test_every_form(tmp_path: Path, question: str, form: str, kind: str) -> None:
    line = [*asked(question, kind, tmp_path), "--format", form]
    run = CliRunner().invoke(cli, line)
    assert run.exit_code in (0, 1), run.output
    assert run.stdout == CliRunner().invoke(cli, line).stdout != ""
    if form == "json":
        assert json.loads(run.stdout)["schema"] == f"budnet.{line[0]}/1"
    elif form == "csv":
        rows = list(csv.reader(io.StringIO(run.stdout)))
        assert len({len(row) for row in rows}) == 1
    elif form == "markdown":
        tables = [block.splitlines() for block in run.stdout.split("\n\n") if block.startswith("|")]
        for lines in tables:
            columns = {re.sub(r"\\\|", "", row).count("|") for row in lines if row.startswith("|")}
            assert len(columns) == 1 and set(lines[1]) <= set("|- ")
    elif form == "sarif":
        document = json.loads(run.stdout)
        jsonschema.Draft7Validator(SCHEMA, format_checker=jsonschema.FormatChecker()).validate(document)
        (one,) = document["runs"]
        ids = [rule["id"] for rule in one["tool"]["driver"]["rules"]]
        assert all(ids[result["ruleIndex"]] == result["ruleId"] for result in one["results"])


def test_sarif_of_check(tmp_path: Path) -> None:
    for file in ("catalog/foundry-literal", "catalog/foundry", str(tmp_path / "not there.yaml")):
        run = CliRunner().invoke(cli, ["check", file, "--format", "sarif"])
        jsonschema.Draft7Validator(SCHEMA, format_checker=jsonschema.FormatChecker()).validate(json.loads(run.stdout))


def test_the_schema_refuses_what_is_wrong() -> None:
    good = json.loads(CliRunner().invoke(cli, ["check", "catalog/foundry-literal", "--format", "sarif"]).stdout)
    for spoil in ("level", "message", "locations"):
        bad = json.loads(json.dumps(good))
        bad["runs"][0]["results"][0][spoil] = "nonsense"
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, SCHEMA)


@pytest.mark.parametrize("name", ["plain", "dé \u2028 \U0001f600", "not UTF-8: \udcff", 'quoted " \\ \x00 \x7f'])
def test_json_is_written_as_python_writes_it(name: str) -> None:
    document = {name: [name, [], {}, [[]], None, True, -0.0, 1e300, 10**30, {"more": [{name: 1.5}]}]}
    assert indented(document) == json.dumps(document, indent=1)


def test_show_of_a_cluster(tmp_path: Path) -> None:
    found = json.loads(CliRunner().invoke(cli, ["show", "--from", written(tmp_path, SHOP + FOREIGN), "--format", "json"]).stdout)
    assert {row["workload"] for row in found["workloads"]} == {"shop/web[Deployment]", "shop/db[StatefulSet]", "other/probe[Pod]"}
    assert [(row["policy"], row["ingress"], row["egress"]) for row in found["policies"]] == [
        ("shop/db", "1 rule", "says nothing"), ("other/odd", "unknown", "says nothing"),
    ]  # fmt: skip
    (db,) = [row for row in found["workloads"] if row["workload"].startswith("shop/db")]
    assert db["ingress policies"] == "shop/db" and db["named ports"] == "sql 5432/tcp"


@pytest.mark.parametrize("line", [["show", "flows"], ["show", "--format", "csv"], ["graph", "--view", "architecture", "-o", "-"]])
def test_what_a_cluster_has_not(tmp_path: Path, line: list[str]) -> None:
    run = CliRunner().invoke(cli, [*line, "--from", written(tmp_path)])
    assert run.exit_code in (2, 3) and "Traceback" not in run.output and not run.stdout
