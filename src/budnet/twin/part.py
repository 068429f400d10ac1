"""Taking a part of a running twin away, and bringing it back: its process is killed, or nothing passes its wire any more.

A process starts again as a supervisor starts it: with the files that it has now, which may be newer than those it began with
(certificates are renewed while it runs), and without what prepared its first start.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from budnet.errors import TwinError
from budnet.twin import supervisor, tunnels, watcher
from budnet.twin.linux import LinuxKernel
from budnet.twin.staging import Stage
from budnet.twin.supervisor import Running
from budnet.twin.tunnels import End, WireGuardEnd

_CUT = "drill"
"""The table that stands for a cut wire."""


@dataclass(frozen=True, slots=True)
class Part:
    """What can be taken away. `how` says what is done to it."""

    name: str
    how: str
    take: Callable[[], None]
    give: Callable[[], None]
    well: Callable[[], bool] = lambda: True
    """Whether it is as it was: tunnels that end there are up."""


def together(nodes: Sequence[str], running: Sequence[Running], stage: Stage, kernel: LinuxKernel, home: Path) -> Part:
    """Several nodes as one part. Raises TwinError for a node that is not there."""
    parts = [_part(node, running, stage.tunnels, kernel) for node in nodes]
    tunnels_here = {w.tunnel for w in stage.watched if w.gateway in nodes}
    ends = [w.gateway for w in stage.watched if w.tunnel in tunnels_here]

    def well() -> bool:
        seen = watcher.health(home) if ends else {}
        return all(e in seen and seen[e].up for e in ends)

    how = ", ".join(dict.fromkeys(p.how for p in parts))
    return Part("+".join(nodes), how, lambda: _each(p.take for p in parts), lambda: _each(p.give for p in parts), well)


def _each(work: Iterable[Callable[[], None]]) -> None:
    for one in work:
        one()


def _part(node: str, running: Sequence[Running], ends: Sequence[End], kernel: LinuxKernel) -> Part:
    """The processes that run at a node; where there are none, its wire."""
    if node not in kernel.spaces:
        raise TwinError(f"there is no {node} in this twin: `budnet ps` lists what there is")
    here = [r for r in running if r.process.namespace == node]
    if not here:
        return Part(node, "its wire is cut", lambda: _cut(node, kernel), lambda: _mend(node, kernel))
    software = " and ".join(dict.fromkeys(r.process.software for r in here))
    own = [e for e in ends if e.space == node]
    return Part(node, f"{software} is killed", lambda: _kill(here), lambda: _start(here, own, kernel))


def _kill(here: Sequence[Running]) -> None:
    for one in here:
        with suppress(ProcessLookupError):
            os.killpg(one.pid, signal.SIGKILL)


def _start(here: Sequence[Running], ends: Sequence[End], kernel: LinuxKernel) -> None:
    """Returns when all listen. A tunnel comes up by itself: the other end of IPsec begins it anew (DPD), WireGuard has to be
    told its keys again."""
    again = [supervisor.again(one) for one in here]
    try:
        supervisor.wait_ready(again)
    except supervisor.ServerFailed as failed:
        raise TwinError(f"it does not come back: {failed}") from failed
    tunnels.bring_up([e for e in ends if isinstance(e, WireGuardEnd)], kernel.spaces)


def _cut(node: str, kernel: LinuxKernel) -> None:
    chains = "\n".join(
        f"chain {hook} {{ type filter hook {hook} priority -500; policy drop; }}" for hook in ("prerouting", "output")
    )  # the loopback device is no wire, but nobody asks a node that nobody reaches
    kernel.rules(node, f"add table inet {_CUT}\ndelete table inet {_CUT}\ntable inet {_CUT} {{\n{chains}\n}}")


def _mend(node: str, kernel: LinuxKernel) -> None:
    kernel.rules(node, f"add table inet {_CUT}\ndelete table inet {_CUT}")
