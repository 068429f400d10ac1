"""What a shell offers behind what is typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from budnet.cli.main import cli


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("matrix --de", {"--denied"}),
        ("matrix --by ", {"endpoint", "workload", "class"}),
        ("matrix --format ", {"text", "json", "csv", "markdown"}),
        ("diff a b --format s", {"sarif"}),
        ("exposure --from k", {"kubernetes:"}),
        ("exposure --from kubernetes:sh", {"kubernetes:shop/", "kubernetes:shop.json"}),
        ("exposure --from other:sh", set()),
        ("graph --view s", {"service:"}),
        ("graph --from kubernetes:shop --view ", {"reach", "reach:"}),
        ("show ce", {"certificates", "ce"}),
        ("show --from kubernetes:shop po", {"policies", "po"}),
    ],
)
def test_what_is_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, offered: set[str]) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop.json").touch()
    monkeypatch.chdir(tmp_path)
    *words, incomplete = line.split(" ")
    found = ShellComplete(cli, {}, "budnet", "_BUDNET_COMPLETE").get_completions(words, incomplete)
    assert {item.value for item in found} == offered
