"""The master of an HAProxy that runs: what it is told, and reloads that lose no connection.

What `reload` does is in `servers/haproxy_run.py`. HAProxy 2.6 answers it with nothing; what came of it is in `show proc`: how many
reloads there were and how many of them failed, and which workers that were replaced have not ended yet.
"""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from budnet.errors import TwinError
from budnet.twin.servers.haproxy_run import CONTROL, FINISH
from budnet.twin.supervisor import LOG, Running

GRACE = 2.0
"""Seconds that a request has to be passed on before the worker that has it is replaced."""
_SECONDS, _LOOK, _OPEN = 5.0, 0.01, 1000
_COUNTS = re.compile(r"\bmaster\s+(\d+) \[failed: (\d+)\]")


@dataclass(frozen=True, slots=True)
class _Master:
    reloads: int
    failed: int
    old: int
    """Workers that were replaced and have not ended."""


def reload(server: Running) -> None:
    """Makes it read its files anew; returns when every worker that was replaced has ended, so that nobody meets the old files.

    Raises TwinError, with what the master says, where it cannot go on with them: the worker from before stays then.
    """
    try:
        _quieten(server)
        _reload(server)
    except (TwinError, OSError):
        if server.process.doors:
            _admit(server, _sessions(server), _OPEN)
        raise


def _quieten(server: Running) -> None:
    """A worker that is to end closes its namespaces (HAProxy, src/namespace.c: on soft stop), so what it has begun and not yet passed on
    would fail. Before that its doors accept nobody, who wait in the queue of the listening socket for the next worker, and it finishes;
    then it accepts nobody anywhere, for the next one may call it. Who takes longer than GRACE goes on at their own risk."""
    doors = server.process.doors
    if not doors:
        return
    _admit(server, doors, 0)
    until = time.monotonic() + GRACE
    while any(_sessions(server)[door] for door in doors) and time.monotonic() < until:
        time.sleep(_LOOK)
    _admit(server, _sessions(server), 0)


def _admit(server: Running, frontends: Iterable[str], most: int) -> None:
    """How many connections at once each of them accepts."""
    ask(server.directory, "\n".join(f"@1 set maxconn frontend {name} {most}" for name in frontends))


def _sessions(server: Running) -> dict[str, int]:
    """How many connections each frontend has: of `show stat`, the column `scur`."""
    rows = (line.split(",") for line in ask(server.directory, "@1 show stat").splitlines())
    return {row[0]: int(row[4]) for row in rows if len(row) > 4 and row[1] == "FRONTEND"}


def _reload(server: Running) -> None:
    before = _look(server.directory)
    ask(server.directory, "reload")  # the master becomes another program at that, so our connection ends
    until = time.monotonic() + _SECONDS + FINISH
    while (now := _look(server.directory)).reloads == before.reloads or (now.old and now.failed <= before.failed):
        if time.monotonic() > until:
            raise TwinError(f"{server.process.name}: what was running before the reload has not ended")
        time.sleep(_LOOK)
    if now.failed > before.failed:
        said = [line for line in (server.directory / LOG).read_text(errors="replace").splitlines() if "[ALERT]" in line]
        raise TwinError(f"{server.process.name} ({server.process.software}) does not take its new files: {'; '.join(said[-3:])}")


def ask(directory: Path, command: str) -> str:
    """What the master says to a command; `@1 COMMAND` is for its worker. Raises OSError.

    A socket's path has at most 107 characters, and ours may have more: it is reached through a descriptor of its folder.
    """
    folder = os.open(directory, os.O_PATH)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
            control.settimeout(_SECONDS)
            control.connect(f"/proc/self/fd/{folder}/{CONTROL}")
            control.sendall(f"{command}\nquit\n".encode())
            data = b""
            while part := control.recv(65536):
                data += part
    finally:
        os.close(folder)
    return data.decode(errors="replace").strip()


def _look(directory: Path) -> _Master:
    """`show proc`; a master that is just becoming another program is asked again."""
    until = time.monotonic() + _SECONDS
    while True:
        said = ""
        try:
            said = ask(directory, "show proc")
        except OSError as refused:
            if time.monotonic() > until:
                raise TwinError(f"the master of {directory.name} does not answer: {refused}") from refused
        if found := _COUNTS.search(said):
            return _Master(int(found[1]), int(found[2]), len(_old(said)))
        if time.monotonic() > until:
            raise TwinError(f"the master of {directory.name} does not say what runs: {said}")
        time.sleep(_LOOK)


def _old(said: str) -> list[str]:
    section = said.partition("# old workers")[2].partition("#")[0]
    return [line for line in section.splitlines() if line.strip()]
