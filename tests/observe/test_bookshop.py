"""The example with its two faults, by the command line."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from helpers import budnet

SHOP = f"kubernetes:{Path(__file__).parents[2] / 'examples' / 'bookshop'}"


def test_the_database_is_open_and_json_says_why() -> None:
    run = budnet("exposure", "--from", SHOP, "--format", "json", "--fail-on", "internet")
    assert run.returncode == 1
    found = json.loads(run.stdout)
    assert found["schema"] == "budnet.exposure/1"
    first = found["internet"][0]
    assert (first["workload"], first["port"], first["exposure"], first["kind"]) == (
        "data/orders-db[StatefulSet]", "5432/tcp", "from everywhere", "node port",
    )  # fmt: skip
    assert first["origin"].endswith("services.yaml:32")
    anybody = [n for n in found["new_pods"] if n["workload"] == "data/orders-db[StatefulSet]"]
    assert len(anybody) == 5
    assert all(n["any_labels"] for n in anybody)


def test_the_other_formats_say_the_same_and_twice_the_same() -> None:
    rows = list(csv.DictReader(io.StringIO(budnet("exposure", "--from", SHOP, "--format", "csv").stdout)))
    assert [r["from the internet"] for r in rows] == ["from everywhere", "from everywhere", "through what stands before it"]
    assert budnet("exposure", "--from", SHOP, "--format", "markdown").stdout.startswith("| workload | port |")
    (run,) = json.loads(budnet("exposure", "--from", SHOP, "--format", "sarif").stdout)["runs"]
    assert [r["message"]["text"].split()[0] for r in run["results"]] == [r["workload"] for r in rows], "one result a workload"
    assert budnet("exposure", "--from", SHOP).stdout == budnet("exposure", "--from", SHOP).stdout


def test_why_a_node_may_reach_a_pod_is_said() -> None:
    """Its policies keep nodes away, but for that on which it will run (`reach/nodes.py`)."""
    rows = csv.DictReader(io.StringIO(budnet("matrix", "--from", SHOP, "--format", "csv").stdout))
    (row,) = (r for r in rows if (r["src"], r["dst"]) == ("node-a[Node]", "data/cache[StatefulSet]"))
    assert "which node the pods are on is not known" in "".join(map(str, row.values()))
