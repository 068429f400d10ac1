"""Up and down, again and again, and ended in the middle: nothing is left, and the machine's own network never notices."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

import helpers
from budnet.errors import NoTwin
from budnet.twin import lab
from helpers import GOLDEN, PROGRAM
from live.traces import foreign, settle, traces

pytestmark = pytest.mark.live
NAME = f"calm-{os.getpid()}"
CALM = {"BUDNET_TWIN": NAME}


def up(*arguments: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: the twin is known by what stands in that one's environment."""
    return subprocess.run([PROGRAM, "up", *arguments], capture_output=True, text=True, env=os.environ | CALM)


def budnet(*arguments: str) -> subprocess.CompletedProcess[str]:
    return helpers.budnet(*arguments, env=CALM)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A copy: `up` writes a lock beside a user's file."""
    return shutil.copy(GOLDEN / "one-vpc" / "topology.yaml", tmp_path_factory.mktemp("small"))


def test_up_twice_down_twice(small: str) -> None:
    before = traces(NAME)
    first, second = up(small), up(small)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    other = up("catalog/five-ways")
    assert other.returncode == 4
    assert "is up already" in other.stderr
    assert budnet("down").returncode == 0
    again = budnet("down")
    assert again.returncode == 0
    assert "no twin" in again.stdout
    assert settle(before, NAME) == before


def test_a_second_twin_beside_the_first(small: str) -> None:
    before = traces(NAME)
    assert up(small).returncode == 0
    assert up("--name", f"{NAME}-beside", "catalog/foundry").returncode == 0
    for name, topology in ((f"{NAME}-beside", "catalog/foundry"), (NAME, small)):
        probe = budnet("probe", "--name", name, topology, "--format", "json", "--from", "cart", "--from", "budapp")
        table = json.loads(probe.stdout)
        assert table["questions"] == table["agree"] > 100
        assert budnet("down", "--name", name).returncode == 0
    assert settle(before, NAME) == before


def test_two_probes_at_once_take_turns(small: str) -> None:
    assert up(small).returncode == 0
    both = [subprocess.Popen([PROGRAM, "probe", small], env=os.environ | CALM, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [one.wait(timeout=180) for one in both] == [0, 0]
    assert budnet("down").returncode == 0


def cycle(times: int, topology: str) -> None:
    before = traces(NAME)
    for _ in range(times):
        run = up(topology)
        assert run.returncode == 0, run.stderr
        assert budnet("down").returncode == 0
    assert settle(before, NAME) == before


def test_ten_times_up_and_down(small: str) -> None:
    cycle(10, small)


@pytest.mark.slow
def test_a_hundred_times_up_and_down_with_all_servers() -> None:
    cycle(100, "catalog/foundry")


@pytest.mark.parametrize("round_", range(20))
def test_killed_at_any_moment(round_: int, small: str) -> None:
    """By turns the command that brings it up, and a process of the twin itself, chosen by chance, at a moment chosen by chance."""
    chance, before = random.Random(round_), traces(NAME)
    command = subprocess.Popen(
        [PROGRAM, "up", "--attach", small],
        env=os.environ | CALM,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(chance.uniform(0.05, 1.1))
    agents = sorted(set(foreign(NAME)) - before.foreign)
    victim = command.pid if round_ % 2 or not agents else agents[0]
    with suppress(ProcessLookupError):  # it was done already
        os.kill(victim, signal.SIGKILL)
    command.wait(timeout=90)
    assert settle(before, NAME) == before


def test_ctrl_c_takes_it_down(small: str) -> None:
    import pty

    before = traces(NAME)
    primary, secondary = pty.openpty()
    command = subprocess.Popen(
        [PROGRAM, "up", "--attach", small], env=os.environ | CALM, stdin=secondary, stdout=secondary, stderr=secondary
    )
    os.close(secondary)
    said = b""
    while b"Ctrl-C" not in said:
        said += os.read(primary, 4096)
    assert budnet("ps").returncode == 0
    command.send_signal(signal.SIGINT)
    assert command.wait(timeout=60) == 0
    os.close(primary)
    assert settle(before, NAME) == before


def test_ctrl_c_takes_down_what_a_verb_brought_up_for_itself(small: str) -> None:
    command = subprocess.Popen([PROGRAM, "probe", small], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    own = f"probe-{command.pid}"
    before = traces(own)
    for _ in range(3000):
        with suppress(NoTwin):
            assert lab.Twin(own).status()  # answered when it is up
            break
        time.sleep(0.01)
    command.send_signal(signal.SIGINT)
    assert command.wait(timeout=60) == 130
    assert settle(before, own) == before


IN_A_MACHINE = """
import os, subprocess, sys
from pathlib import Path
from budnet.twin import lab, netlink, syscall
lab.own_namespaces()
if os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
syscall.mount("sysfs", "/sys", "sysfs")
Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1")  # or the interface would look for routers by itself
with netlink.Netlink() as link:
    here = syscall.network_namespace()
    link.send([netlink.up(1), netlink.veth(5, "eth0", bytes.fromhex("020000000005"), 6, "eth1", bytes.fromhex("020000000006"), here), netlink.up(6)])
def interfaces():
    return [(line.split(":")[0].strip(), *line.split(":")[1].split()[:4], line.split()[9:13]) for line in Path("/proc/net/dev").read_text().splitlines()[2:]]
before = interfaces()
assert len(before) == 3, before
run = subprocess.run([sys.argv[1], "up", "--attach", sys.argv[2]], stdin=subprocess.DEVNULL, capture_output=True, text=True)
assert run.returncode == 0, run.stdout + run.stderr
after = interfaces()
print(before, after)
sys.exit(0 if before == after else 1)
"""


def test_the_machine_s_own_network_never_notices(small: str) -> None:
    """In a machine of its own, where nothing else sends: interfaces and their packet counters are as they were."""
    run = subprocess.run([sys.executable, "-c", IN_A_MACHINE, PROGRAM, small], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
