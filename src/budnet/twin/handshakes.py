"""TLS questions inside the twin: from a namespace to a server, all that `tls.scan` asks, and which ports listen there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from budnet.tls.scan import scan_all
from budnet.tls.talk import Place
from budnet.twin import supervisor, syscall

_SECONDS = 2.0
"""For each step: everything is on this machine."""


class Door(NamedTuple):
    """A server to ask: from the namespace `source`, at an address of the endpoint `target`."""

    source: str
    target: str
    address: str
    port: int
    name: str
    starttls: str


def ask(doors: Iterable[Door], spaces: Mapping[str, int], identity: Path) -> Iterator[dict[str, Any]]:
    """`Seen` as JSON for each, with `ports`: what listens in the target's namespace. Leaves this thread in some namespace."""
    asked = list(doors)
    places = [Place(d.address, d.port, d.name, d.starttls, _SECONDS, partial(syscall.setns, spaces[d.source])) for d in asked]
    client = identity if identity.exists() else None
    for door, seen in zip(asked, scan_all(places, client), strict=True):
        yield seen.json() | {"ports": sorted(supervisor.listening(spaces[door.target]))}
