"""Rules of the tree that no linter knows."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src" / "budnet"
FILES = sorted(SRC.rglob("*.py"))


def name(path: Path) -> str:
    return str(path.relative_to(SRC))


@pytest.mark.parametrize("path", FILES, ids=name)
def test_every_module_says_what_it_is(path: Path) -> None:
    if path.read_text().strip():
        assert ast.get_docstring(ast.parse(path.read_text())), f"{name(path)} has no docstring"


@pytest.mark.parametrize("path", FILES, ids=name)
def test_public_classes_and_functions_have_docstrings(path: Path) -> None:
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{name(path)}:{node.lineno} {node.name}"


def test_a_code_means_one_thing() -> None:
    """Codes of diagnostics are a contract: one module each, one meaning each."""
    seen: dict[str, str] = {}
    for path in FILES:
        for assigned in re.findall(r'^[A-Z_, ]+(?:: Final)? = ((?:"[YMRFDK]\d{3}"(?:, )?)+)$', path.read_text(), re.MULTILINE):
            for code in re.findall(r'"([YMRFDK]\d{3})"', assigned):
                assert code not in seen, f"{code} is in {seen[code]} and in {name(path)}"
                seen[code] = name(path)
    assert len(seen) > 60


def test_only_the_command_line_prints() -> None:
    for path in FILES:
        printing = re.search(r"\bprint\(|click\.echo\(", path.read_text())
        assert printing is None or path.is_relative_to(SRC / "cli"), name(path)


def test_one_replace_serves_structs_and_dataclasses() -> None:
    """That of `dataclasses` refuses Structs, and no type checker says so."""
    for path in FILES:
        found = re.search(r"^ *from dataclasses import .*\breplace\b|dataclasses\.replace\(", path.read_text(), re.MULTILINE)
        assert found is None or path == SRC / "records.py", f"{name(path)}: import replace from budnet.records"
