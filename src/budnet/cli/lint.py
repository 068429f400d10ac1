"""budnet lint"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from budnet.cli.output import ROWS, colours, file_argument, forms, print_answer, print_sarif, taking_options
from budnet.cli.source import place, source_option

if TYPE_CHECKING:
    from budnet.source.diagnostic import Diagnostic


@click.command()
@file_argument
@source_option
@forms("sarif")
@taking_options
def command(file: str | None, source: str | None, form: str) -> None:
    """What is odd about filters: selects nobody, never matches or decides, says again what others say, disagrees. Exit 1 if there
    is a warning; remarks do not count.

    Of a cluster: policies of all kinds, Services, Ingresses. Of FILE: rows of flows and egress that add nothing, guarantees about
    nobody; what a file describes is judged by `check`. All rules that are called redundant can go at once.

    \b
    Examples:
      budnet lint
      budnet lint --from kubernetes:manifests/
      helm template chart | budnet lint --from kubernetes:-
      budnet lint --from kubernetes:dump.json --format sarif > lint.sarif
    """
    from budnet.questions.lint import answer, lint
    from budnet.source.diagnostic import Severity
    from budnet.source.report import to_text

    found = lint(place(file, source))
    if form in ROWS:
        print_answer(answer(found), form)
    elif form == "sarif":
        print_sarif(found)
    else:
        if found:
            click.echo(to_text(found, _texts(found), colours(sys.stdout)))
        warnings = sum(d.severity is not Severity.INFO for d in found)
        click.echo(f"{warnings or 'no'} warning{'s' * (warnings != 1)}, {len(found) - warnings} remarks")
    sys.exit(int(any(d.severity is not Severity.INFO for d in found)))


_LARGEST = 5_000_000


def _texts(found: list[Diagnostic]) -> dict[str, str]:
    """The files that are spoken of, so that the line can be shown; large ones are not read once more."""
    files = {d.span.file for d in found if d.span is not None}
    there = [f for f in sorted(files) if Path(f).is_file() and Path(f).stat().st_size < _LARGEST]
    return {f: Path(f).read_text(encoding="utf-8", errors="replace") for f in there}
