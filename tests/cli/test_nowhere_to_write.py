"""Where the answer cannot be written, that is said in a line, and is no answer."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from helpers import PROGRAM

BOOKSHOP = f"kubernetes:{Path(__file__).parents[2] / 'examples' / 'bookshop'}"


@pytest.mark.parametrize("form", ["text", "json", "csv"])
@pytest.mark.parametrize("verb", ["matrix", "exposure"])
def test_a_full_disk(verb: str, form: str) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        run = subprocess.run([PROGRAM, verb, "--from", BOOKSHOP, "--format", form], stdout=full, stderr=subprocess.PIPE, text=True)
    assert run.returncode == 4
    assert run.stderr.splitlines()[-1].startswith("budnet: the answer cannot be written") and "Traceback" not in run.stderr


def test_standard_output_that_is_closed() -> None:
    run = subprocess.run(["sh", "-c", f"{PROGRAM} matrix --from {BOOKSHOP} >&-"], capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (4, "budnet: standard output is closed\n")


def test_who_has_heard_enough_is_no_answer_of_no() -> None:
    """`budnet matrix | head`, where more is to come."""
    ask = subprocess.Popen([PROGRAM, "matrix", "--from", BOOKSHOP, "--by", "endpoint", "--format", "json"],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
    assert ask.stdout is not None and ask.stderr is not None
    ask.stdout.close()
    assert (ask.wait(), ask.stderr.read()) == (0, "")
    ask.stderr.close()
