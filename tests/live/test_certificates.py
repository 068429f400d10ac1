"""Certificates in a twin: ordered over ACME from its own internet, presented by real servers, rotated while requests flow."""

from __future__ import annotations

from pathlib import Path

import pytest

from budnet.ir.network import Network
from budnet.pipeline import load
from budnet.probe import certificates
from budnet.twin import tools
from budnet.twin.build import plan
from budnet.twin.consumers import pairs
from budnet.twin.lab import Twin
from budnet.twin.staging import stage
from helpers import twin_of

pytestmark = pytest.mark.live
FILE = Path(__file__).with_name("certificates.yaml")


def library() -> Network:
    loaded = load(str(FILE))
    assert loaded.network is not None, loaded.diagnostics
    return loaded.network


@pytest.fixture(scope="module")
def network() -> Network:
    return library()


@pytest.fixture(scope="module")
def twin(network: Network) -> object:
    with twin_of(plan(network), stage(network, plan(network), tools.find())) as up:
        yield up


def rotated(twin: Twin, network: Network, what: str, layer: str = "") -> dict[str, object]:
    return list(twin.rotate(what, layer, 60, pairs(network)))[-1]


def test_orders_are_made_by_both_challenges_and_at_two_directories(twin: Twin) -> None:
    status = twin.status()
    assert [(s["row"], s["error"]) for s in status["signed"]] == [("site", ""), ("readers", "")]
    assert "acme-v02.api.letsencrypt.org, over ACME dns-01" in status["signed"][0]["by"]
    assert "ca.example.net, over ACME http-01" in status["signed"][1]["by"]
    assert not status["stand_ins"]


def test_every_name_of_every_server_is_as_written(twin: Twin, network: Network) -> None:
    table = certificates.truth(network, twin)
    assert not table.disagree, "\n".join(map(str, table.disagree))
    assert table.questions == 2 + 2 * (4 + 2)


@pytest.mark.parametrize(("what", "layer", "phases"), [
    ("leaf", "", ["before", "switch", "wait", "after"]),
    ("issuer", "records", ["before", "switch", "wait", "after"]),
    ("root", "", ["before", "distribute", "switch", "wait", "remove", "after"]),
])  # fmt: skip
def test_rotation_fails_nobody_and_leaves_nobody_behind(twin: Twin, network: Network, what: str, layer: str, phases: list[str]) -> None:
    before = {f.endpoint: f.serial for f in certificates.found(network, twin)}
    result = rotated(twin, network, what, layer)
    assert [p["name"] for p in result["phases"]] == phases  # type: ignore[index,attr-defined]
    assert result["failed"] == 0, result["errors"]
    # a step may be over before the next request is due
    assert result["phases"][0]["requests"] and result["phases"][-1]["requests"]  # type: ignore[index]
    assert result["refused"] and all(r["refused"] for r in result["refused"]), result["refused"]  # type: ignore[attr-defined]
    assert not result["still_trusting"]
    after = {f.endpoint: f.serial for f in certificates.found(network, twin)}
    changed = {e for e in before if before[e] != after[e]}
    assert changed >= {s["server"] for s in result["servers"]}  # type: ignore[attr-defined]
    table = certificates.truth(network, twin)
    assert not table.disagree, "\n".join(map(str, table.disagree))


def test_what_is_not_ours_is_left_and_said(twin: Twin, network: Network) -> None:
    assert "not ours to rotate" in str(rotated(twin, network, "root")["left"])


def test_without_pebble_the_internal_ca_stands_in(network: Network) -> None:
    found = tools.find()
    less = tools.Tools({k: v for k, v in found.programs.items() if k != "pebble"}, found.packages, found.template, found.nftables)
    staged = stage(network, plan(network), less)
    assert staged.stand_ins == ("site", "readers") and not staged.orders
    assert "certificates.yaml:17" in staged.notes[0] and "pebble is not on this machine" in staged.notes[0]
