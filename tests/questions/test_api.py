"""`import budnet` gives what the command line's JSON has."""

from __future__ import annotations

import doctest
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import budnet
from budnet import api
from budnet.cli.main import cli
from questions.shop import FOREIGN, SHOP, written


def document(*arguments: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(CliRunner().invoke(cli, [*arguments, "--format", "json"]).stdout)
    return found


def test_the_same_values(tmp_path: Path) -> None:
    old, new = written(tmp_path / "old", SHOP + FOREIGN), written(tmp_path / "new", SHOP.replace("{port: sql}", "{port: 6000}"))
    file = tmp_path / "guarantees.yaml"
    file.write_text("guarantees:\n- {never: {from: internet, to: shop/web}}\n", encoding="utf-8")
    found = budnet.load(old, str(file))
    assert found.matrix(frame=False) == document("matrix", "--from", old)["rows"]
    assert found.prove(frame=False) == document("prove", "--from", old, "--guarantees", str(file))["guarantees"]
    reach = document("reach", "shop/web", "shop/db", "sql", "--from", old)
    assert {"schema": "budnet.reach/1", **found.reach("shop/web", "shop/db", "sql")} == reach
    said = document("diff", old, new)
    for what in ("opened", "closed", "unknown"):
        assert [{k: v for k, v in r.items() if k != "is"} for r in found.diff(budnet.load(new), frame=False) if r["is"] == what] == said[
            what
        ]


def test_what_is_wrong_is_an_error_with_the_report(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("budnet: 1\nname: x\n", encoding="utf-8")
    with pytest.raises(api.Unreadable, match="M002"):
        budnet.load(str(wrong))
    with pytest.raises(api.Unreadable):
        budnet.load(f"kubernetes:{tmp_path / 'nothing'}")


def test_the_examples() -> None:
    assert doctest.testmod(api) == (0, 7)


def test_importing_is_cheap() -> None:
    code = "import sys, budnet; print([m for m in ('numpy', 'pydantic', 'click', 'rich', 'pandas') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
