"""The command line. Each verb is a file of its own, imported only when it is called: `budnet --help` reads none of them."""

from __future__ import annotations

import errno
import gc
import os
import sys
from importlib import import_module
from typing import NoReturn

import click

from budnet.cli.source import WRONG
from budnet.errors import BudnetError, Unreadable, WrongQuestion

VERBS = {
    "init": "write the reference topology, commented, ready to edit",
    "check": "read, resolve and lint a file",
    "show": "tables of what a file means",
    "advise": "which method fits to join which networks, and why",
    "graph": "pictures: architecture, cross-cluster, one service's flows",
    "prove": "guarantees: proved, or refuted with a packet",
    "reach": "whether one endpoint reaches another, and why",
    "explain": "every rule that lets a flow pass, or every blocker on its way",
    "matrix": "who reaches whom, all pairs",
    "exposure": "what the internet reaches, and what new pods could",
    "lint": "policies and rows that select nobody, never decide, or disagree",
    "diff": "flows opened and closed between two files",
    "up": "bring the twin up",
    "ps": "what is up, and who answers there",
    "exec": "run a command at a node of the twin",
    "probe": "send real packets everywhere and compare with the proof",
    "rotate": "replace certificates of the twin while requests flow",
    "drill": "take parts of the twin away under load, and see what the design promises",
    "logs": "what a server of the twin wrote",
    "down": "take the twin down",
    "doctor": "what this machine can do for the twin, and what is missing",
    "bundle": "what is carried into an air gap: written, signed, checked",
    "lock": "pin the addresses that budnet allocated",
    "schema": "the language as JSON Schema, for editors",
    "completion": "shell completion",
}
MODULES = {"exec": "execute", "lock": "lock", "up": "twin_up", "down": "twin_down"}
WRONG_INPUT, WORLD_REFUSED = 3, 4


class Verbs(click.Group):
    """Finds a verb's command in the module of its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        command: click.Command = import_module(f"budnet.cli.{MODULES.get(name, name)}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))

    def invoke(self, ctx: click.Context) -> object:
        """Whatever a verb asks that makes no sense ends here: said, and 3. So does an answer about what could not all be read."""
        try:
            answer = super().invoke(ctx)
        except SystemExit as done:
            sys.exit(WRONG_INPUT if ctx.meta.get(WRONG) and done.code in (None, 0, 1, 2) else done.code)
        except WrongQuestion as wrong:
            click.echo(str(wrong) if isinstance(wrong, Unreadable) else f"budnet: {wrong}", err=True)
            sys.exit(WRONG_INPUT)
        except BrokenPipeError:
            # here and not in `main`: click would take it for an answer of no
            _heard_enough()
        if ctx.meta.get(WRONG):
            sys.exit(WRONG_INPUT)
        return answer

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            from budnet.source.diagnostic import suggest

            ctx.fail(f"no such command '{args[0]}'. {suggest(args[0], VERBS)}".rstrip(". ") + ("" if suggest(args[0], VERBS) else "."))
        return super().resolve_command(ctx, args)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="budnet")
@click.option("--color/--no-color", default=None, help="Colours: on a terminal, unless NO_COLOR is set or this says otherwise.")
@click.pass_context
def cli(ctx: click.Context, color: bool | None) -> None:
    """A network as a program: written once, proved, and run with real packets on one Linux machine.

    FILE is ./budnet.yaml by default, and where there is none the reference topology `foundry`.
    Exit codes: 0 good, 1 the answer is no, 2 something to do, 3 the input is wrong, 4 the world refused.
    """
    ctx.color = color


def main() -> None:
    """The program. It ends at once: Python would take apart all that a command has made, object by object, which is a tenth of the time
    that a large matrix takes, and nothing waits for it."""
    try:
        run()
    except SystemExit as done:
        os._exit(_written(done.code if isinstance(done.code, int) else 0))


def _written(code: int) -> int:
    """An exit code, once everything is written that was printed; another one where it could not be."""
    try:
        if sys.stdout:
            sys.stdout.flush()
    except BrokenPipeError:
        pass
    except OSError as refused:
        return _cannot_write(refused)
    return code


def run() -> NoReturn:
    """One command. Turns what the world refused, Ctrl-C and a closed pipe into exit codes; a bug keeps its traceback."""
    # what a command makes lives as long as the command: looking through it for garbage takes a tenth of the time and finds none
    gc.set_threshold(200_000)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy starts threads to multiply matrices, and there are none here
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    try:
        if sys.stdout is None:
            raise BudnetError("standard output is closed")
        code = cli.main(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as wrong:
        wrong.show()
        sys.exit(WRONG_INPUT)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BudnetError as refused:
        click.echo(f"budnet: {refused}", err=True)
        sys.exit(WORLD_REFUSED)
    except BrokenPipeError:
        _heard_enough()
    except OSError as refused:
        if refused.errno not in _FULL or refused.filename is not None:
            raise
        sys.stdout = None
        sys.exit(_cannot_write(refused))


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
"""What the file behind standard output may say."""


def _cannot_write(refused: OSError) -> int:
    click.echo(f"budnet: the answer cannot be written: {refused.strerror}", err=True)
    return WORLD_REFUSED


def _heard_enough() -> NoReturn:
    """Whoever read our output has seen enough; the interpreter must not complain about it again on its way out."""
    sys.stdout = None
    sys.exit(0)
