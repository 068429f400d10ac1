"""What the documentation shows is run."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from budnet.cli.main import VERBS
from budnet.pipeline import load_text
from helpers import budnet

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


def blocks(language: str) -> list[str]:
    """The fenced blocks of the README in a language."""
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def executed(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """As the shell does it; what is a command of budnet and nothing else, in this process."""
    words = shlex.split(command)
    if words[0] == "budnet" and not set(words) & {"|", ">", "&&"}:
        return budnet(*words[1:], cwd=folder)
    path = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"}
    return subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, env=path)


@pytest.mark.parametrize("script", blocks("sh"))
def test_its_commands_run_one_after_the_other(tmp_path: Path, script: str) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    folder = tmp_path
    for line in script.splitlines():
        command, _, comment = line.partition("  #")
        if command.startswith("cd "):
            folder = folder / command.split()[1]
            continue
        wanted = 1 if "exits with 1" in comment else 0
        run = executed(command, folder)
        assert run.returncode == wanted, f"{command}\n{run.stdout}{run.stderr}"


def test_its_topologies_are_good() -> None:
    for text in blocks("yaml"):
        loaded = load_text(text.encode(), "README.md", {})
        assert loaded.network is not None, loaded.diagnostics


def test_what_is_shown_of_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is one session, from its first line to its last, beside the examples."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "PYTHON.md").read_text()
    session = "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    if find_spec("pandas") is None:
        session = re.sub(r"(?m)^(>>> .*\.frame\(.*)\n(?:(?!>>>).+\n)*", "", session)
    test = doctest.DocTestParser().get_doctest(session, {}, "docs/PYTHON.md", "docs/PYTHON.md", 0)
    assert len(test.examples) > 10
    report: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE).run(test, out=report.append)
    assert not report, "".join(report)


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_help_with_an_example(verb: str) -> None:
    run = budnet(verb, "--help")
    assert run.returncode == 0
    assert f"budnet {verb}" in run.stdout.partition("Example")[2]


def test_every_decision_is_half_a_page_and_has_its_three_parts() -> None:
    for path in (ROOT / "docs" / "decisions").glob("*.md"):
        text = path.read_text()
        assert all(f"**{part}.**" in text for part in ("Context", "Choice", "Cost")), path.name
        assert len(text.splitlines()) < 40, path.name
