"""Claim: a fleet of 50 clusters is up and proved in seconds, and costs less than 50 times a fleet of one.

Subject: `catalog/fleet` with 10 and with 50 members: `budnet up` as a user calls it, `budnet prove`, and the memory of
all processes of the twin. Beside it, in turns: the same file with one member, which is what a single cluster costs.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from common import BUDNET, MB, machine, middle, processes_of, pss, run, table, take_turns, twin_by_command

from budnet.catalog import topology_text

REPETITIONS = 3
SIZES = (1, 10, 50)


def up_and_proved(file: Path) -> dict[str, float]:
    with twin_by_command(f"bench-{os.getpid()}", str(file)) as (twin, up):
        spaces = len(twin.status()["spaces"])
        memory = sum(map(pss, processes_of(twin))) / MB
    proved = run(BUDNET, "prove", file)
    return {"namespaces": spaces, "up": up, "proved": proved, "both": up + proved, "MB": memory}


def main() -> None:
    machine()
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for size in SIZES:
            files[size] = Path(folder) / f"fleet-{size}.yaml"
            files[size].write_text(re.sub(r"count: \d+", f"count: {size}", topology_text("fleet").decode()), encoding="utf-8")
        runs = take_turns(REPETITIONS, **{str(size): lambda file=files[size]: up_and_proved(file) for size in SIZES})
    found = {size: middle(runs[str(size)]) for size in SIZES}
    columns = ["namespaces", "up", "proved", "both", "MB"]
    table(["clusters", *columns], [[str(size), *(found[size][c] for c in columns)] for size in SIZES])
    ratio = found[50]["both"] / found[1]["both"]
    print(f"50 clusters up and proved in {found[50]['both']:.1f} s, {ratio:.1f} times one cluster (goal at most 50 times)")


if __name__ == "__main__":
    main()
