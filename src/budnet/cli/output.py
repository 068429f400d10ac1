"""What every verb prints with: JSON documents, tables, diagnostics."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

if TYPE_CHECKING:
    from rich.console import Console

    from budnet.ir.network import Network
    from budnet.pipeline import Loaded
    from budnet.questions.answer import Answer
    from budnet.source.diagnostic import Diagnostic, Finding

Verb = TypeVar("Verb", bound=Callable[..., Any])
_COUNTED = {"error": "error", "warning": "warning", "info": "remark"}
file_argument = click.argument("file", required=False, type=click.Path(dir_okay=False))
_literal = click.option(
    "--literal", is_flag=True, expose_value=False, callback=lambda context, _, value: context.meta.update({"budnet.literal": value}),
    help="Take the file as it is written, without the repairs that `check` lists: its faults happen.",
)  # fmt: skip
_airgapped = click.option(
    "--airgapped", is_flag=True, expose_value=False, callback=lambda context, _, value: context.meta.update({"budnet.airgapped": value}),
    help="Take the file as if it said `airgapped: true`: no way out, and who is inside stands in for what is outside.",
)  # fmt: skip
format_option = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print."
)
ROWS = ("json", "csv", "markdown")
"""What `print_answer` prints."""


def forms(*more: str) -> Callable[[Verb], Verb]:
    """`--format` of a verb whose answer has rows; `more`: what it has beside those and text."""
    choice = click.Choice(["text", *ROWS, *more])
    return click.option("--format", "form", type=choice, default="text", show_default=True, help="How to print.")


name_option = click.option(
    "--name", default="default", show_default=True, envvar="BUDNET_TWIN", help="Which twin: several can be up beside each other."
)


def taking_options(verb: Verb) -> Verb:
    """How a file is taken: `--literal`, `--airgapped`. Read by `load`, so that no verb has to hand them on."""
    return _literal(_airgapped(verb))


def load(file: str | None) -> Loaded:
    """Reads a file; where it has errors they are printed and the program ends with 3. Warnings are printed, findings counted."""
    from budnet import pipeline

    loaded = pipeline.load(file, is_literal(), is_airgapped())
    if loaded.network is None:
        report(loaded)
        sys.exit(3)
    if loaded.diagnostics:
        report(loaded)
    if any(not f.accepted for f in loaded.findings):
        effect = "the file is taken as written" if is_literal() else "repairs are in effect; `--literal` takes the file as written"
        click.echo(f"budnet: {counted(loaded.findings)} (`budnet check {loaded.file}`); {effect}", err=True)
    return loaded


def is_literal() -> bool:
    """Whether the command line has `--literal`."""
    context = click.get_current_context(silent=True)
    return bool(context and context.meta.get("budnet.literal"))


def is_airgapped() -> bool:
    """Whether the command line has `--airgapped`."""
    context = click.get_current_context(silent=True)
    return bool(context and context.meta.get("budnet.airgapped"))


def counted(findings: Iterable[Finding]) -> str:
    """`3 errors, 1 warning and 2 remarks about the design`, and how many are accepted."""
    from collections import Counter

    found = list(findings)
    open_ = Counter(f.severity.value for f in found if not f.accepted)
    words = [f"{open_[kind]} {word}{'s' * (open_[kind] > 1)}" for kind, word in _COUNTED.items() if open_[kind]]
    accepted = sum(bool(f.accepted) for f in found)
    listed = " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]])) or "nothing"
    return f"{listed} to say about the design" + (f", {accepted} accepted" if accepted else "")


def network(file: str | None) -> Network:
    """The Network of a file without errors."""
    found = load(file).network
    assert found is not None
    return found


def report(loaded: Loaded) -> None:
    """Diagnostics on stderr, each with its line underlined."""
    from budnet.source.diagnostic import in_order
    from budnet.source.report import to_text

    click.echo(to_text(in_order(loaded.diagnostics), {loaded.file: loaded.text}, colours(sys.stderr)), err=True)


def colours(stream: Any) -> bool:
    """Whether to use colours: as asked; else on a terminal, unless NO_COLOR is set (https://no-color.org)."""
    context = click.get_current_context(silent=True)
    asked = context.find_root().color if context else None
    return asked if asked is not None else stream.isatty() and not os.environ.get("NO_COLOR")


def print_json(verb: str, body: dict[str, Any]) -> None:
    """One document on stdout."""
    from budnet.questions.answer import indented

    click.echo(indented({"schema": f"budnet.{verb}/1"} | body))


def print_answer(answer: Answer, form: str) -> None:
    """As JSON the whole document; as CSV and Markdown its rows."""
    if form == "json":
        click.echo(answer.to_json())
    elif form == "markdown":
        markdown(answer.columns, answer.table())
    else:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(answer.columns)
        writer.writerows(answer.table())


def print_sarif(found: Iterable[Diagnostic]) -> None:
    """A SARIF log on stdout, for code scanning and editors."""
    from importlib.metadata import version

    from budnet.questions.answer import indented
    from budnet.source.report import to_sarif

    click.echo(indented(to_sarif(found, version("budnet"))))


def console(stderr: bool = False) -> Console:
    """A rich console that follows `--color`."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    use = colours(stream)
    width = None if stream.isatty() else 200
    return Console(file=stream, no_color=not use, force_terminal=use or None, highlight=False, width=width, soft_wrap=False)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """A table on stdout; columns that hold numbers are the caller's strings, too."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    out = Table(*columns, title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        out.add_row(*(Text(str(cell)) for cell in row))
    console().print(out)


def markdown(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table for pull requests, written row by row."""
    click.echo(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for row in rows:
        click.echo("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |")


def style(text: str, colour: str, bold: bool = False) -> str:
    """Colours a piece of text where colours are on."""
    return click.style(text, fg=colour, bold=bold) if colours(sys.stdout) else text


def wrong(message: str) -> NoReturn:
    """Ends with 3: what was asked for makes no sense."""
    click.echo(f"budnet: {message}", err=True)
    sys.exit(3)
