"""Rotation with 200 requests a second: the root of a small twin, every issuer of the reference topology's; none may fail.

A request is a new connection, a verified handshake, a question and its answer. They begin at fixed times, whatever became of
those before; how late one began at most stands beside it, so a load that falls behind shows. There is no peer: the goal is
nothing failed at the rate. (The root of the reference topology stays: its load balancer has servers with TLS behind it.)
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from common import machine, table

from budnet.pipeline import load
from budnet.twin import lab, tools
from budnet.twin.build import plan
from budnet.twin.consumers import pairs
from budnet.twin.staging import stage

RATE, ROUNDS = 200, 2
SUBJECTS = {"root": str(Path(__file__).parents[1] / "tests/live/rotation.yaml"), "issuer": "catalog/foundry"}


def main() -> None:
    machine()
    rows, failed, reached = [], 0, []
    for what, file in SUBJECTS.items():
        network, name, found = load(file).network, f"bench-{os.getpid()}-{what}", tools.find()
        assert network is not None
        lab.up(stage(network, plan(network), found), found, name, attached=True)
        twin = lab.Twin(name)
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            result = list(twin.rotate(what, "", RATE, pairs(network)))[-1]
            alone = [p for p in result["phases"] if p["name"] in ("before", "after")]
            busy = [p for p in result["phases"] if p not in alone]
            took = result["milliseconds"]
            old = [r for r in result["refused"] if not r["refused"]]
            failed += result["failed"] + len(old) + len(result["still_trusting"])
            reached.append(result["rate"]["reached"])
            rows.append([
                what, result["requests"], result["failed"], f"{result['rate']['reached']:g}", sum(p["requests"] for p in busy),
                round(sum(p["seconds"] for p in busy), 2), took["median"], took["longest"], result["rate"]["late"],
                f"{len(result['refused']) - len(old)}/{len(result['refused'])}", round(time.perf_counter() - begun, 1),
            ])  # fmt: skip
    table(
        ["round", "requests", "failed", "a second", "in rotation", "rotation s", "median ms", "most ms", "late ms", "refused", "all s"],
        rows,
    )
    print(f"{failed} failed or not refused in {len(rows)} rotations (goal 0), {min(reached):g} requests a second at least (goal {RATE})")


if __name__ == "__main__":
    main()
