"""Whole topologies, and everything that they mean, as files: the diff of a change is what a reviewer reads.

A missing expected file is written and the test fails once; `make golden` rewrites all of them.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from budnet.ir.network import Network, to_json
from budnet.reach.engine import Engine
from budnet.reach.matrix import matrix
from budnet.reach.prove import Status, prove
from budnet.twin.build import plan
from budnet.twin.steps import steps
from helpers import CASES, GOLDEN, network_of
from twin.fake import FakeKernel

PARTS = (
    "vpcs",
    "subnets",
    "route_tables",
    "security_groups",
    "acls",
    "policies",
    "egress_filters",
    "dns_filters",
    "sni_filters",
    "endpoints",
    "services",
    "records",
    "access_controls",
    "vpns",
    "fronts",
    "client_vpns",
)


def network_text(network: Network) -> str:
    """One object a line, without the place of the repository in it."""
    lines = [f"{part}: {json.dumps(to_json(item))}" for part in PARTS for item in getattr(network, part)]
    return "\n".join(lines).replace(f"{GOLDEN}{os.sep}", "") + "\n"


def verdicts_text(network: Network) -> str:
    """What is delivered, and what is proved."""
    engine = Engine(network)
    proofs = [f"{p.status.value}: {p.summary}" for p in prove(engine)]
    rows = [f"{r.src} -> {r.dst}: {r.allowed}" + (f" (one way: {r.one_way})" if r.one_way else "") for r in matrix(engine)]
    return "\n".join([*proofs, "", *rows, ""])


def twin_text(network: Network) -> str:
    """The twin as the fake kernel prints it."""
    kernel = FakeKernel()
    kernel.apply(steps(plan(network), kernel.read()))
    return str(kernel) + "\n"


def expect(path: Path, text: str) -> None:
    rewrite = os.environ.get("BUDNET_GOLDEN")
    if rewrite or not path.exists():
        path.write_text(text, encoding="utf-8")
        assert rewrite, f"{path.name} was missing and is written now: read it, then run again"
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES)
def test_network(case: str) -> None:
    expect(GOLDEN / case / "network.jsonl", network_text(network_of(case)))


@pytest.mark.parametrize("case", CASES)
def test_verdicts(case: str) -> None:
    expect(GOLDEN / case / "verdicts.txt", verdicts_text(network_of(case)))


@pytest.mark.parametrize("case", CASES)
def test_twin(case: str) -> None:
    expect(GOLDEN / case / "twin.txt", twin_text(network_of(case)))


@pytest.mark.parametrize("case", [*CASES, "foundry"])
def test_everything_is_proved(case: str) -> None:
    assert all(p.status is Status.PROVED for p in prove(Engine(network_of(case))))
