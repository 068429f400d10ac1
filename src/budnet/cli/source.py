"""`--from KIND:WHERE`: a network that budnet did not write, in place of FILE."""

from __future__ import annotations

import os
import sys
from glob import escape, glob
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from budnet.ir.network import Network
    from budnet.questions.place import Place

WRONG = "budnet.wrong"
"""Set where something that was read was wrong: what could be read is answered for, and the program ends with 3."""
_LARGE = 20_000_000


def _complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Kinds, and behind one of them files and folders."""
    from budnet.questions.place import KINDS

    kind, colon, where = incomplete.partition(":")
    if not colon:
        return [CompletionItem(f"{k}:") for k in KINDS if k.startswith(kind)]
    if kind not in KINDS:
        return []
    return [CompletionItem(f"{kind}:{p}{'/' if os.path.isdir(p) else ''}") for p in sorted(glob(f"{escape(where)}*"))]


source_option = click.option(
    "--from", "source", metavar="KIND:WHERE", shell_complete=_complete, help="A network that runs already, in place of FILE: `kubernetes:DIR`, `kubernetes:FILE`, `kubernetes:-`, `kubernetes:live[?context=NAME]`."
)  # fmt: skip


def network(file: str | None, source: str | None) -> Network:
    """What FILE or `--from` means; of both one is asked for."""
    return place(file, source).network


def place(file: str | None, source: str | None) -> Place:
    """The same, with what is known beside the Network. What was wrong with it is printed."""
    from budnet.cli import output
    from budnet.questions import place as places
    from budnet.source.diagnostic import has_errors

    if source and file:
        raise click.UsageError("FILE and --from are two networks: give one of them")
    if source is None:
        loaded = output.load(file)
        return places.Place(loaded.file, places.sound(loaded), loaded=loaded)
    found = places.running(source, _progress)
    if has_errors(found.said):
        click.get_current_context().meta[WRONG] = True
    if found.said:
        from budnet.source.report import to_text

        click.echo(to_text(found.said, {}, output.colours(sys.stderr)), err=True)
    return found


def _progress(done: int, total: int) -> None:
    """On a terminal, of what takes long enough to wonder."""
    if total > _LARGE and sys.stderr.isatty():
        click.echo(f"\r{done // 1_000_000} of {total // 1_000_000} MB\r", nl=False, err=True)  # whatever comes next is written over it


def either(name: str) -> Place:
    """Of a command that takes several: a FILE, or a KIND:WHERE."""
    from budnet.questions.place import is_observed

    return place(None, name) if is_observed(name) else place(name, None)
