"""budnet check"""

from __future__ import annotations

import json
import sys

import click

from budnet import pipeline
from budnet.cli.output import colours, file_argument, print_json
from budnet.source.diagnostic import has_errors, in_order
from budnet.source.report import to_json, to_sarif, to_text


@click.command()
@file_argument
@click.option("--format", "form", type=click.Choice(["text", "json", "sarif"]), default="text", show_default=True, help="How to print.")
def command(file: str | None, form: str) -> None:
    """Read, resolve and lint FILE. Exit 3 if there is an error in it.

    \b
    Examples:
      budnet check
      budnet check network.yaml --format sarif > budnet.sarif
    """
    loaded = pipeline.load(file)
    found = in_order(loaded.diagnostics)
    if form == "json":
        print_json("check", {"file": loaded.file, "diagnostics": to_json(found)})
    elif form == "sarif":
        click.echo(json.dumps(to_sarif(found, _version()), indent=1))
    else:
        if found:
            click.echo(to_text(found, {loaded.file: loaded.text}, colours(sys.stderr)), err=True)
        if loaded.network is not None:
            n = loaded.network
            click.echo(
                f"{loaded.file}: good: {len(n.vpcs)} networks, {len(n.inside)} endpoints, {len(n.flows)} flows, {len(n.guarantees)} guarantees"
            )
    sys.exit(3 if has_errors(found) else 0)


def _version() -> str:
    from importlib.metadata import version

    return version("budnet")
