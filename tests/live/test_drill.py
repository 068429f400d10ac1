"""Parts of a real twin are lost and come back; what was promised is told apart from what was not kept."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from budnet.errors import TwinError
from budnet.ir.network import Network
from budnet.pipeline import load, load_text
from budnet.probe import parts
from budnet.probe.parts import Part
from budnet.probe.truth import truth
from budnet.records import replace
from budnet.twin import tools
from budnet.twin.build import plan
from budnet.twin.lab import Twin
from budnet.twin.process import Process
from budnet.twin.staging import Stage, stage
from helpers import twin_of

pytestmark = pytest.mark.live
FILE = Path(__file__).parent / "drill.yaml"
HOW = {"rate": 100, "away": 0.8, "deadline": 0.6, "patience": 8.0}
GATE, KIOSK, RESOLVER, LOG = "quay/front/gate-0", "quay/front/kiosk", "quay/resolver", "island/shore/log"
NEAR, FAR, BOTH = "quay/vpn-crossing-1", "island/vpn-crossing-1", "quay/vpn-crossing-1+quay/vpn-crossing-2"


@cache
def network() -> Network:
    loaded = load(str(FILE))
    assert loaded.network is not None, loaded.diagnostics
    return loaded.network


def staged() -> Stage:
    return stage(network(), plan(network()), tools.find())


@pytest.fixture(scope="module")
def twin() -> Iterator[Twin]:
    sound = staged()
    with twin_of(sound.plan, sound) as found:
        yield found


def part(node: str) -> Part:
    found = parts.part(network(), node)
    assert found is not None
    return found


def lose(twin: Twin, node: str, **other: float) -> dict[str, Any]:
    return list(twin.drill(part(node).nodes, part(node).requests, **HOW | other))[-1]


def test_parts_and_promises_are_read_off_the_network() -> None:
    found = {p.name: p for p in parts.parts(network())}
    assert set(found) == {NEAR, FAR, BOTH, GATE, KIOSK, RESOLVER, "island/resolver"}
    assert found[GATE].others == ("quay/front/gate-1",)
    assert {len(r.addresses) for r in found[GATE].requests} == {2}
    assert found[GATE].promise.startswith("keeps working") and found[KIOSK].promise.startswith("fails")
    assert found[GATE].origin.line == 22
    assert (found[NEAR].others, found[FAR].others, found[BOTH].others) == (("quay/vpn-crossing-2",), ("island/vpn-crossing-2",), ())
    assert found[BOTH].limit > found[KIOSK].limit > found[NEAR].limit > found[GATE].limit
    assert parts.part(network(), "quay/nobody") is None
    assert parts.part(network(), f"{GATE}+{KIOSK}") is None
    both_gates = parts.part(network(), f"{GATE}+quay/front/gate-1")
    assert both_gates is not None
    assert both_gates.promise.startswith("fails")
    crossed = parts.part(network(), "quay/vpn-crossing-1+island/vpn-crossing-2")
    assert crossed is not None
    assert not crossed.others, "each takes a tunnel of its own with it"


@pytest.mark.parametrize("node", [GATE, RESOLVER])
def test_promises_are_kept(twin: Twin, node: str) -> None:
    account = lose(twin, node)
    assert not part(node).broken(account), account
    assert account["how"].endswith("is killed")
    assert (account["failed_away"] > 30) == (not part(node).others)


@pytest.mark.parametrize("node", [NEAR, FAR, BOTH])
def test_a_tunnel_is_lost_and_the_other_one_carries_on(twin: Twin, node: str) -> None:
    account = lose(twin, node, away=2)
    assert not part(node).broken(account), account
    assert account["failed_away"] > 30, "nothing crossed it"
    assert account["restored_after_return"] > 0
    if part(node).others:
        assert account["recovered_after_loss"] < account["away"]


@pytest.mark.skipif(shutil.which("ip") is None, reason="the way of one direction is taken away by `ip route`")
def test_a_tunnel_that_is_cut_in_one_direction_is_down_at_both_ends(twin: Twin) -> None:
    """Or requests would go by one tunnel, and answers into the other that is dead."""
    (connection,) = network().vpns
    first = connection.tunnels[0]
    near = first.gateways[0].public
    assert twin.exec(FAR, ["ip", "route", "replace", "blackhole", f"{near}/32"]) == 0
    seen = awaited(twin, lambda tunnels: not any(tunnels[g.id]["up"] for g in first.gateways))
    assert {g: (t["up"], t["routed"]) for g, t in seen.items()} == {
        **{g.id: (False, False) for g in first.gateways}, **{g.id: (True, True) for g in connection.tunnels[1].gateways},
    }  # fmt: skip
    assert twin.status()["tunnels_down"] == {first.id: "its ends do not hear each other"}
    table = truth(network(), twin)
    assert not table.disagree, "\n".join(map(str, table.disagree[:5]))
    assert twin.exec(FAR, ["ip", "route", "del", "blackhole", f"{near}/32"]) == 0
    assert twin.exec(FAR, ["ip", "route", "add", f"{near}/32", "via", "169.254.1.1", "dev", "eth0", "onlink"]) == 0
    seen = awaited(twin, lambda tunnels: all(t["up"] for t in tunnels.values()))
    assert all(t["routed"] for t in seen.values())


def awaited(twin: Twin, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The states of tunnels when they are as wanted."""
    deadline = time.monotonic() + 8
    while not wanted(tunnels := twin.status()["tunnels"]):
        assert time.monotonic() < deadline, tunnels
        time.sleep(0.05)
    return dict(tunnels)


def test_what_has_no_process_loses_its_wire(twin: Twin) -> None:
    account = lose(twin, LOG)
    assert account["how"] == "its wire is cut"
    assert not part(LOG).broken(account), account


def test_a_part_comes_back_when_nobody_waits_for_it_any_more(twin: Twin) -> None:
    said = twin.drill([KIOSK], part(KIOSK).requests, **HOW | {"away": 30})
    assert [next(said)["phase"]["name"] for _ in range(2)][1].endswith("is killed")
    said.close()  # type: ignore[attr-defined]
    before = {s["id"]: s["pid"] for s in twin.facts["servers"]}
    deadline = time.monotonic() + 20
    while not any(s["id"] == KIOSK and s["running"] and s["pid"] != before[KIOSK] for s in twin.status()["servers"]):
        assert time.monotonic() < deadline, (before[KIOSK], twin.status()["servers"])
        time.sleep(0.05)
    listens = [sys.executable, "-c", "import socket; socket.create_connection(('127.0.0.1', 443), 1)"]
    while twin.exec(KIOSK, listens, [os.open(os.devnull, os.O_RDWR)] * 3):  # it runs before it listens
        assert time.monotonic() < deadline


def test_afterwards_the_twin_is_as_it_was(twin: Twin) -> None:
    table = truth(network(), twin)
    assert not table.disagree, "\n".join(map(str, table.disagree[:5]))


def test_a_node_that_is_not_there(twin: Twin) -> None:
    with pytest.raises(TwinError, match="budnet ps"):
        list(twin.drill(["nowhere"], part(KIOSK).requests, **HOW))


def test_a_promise_that_is_not_kept_is_seen() -> None:
    """The file says two balancers, and one of them does not run; two tunnels, and nobody moves routes from one to the other; one
    balancer, and another answers for it."""
    sound = staged()
    alone = replace(sound, processes=tuple(p for p in sound.processes if p.name != "quay/front/gate-1"), watched=())
    with twin_of(alone.plan, alone) as twin:
        broken = part(GATE).broken(lose(twin, GATE, away=2))
        assert "after the loss failed" in part(NEAR).broken(lose(twin, NEAR, away=2.5, patience=1))
        assert "after the loss failed" in broken
        unsaid = replace(part(KIOSK), requests=part(RESOLVER).requests)
        account = list(twin.drill([KIOSK], unsaid.requests, **HOW))[-1]
    assert "stands in for it" in unsaid.broken(account)


@pytest.mark.slow
@pytest.mark.parametrize("asks", [True, False], ids=["asked", "not asked"])
def test_a_tunnel_of_ipsec_comes_back_because_the_other_end_asks_whether_it_is_there(asks: bool) -> None:
    found = load_text(FILE.read_bytes().replace(b"tunnel: wireguard", b"tunnel: ipsec"), "drill.yaml", {}).network
    assert found is not None
    lost = parts.part(found, NEAR)
    assert lost is not None
    sound = stage(found, plan(found), tools.find())
    deaf = replace(sound, processes=tuple(p if asks else _deaf(p) for p in sound.processes))
    with twin_of(deaf.plan, deaf) as twin:
        account = list(twin.drill(lost.nodes, lost.requests, **HOW | {"away": 2}))[-1]
    assert lost.broken(account) == ("" if asks else "its tunnel did not come up again"), account


def _deaf(process: Process) -> Process:
    """Without DPD, where it has any."""
    return replace(process, files=tuple(replace(f, content=re.sub(rb".*dpd_delay.*\n", b"", f.content)) for f in process.files))


def test_the_command_says_what_was_promised_and_what_happened() -> None:
    command = [Path(sys.executable).parent / "budnet", "drill", FILE, "--part", GATE, "--away", "1.5", "--format", "json"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    said = json.loads(run.stdout)
    (row,) = said["parts"]
    assert (said["schema"], row["part"], row["kind"], row["kept"]) == ("budnet.drill/1", GATE, "load balancer", True)
    assert row["requests"] > 200 > row["failed"]
    wrong = subprocess.run([*command[:3], "--part", "nowhere"], capture_output=True, text=True)
    assert (wrong.returncode, "budnet ps" in wrong.stderr) == (3, True)
