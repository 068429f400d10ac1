"""Claim: the twin's network is up at least 20 times faster than the same number of hosts in Mininet.

Peer: Mininet as Debian packages it, unpacked and not installed, run by the machine's own Python in namespaces of its own:
N hosts on one Linux bridge, no controller. Measured from the call of its constructor until `start` returns, and `stop`.
Subject: steps and network of N hosts as in bench_twin_network.py, whose floor stands beside it to show what is left to
gain. Neither is charged for its imports; Mininet has no filters, so ours are shown and not counted; and Mininet does not raise
the machine's limits as it would at its first start. Where it cannot be had or run, the script says so and succeeds.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

from bench_twin_network import floor, ours
from common import CACHE, flat, in_namespaces, machine, middle, network, table, take_turns

from budnet.twin.build import plan
from budnet.twin.debian import Apt, FetchFailed

PACKAGES = ("mininet", "bridge-utils", "net-tools")
SIZES = {50: 5, 200: 3}
"""How many hosts, and how often each is measured."""
GOAL = 20
PYTHON = "/usr/bin/python3"
DRIVER = """
import json, sys, time
from mininet.net import Mininet
from mininet.nodelib import LinuxBridge
from mininet.topo import SingleSwitchTopo
Mininet.inited = True
begun = time.perf_counter()
net = Mininet(topo=SingleSwitchTopo(int(sys.argv[1])), switch=LinuxBridge, controller=None)
net.start()
up = time.perf_counter()
net.stop()
print(json.dumps({"start": up - begun, "stop": time.perf_counter() - up}))
"""


def fetch(root: Path) -> None:
    """Unpacks Mininet into `root`, unless it is there. Nothing is installed: apt works on a state of its own."""
    if root.exists():
        return
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise FetchFailed("this machine has no apt")
    work = root.with_name(f"{root.name}.part")
    shutil.rmtree(work, ignore_errors=True)
    try:
        apt = Apt(work, {})
        apt.update()
        versions = apt.available(PACKAGES)
        if missing := set(PACKAGES) - versions.keys():
            raise FetchFailed(f"this release has no {', '.join(sorted(missing))}")
        (work / "debs").mkdir()
        for line in apt.download(versions, work / "debs"):
            print(f"fetched {line}")
        for deb in (work / "debs").iterdir():
            subprocess.run(["dpkg-deb", "-x", deb, work / "root"], check=True)
        (work / "root").rename(root)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def mininet(root: Path, size: int) -> dict[str, float]:
    folders = [str(root / f) for f in ("usr/bin", "usr/sbin", "sbin")] + ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]
    env = {"PATH": os.pathsep.join(folders), "PYTHONPATH": str(root / "usr/lib/python3/dist-packages"), "LANG": "C.UTF-8"}
    command = [PYTHON, "-c", DRIVER, str(size)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, timeout=300)
    if done.returncode:
        raise RuntimeError(done.stderr.strip()[-1000:])
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    root = CACHE / "mininet"
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        fetch(root)
        in_namespaces(partial(mininet, root, 2))
    except (FetchFailed, SystemExit) as reason:
        print(f"Mininet cannot be had or run here: {reason}\nno ratio (goal at least {GOAL})")
        sys.exit(0)
    machine()
    rows, ratios = [], []
    for size, repetitions in SIZES.items():
        wanted = plan(network(flat(size)))
        runs = take_turns(
            repetitions,
            ours=partial(in_namespaces, partial(ours, wanted)),
            mininet=partial(in_namespaces, partial(mininet, root, size)),
            floor=partial(in_namespaces, partial(floor, len(wanted.wires))),
        )
        mine, peer = middle(runs["ours"]), middle(runs["mininet"])
        start = mine["steps"] + mine["network"]
        ratios.append(peer["start"] / start)
        rows.append([
            f"{size} hosts", middle(runs["floor"])["network"], start, start + mine["filters"], peer["start"], f"{ratios[-1]:.0f}",
            mine["down"], peer["stop"], f"{peer['stop'] / mine['down']:.0f}",
        ])  # fmt: skip
    table(["seconds", "floor", "start", "with filters", "Mininet", "ratio", "stop", "Mininet", "ratio"], rows)
    print(f"ratio {min(ratios):.0f} (goal at least {GOAL})")


if __name__ == "__main__":
    main()
