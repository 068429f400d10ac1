"""Claim: `budnet check` answers in less than 0.3 s from a cold start, on the reference topology.

Subject: the command as a user calls it, reading, resolving and linting 69 endpoints and 217 flows. Floor: the same
interpreter that does nothing. They take turns; best is what the program needs, median what this machine gave it.
"""

from __future__ import annotations

import sys
from functools import partial

from common import BUDNET, machine, median, run, table, take_turns

REPETITIONS = 10
GOAL = 0.3


def main() -> None:
    machine()
    runs = take_turns(REPETITIONS, check=partial(run, BUDNET, "check"), python=partial(run, sys.executable, "-c", "pass"))
    names = {"check": "budnet check", "python": "python -c pass"}
    table(["seconds", "median", "best"], [[names[name], median(found), min(found)] for name, found in runs.items()])
    print(f"median {median(runs['check']):.3f} s, best {min(runs['check']):.3f} s (goal less than {GOAL} s)")


if __name__ == "__main__":
    main()
