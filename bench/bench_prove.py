"""Claim: every guarantee of the reference topology is proved, over all pairs, in less than 0.5 s.

Subject: `Engine` and `prove` in a process, and `budnet prove` as a user calls it, reading included. Beside them what the
command needs before any proof: `budnet check`. Then, to show how it grows, generated topologies of two peered networks,
once each: pairs of addresses looked at, and microseconds a pair.
"""

from __future__ import annotations

import time
from functools import partial

from common import BUDNET, machine, median, network, run, seconds, table, take_turns, tiers

from budnet.pipeline import load
from budnet.reach.engine import Engine
from budnet.reach.prove import Status, prove

REPETITIONS = 5
SIZES = (100, 300, 1000)
GOAL = 0.5


def main() -> None:
    machine()
    foundry = load("catalog/foundry").network
    assert foundry is not None
    runs = take_turns(
        REPETITIONS,
        prove=lambda: seconds(lambda: prove(Engine(foundry))),
        command=partial(run, BUDNET, "prove"),
        check=partial(run, BUDNET, "check"),
    )
    names = {"prove": "Engine and prove, in a process", "command": "budnet prove", "check": "budnet check"}
    table(["seconds", "median", "best"], [[names[name], median(found), min(found)] for name, found in runs.items()])
    rows = []
    for size in SIZES:
        generated = network(tiers(size))
        start = time.perf_counter()
        proofs = prove(Engine(generated))
        took = time.perf_counter() - start
        assert all(p.status is Status.PROVED for p in proofs), [p.summary for p in proofs if p.status is not Status.PROVED]
        pairs = proofs[0].count
        rows.append([f"{len(generated.inside)} endpoints", len(generated.flows), len(proofs), pairs, took, f"{took / pairs * 1e6:.1f}"])
    table(["generated", "flows", "proofs", "pairs", "seconds", "us a pair"], rows)
    inside, command = median(runs["prove"]), median(runs["command"])
    print(f"prove {inside:.2f} s, the command {command:.2f} s (goal less than {GOAL} s)")


if __name__ == "__main__":
    main()
