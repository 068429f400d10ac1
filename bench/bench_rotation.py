"""Rotation with 200 requests a second: both roots of a small twin and of the reference topology, all its issuers; none may fail.

A request is a new connection, a verified handshake, a question and its answer, or a call from app to app over both their sidecars.
They begin at fixed times, whatever became of those before; how late one began at most stands beside it, so a load that falls behind
shows. `held`: seconds for which new connections to what has to be started again had to wait. There is no peer: the goal is nothing
failed at the rate, and nobody served who trusts or shows only the old.
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
SMALL = str(Path(__file__).parents[1] / "tests/live/rotation.yaml")
SUBJECTS = [("root", SMALL), ("root", "catalog/everything"), ("root", "catalog/foundry"), ("issuer", "catalog/foundry")]


def main() -> None:
    machine()
    rows, failed, reached = [], 0, []
    for number, (what, file) in enumerate(SUBJECTS):
        network, name, found = load(file).network, f"bench-{os.getpid()}-{number}", tools.find()
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
                what, network.name, result["requests"], result["failed"], f"{result['rate']['reached']:g}", sum(p["requests"] for p in busy),
                round(sum(p["seconds"] for p in busy), 2), took["median"], took["longest"], result["rate"]["late"], sum(r["held"] for r in result["restarted"]),
                f"{len(result['refused']) - len(old)}/{len(result['refused'])}", round(time.perf_counter() - begun, 1),
            ])  # fmt: skip
        twin.down()
    table(
        [
            "round",
            "of",
            "requests",
            "failed",
            "a second",
            "in rotation",
            "rotation s",
            "median ms",
            "most ms",
            "late ms",
            "held",
            "refused",
            "all s",
        ],
        rows,
    )
    print(f"{failed} failed or not refused in {len(rows)} rotations (goal 0), {min(reached):g} requests a second at least (goal {RATE})")


if __name__ == "__main__":
    main()
