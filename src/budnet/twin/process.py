"""A server of the twin as a value: what to write, what to run, where, and when it counts as ready.

Recipes in `twin/servers/` return these; only the agent starts them. A recipe is pure: it reads
the Network and the tools that were found, and touches nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

HANGUP, SETTINGS, MASTER, RESTART = "SIGHUP", "CONFIG SET", "reload", "restart"
"""How a server takes other files (`Process.takes`): PostgreSQL's, Redis's and HAProxy's ways, and that of all others."""

NOBODY = 65534
"""A uid that every distribution has an account for, so that a program that looks itself up finds one."""


@dataclass(frozen=True, slots=True)
class File:
    """A file in the twin's private tmpfs. `path` is relative to the process's own directory."""

    path: str
    content: bytes
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class Process:
    """One server process.

    Every `{dir}` in `argv`, `prepare`, `env` and file contents stands for the process's own directory
    (on a tmpfs that only the twin sees); the agent fills it in.
    """

    name: str
    """Unique in the twin: the endpoint's id, e.g. `control-plane/data/postgresql`."""
    namespace: str
    """The network namespace to run in (an endpoint's id, too)."""
    software: str
    """What a user calls it, with its version where known: `PostgreSQL 15`."""
    argv: tuple[str, ...]
    files: tuple[File, ...] = ()
    prepare: tuple[tuple[str, ...], ...] = ()
    """Commands run one after the other before the server, in the same place and as the same user."""
    env: tuple[tuple[str, str], ...] = ()
    uid: int | None = None
    """Run in a nested user namespace as this uid: for servers that refuse to run as root."""
    binds: tuple[tuple[str, str], ...] = ()
    """(file in the process's directory, path it is mounted over) for this process only."""
    overlay: tuple[str, str] | None = None
    """(folder, folder of the machine it is laid over, read-only, for this process only): for programs that look where they
    would have been installed."""
    netns: tuple[tuple[str, str], ...] = ()
    """(name, network namespace): what the process finds as /run/netns/NAME."""
    listens: tuple[tuple[str, int], ...] = ()
    """(protocol, port) pairs, `tcp` or `udp`, on which it listens before it counts as ready; it listens on no other."""
    elsewhere: tuple[tuple[str, str, int], ...] = ()
    """(namespace, protocol, port) of what it listens on outside its own namespace."""
    optional: bool = False
    """Whether the twin comes up without it, where it ends before it is ready: for what it carries, somebody else reports."""
    takes: str = RESTART
    """How it takes other certificates and roots while it runs: HANGUP, SETTINGS, MASTER or RESTART."""
    doors: tuple[str, ...] = ()
    """With MASTER: the frontends to which all comes that it opens connections for in other namespaces (`haproxy_master.reload`)."""
    mark: tuple[str, str] | None = None
    """(file in the process's directory, text in it) to await as well: for a server that listens before it answers."""
