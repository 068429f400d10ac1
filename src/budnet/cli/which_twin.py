"""Which twin a verb asks: the one that is up, if it was made of the same; else one of its own."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from budnet.cli.output import is_airgapped, is_literal
from budnet.errors import NoTwin, OtherTwin

if TYPE_CHECKING:
    from budnet.ir.network import Network
    from budnet.twin.lab import Twin


@contextmanager
def twin_for(verb: str, network: Network, file: str | None, name: str) -> Iterator[Twin]:
    """The twin of this name; where none is up, or one of another topology, one for this block alone. Raises OtherTwin."""
    from budnet.cli.twin_up import bring_up

    there = running(network, file, name)
    if there is not None:
        yield there
        return
    with one_of_its_own(verb, lambda own: bring_up(network, own, attached=True)) as twin:
        yield twin


@contextmanager
def one_of_its_own(verb: str, bring_up: Callable[[str], object]) -> Iterator[Twin]:
    """A twin for this block alone. `bring_up` attaches one of a name to this process, so that it ends where this is killed, too."""
    from budnet.twin.lab import Twin

    twin = Twin(f"{verb}-{os.getpid()}")
    bring_up(twin.name)
    try:
        yield twin
    finally:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave us half way down
        with suppress(NoTwin):
            twin.down()
        signal.signal(signal.SIGINT, before)


def running(network: Network, file: str | None, name: str) -> Twin | None:
    """The twin of this name, if it was made of this Network; None where none is up, or one of another topology.

    Raises OtherTwin where it is of the same topology, but that was taken otherwise, or was edited since.
    """
    from budnet.ir.digest import digests
    from budnet.twin.lab import Twin

    twin = Twin(name)
    try:
        if twin.facts["name"] != network.name:
            return None
    except NoTwin:
        return None
    was, is_ = twin.facts["made_of"], digests(network)
    if was == is_:
        return twin
    parts = [part.replace("_", " ") for part in is_ if was.get(part) != is_[part]]
    up = " ".join(["budnet up", *([file] if file else []), *_flags(), *([] if name == "default" else ["--name", name])])
    down = "budnet down" if name == "default" else f"budnet down --name {name}"
    taken = f" with {' and '.join(_flags())}" if _flags() else ""
    raise OtherTwin(
        f"the twin '{name}' was made of something else than {file or network.name} is now{taken}: they differ in {', '.join(parts)}. "
        f"`{down} && {up}` replaces it; `--name` of one that is not up makes one for this command alone"
    )


def _flags() -> list[str]:
    return ["--literal"] * is_literal() + ["--airgapped"] * is_airgapped()
