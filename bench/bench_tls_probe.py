"""What a TLS probe costs for each server, against sslyze, which asks the same: versions, suites, groups, certificate.

The servers are HAProxy, PostgreSQL and Redis of a twin, with keys of both kinds and profiles drawn at random; both probes
run as programs at the same client, ask one server once more before it counts, and neither is charged for its imports. The best
of several turns is compared, because whatever else the machine does only adds. Behind the servers, one by one, come all of them
at once, and the whole program that does that. sslyze is under the AGPL and no dependency of budnet: name an interpreter that has
it in BUDNET_SSLYZE, or nothing is compared. Claim: at least 50 times faster for each server, with the same suites and curves found.

What bounds it: PostgreSQL forks for each connection (2.7 ms on the machine where this was written, for it to start and end), so
there both are as slow as it is, and the ratio is that of connections, 562 to 13 or 16, and of a core left idle.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from common import machine, median, table, take_turns

from budnet.pipeline import load_text
from budnet.tls.groups import BY_NAME
from budnet.twin import lab, tools
from budnet.twin.build import plan
from budnet.twin.lab import Twin
from budnet.twin.staging import stage

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from tls.random_profiles import topology

GOAL, REPETITIONS = 50, 3
CLIENT = "main/apps/client"
SSLYZE = (str(Path(__file__).parents[1] / "tests" / "tls" / "sslyze_judge.py"),)
Targets = list[tuple[str, int, str]]
"""(address, port, starttls)"""
Found = list[dict[str, Any]]

OURS = """
import json, sys, time
from budnet.tls.groups import BY_NAME
from budnet.tls.scan import scan_all
from budnet.tls.talk import Place
targets, at_once = json.loads(sys.argv[1])
places = [Place(address, port, "", starttls) for address, port, starttls in targets]
out, turns = [], [places] if at_once else [places[:1], *([p] for p in places)]
for turn in turns:
    begun = time.perf_counter()
    found = scan_all(turn)
    seconds = time.perf_counter() - begun
    for seen in found:
        curves = {g for listed in seen.groups.values() for g in listed if BY_NAME[g.upper()].elliptic}
        out.append({"seconds": seconds, "suites": {v: sorted(s) for v, s in seen.suites.items()}, "curves": sorted(curves)})
print(json.dumps(out if at_once else out[1:]))
"""


def run(twin: Twin, python: str, program: tuple[str, ...], targets: Targets, at_once: bool) -> Found:
    """A probe as a program at the client; seconds, suites and curves for each target."""
    with tempfile.TemporaryFile() as out, open(os.devnull, "r+") as nothing:
        command = (python, *program, json.dumps([targets, at_once]))
        assert twin.exec(CLIENT, command, streams=(nothing.fileno(), out.fileno(), nothing.fileno())) == 0, "the probe failed"
        out.seek(0)
        found: Found = json.loads(out.read())
        return found


def programs(twin: Twin, python: str, program: tuple[str, ...], targets: Targets) -> tuple[Found, float, float]:
    """The servers one by one; the seconds of all of them at once; and of the whole program that asks them so."""
    apart = run(twin, python, program, targets, False)
    begun = time.perf_counter()
    together = run(twin, python, program, targets, True)
    return apart, together[0]["seconds"], time.perf_counter() - begun


def verdicts(found: dict[str, Any]) -> tuple[object, ...]:
    """What two probes have to agree on; a curve by one of its names."""
    return found["suites"], sorted(BY_NAME[c.upper()].name for c in found["curves"])


def has_sslyze(python: str) -> bool:
    return subprocess.run([python, "-c", "import sslyze"], capture_output=True, check=False).returncode == 0


def main() -> None:
    peer = os.environ.get("BUDNET_SSLYZE", sys.executable)
    if not has_sslyze(peer):
        print(f"sslyze is not here: name an interpreter that has it in BUDNET_SSLYZE\nno ratio (goal at least {GOAL})")
        return
    machine()
    loaded = load_text(topology(1).encode(), "judges.yaml", {})
    network, name, found = loaded.network, f"bench-{os.getpid()}", tools.find()
    assert network is not None
    lab.up(stage(network, plan(network), found), found, name, attached=True)
    twin = Twin(name)
    servers = [e for e in network.inside if e.id != CLIENT]
    targets = [(str(e.addresses[0]), 5432, "postgresql" if e.software == "postgresql" else "") for e in servers]
    try:
        runs = take_turns(
            REPETITIONS,
            ours=lambda: programs(twin, sys.executable, ("-c", OURS), targets),
            sslyze=lambda: programs(twin, peer, SSLYZE, targets),
        )
    finally:
        twin.down()
    rows, ratios, different = [], [], 0
    for i, server in enumerate(servers):
        mine, theirs = (min(apart[i]["seconds"] for apart, _, _ in runs[who]) for who in ("ours", "sslyze"))
        same = all(verdicts(o[i]) == verdicts(s[i]) for (o, _, _), (s, _, _) in zip(runs["ours"], runs["sslyze"], strict=True))
        different += not same
        if not same:
            print(f"{server.service}: ours {verdicts(runs['ours'][0][0][i])}, sslyze {verdicts(runs['sslyze'][0][0][i])}")
        ratios.append(theirs / mine)
        rows.append([server.service, mine, theirs, f"{theirs / mine:.0f}", "same" if same else "DIFFERENT"])
    for what, which in (("all at once", 1), ("the whole program", 2)):
        mine, theirs = (min(float(str(r[which])) for r in runs[who]) for who in ("ours", "sslyze"))
        rows.append([what, mine, theirs, f"{theirs / mine:.0f}", ""])
    table(["seconds", "ours", "sslyze", "ratio", "verdicts"], rows)
    print(f"ratio {median(ratios):.0f}, {min(ratios):.0f} at least (goal at least {GOAL}), {different} of {len(servers)} verdicts differ")


if __name__ == "__main__":
    main()
