"""A matrix cut down to what somebody looks for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from budnet.cli.main import cli
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
    ],
)
def test_focus(tmp_path: Path, options: list[str], wanted: set[tuple[str, str]]) -> None:
    assert rows(written(tmp_path, SHOP + FOREIGN), *options) == wanted


def test_markdown(tmp_path: Path) -> None:
    run = CliRunner().invoke(
        cli, ["matrix", "--from", written(tmp_path), "--format", "markdown", "--workload", "shop/db", "--direction", "in"]
    )
    assert run.stdout == f"| source | destination | allowed |\n| ---|---|--- |\n| {WEB} | {DB} | 5432/tcp |\n"


@pytest.mark.parametrize("options", [["--direction", "in"], ["--port", "http"], ["--port", "70000"]])
def test_what_makes_no_sense_is_said(tmp_path: Path, options: list[str]) -> None:
    run = CliRunner().invoke(cli, ["matrix", "--from", written(tmp_path), *options])
    assert run.exit_code == 3 and "Traceback" not in run.output
