"""What a twin could leave behind on a machine, as a value that can be compared."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Traces:
    """Processes of the twin in process namespaces of its own, mounts, interfaces, files and unix sockets.

    The twin's processes are known by a word in their environment, so that another twin beside this one does not matter.
    What a server is started with does not have it, but it cannot outlive the first process of its namespace, which has.
    """

    foreign: frozenset[int]
    mounts: tuple[str, ...]
    interfaces: tuple[str, ...]
    files: tuple[str, ...]
    doors: tuple[str, ...]


def traces(marker: str) -> Traces:
    """What is there now of the twins whose names begin with `marker`."""
    mounts = tuple(sorted(line.split(" ", 3)[3] for line in Path("/proc/self/mountinfo").read_text().splitlines()))
    files = tuple(sorted(str(p) for folder in ("/tmp", "/run", "/var/run", "/dev/shm") for p in Path(folder).glob("*budnet*")))
    doors = tuple(line.split()[-1] for line in Path("/proc/net/unix").read_text().splitlines() if marker in line)
    return Traces(frozenset(foreign(marker)), mounts, tuple(sorted(os.listdir("/sys/class/net"))), files, doors)


def foreign(marker: str) -> Iterator[int]:
    """Processes with the marker in their environment that live in a process namespace that is not ours."""
    ours = os.readlink("/proc/self/ns/pid")
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.readlink(entry / "ns/pid") != ours and marker.encode() in (entry / "environ").read_bytes():
                    yield int(entry.name)
            except OSError:
                continue


def settle(before: Traces, marker: str, seconds: float = 5.0) -> Traces:
    """Waits for the kernel to finish taking things down; returns what is there then."""
    deadline = time.monotonic() + seconds
    while (now := traces(marker)) != before and time.monotonic() < deadline:
        time.sleep(0.01)
    return now
