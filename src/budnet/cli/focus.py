"""Options that leave of a matrix what somebody looks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from budnet.questions.focus import ANSWERS, Focus


def focus_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options, for a command that takes them as `**focus`."""
    for option in (
        click.option("--denied", is_flag=True, help="Only pairs between which nothing passes, or nothing of --port."),
        click.option("--unknown", is_flag=True, help="Only rows of which something is not known."),
        click.option("--allowed", is_flag=True, help="Only rows with something that passes in any case. These three add up."),
        click.option(
            "--port", metavar="PORT", help="Only rows where this passes or may pass: 5432/tcp, 8000-8100/udp, 8/icmp, or a protocol."
        ),
        click.option("--direction", type=click.Choice(["in", "out"]), help="Only connections to, or from, --workload."),
        click.option("--peer", metavar="NAME", help="Only rows between --workload and these; alone as --workload."),
        click.option("--workload", metavar="NAME", help="Only rows with these on a side: shop/web, 'shop/*', internet, 10.1.2.3."),
    ):
        command = option(command)
    return command


def focus(workload: str | None, peer: str | None, direction: str | None, port: str | None, **answers: bool) -> Focus:
    """What the options say. Raises WrongQuestion where they make no sense."""
    return Focus(workload, peer, direction, port, tuple(a for a in ANSWERS if answers[a]))
