"""budnet doctor"""

from __future__ import annotations

import sys

import click

from budnet.cli.output import format_option, print_json, style
from budnet.twin.doctor import examine


@click.command()
@format_option
def command(form: str) -> None:
    """What this machine can do for the twin, what is missing, and what to do about it. Exit 4 if a twin cannot come up.

    \b
    Example:
      budnet doctor
    """
    findings = examine()
    if form == "json":
        rows = [{"name": f.name, "ok": f.ok, "needed": f.needed, "found": f.found, "advice": f.advice} for f in findings]
        print_json("doctor", {"findings": rows})
    else:
        for finding in findings:
            word = style("ok  ", "green") if finding.ok else style("MISS", "red", True) if finding.needed else style("none", "yellow")
            click.echo(f"{word}  {finding.name:22} {finding.found}")
            if not finding.ok:
                click.echo(f"      {finding.advice}")
    sys.exit(4 if any(f.needed and not f.ok for f in findings) else 0)
