"""Claim: one policy of 1,000 edited, and the table of 10,000 pods is that of the edited cluster in less than 30 ms.

Subjects: edits of one policy each, in the table that there is, beside making the whole table again, with which a sample of pairs
is compared at the end. Then as `budnet prove --watch` does it: a file is written and read again, and those guarantees are proved
again that it can touch.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from random import Random

from common import machine, median, seconds, table
from generated_clusters import Object, cluster

from budnet.ir.address import Protocol
from budnet.ir.filters import BlockPeer, NetworkPolicy, PolicyPort
from budnet.observe.kubernetes import cluster as observed
from budnet.observe.kubernetes.fields import Place, Problems
from budnet.questions.watch import Watch
from budnet.reach.table.change import change
from budnet.reach.table.table import Table
from budnet.records import replace

GOAL = 0.030
ROUNDS = 9
GUARANTEES = """guarantees:
- {only: {from: team000/app00000, to: team000/app00050}}
- {never: {from: internet, to: team001/app00001}}
- {never: {from: 'team002/*', to: 'team003/*', ports: 22/tcp}}
"""


def main() -> None:
    machine()
    worst = 0.0
    for title, objects in (
        ("10,000 pods of 500 workloads", cluster(500, 20, 50, 1000)),
        ("10,000 pods, all different", cluster(10_000, 1, 50, 1000)),
    ):
        taken = _edits(title, objects)
        worst = worst or taken
    _watched(cluster(500, 20, 50, 1000))
    print(f"one policy of 1,000 edited: {worst * 1000:.0f} ms in the slowest kind of edit (goal: {GOAL * 1000:.0f} ms)")


def _ports(port: int) -> Callable[[NetworkPolicy], NetworkPolicy]:
    return lambda p: replace(p, ingress=tuple(replace(r, ports=(PolicyPort(Protocol.TCP, port),)) for r in p.ingress or ()))


def _edits(title: str, objects: list[Object]) -> float:
    network = observed.network([(o, Place("generated")) for o in objects], Problems()).network
    start = time.perf_counter()
    now = Table(network)
    whole = time.perf_counter() - start
    dice = Random(7)
    kinds: dict[str, Callable[[int], Callable[[NetworkPolicy], NetworkPolicy]]] = {
        "a port that others name": lambda _: _ports(5432),
        "a port that nobody named": lambda n: _ports(20_000 + n),
        "a prefix that nobody named": lambda n: lambda p: replace(p, ingress=tuple(
            replace(r, peers=(*r.peers, BlockPeer(ip_network(f"198.51.{n}.0/27")))) for r in p.ingress or ())),
        "nobody is let in": lambda _: lambda p: replace(p, ingress=()),
    }  # fmt: skip
    rows, slowest = [], 0.0
    for kind, edit in kinds.items():
        taken, pairs = [], []
        for number in range(ROUNDS):
            policies = list(network.policies)
            at = dice.randrange(len(policies))
            policies[at] = edit(number)(policies[at])
            network = replace(network, policies=tuple(policies))
            start = time.perf_counter()
            found = change(now, network)
            taken.append(time.perf_counter() - start)
            assert found is not None, "the table had to be made anew"
            pairs.append(len(found.sources))
        slowest = max(slowest, median(taken))
        rows.append([kind, f"{median(taken) * 1000:.1f}", f"{max(taken) * 1000:.1f}", median(pairs), f"{whole / median(taken):.0f}"])
    table([f"{title}: the edit", "ms", "slowest", "pairs changed", "times faster"], rows)
    print(f"the whole table again: {whole * 1000:.0f} ms; {_differ(now, Table(network), dice)} of a sample of pairs differ from it\n")
    return slowest


def _differ(edited: Table, fresh: Table, dice: Random) -> int:
    """In how many of a sample of pairs of pods a table that was edited is not the one made anew."""
    ids = dice.sample(sorted(fresh.columns.of), 300)
    differ = 0
    own, other = ({key: each.columns.of[key] for key in ids} for each in (edited, fresh))
    cells = []
    for each, columns in ((edited, own), (fresh, other)):
        rows = {s: dict(found) for s, found in each.arriving(set(columns.values())).items()}
        cells.append([each.sets(rows.get(columns[a], {}).get(columns[b], 0)) for a in ids for b in ids[:50]])
    differ += sum(a != b for a, b in zip(*cells, strict=True))
    return differ


def _watched(objects: list[Object]) -> None:
    """As a user has it: a folder with a file for each policy."""
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        folder = here / "manifests"
        folder.mkdir()
        policies = [o for o in objects if o["kind"] == "NetworkPolicy"]
        rest = [o for o in objects if o["kind"] != "NetworkPolicy"]
        (folder / "all.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": rest}))
        for number, policy in enumerate(policies):
            (folder / f"p{number:05}.json").write_text(json.dumps(policy))
        (here / "guarantees.yaml").write_text(GUARANTEES)
        watch = Watch(None, f"kubernetes:{folder}", str(here / "guarantees.yaml"))
        start = time.perf_counter()
        assert watch.look()
        first = time.perf_counter() - start
        taken = []
        for number in range(ROUNDS):
            policies[number]["spec"]["podSelector"] = {}
            (folder / f"p{number:05}.json").write_text(json.dumps(policies[number]))
            start = time.perf_counter()
            seen = watch.look()
            taken.append(time.perf_counter() - start)
            assert seen is not None and seen.flows is not None
        idle = median([seconds(watch.look) for _ in range(ROUNDS)])
        table(
            ["prove --watch, 1,001 files", "ms"],
            [["first", f"{first * 1000:.0f}"], ["a policy selects its whole namespace", f"{median(taken) * 1000:.0f}"],
             ["nothing was edited", f"{idle * 1000:.0f}"]],
        )  # fmt: skip


if __name__ == "__main__":
    main()
