"""Rotation of the root of the reference topology's twin with 200 requests a second: none may fail, and the rate must be reached.

A request is a new connection, a verified handshake, a question and its answer. They begin at fixed times, whatever became of
those before; how late one began at most stands beside it, so a load that falls behind shows. There is no peer: the goal is
nothing failed at the rate.
"""

from __future__ import annotations

import os
import time

from common import machine, table, twin_by_command

from budnet.pipeline import load
from budnet.twin.consumers import pairs

RATE, ROUNDS = 200, 3


def main() -> None:
    machine()
    network = load("catalog/foundry").network
    assert network is not None
    rows, failed, reached = [], 0, []
    with twin_by_command(f"bench-{os.getpid()}") as (twin, _):
        for number in range(ROUNDS):
            begun = time.perf_counter()
            result = list(twin.rotate("root", "", RATE, pairs(network)))[-1]
            alone = [p for p in result["phases"] if p["name"] in ("before", "after")]
            busy = [p for p in result["phases"] if p not in alone]
            took = result["milliseconds"]
            old = [r for r in result["refused"] if not r["refused"]]
            failed += result["failed"] + len(old) + len(result["still_trusting"])
            reached.append(result["rate"]["reached"])
            rows.append([
                number + 1, result["requests"], result["failed"], f"{result['rate']['reached']:g}", sum(p["requests"] for p in busy),
                round(sum(p["seconds"] for p in busy), 2), took["median"], took["longest"], result["rate"]["late"],
                f"{len(result['refused']) - len(old)}/{len(result['refused'])}", round(time.perf_counter() - begun, 1),
            ])  # fmt: skip
    table(
        ["round", "requests", "failed", "a second", "in rotation", "rotation s", "median ms", "most ms", "late ms", "refused", "all s"],
        rows,
    )
    print(
        f"{failed} failed or not refused in {ROUNDS} rotations of the root (goal 0), {min(reached):g} requests a second at least (goal {RATE})"
    )


if __name__ == "__main__":
    main()
