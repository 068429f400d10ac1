"""What every HAProxy of the twin has in common: the head of its configuration, and how it is run.

One that has certificates or roots runs below a master (HAProxy's management guide, "Master-worker mode"): at `reload` the master
reads all files anew and starts another worker, which takes over the listening sockets; the one before it finishes what it has
begun. So no connection is refused, and the process that was started, and its group, stay what they are.
"""

from __future__ import annotations

from collections.abc import Sequence

from budnet.twin.tools import Program

CONTROL = "control"
"""The socket of the master's command line, in the process's directory; the path is relative because a socket's may not be long."""
FINISH = 10
"""Seconds after which a worker that was replaced ends, whatever it has open."""


def head(mode: str = "http", *, settings: Sequence[str] = (), defaults: Sequence[str] = (), maxconn: int = 1000) -> str:
    """The sections `global`, with `settings` added, and `defaults`, for proxies of a mode (`tcp` or `http`).

    One thread and few connections, to be small. The section `resolvers default` is empty on purpose: without one of that name HAProxy opens a
    socket to every name server in the machine's /etc/resolv.conf.
    """
    return "\n".join([
        "global", "    log stdout format raw daemon", "    nbthread 1", f"    maxconn {maxconn}", f"    hard-stop-after {FINISH}s",
        *(f"    {s}" for s in settings),
        "resolvers default",
        "defaults", f"    mode {mode}", "    log global", "    retries 0", "    timeout connect 2s", "    timeout client 60s", "    timeout server 60s",
        *(f"    {d}" for d in defaults),
    ])  # fmt: skip


def command(program: Program, *, reloads: bool = True) -> tuple[str, ...]:
    """Its command line; `reloads` where its files may change while it runs."""
    master = ("-W", "-S", f"unix@{CONTROL},mode,600") if reloads else ()
    return (*program.argv, "-db", *master, "-f", "{dir}/haproxy.cfg")
