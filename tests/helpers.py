"""What tests share: the topologies, and twins that never outlive a test."""

from __future__ import annotations

import gc
import io
import itertools
import os
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from subprocess import CompletedProcess

from budnet.cli.main import run
from budnet.ir.network import Network
from budnet.pipeline import load
from budnet.twin import lab, tools
from budnet.twin.plan import TwinPlan
from budnet.twin.staging import Stage

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(p.parent.name for p in GOLDEN.glob("*/topology.yaml"))
PROGRAM = str(Path(sys.executable).parent / "budnet")
_numbers = itertools.count()


def budnet(*arguments: str, cwd: Path | None = None, stdin: str = "", env: dict[str, str] | None = None) -> CompletedProcess[str]:
    """What the program does with these arguments, in this process: a new one takes longer to start than most verbs take to run.

    Where the process itself is what is tested, PROGRAM is run.
    """
    before = sys.argv, sys.stdin, gc.get_threshold(), dict(os.environ)
    code: str | int | None = 0
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err, chdir(cwd or "."):
        try:
            sys.argv, sys.stdin = [PROGRAM, *arguments], io.TextIOWrapper(io.BytesIO(stdin.encode()))
            os.environ.update(env or {})
            run()
        except SystemExit as done:
            code = done.code
        finally:
            sys.argv, sys.stdin = before[:2]
            gc.set_threshold(*before[2])
            os.environ.clear()
            os.environ.update(before[3])
    return CompletedProcess(list(arguments), code if isinstance(code, int) else int(code is not None), out.getvalue(), err.getvalue())


@cache
def network_of(case: str) -> Network:
    """The Network of a golden case, or of an embedded topology."""
    path = GOLDEN / case / "topology.yaml"
    loaded = load(str(path) if path.exists() else f"catalog/{case}")
    assert loaded.network is not None, loaded.diagnostics
    return loaded.network


@contextmanager
def twin_of(plan: TwinPlan, staged: Stage | None = None) -> Iterator[lab.Twin]:
    """A twin of its own name, attached: it ends with this process even if this process is killed."""
    name = f"test-{os.getpid()}-{next(_numbers)}"
    lab.up(staged or Stage(plan, (), (), ()), tools.find(), name, attached=True)
    twin = lab.Twin(name)
    try:
        yield twin
    finally:
        twin.down()
