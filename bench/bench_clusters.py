"""Claim: all pairs of 10,000 pods under 1,000 policies, from the JSON to the matrix, in less than 0.6 s where pods are replicas
of 500 workloads; exactly, hundreds of times faster than `network-config-analyzer`.

Subjects: `budnet matrix --from kubernetes:FILE --format json` as a user calls it, beside a program that only parses the JSON, and
`budnet exposure` of the same file, which asks of every namespace what pods with any labels could open to each workload; the
table of 10,000 pods that are all different, without a word printed; how both grow; the same manifests as YAML. Peer:
network-config-analyzer 2.1.0 with 200 and 400 pods, where BUDNET_PEER names an interpreter that has it (it is not installed here);
every pair on which the two do not agree is then asked of the judge of `tests/properties`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random

from common import BUDNET, MB, machine, median, table
from generated_clusters import Object, cluster
from plot import log_log, slope

GOAL, GOAL_EXPOSURE, GOAL_DIFFERENT, GOAL_PEER = 0.6, 1.0, 4.0, 300
ROUNDS = 5
PLOT = Path(__file__).with_name("growth.svg")
PEER = os.environ.get("BUDNET_PEER", "")
PARSE = "import msgspec, sys; msgspec.json.decode(open(sys.argv[1], 'rb').read())"
STEPS = """
import sys, time
import numpy as np
from budnet.collector import paused
from budnet.observe.kubernetes import cluster, sources
from budnet.observe.kubernetes.fields import Problems
from budnet.reach.table.table import Table
problems = Problems()
start = time.perf_counter()
with paused():  # as where manifests are read
    objects = list(sources.objects(sys.argv[1], problems))
parsed = time.perf_counter()
network = cluster.network(objects, problems).network
read = time.perf_counter()
table = Table(network)
pairs = sum(int(np.count_nonzero(block)) for _, _, block in table.blocks())
# what the kernel counted for this program; getrusage has that of whoever started it as well
peak = next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(parsed - start, read - parsed, time.perf_counter() - read, pairs, table.columns.count, peak)
"""
"""Prints seconds to parse, to read and to work out all pairs; how many have a connection; how many columns there are; bytes at the peak."""


def main() -> None:
    machine()
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        replicas = _written(here / "replicas.json", cluster(500, 20, 50, 1000))
        different = _written(here / "different.json", cluster(10_000, 1, 50, 1000))
        matrix, exposure = _replicas(replicas)
        worst = _different(different)
        _growth(here)
        _yaml(here)
        _peer(here)
    goal = f"goal: {GOAL} s, {GOAL_EXPOSURE:.0f} s and {GOAL_DIFFERENT:.0f} s"
    print(
        f"10,000 pods: {matrix:.2f} s from JSON to the matrix of 500 workloads, {exposure:.2f} s to what new pods could open, "
        f"{worst:.2f} s for pods all different ({goal})"
    )


def _replicas(file: Path) -> tuple[float, float]:
    runs: dict[str, list[tuple[float, float]]] = {"budnet matrix": [], "budnet exposure": [], "a parser of JSON alone": []}
    for _ in range(ROUNDS):
        for verb in ("matrix", "exposure"):
            runs[f"budnet {verb}"].append(_process(BUDNET, verb, "--from", f"kubernetes:{file}", "--format", "json"))
        runs["a parser of JSON alone"].append(_process(sys.executable, "-c", PARSE, file))
    rows = [[name, median([r[0] for r in of]), min(r[0] for r in of), f"{max(r[1] for r in of) / MB:.0f}"] for name, of in runs.items()]
    table(["whole process, 500 workloads of 20 pods", "seconds", "best", "MB"], rows)
    parsed, read, worked, _, columns, _ = _steps(file)
    share = parsed / (parsed + read + worked)
    print(f"inside: parsing {parsed:.3f} s ({share:.0%}), reading {read:.3f} s, all pairs {worked:.3f} s; {columns:.0f} columns\n")
    return median([r[0] for r in runs["budnet matrix"]]), median([r[0] for r in runs["budnet exposure"]])


def _different(file: Path) -> float:
    found = [_process(sys.executable, "-c", STEPS, file) for _ in range(3)]
    parsed, read, worked, pairs, *_ = _steps(file)
    seconds = median([f[0] for f in found])
    rows = [["10,000 pods, all different", seconds, parsed, read, worked, f"{pairs / 1e6:.1f} M", f"{max(f[1] for f in found) / MB:.0f}"]]
    table(["whole process", "seconds", "parsing", "reading", "all pairs", "connected", "MB"], rows)
    return seconds


def _growth(here: Path) -> None:
    """From 1,000 to 100,000 pods of 20 a workload, with a policy for ten pods up to 1,000; drawn into PLOT."""
    rows, seconds, memory = [], [], []
    for pods in (1_000, 3_000, 10_000, 30_000, 100_000):
        file = _written(here / "grown.json", cluster(pods // 20, 20, 50, min(1000, pods // 10)))
        parsed, read, worked, *_, peak = _steps(file)
        seconds.append((pods, parsed + read + worked))
        memory.append((pods, peak / MB))
        rows.append([f"{pods:,} pods", parsed, read, worked, f"{peak / MB:.0f}"])
    table(["growth, in the process", "parsing", "reading", "all pairs", "MB"], rows)
    lines = {"seconds, from JSON to all pairs": seconds, "MB at the peak": memory}
    PLOT.write_text(log_log("pods of 20 a workload, up to 1,000 policies", "pods", "seconds, MB", lines))
    print(f"slope: seconds grow with the number of pods to the power of {slope(seconds):.2f}; drawn in bench/{PLOT.name}\n")


def _yaml(here: Path) -> None:
    """The same manifests in both languages."""
    objects = cluster(50, 20, 10, 100)
    import yaml

    (here / "same.yaml").write_text(yaml.dump_all(objects, Dumper=yaml.CSafeDumper))
    same = _written(here / "same.json", objects)
    rows = [[name, *_steps(file)[:1], f"{file.stat().st_size / MB:.2f}"] for name, file in (("JSON", same), ("YAML", here / "same.yaml"))]
    table(["1,000 pods, 100 policies, parsing", "seconds", "MB"], rows)


# ---- the peer -----------------------------------------------------------------------------------------------------------


def _peer(here: Path) -> None:
    if not PEER:
        print("network-config-analyzer: not measured; BUDNET_PEER is the interpreter of an environment that has it\n")
        return
    rows = []
    for pods in (200, 400):
        objects = cluster(pods, 1, 10, pods // 10, blocks=False)
        folder = here / f"peer{pods}"
        folder.mkdir()
        (folder / "all.yaml").write_text("".join(f"---\n{json.dumps(o)}\n" for o in objects))
        file, said = _written(here / f"peer{pods}.json", objects), here / f"peer{pods}.txt"
        arguments = ("--resource_list", folder, "--output_format", "txt_no_fw_rules", "--output_endpoints", "pods", "--file_out", said)
        theirs = _process(PEER, "-m", "nca", "--connectivity", *arguments)[0]
        ours = median([_process(BUDNET, "matrix", "--from", f"kubernetes:{file}", "--format", "json")[0] for _ in range(3)])
        inside = sum(_steps(file)[:3])
        differ, wrong, right = _judged(objects, said.read_text())
        rows.append([f"{pods} pods", theirs, ours, inside, f"{theirs / ours:.0f}", f"{theirs / inside:.0f}", differ, wrong, right])
    columns = ["", "peer s", "budnet s", "inside s", "ratio", "ratio inside", "pairs differ", "peer wrong", "budnet wrong"]
    table(columns, rows)
    print(f"(goal: at least {GOAL_PEER} times; a whole process of budnet is mostly the start of its interpreter)\n")


def _judged(objects: list[Object], said: str) -> tuple[int, int, int]:
    """How many pairs of pods differ, and in how many each is not what the judge says of some port."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    from properties.cluster_flows import Tabled
    from properties.kubernetes_judge import Judge

    judge, tabled = Judge(objects), Tabled(objects)
    theirs: dict[tuple[str, str], frozenset[int]] = {}
    own: dict[int, frozenset[int]] = {}
    for line in said.splitlines():
        found = re.match(r"(\S+?)(?:\[Pod\])? => (\S+?)(?:\[Pod\])? : (.*)", line)
        if found:
            theirs[found[1], found[2]] = _tcp(found[3])
    pods = {f"{p.namespace}/{p.name}": p for p in judge.pods}
    differ = wrong = ours_wrong = 0
    for here, one in pods.items():
        for there, other in pods.items():
            if here == there:
                continue
            cell = int(tabled.cells[tabled.column(one, 4), tabled.column(other, 4)])
            if cell not in own:
                ranges = [r for protocol, r in tabled.table.sets(cell)[0] if protocol.name == "TCP"]
                own[cell] = frozenset(p for r in ranges for p in range(r.first or 1, r.last + 1))
            mine, said_there = own[cell], theirs.get((here, there), frozenset())
            if mine != said_there:
                differ += 1
                ports = sorted(mine ^ said_there)
                asked = {p: judge.verdict(one, other, "TCP", p) == "allowed" for p in Random(0).sample(ports, min(20, len(ports)))}
                wrong += any((p in said_there) is not allowed for p, allowed in asked.items())
                ours_wrong += any((p in mine) is not allowed for p, allowed in asked.items())
    return differ, wrong, ours_wrong


@cache
def _tcp(words: str) -> frozenset[int]:
    """The TCP ports of what the peer writes: `All connections`, or `{protocols:TCP,dst_ports:80,8000-8100}`."""
    if words.startswith("All"):
        return frozenset(range(1, 65536))
    found = re.search(r"protocols:TCP(?:,dst_ports:([\d,-]+))?", words)
    if not found:
        raise SystemExit(f"the peer's {words!r} is not understood")
    ports: set[int] = set()
    for part in (found[1] or "1-65535").split(","):
        if part:
            first, _, last = part.partition("-")
            ports |= set(range(int(first), int(last or first) + 1))
    return frozenset(ports)


# ---- processes ----------------------------------------------------------------------------------------------------------


def _written(file: Path, objects: list[Object]) -> Path:
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    return file


def _process(*command: str | Path) -> tuple[float, float]:
    """(seconds, bytes at the peak) of a whole process."""
    start = time.perf_counter()
    child = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command[0]} ended with {child.returncode}")
    return time.perf_counter() - start, used.ru_maxrss * 1024


def _steps(file: Path) -> Sequence[float]:
    """What STEPS prints."""
    said = subprocess.run([sys.executable, "-c", STEPS, file], check=True, capture_output=True, text=True)
    return [float(word) for word in said.stdout.split()]


if __name__ == "__main__":
    main()
