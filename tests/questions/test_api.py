"""`import budnet` gives what the command line's JSON has."""

from __future__ import annotations

import doctest
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner

import budnet
from budnet import api
from budnet.cli.main import cli
from budnet.questions.answer import Answer
from helpers import GOLDEN
from questions.shop import FOREIGN, SHOP, written

OWN = str(GOLDEN / "one-vpc" / "topology.yaml")


def document(*arguments: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(CliRunner().invoke(cli, [*arguments, "--format", "json"]).stdout)
    return found


def same(answer: Answer, *arguments: str) -> None:
    assert json.loads(answer.to_json()) == answer.document == document(*arguments)
    assert all(set(row) == {column.partition(".")[0] for column in answer.columns} for row in answer.rows)


def test_the_same_values_of_a_cluster(tmp_path: Path) -> None:
    old, new = written(tmp_path / "old", SHOP + FOREIGN), written(tmp_path / "new", SHOP.replace("{port: sql}", "{port: 6000}"))
    file = tmp_path / "guarantees.yaml"
    file.write_text("guarantees:\n- {never: {from: internet, to: shop/web}}\n", encoding="utf-8")
    found = budnet.load(old, str(file))
    same(found.matrix(), "matrix", "--from", old)
    same(found.matrix(by="class"), "matrix", "--from", old, "--by", "class")
    same(found.matrix(workload="shop/db", denied=True), "matrix", "--from", old, "--workload", "shop/db", "--denied")
    same(found.prove(), "prove", "--from", old, "--guarantees", str(file))
    same(found.reach("shop/web", "shop/db", "sql"), "reach", "shop/web", "shop/db", "sql", "--from", old)
    same(found.explain("other/probe", "shop/db", "sql"), "explain", "other/probe", "shop/db", "sql", "--from", old)
    same(found.exposure(), "exposure", "--from", old)
    same(found.lint(), "lint", "--from", old)
    same(found.diff(budnet.load(new)), "diff", old, new)


def test_the_same_values_of_our_own() -> None:
    found = budnet.load(OWN)
    same(found.matrix(), "matrix", OWN)
    same(found.matrix(by="workload", port="5433/tcp"), "matrix", OWN, "--by", "workload", "--port", "5433/tcp")
    same(found.reach("cart", "db"), "reach", "cart", "db", "-f", OWN)
    same(found.explain("watch", "db", "sql"), "explain", "watch", "db", "sql", "-f", OWN)
    same(found.exposure(), "exposure", OWN)
    same(found.prove(), "prove", OWN)
    same(found.lint(), "lint", OWN)
    same(found.diff(found), "diff", OWN, OWN)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames(tmp_path: Path, library: str) -> None:
    """With the library the rows; without it a message that says what to install."""
    found = budnet.load(written(tmp_path, SHOP + FOREIGN))
    if find_spec(library) is None:
        with pytest.raises(ImportError, match=rf"pip install 'budnet\[{library}\]'"):
            found.matrix().frame(library)
        return
    for answer in (found.matrix(), found.exposure(), found.lint(), found.diff(found), found.reach("shop/web", "shop/db", "sql")):
        frame = answer.frame(library)
        assert list(frame.columns) == list(answer.columns)
        assert len(frame) == len(answer)
    assert found.matrix().frame(library)["src"].to_list() == [r["src"] for r in found.matrix()]


def test_a_frame_of_another_library_is_refused(tmp_path: Path) -> None:
    with pytest.raises(budnet.WrongQuestion, match="pandas or polars"):
        budnet.load(written(tmp_path)).lint().frame("dask")


def test_what_is_wrong_is_an_error_with_the_report(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("budnet: 1\nname: x\n", encoding="utf-8")
    with pytest.raises(budnet.Unreadable, match="M002"):
        budnet.load(str(wrong))
    with pytest.raises(budnet.Unreadable):
        budnet.load(f"kubernetes:{tmp_path / 'nothing'}")
    found = budnet.load(written(tmp_path / "shop"))
    for asks in (
        lambda: found.reach("nobody", "shop/db", "sql"),
        lambda: found.reach("shop/web", "shop/db", "70000"),
        lambda: found.matrix(port="x"),
        lambda: found.matrix(workload="nobody"),
        lambda: found.prove(),
        lambda: found.matrix(direction="in"),
        lambda: found.matrix(by="colour"),
        lambda: budnet.load(OWN, "guarantees.yaml"),
    ):
        with pytest.raises(budnet.WrongQuestion):
            asks()


def test_what_python_has_for_files_and_ports_is_taken(tmp_path: Path) -> None:
    found = budnet.load(Path(OWN))
    assert found.matrix(port=5433).rows == found.matrix(port="5433/tcp").rows
    assert found.reach("cart", "db", 5433).rows == found.reach("cart", "db", "5433/tcp").rows
    assert found.explain("watch", "db", 5433).rows == found.explain("watch", "db", "5433/tcp").rows
    assert found.diff(Path(OWN)).rows == found.diff(found).rows == []
    guarantees = tmp_path / "guarantees.yaml"
    guarantees.write_text("guarantees:\n- {never: {from: internet, to: shop/db}}\n", encoding="utf-8")
    assert [r["status"] for r in budnet.load(written(tmp_path / "shop"), guarantees).prove()] == ["proved"]


def test_what_did_not_stop_it_is_kept(tmp_path: Path) -> None:
    found = budnet.load(written(tmp_path, SHOP + SHOP[SHOP.index("---\napiVersion: networking") :]))
    assert [row["code"] for row in found.problems] == ["K102"]


def test_the_examples() -> None:
    failed, tried = doctest.testmod(api)
    assert failed == 0 and tried > 8


def test_importing_is_cheap() -> None:
    code = "import sys, budnet; print([m for m in ('numpy', 'pydantic', 'click', 'rich', 'pandas') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
