"""budnet lock"""

from __future__ import annotations

from pathlib import Path

import click

from budnet import pipeline
from budnet.cli.output import file_argument, load, wrong


@click.command()
@file_argument
def command(file: str | None) -> None:
    """Write the addresses that budnet allocated for FILE to budnet.lock beside it, so that no later edit moves them.

    \b
    Example:
      budnet lock && git add budnet.lock
    """
    loaded = load(file)
    path = Path(loaded.file)
    if not path.exists():
        wrong(f"{loaded.file} is built in; `budnet init` writes it to a file that can have a lock")
    write(path, loaded.addresses)
    click.echo(f"wrote {pipeline.lock_path(path)}: {len(loaded.addresses)} addresses")


def write(path: Path, addresses: dict[str, str]) -> None:
    """Replaces the lock file in one step, so that nobody ever reads half of one."""
    target = pipeline.lock_path(path)
    draft = target.with_suffix(".lock.new")
    draft.write_text(pipeline.lock_text(addresses), encoding="utf-8")
    draft.replace(target)
