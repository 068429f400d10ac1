"""budnet schema"""

from __future__ import annotations

import json

import click


@click.command()
def command() -> None:
    """Print the language as JSON Schema, for editors to complete and check.

    \b
    Example:
      budnet schema > budnet.schema.json
    and then, as the first line of a budnet.yaml:
      # yaml-language-server: $schema=budnet.schema.json
    """
    from budnet.model.topology import json_schema

    click.echo(json.dumps(json_schema(), indent=1))
