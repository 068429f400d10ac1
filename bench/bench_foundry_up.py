"""Claim: the whole reference topology, with every real server listening, is up in less than 3 s.

Subject: `budnet up` as a user calls it, from the start of the command until it returns, which is when the kernel lists a
listening socket for every port of every server; and inside it the agent's own total, with the network (namespaces,
wires, filters) and the servers apart. Floor: the slowest thing a server may take is not ours to change, so beside it
stands an interpreter that starts and ends, which every command pays.
"""

from __future__ import annotations

import os
import sys

from common import machine, median, middle, run, table, take_turns, twin_by_command

REPETITIONS = 5
GOAL = 3.0


def up() -> dict[str, float]:
    with twin_by_command(f"bench-{os.getpid()}") as (twin, command):
        status = twin.status()
        if status["missing"]:
            print(f"not here, so a listener of ours stood in: {', '.join(status['missing'])}")
        total, net = status["timings"]["total"], status["timings"]["network"]
        return {
            "command": command, "agent": total, "network": net, "servers": total - net, "before": command - total,
            "spaces": len(status["spaces"]), "real": len(status["servers"]), "own": len(status["listeners"]),
        }  # fmt: skip


def main() -> None:
    machine()
    runs = take_turns(REPETITIONS, up=up, python=lambda: {"command": run(sys.executable, "-c", "pass")})
    mine, python = middle(runs["up"]), median([r["command"] for r in runs["python"]])
    print(f"{mine['spaces']:.0f} namespaces, {mine['real']:.0f} real servers, {mine['own']:.0f} listeners of our own")
    best = {key: min(r[key] for r in runs["up"]) for key in mine}
    parts = (
        ("budnet up, the command", "command"), ("  read, plan, stage, return", "before"), ("  agent", "agent"),
        ("    network and filters", "network"), ("    servers until they listen", "servers"),
    )  # fmt: skip
    table(["seconds", "median", "best"], [[label, mine[key], best[key]] for label, key in parts])
    print(f"python -c pass: {python:.3f} s")
    print(f"up in {mine['command']:.2f} s, agent {mine['agent']:.2f} s (goal less than {GOAL} s)")


if __name__ == "__main__":
    main()
