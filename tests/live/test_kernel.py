"""The Linux kernel, read back by its own tools: what was applied is what it lists."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from budnet.twin.build import plan
from helpers import network_of

pytestmark = [pytest.mark.live, pytest.mark.skipif(shutil.which("ip") is None, reason="`ip` reads the kernel back")]

# In a process of its own: it leaves for other namespaces and cannot come back.
CHILD = """
import json, os, subprocess, sys
sys.path.insert(0, sys.argv[2])
from helpers import network_of
from budnet.twin import lab, nftables, syscall, tools
from budnet.twin.build import plan
from budnet.twin.linux import LinuxKernel
from budnet.twin.steps import steps
wanted = [plan(network_of(c)) for c in sys.argv[1].split(",")]
found = tools.find()
lab.own_namespaces()
if os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
kernel = LinuxKernel(nftables.library(found.libnftables()))
for each in wanted:
    kernel.apply(steps(each, kernel.read()))
    assert steps(each, kernel.read()) == ()
out = {}
for name, fd in kernel.spaces.items():
    syscall.setns(fd)
    def ip(*words):
        return json.loads(subprocess.run(["ip", "-j", *words], capture_output=True, check=True, text=True).stdout or "[]")
    out[name] = {"addresses": [a["local"] for link in ip("addr") for a in link["addr_info"] if a["scope"] == "global"],
                 "routes": len(ip("route", "show", "table", "all", "proto", "static")) + len(ip("-6", "route", "show", "table", "all", "proto", "static")),
                 "rules": [r.get("src", "all") for r in ip("rule")], "links": sorted(link["ifname"] for link in ip("link")),
                 "nft": nftables.run(nftables.library(found.libnftables()), "list ruleset").count("\\n")}
print(json.dumps(out))
"""


def read_back(*cases: str) -> dict[str, dict[str, object]]:
    run = subprocess.run([sys.executable, "-c", CHILD, ",".join(cases), str(Path(__file__).parents[1])], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    return json.loads(run.stdout)  # type: ignore[no-any-return]


@pytest.mark.parametrize("case", ["one-vpc", "dual-stack"])
def test_addresses_links_and_rules(case: str) -> None:
    wanted, found = plan(network_of(case)), read_back(case)
    assert set(found) == set(wanted.space)
    for space in wanted.spaces:
        seen = found[space.id]
        assert set(seen["addresses"]) == {str(a) for a in space.addresses}, space.id  # type: ignore[call-overload]
        devices = {w.a_device for w in wanted.wires if w.a == space.id} | {w.b_device for w in wanted.wires if w.b == space.id}
        assert devices <= set(seen["links"]), space.id  # type: ignore[call-overload]
        assert bool(seen["nft"]) == bool(space.ruleset.chains), space.id


def test_a_twin_that_was_changed_is_as_one_made_anew() -> None:
    changed, fresh = read_back("no-kubernetes", "one-vpc"), read_back("one-vpc")
    assert changed == fresh
