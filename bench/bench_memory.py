"""Claim: the twin of the reference topology with all its real servers takes less than 400 MB.

Measured: the proportional set size of every process of a twin that `budnet up` brought up (a page that several share is
divided among them, so the sum counts it once), and what the twin's tmpfs holds. Beside it, as the floor, one interpreter
that has imported what the agent has. Not in the sum but shown: how much the kernel's slab grew, which is the machine's and
so is moved by everything else that runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from common import MB, command_of, machine, processes_of, pss, table, twin_by_command

GOAL = 400
AGENT = "import budnet.twin.agent, time; print(flush=True); time.sleep(60)"


def tmpfs(pids: list[int]) -> int:
    """Bytes in the file system that only the twin sees, found through the agent's root."""
    for pid in pids:
        folder = Path(f"/proc/{pid}/root/run")
        if (folder / "budnet").is_dir():
            found = os.statvfs(folder)
            return (found.f_blocks - found.f_bfree) * found.f_frsize
    raise SystemExit("no process of the twin shows its tmpfs")


def slab() -> int:
    """Bytes of the kernel's own objects, on the whole machine."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Slab:"))


def floor() -> int:
    """The PSS of an interpreter that has imported the agent."""
    with subprocess.Popen([sys.executable, "-c", AGENT], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        found = pss(process.pid)
        process.kill()
    return found


def main() -> None:
    machine()
    before = slab()
    with twin_by_command(f"bench-{os.getpid()}") as (twin, _):
        time.sleep(1.0)  # servers go on after they listen
        pids = [p for p in processes_of(twin) if pss(p)]  # not what has ended and is still to be reaped
        grown = slab() - before
        files = tmpfs(pids)
        memory: Counter[str] = Counter()
        number: Counter[str] = Counter()
        for pid in pids:
            name = command_of(pid)
            memory[name] += pss(pid)
            number[name] += 1
    rows: list[list[object]] = [[name, number[name], f"{size / MB:.1f}"] for name, size in memory.most_common()]
    total = sum(memory.values()) + files
    rows += [["files in its tmpfs", "", f"{files / MB:.1f}"], ["together", len(pids), f"{total / MB:.1f}"]]
    table(["MB", "processes", "PSS"], rows)
    print(f"an interpreter with the agent imported: {floor() / MB:.1f} MB; kernel slab grew by {grown / MB:.0f} MB")
    print(f"{total / MB:.0f} MB (goal less than {GOAL} MB)")


if __name__ == "__main__":
    main()
