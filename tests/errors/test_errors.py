"""Wrong files: each gives diagnostics with a code, a place and a help, and never a traceback.

Every folder has a file with one mistake and the report it must give. `BUDNET_GOLDEN=1` writes the reports anew: read them
as the one who made the mistake would.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import chdir
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

import budnet.lint
import budnet.model
import budnet.resolve
from budnet.pipeline import Loaded, load, load_text, lock_path, lock_text
from budnet.source import codes
from budnet.source.diagnostic import Diagnostic, Severity, has_errors, in_order
from budnet.source.report import to_text
from budnet.source.text import lines, readable

HERE = Path(__file__).parent
CASES = sorted(path.parent.name for path in HERE.glob("*/topology.yaml"))
WARNINGS_ONLY = {
    "name-without-flow", "name-at-a-private-balancer", "flow-port-nobody-listens-on", "fleet-more-peerings-than-usual", "link-not-accepted",
    "accept-nothing", "certificate-due", "egress-catalogue-other-port", "egress-dns-over-https",
    "airgap-clear-mirror", "airgap-nobody-outside",
}  # fmt: skip
NOT_OURS = re.compile(r"[Ii]nput should|valid (dictionary|string|list|integer)|pydantic|Traceback|validation|NoneType|object at 0x")

GOOD = b"""\
budnet: 1
name: office
networks:
  main:
    cidr: 10.0.0.0/16
    subnets:
      public: {cidr: 10.0.1.0/24, access: public}
services:
  web: {subnet: main/public, ports: {http: 80/tcp}}
"""


def read(case: str) -> Loaded:
    with chdir(HERE / case):  # what a file names is looked for beside it
        return load_text(Path("topology.yaml").read_bytes(), "topology.yaml", {})


def check(loaded: Loaded, text: bytes) -> None:
    """What holds of everything that is said about any file."""
    assert loaded.network is None or not has_errors(loaded.diagnostics)
    assert loaded.network is not None or has_errors(loaded.diagnostics)
    assert len(set(map(repr, loaded.diagnostics))) == len(loaded.diagnostics), "something is said twice"
    rows = lines(readable(text))
    for found in loaded.diagnostics:
        check_words(found)
        check_place(found, loaded.file, rows)


def check_words(found: Diagnostic) -> None:
    assert re.fullmatch(r"[FYMRD][0-9]{3}", found.code)
    assert found.summary and "\n" not in found.summary and len(found.summary) < 300
    assert found.help or found.severity is not Severity.ERROR
    assert not NOT_OURS.search(found.summary + found.help)


def check_place(found: Diagnostic, file: str, rows: list[str]) -> None:
    for span in (found.span, *(span for _, span in found.related)):
        assert span is not None and span.file == file
        assert 1 <= span.line <= span.end_line <= len(rows)
        assert 1 <= span.column <= len(rows[span.line - 1]) + 1
        assert 1 <= span.end_column <= len(rows[span.end_line - 1]) + 1
        assert (span.line, span.column) <= (span.end_line, span.end_column)


@pytest.mark.parametrize("case", CASES)
def test_report(case: str) -> None:
    """The report is the one that was read and found good."""
    text = (HERE / case / "topology.yaml").read_bytes()
    loaded = read(case)
    assert loaded.diagnostics
    assert (loaded.network is not None) == (case in WARNINGS_ONLY)
    check(loaded, text)
    report = to_text(in_order(loaded.diagnostics), {"topology.yaml": readable(text)}, colour=False)
    expected = HERE / case / "diagnostics.txt"
    if os.environ.get("BUDNET_GOLDEN") or not expected.exists():
        new = not expected.exists()
        expected.write_text(report, encoding="utf-8")
        assert not new or os.environ.get("BUDNET_GOLDEN"), "there was no report: one is written now; read it"
    assert report == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES)
def test_one_mistake_is_one_error(case: str) -> None:
    """What only follows from a mistake is not reported beside it."""
    assert len(read(case).diagnostics) == 1


def test_every_code_is_shown_by_a_case() -> None:
    """A code nobody has seen is a message nobody has read."""
    modules = [
        import_module(f"{package.__name__}.{module.name}")
        for package in (budnet.lint, budnet.model, budnet.resolve)
        for module in iter_modules(package.__path__)
    ]
    written = {
        v
        for m in (*modules, codes)
        for k, v in vars(m).items()
        if k.isupper() and isinstance(v, str) and re.fullmatch(r"[MRDY][0-9]{3}", v)
    }
    seen = {d.code for case in CASES for d in read(case).diagnostics}
    assert len(written) > 60
    assert written - seen == GENERATED


def test_no_code_means_two_things() -> None:
    """A code is looked up: it belongs to one module."""
    owners: dict[str, str] = {}
    for package in (budnet.lint, budnet.model, budnet.resolve):
        for source in Path(package.__path__[0]).glob("*.py"):
            for code in re.findall(r'"([MRD][0-9]{3})"', source.read_text(encoding="utf-8")):
                assert owners.setdefault(code, source.name) == source.name


def test_all_mistakes_at_once() -> None:
    """A file is mended in one go: an error in one part does not hide those in the others."""
    text = (
        GOOD
        + b"""\
certificates:
  inside: {issuer: internal-ca, for: nobody}
groups:
  all: [web, somebody]
flows:
  - {from: web, to: web, port: https}
  - {from: web, to: anybody, port: http}
egress:
  out: {from: web, to: everywhere, port: 443/tcp}
guarantees:
  - {never: {from: internet, to: main/private}}
"""
    )
    before_endpoints = [d.code for d in load_text(text, "topology.yaml", {}).diagnostics]
    assert before_endpoints == ["R501", "R303"]
    text = text.replace(b", somebody", b"").replace(b"everywhere", b"example.com")
    assert sorted(d.code for d in load_text(text, "topology.yaml", {}).diagnostics) == ["R501", "R501", "R501", "R502", "R521"]


# -- cases that are too large to keep, or are not about the text

DEEP = 100_000
FILES = {
    "brackets": b"[" * 10_000_000,
    "braces": b"{a: " * 2_500_000,
    "open-lists": b"budnet: 1\nname: x\nnetworks: " + b"[" * DEEP + b"]" * DEEP,
    "dashes": b"- " * DEEP,
    "deep-block": b"".join(b" " * i + b"a:\n" for i in range(1000)),
    "too-many-values": b"budnet: 1\nname: x\nnetworks: [" + b"1," * 1_100_000 + b"]\n",
    "too-large": b"#" * (16 * 1024 * 1024 + 1),
    "long-line": b"budnet: 1\nname: " + b"x" * 1_000_000 + b"\n",
    "long-key": b"x" * 1000 + b": 1\n",
    "long-digits": b"budnet: 1\nname: x\nnetworks: " + b"9" * 100_000 + b"\n",
    "hundred-errors": b"budnet: 1\n" + b"name: x\n" * 200,
    "wrong-schema": b"".join(b"key%d: 1\n" % i for i in range(200)),
    "nulls": b"\0" * 1000,
    "many-keys-missing": GOOD.replace(b"services:\n", b"flows:\n" + b"  - {}\n" * 1000 + b"services:\n"),
    "long-reference": GOOD + b"flows:\n  - {from: " + b"y" * 1_000_000 + b", to: web, port: http}\n",
    "long-port": GOOD + b"flows:\n  - {from: internet, to: web, port: " + b'"' + b"9" * 10_000 + b'/tcp"}\n',
    "strange-digits": GOOD + "flows:\n  - {from: web, to: web, port: \u00b2/tcp}\n".encode(),
    "chain-of-groups-into-a-cycle": GOOD + b"groups:\n" + b"".join(b"  g%d: g%d\n" % (i, (i + 1) % 5000) for i in range(5000)),
    "groups-that-double": GOOD
    + b"groups:\n"
    + b"".join(b"  g%d: [g%d, g%d]\n" % (i, i + 1, i + 1) for i in range(60))
    + b"  g60: nobody\n",
    "unknown-names": GOOD + b"flows:\n" + b"".join(b"  - {from: wed%d, to: web, port: http}\n" % i for i in range(300)),
    "many-replicas": GOOD.replace(b"/24", b"/28").replace(b"ports:", b"replicas: 1000, ports:"),
}
GENERATED = {codes.TOO_LARGE, codes.TOO_DEEP, codes.TOO_MANY, "M006", "R001"}
"""Codes that only these show."""


@cache
def read_generated(name: str) -> Loaded:
    return load_text(FILES[name], "topology.yaml", {})


@pytest.mark.parametrize("name", FILES)
def test_generated(name: str) -> None:
    """Files that are meant to break the reader."""
    loaded = read_generated(name)
    assert loaded.network is None
    assert len(loaded.diagnostics) <= 101
    check(loaded, FILES[name])
    to_text(in_order(loaded.diagnostics), {"topology.yaml": readable(FILES[name])}, colour=True)


def test_generated_files_show_their_codes() -> None:
    assert {d.code for name in FILES for d in read_generated(name).diagnostics} >= GENERATED


def test_the_good_file_is_good() -> None:
    """Or the cases made of it would prove nothing."""
    assert load_text(GOOD, "topology.yaml", {}).diagnostics == []


@pytest.mark.parametrize("name", ["nothing-there.yaml", ".", "x" * 5000, "catalog/nothing-there"])
def test_no_file(name: str, tmp_path: Path) -> None:
    """A file that cannot be read is the one error without a place."""
    loaded = load(str(tmp_path / name) if not name.startswith("catalog/") else name)
    assert loaded.network is None
    assert [(d.code, d.span) for d in loaded.diagnostics] == [("F001", None)]
    assert loaded.diagnostics[0].summary and loaded.diagnostics[0].help


LOCKS = {
    "empty": "",
    "no-json": "budnet: 1\n",
    "cut-off": lock_text({"main/nat": "10.0.0.7"})[:-8],
    "list": "[]",
    "number": "1",
    "no-addresses": '{"budnet": 1}',
    "list-of-addresses": '{"addresses": ["10.0.0.7"]}',
    "bad-address": lock_text({"main/nat": "10.0.0.256"}),
    "no-address": json.dumps({"addresses": {"main/nat": None}}),
    "a-prefix": lock_text({"main/nat": "10.0.0.0/16"}),
}


@pytest.mark.parametrize("name", LOCKS)
def test_bad_lock(name: str, tmp_path: Path) -> None:
    """A lock that cannot be read is not taken for one that is not there: addresses would move."""
    file = tmp_path / "budnet.yaml"
    file.write_bytes(GOOD)
    lock_path(file).write_text(LOCKS[name], encoding="utf-8")
    loaded = load(str(file))
    assert loaded.network is None
    assert [d.code for d in loaded.diagnostics] == ["F002"]
    span = loaded.diagnostics[0].span
    assert span is not None and span.file == str(lock_path(file)) and span.line <= len(lines(LOCKS[name]))
    check_words(loaded.diagnostics[0])
    to_text(loaded.diagnostics, {loaded.file: loaded.text}, colour=False)


def test_lock_of_another_network(tmp_path: Path) -> None:
    """Addresses that fit nowhere any more are left aside."""
    file = tmp_path / "budnet.yaml"
    file.write_bytes(GOOD)
    lock_path(file).write_text(
        lock_text({"main/public/web/v4": "fd00::5", "internet/client/v4": "10.0.1.4", "gone": "10.0.1.5"}), encoding="utf-8"
    )
    loaded = load(str(file))
    assert loaded.network is not None and not loaded.diagnostics
