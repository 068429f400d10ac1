"""What a TLS probe costs for each server, against sslyze, which asks the same: versions, suites, groups, certificate.

The servers are HAProxy, PostgreSQL and Redis of a twin, with keys of both kinds and profiles drawn at random; both probes
run as programs at the same client, take turns, and neither is charged for its imports. Each asks each server several times, and
its best is compared: whatever else the machine does only adds. `work` is what the probe itself takes of the processor. Behind
the servers, one by one, come all of them at once, and the whole program that does that. sslyze is under the AGPL and no
dependency of budnet: name an interpreter that has it in BUDNET_SSLYZE, or nothing is compared. Claim: at least 50 times faster for
each server, with the same suites and curves found.

What bounds it: PostgreSQL forks for each connection, 2.7 ms of a processor until that is started and gone, and is bound by that
with either probe; the ratio there is that of connections, 562 to 13 or 16, and of the core that sslyze leaves idle.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
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

GOAL, TURNS, TIMES = 50, 2, 5
CLIENT = "main/apps/client"
SSLYZE = str(Path(__file__).parents[1] / "tests" / "tls" / "sslyze_judge.py")
Targets = list[tuple[str, int, str]]
"""(address, port, starttls)"""
Found = list[dict[str, Any]]

OURS = """
import json, sys, time
from budnet.tls.groups import BY_NAME
from budnet.tls.scan import scan_all
from budnet.tls.talk import Place
targets, times = json.loads(sys.argv[1])
places = [Place(address, port, "", starttls) for address, port, starttls in targets]
out = []
for turn in [[place] for place in places for _ in range(times)] if times else [places]:
    begun, worked = time.perf_counter(), time.process_time()
    found = scan_all(turn)
    spent = {"seconds": time.perf_counter() - begun, "work": time.process_time() - worked}
    for seen in found:
        curves = {g for listed in seen.groups.values() for g in listed if BY_NAME[g.upper()].elliptic}
        out.append(spent | {"suites": {v: sorted(s) for v, s in seen.suites.items()}, "curves": sorted(curves)})
print(json.dumps(out))
"""


def run(twin: Twin, argv: Sequence[str], targets: Targets, times: int) -> Found:
    """A probe as a program at the client: what it spent, suites and curves, for each target as often as it was asked."""
    with tempfile.TemporaryFile() as out, open(os.devnull, "r+") as nothing:
        command = (*argv, json.dumps([targets, times]))
        assert twin.exec(CLIENT, command, streams=(nothing.fileno(), out.fileno(), nothing.fileno())) == 0, "the probe failed"
        out.seek(0)
        found: Found = json.loads(out.read())
        return found


@dataclass
class Turn:
    """What a probe did in one turn: the servers one by one, all of them at once, and the program around that."""

    apart: Found
    at_once: Found
    whole: float

    @staticmethod
    def of(twin: Twin, argv: Sequence[str], targets: Targets) -> Turn:
        apart = run(twin, argv, targets, TIMES)
        begun = time.perf_counter()
        return Turn(apart, run(twin, argv, targets, 0), time.perf_counter() - begun)

    def answers(self, server: int) -> Found:
        """All about the server of this number."""
        return [*self.apart[server * TIMES : (server + 1) * TIMES], self.at_once[server]]

    def best(self, server: int, what: str) -> float:
        """Of those times that it was asked alone."""
        return min(float(answer[what]) for answer in self.answers(server)[:TIMES])


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
            TURNS, ours=lambda: Turn.of(twin, (sys.executable, "-c", OURS), targets), sslyze=lambda: Turn.of(twin, (peer, SSLYZE), targets)
        )
    finally:
        twin.down()
    rows, ratios, different = [], [], 0
    for i, server in enumerate(servers):
        (mine, theirs), work = ([min(t.best(i, what) for t in runs[who]) for who in ("ours", "sslyze")] for what in ("seconds", "work"))
        seen = {who: [verdicts(answer) for t in runs[who] for answer in t.answers(i)] for who in runs}
        same = all(answer == seen["ours"][0] for answers in seen.values() for answer in answers)
        different += not same
        if not same:
            print(f"{server.service}: ours {seen['ours'][0]}, sslyze {seen['sslyze'][0]}")
        ratios.append(theirs / mine)
        rows.append(
            [server.service, mine, theirs, f"{theirs / mine:.0f}", *work, f"{work[1] / work[0]:.0f}", "same" if same else "DIFFERENT"]
        )
    ends = {"all at once": lambda t: float(t.at_once[0]["seconds"]), "the whole program": lambda t: t.whole}
    for what, taken in ends.items():
        mine, theirs = (min(map(taken, runs[who])) for who in ("ours", "sslyze"))
        rows.append([what, mine, theirs, f"{theirs / mine:.0f}", "", "", "", ""])
    table(["seconds", "ours", "sslyze", "ratio", "our work", "its work", "ratio", "verdicts"], rows)
    print(f"ratio {median(ratios):.0f}, {min(ratios):.0f} at least (goal at least {GOAL}), {different} of {len(servers)} verdicts differ")


if __name__ == "__main__":
    main()
