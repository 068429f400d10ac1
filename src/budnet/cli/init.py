"""budnet init"""

from __future__ import annotations

from pathlib import Path

import click

from budnet.catalog import REFERENCE, topology_text
from budnet.cli.output import wrong


@click.command()
@click.argument("directory", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Overwrite a budnet.yaml that is there.")
def command(directory: Path, force: bool) -> None:
    """Write the reference topology to DIRECTORY/budnet.yaml, ready to edit.

    \b
    Example:
      budnet init my-network && cd my-network && budnet check
    """
    target = directory / "budnet.yaml"
    if target.exists() and not force:
        wrong(f"{target} is there already; --force overwrites it")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        target.write_bytes(topology_text(REFERENCE))
    except OSError as refused:
        wrong(f"cannot write {target}: {refused.strerror}")
    click.echo(f"wrote {target}: edit it, then `budnet check`, `budnet prove`, `budnet up`")
