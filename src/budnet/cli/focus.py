"""Options that leave of a matrix what somebody looks for."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

import click

from budnet.cli.output import wrong
from budnet.ir.address import Protocol
from budnet.packets.transports import Transports

_Port = tuple[Protocol, int]


def focus_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options, for a command that takes them as `**focus`."""
    for option in (
        click.option("--unknown", is_flag=True, help="Only rows of which something is not known."),
        click.option("--port", metavar="PORT", help="Only rows where this port passes or may pass: 5432/tcp."),
        click.option("--direction", type=click.Choice(["in", "out"]), help="Only connections to, or from, --workload."),
        click.option("--peer", metavar="NAME", help="Only rows between --workload and these; alone as --workload."),
        click.option("--workload", metavar="NAME", help="Only rows with these on a side: shop/web, 'shop/*'."),
    ):
        command = option(command)
    return command


class Focus:
    """What rows to keep. Names are compared as they are printed, with or without their kind; `*` is anything."""

    def __init__(self, workload: str | None, peer: str | None, direction: str | None, port: str | None, unknown: bool) -> None:
        if direction and not workload:
            wrong("--direction is that of --workload: name it, too")
        self._one: str | None = workload or peer
        self._other: str | None = peer if workload else None
        self.everything = not (self._one or port or unknown)
        self._direction, self._unknown = direction, unknown
        self._port = _port(port) if port else None

    def pair(self, src: str, dst: str) -> bool:
        """By who they are."""
        outwards = self._direction != "in" and _called(src, self._one) and _called(dst, self._other)
        return outwards or (self._direction != "out" and _called(dst, self._one) and _called(src, self._other))

    def what(self, allowed: Transports, unknown: Transports) -> bool:
        """By what passes and what may."""
        if self._unknown and not unknown:
            return False
        return self._port is None or self._port in allowed or self._port in unknown


def _called(label: str, pattern: str | None) -> bool:
    # a kind stands in brackets, which in a pattern are a choice of letters
    return pattern is None or label == pattern or fnmatchcase(label, pattern) or fnmatchcase(label.partition("[")[0], pattern)


def _port(text: str) -> _Port:
    number, _, protocol = text.partition("/")
    known = {p.name.lower(): p for p in Protocol}
    if not number.isdigit() or int(number) > 65535 or (protocol or "tcp") not in known:
        wrong(f"'{text}' is no port: write 5432/tcp")
    return known[protocol or "tcp"], int(number)
