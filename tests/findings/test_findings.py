"""Findings about designs: each is shown by a file, just not shown by another, and gone when its line is repaired.

`Dnnn/fault.yaml` and `Dnnn/near.yaml` are base.yaml with one line changed. `BUDNET_GOLDEN=1` writes reports and
docs/FINDINGS.md anew: read them as the one who wrote the file would.
"""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path

import pytest

from budnet.lint import CODES, RULES, lint
from budnet.lint.rule import AS_WRITTEN, ERROR
from budnet.model.decode import decode
from budnet.model.topology import Topology
from budnet.pipeline import Loaded, load, load_text
from budnet.source.diagnostic import Finding, Severity, in_order
from budnet.source.document import Document
from budnet.source.report import to_sarif, to_text
from budnet.source.yaml import parse

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "FINDINGS.md"
BASE = (HERE / "base.yaml").read_text()
LITERAL = "catalog/foundry-literal"


@cache
def read(code: str, name: str, literal: bool = False) -> Loaded:
    return load_text((HERE / code / f"{name}.yaml").read_bytes(), "topology.yaml", {}, literal)


def written(text: str) -> tuple[Document, Topology]:
    document, _ = parse(text.encode(), "topology.yaml")
    assert document is not None
    topology, diagnostics = decode(document)
    assert topology is not None, diagnostics
    return document, topology


def expect(path: Path, text: str) -> None:
    if os.environ.get("BUDNET_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_nothing_can_be_said_against_the_base() -> None:
    """Or the cases made of it would prove nothing."""
    loaded = load_text(BASE.encode(), "topology.yaml", {})
    assert (loaded.findings, loaded.diagnostics) == ((), [])


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_fault_is_found_and_nothing_else_is(code: str) -> None:
    loaded = read(code, "fault")
    assert loaded.network is not None
    assert [f.code for f in loaded.findings] == [code]
    expect(HERE / code / "findings.txt", to_text(in_order(loaded.findings), {"topology.yaml": loaded.text}, colour=False))


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_near_miss_is_not_found(code: str) -> None:
    assert read(code, "near").findings == ()


@pytest.mark.parametrize("code", sorted(CODES))
@pytest.mark.parametrize("name", ["fault", "near"])
def test_one_line_makes_the_difference(code: str, name: str) -> None:
    """So the line that is repaired is the line that the finding goes with; its place is that line."""
    base, case = BASE.splitlines()[1:], (HERE / code / f"{name}.yaml").read_text().splitlines()[1:]
    different = [line for line in case if line not in base]
    assert len(different) <= 1 and abs(len(base) - len(case)) <= 1
    for found in read(code, name).findings:
        assert found.span is not None
        block = code in ("D602", "D604", "D702", "D703", "D407", "D110")  # what is missing is elsewhere than what misses it
        assert block or read(code, name).text.splitlines()[found.span.line - 1] in different


@pytest.mark.parametrize("code", sorted(CODES))
def test_as_written_the_file_has_a_meaning_as_well(code: str) -> None:
    """`--literal` is never an error: the fault takes effect."""
    loaded = read(code, "fault", literal=True)
    assert loaded.network is not None, loaded.diagnostics
    assert loaded.findings == read(code, "fault").findings


def test_a_repair_leaves_nothing_to_repair() -> None:
    """What is said to take effect does: in the repaired topology the finding is gone, and no other has come."""
    texts = [(HERE / code / "fault.yaml").read_text() for code in CODES] + [load(LITERAL).text]
    repaired = 0
    for text in texts:
        document, topology = written(text)
        found, effective, _ = lint(document, topology)
        again = {f.code for f in lint(document, effective)[0]}
        mended = {f.code for f in found if f.effective != AS_WRITTEN and effective != topology}
        assert again <= {f.code for f in found}
        repaired += len(mended - again)
        assert not {code for code in mended & again if CODES[code].severity is ERROR and not _kept(found, code)}
    assert repaired > 25


def _kept(found: list[Finding], code: str) -> bool:
    """Some findings say what happens instead, and repair nothing."""
    return all(f.effective.startswith(AS_WRITTEN) for f in found if f.code == code)


# -- the document of Bud AI Foundry

EDITS: dict[str, list[tuple[str, str]]] = {
    "D101": [("ciphers: [AES256-GCM-SHA384]", "ciphers: [ECDHE-RSA-AES256-GCM-SHA384]")],
    "D102": [("key: ec-p256", "key: rsa-2048")],
    "D103": [("[ECDHE-RSA-AES256-GCM-SHA384]}", "[ECDHE-RSA-AES256-GCM-SHA384], ciphersuites: [TLS_AES_256_GCM_SHA384]}"),
             ("[AES256-GCM-SHA384]}", "[AES256-GCM-SHA384], ciphersuites: [TLS_AES_256_GCM_SHA384]}")],
    "D106": [('minimum: "1.3"', 'minimum: "1.2"')],
    "D107": [(", verify: false", "")],
    "D108": [("software: redis,      tls: database", "software: redis, tls: database"), ("ports: {http: 8123/tcp, native: 9000/tcp}", "tls: database, ports: {http: 8443/tcp, native: 9440/tcp}"),
             ("minio:      {subnet: control-plane/data, namespace: bud-system,", "minio: {subnet: control-plane/data, namespace: bud-system, tls: database,")],
    "D110": [("- {from: budgateway, to: runtimes, port: http}", "- {from: budgateway, to: inference, port: https}"), ("- {from: budmetrics, to: runtimes, port: metrics}", "")],
    "D201": [("challenge: http-01", "challenge: dns-01")],
    "D202": [('names: ["*.example.com"]', 'names: ["*.example.com", "*.novu.example.com"]')],
    "D301": [("  services: [budapp, postgresql, valkey] ", "")],
    "D302": [("- {from: budgateway, to: runtimes, port: http}", "- {from: budgateway, to: inference, port: https}"), ("- {from: budmetrics, to: runtimes, port: metrics}", "")],
    "D401": [("port: 123/tcp", "port: 123/udp")],
    "D403": [("images:       {from: platform", "images: {from: workload-api"), ("ntp:          {from: platform", "ntp: {from: workload-api")],
    "D404": [("cloud-apis:   {from: platform, to: internet", "cloud-apis: {from: platform, to: catalog/aws"),
             ("keycloak:     {from: platform, to: internet", "keycloak: {from: platform, to: catalog/identity")],
    "D405": [("to: huggingface.co", "to: catalog/huggingface")],
    "D406": [("[apps, databases, grafana", "[apps, grafana")],
    "D407": [("  ntp:  ", "  acme: {from: budapp, to: catalog/acme, port: 443/tcp}\n  ntp:  ")],
    "D501": [("cluster: {services: 10.0.0.0/16", "cluster: {services: 172.20.0.0/16")],
    "D503": [("zones: 1", "zones: 2")],
    "D601": [("ports: [3500/tcp, 50001/tcp]", "via: mesh")],
    "D602": [("grafana: {subnet", "sentry: {subnet: control-plane/apps, namespace: dapr-system, tls: internal, ports: {ca: 50001/tcp}}\n  grafana: {subnet"),
             ("  - {from: apps, to: postgresql", "  - {from: apps, to: sentry, port: ca}\n  - {from: apps, to: postgresql")],
    "D701": [("from: internet, to: bastion, port: ssh", "from: workload-api, to: bastion, port: ssh")],
}  # fmt: skip
"""For every finding of the literal document: the lines that repair it."""


def codes_of(text: str) -> dict[str, int]:
    document, topology = written(text)
    out: dict[str, int] = {}
    for found in lint(document, topology)[0]:
        out[found.code] = out.get(found.code, 0) + 1
    return out


def test_the_document_has_its_faults() -> None:
    loaded = load(LITERAL)
    assert loaded.network is not None and loaded.diagnostics == []
    assert {f.code for f in loaded.findings} == set(EDITS)
    assert len(codes_of(loaded.text)) >= 20
    assert load(LITERAL, literal=True).network is not None


@pytest.mark.parametrize("code", EDITS)
def test_repairing_its_lines_removes_exactly_that_finding(code: str) -> None:
    text = load(LITERAL).text
    before = codes_of(text)
    for old, new in EDITS[code]:
        assert old in text
        text = text.replace(old, new)
    after = codes_of(text)
    assert code not in after
    # across the link in clear, and without a name for what is there: one line repairs both
    together = {"D110": {"D302"}, "D302": {"D110"}}.get(code, set())
    assert {c for c in before if c not in after} <= {code} | together
    assert set(after) <= set(before)


def test_the_repaired_document_has_none_that_is_not_accepted() -> None:
    findings = load("catalog/foundry").findings
    assert [(f.code, f.severity) for f in findings] == [("D106", Severity.INFO)]
    assert all(f.accepted for f in findings)


# -- accepted findings


def accepting(row: str, case: str = "D103") -> Loaded:
    text = (HERE / case / "fault.yaml").read_text() + f"accept:\n  - {row}\n"
    return load_text(text.encode(), "topology.yaml", {})


@pytest.mark.parametrize(
    "row",
    ["{finding: D103, because: known}", "{finding: D103, for: web, because: known}", "{finding: D103, for: [web, db], because: known}"],
)
def test_what_is_accepted_is_listed_with_its_reason(row: str) -> None:
    loaded = accepting(row)
    assert loaded.diagnostics == []
    assert [(f.code, f.accepted, f.effective) for f in loaded.findings] == [("D103", "known", AS_WRITTEN)]
    assert "accepted[D103]" in to_text(loaded.findings, {}, colour=False)


def test_what_is_accepted_of_another_is_not() -> None:
    loaded = accepting("{finding: D103, for: store, because: known}")
    assert [f.accepted for f in loaded.findings] == [""]
    assert [d.code for d in loaded.diagnostics] == ["D803"]


def test_what_is_accepted_is_not_repaired() -> None:
    """Whoever keeps a line means it."""
    kept, repaired = accepting("{finding: D402, because: known}", "D402").network, read("D402", "fault").network
    assert kept is not None and repaired is not None
    assert [str(r.match) for f in kept.egress_filters for r in f.rules if r.id.startswith("models")] == ["443/udp"]
    assert [str(r.match) for f in repaired.egress_filters for r in f.rules if r.id.startswith("models")] == ["443/tcp"]


# -- what is written about them


@pytest.mark.parametrize("each", RULES, ids=lambda r: r.code)
def test_words(each: object) -> None:
    rule = CODES[each.code]  # type: ignore[attr-defined]
    assert re.fullmatch(r"D[1-7]\d\d", rule.code)
    for text in (rule.title, rule.why, rule.source, rule.help, rule.what):
        assert text and "\n" not in text
    assert rule.url.startswith("https://")
    assert rule.what.endswith(".") and rule.why.endswith(".")
    assert not rule.title.endswith(".")


def test_codes_are_unique_and_in_the_registry() -> None:
    assert len(CODES) == len(RULES) >= 30
    source = "".join(p.read_text() for p in (HERE.parents[1] / "src" / "budnet" / "lint").glob("*.py"))
    assert set(re.findall(r'^    "(D[1-7]\d\d)", ', source, re.MULTILINE)) == set(CODES)


def test_sarif_carries_the_rule_and_the_acceptance() -> None:
    run = to_sarif([*read("D101", "fault").findings, *accepting("{finding: D103, because: known}").findings], "0")["runs"][0]
    rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    assert rules["D101"]["helpUri"] == CODES["D101"].url
    assert CODES["D101"].why in rules["D101"]["help"]["text"]
    assert [r.get("suppressions") for r in run["results"]] == [None, [{"kind": "inSource", "justification": "known"}]]
    json.dumps(run)


def page() -> str:
    """docs/FINDINGS.md"""
    rows = [
        f"| {r.code} | {r.severity.value} | **{r.title}.** {r.what} | {r.why} | [{r.source}]({r.url}) | {r.help} |"
        for r in sorted(RULES, key=lambda r: r.code)
    ]
    return "\n".join([
        "# What `budnet check` finds in a design", "",
        "Made from `src/budnet/lint`; `budnet check --explain D101` prints one of these. `error`: it breaks or opens something for",
        "certain, and `check` exits with 1. `warning`: likely. `info`: worth knowing. What is no error can be kept by a row of",
        "`accept`, with its reason. Where a finding names a repair, the repair takes effect; with `--literal` the file does.", "",
        "| code | severity | found when | why | source | repair |", "|---|---|---|---|---|---|", *rows, "",
    ])  # fmt: skip


def test_the_table_is_current() -> None:
    expect(PAGE, page().replace("`|`", "`\\|`"))
