"""What the benchmarks share: repeating, tables, generated topologies, throw-away namespaces, memory.

A script measures its subject and its peer or floor in one run. They take turns, so that a busy moment of the machine
hits both, and medians are compared. The last line is the figure that is claimed, with its goal.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from budnet.ir.network import Network
from budnet.pipeline import load_text
from budnet.twin import lab, syscall
from budnet.twin.lab import Twin

BUDNET = Path(sys.prefix) / "bin/budnet"
CACHE = Path(sys.prefix) / "share/budnet/bench"
"""Where a benchmark keeps what it fetched: in the virtual environment, so gone with it."""
MB = 1_000_000

Value = TypeVar("Value")
median = statistics.median


# ---- measuring ------------------------------------------------------------------------------------------------------


def seconds(work: Callable[[], object]) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def take_turns(repetitions: int, **contenders: Callable[[], Value]) -> dict[str, list[Value]]:
    """Runs every contender `repetitions` times, by turns, and every other round in the opposite order."""
    found: dict[str, list[Value]] = {name: [] for name in contenders}
    for turn in range(repetitions):
        names = list(contenders)
        for name in names if turn % 2 == 0 else reversed(names):
            found[name].append(contenders[name]())
    return found


def middle(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each key over several runs."""
    return {key: median([run[key] for run in runs]) for key in runs[0]}


def machine() -> None:
    """Prints what the figures below were measured on, and whether anything else was running there."""
    system = os.uname()
    print(f"{os.cpu_count()} cores, {system.sysname} {system.release.partition('-')[0]}, load {os.getloadavg()[0]:.1f} before\n")


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Prints rows under their columns; the first is text, the others are numbers."""
    cells = [[f"{c:.3f}" if isinstance(c, float) else str(c) for c in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    for row in (columns, *cells):
        print("  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))))
    print()


# ---- subjects -------------------------------------------------------------------------------------------------------


def network(text: str) -> Network:
    """The Network that a topology means."""
    loaded = load_text(text.encode(), "generated.yaml", {})
    assert loaded.network is not None, loaded.diagnostics
    return loaded.network


def flat(size: int) -> str:
    """A topology of `size` hosts in one subnet, each of which may talk to the next."""
    services = "".join(f"  s{i}: {{subnet: lan/hosts, ports: {{http: 8080/tcp}}}}\n" for i in range(size))
    flows = "".join(f"  - {{from: s{i}, to: s{(i + 1) % size}, port: http}}\n" for i in range(size))
    return f"""\
budnet: 1
name: flat
domain: example.com
networks:
  lan: {{cidr: 10.0.0.0/16, subnets: {{hosts: {{cidr: 10.0.0.0/19, access: isolated}}}}}}
services:
{services}flows:
{flows}"""


def tiers(size: int) -> str:
    """A topology of about `size` endpoints: shops of ten (an entrance, six pods, three databases) in two peered networks."""
    services, flows, guarantees = [], [], []
    for i in range(size // 10):
        net = "east" if i % 2 == 0 else "west"
        services += [
            f"  door{i}: {{subnet: {net}/public, kind: load-balancer, ports: {{http: 8000/tcp}}}}",
            f"  web{i}: {{subnet: {net}/apps, namespace: shop{i}, replicas: 3, ports: {{http: 8080/tcp}}}}",
            f"  pay{i}: {{subnet: {net}/apps, namespace: shop{i}, replicas: 3, ports: {{grpc: {9000 + i % 50}/tcp}}}}",
            f"  db{i}: {{subnet: {net}/data, replicas: 3, ports: {{sql: 5432/tcp, sync: 7000/tcp}}}}",
        ]
        flows += [
            f"  - {{from: internet, to: door{i}, port: http}}",
            f"  - {{from: door{i}, to: web{i}, port: http}}",
            f"  - {{from: web{i}, to: pay{i}, port: grpc}}",
            f"  - {{from: [web{i}, pay{i}], to: db{i}, port: sql}}",
            f"  - {{from: db{i}, to: db{i}, port: sync}}",
            f"  - {{from: pay{i}, to: pay{(i + 1) % (size // 10)}, port: grpc}}",
        ]
        guarantees.append(f"  - {{only: {{from: [web{i}, pay{i}, db{i}], to: db{i}}}}}")
    nets = "".join(
        f"  {net}: {{cidr: 10.{n}.0.0/16, cloud: {{zones: 2}}, cluster: {{services: 172.{20 + n}.0.0/16}}, subnets: {{"
        f"public: {{cidr: 10.{n}.0.0/20, access: public}}, apps: {{cidr: 10.{n}.32.0/19, access: private}}, "
        f"data: {{cidr: 10.{n}.64.0/20, access: isolated}}}}}}\n"
        for n, net in enumerate(("east", "west"))
    )
    parts = [
        f"budnet: 1\nname: tiers\ndomain: example.com\nnetworks:\n{nets}links:\n  bridge: {{between: [east, west], method: vpc-peering}}",
        "services:", *services, "flows:", *flows, "guarantees:", "  - {never: {from: internet, to: east/data}}", *guarantees, "",
    ]  # fmt: skip
    return "\n".join(parts)


@contextmanager
def outside_any_project() -> Iterator[str]:
    """A folder without a budnet.yaml: there, budnet's FILE is the reference topology."""
    with tempfile.TemporaryDirectory() as folder:
        yield folder


def run(*command: str | Path) -> float:
    """Seconds that a command takes, from its start to its end, in a folder without a budnet.yaml."""
    with outside_any_project() as folder:
        return seconds(lambda: subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL))


@contextmanager
def twin_by_command(name: str, file: str = "catalog/foundry") -> Iterator[tuple[Twin, float]]:
    """The twin of a topology, by `budnet up`; and how long that took."""
    took = run(BUDNET, "up", file, "--name", name)
    twin = Twin(name)
    try:
        yield twin, took
    finally:
        twin.down()


# ---- namespaces -----------------------------------------------------------------------------------------------------


def in_namespaces(work: Callable[[], Any]) -> Any:
    """What `work` returns (as JSON), from a fresh process in namespaces of its own that end with it."""
    ours, theirs = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            syscall.die_with_parent(signal.SIGKILL)
            lab.own_namespaces()
            syscall.die_with_parent(signal.SIGKILL)  # a change of user namespace forgot it
            first = os.fork()  # the first process of the new process namespace: what it leaves behind, the kernel ends
            if first:
                code = os.waitstatus_to_exitcode(os.waitpid(first, 0)[1])
            else:
                syscall.die_with_parent(signal.SIGKILL)
                with suppress(OSError):
                    syscall.mount("proc", "/proc", "proc")
                with os.fdopen(theirs, "w") as answer:
                    json.dump(work(), answer)
                code = 0
        except BaseException as failure:
            print(f"{type(failure).__name__}: {failure}", file=sys.stderr, flush=True)
        finally:
            os._exit(code)
    os.close(theirs)
    with os.fdopen(ours) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    settle()
    if not text:
        raise SystemExit("the measurement failed in its namespaces")
    return json.loads(text)


def settle() -> None:
    """Waits until the kernel has taken apart the namespaces of a process that ended: it does so later, and a new one waits for it."""
    time.sleep(0.2)
    child = os.fork()
    if child == 0:
        with suppress(Exception):
            lab.own_namespaces()
        os._exit(0)
    os.waitpid(child, 0)


# ---- memory ---------------------------------------------------------------------------------------------------------


def processes_of(twin: Twin) -> list[int]:
    """Every process of a twin: those in its process namespace, and the one outside that waits for its agent."""
    ours, theirs = os.pipe()
    with os.fdopen(ours) as said:
        node = next(s["id"] for s in twin.status()["spaces"])
        twin.exec(node, ["readlink", "/proc/self/ns/pid"], streams=(0, theirs, 2))
        os.close(theirs)
        namespace = said.read().strip()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if namespace in {os.readlink(process / "ns/pid"), os.readlink(process / "ns/pid_for_children")}:
                found.append(int(process.name))
    return found


def pss(pid: int) -> int:
    """Bytes of memory of a process; what several share is divided among them."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def children(pid: int) -> list[int]:
    """The processes that a process has started: a master's workers."""
    out = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                out.append(int(stat.parent.name))
    return out


def command_of(pid: int) -> str:
    """The name of a process's program."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return "?"
