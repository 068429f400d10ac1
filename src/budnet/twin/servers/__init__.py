"""Recipes: how to run the real servers of a topology, one file a server.

A recipe is a pure function from plain arguments to a `Process`. What they have in common:

- without `addresses` a server listens on every address of its namespace, IPv4 and IPv6, so it may start before its
  addresses are there; in any case it listens on the ports that `Process.listens` names and on no other;
- it sends nothing of its own accord to another endpoint: no health checks, no updates, no statistics;
- it keeps what it writes in its own directory, small, because that lies in memory; it logs to `{dir}/log`.
"""

from __future__ import annotations

from dataclasses import dataclass

Address = tuple[str, int]
"""An IP address, or a name where a server resolves it, and a port."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a server proves itself with, in PEM."""

    chain: bytes
    """Its own certificate first, then its issuers' up to, and without, the root."""
    key: bytes


def hostport(host: str, port: int) -> str:
    """`10.0.0.1:80`, `[fd00::1]:80`."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def lines(*groups: str) -> bytes:
    """A configuration file from its lines; an empty one is left out."""
    return "".join(f"{line}\n" for line in groups if line).encode()
