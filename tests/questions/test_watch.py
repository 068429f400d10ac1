"""An edit of manifests is proved as it would be from the start, and only what it can touch is asked again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from budnet import pipeline
from budnet.cli.main import cli
from budnet.errors import Unreadable, WrongQuestion
from budnet.questions import place
from budnet.questions.prove import proof_json, proofs
from budnet.questions.watch import Seen, Watch
from questions.shop import SHOP

GUARANTEES = """\
guarantees:
  - {name: db-only-web, only: {from: shop/web, to: shop/db}}
  - {name: web-closed, never: {from: other/probe, to: shop/web}}
  - {name: web-reaches-db, reaches: {from: shop/web, to: shop/db, ports: sql}}
"""
*OBJECTS, POLICY = SHOP.split("---\n")


@pytest.fixture
def shop(tmp_path: Path) -> tuple[Path, Watch]:
    folder = tmp_path / "manifests"
    folder.mkdir()
    (folder / "all.yaml").write_text("---\n".join(OBJECTS))
    (folder / "db.yaml").write_text(POLICY)
    (tmp_path / "guarantees.yaml").write_text(GUARANTEES)
    return folder, Watch(None, f"kubernetes:{folder}", str(tmp_path / "guarantees.yaml"))


def _same(seen: Seen | None, folder: Path) -> Seen:
    """What was seen is what a new run says."""
    assert seen is not None
    network = place.running(f"kubernetes:{folder}").network
    fresh = pipeline.with_guarantees(network, str(folder.parent / "guarantees.yaml")).network
    assert fresh is not None
    assert [proof_json(p) for p in seen.proofs] == [proof_json(p) for p in proofs(fresh)]
    return seen


def test_an_edit_of_a_policy_is_worked_out_alone(shop: tuple[Path, Watch]) -> None:
    folder, watch = shop
    assert _same(watch.look(), folder).asked == (0, 1, 2)
    assert watch.look() is None, "nothing was edited"

    (folder / "db.yaml").write_text(POLICY.replace("app: web}}}", "app: web}}}, {namespaceSelector: {}}"))
    seen = _same(watch.look(), folder)
    assert seen.flows is not None and [(f.src, f.dst, str(f.opened), str(f.closed)) for f in seen.flows] == [
        ("other/probe[Pod]", "shop/db[StatefulSet]", "5432/tcp", "nothing")
    ]
    assert 0 in seen.asked and 2 not in seen.asked, "web reached db before and does now"

    (folder / "db.yaml").write_text(POLICY)
    assert all(not f.opened and f.closed for f in _same(watch.look(), folder).flows or ())


def test_policies_come_and_go(shop: tuple[Path, Watch]) -> None:
    folder, watch = shop
    watch.look()
    (folder / "web.yaml").write_text(
        POLICY.replace("name: db", "name: web").replace("app: db", "app: web").replace("app: web}}}]", "app: db}}}]", 1)
    )
    seen = _same(watch.look(), folder)
    assert seen.flows and all(f.closed for f in seen.flows)
    (folder / "web.yaml").unlink()
    seen = _same(watch.look(), folder)
    assert seen.flows and all(f.opened for f in seen.flows)


def test_another_pod_makes_everything_anew(shop: tuple[Path, Watch]) -> None:
    folder, watch = shop
    watch.look()
    (folder / "more.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: extra, namespace: shop, labels: {app: web}}\nspec: {}\n")
    assert _same(watch.look(), folder).flows is None


def test_what_cannot_be_read_is_said_and_the_next_edit_looked_at(shop: tuple[Path, Watch]) -> None:
    folder, watch = shop
    watch.look()
    (folder / "db.yaml").write_text(POLICY.replace("port: sql", "port: -1"))
    seen = watch.look()
    assert seen is not None and seen.said and seen.proofs[0].status.value == "unknown"
    (folder / "db.yaml").write_text(POLICY)
    assert not _same(watch.look(), folder).said
    (folder.parent / "guarantees.yaml").write_text("guarantees: [nonsense]")
    with pytest.raises(Unreadable):
        watch.look()
    (folder.parent / "guarantees.yaml").write_text(GUARANTEES)
    _same(watch.look(), folder)


@pytest.mark.parametrize("where", ["-", "live", "live?context=shop", ""])
def test_only_folders_and_files_can_be_watched(where: str) -> None:
    with pytest.raises(WrongQuestion, match="cannot be watched"):
        Watch(None, f"kubernetes:{where}", "guarantees.yaml")
    run = CliRunner().invoke(cli, ["prove", "--watch", "--from", f"kubernetes:{where}", "--guarantees", "guarantees.yaml"])
    assert run.exit_code == 3 and "cannot be watched" in run.stderr


def test_a_file_of_our_own(tmp_path: Path) -> None:
    file = tmp_path / "budnet.yaml"
    text = pipeline.load("catalog/five-ways").text
    file.write_text(text)
    watch = Watch(str(file), None, None)
    first = watch.look()
    assert first is not None and watch.look() is None
    file.write_text(text + "\n# a remark\n")
    again = watch.look()
    assert again is not None and [p.status for p in again.proofs] == [p.status for p in first.proofs]


def test_the_command_prints_a_line_for_each_edit_and_ends_with_ctrl_c(shop: tuple[Path, Watch]) -> None:
    folder, _ = shop
    command = [str(Path(sys.executable).parent / "budnet"), "prove", "--from", f"kubernetes:{folder}",
               "--guarantees", str(folder.parent / "guarantees.yaml"), "--watch", "--format", "json"]  # fmt: skip
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        assert json.loads(running.stdout.readline())["anew"]
        (folder / "db.yaml").write_text(POLICY.replace("port: sql", "port: 1"))
        edit = json.loads(running.stdout.readline())
        assert edit["opened"] and edit["closed"] and not edit["anew"]
        running.send_signal(signal.SIGINT)
        assert running.wait(10) == 130
    finally:
        running.kill()
        running.communicate()
