"""Our prober and OpenSSL agree on what real servers take, over random profiles for keys of both kinds."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from budnet.ir.network import Network
from budnet.pipeline import load_text
from budnet.probe import tls
from budnet.tls import groups
from budnet.twin import tools
from budnet.twin.build import plan
from budnet.twin.handshakes import Door
from budnet.twin.lab import Twin
from budnet.twin.staging import stage
from helpers import twin_of
from tls.random_profiles import topology

pytestmark = [pytest.mark.live, pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here")]


def judged(twin: Twin, *command: str) -> Any:
    """What a judge prints, asked as a program of this folder at the client."""
    program, script, *arguments = command
    with tempfile.TemporaryFile() as out, open(os.devnull) as nothing:
        argv = (program, str(Path(__file__).parent / script), *arguments)
        assert twin.exec("main/apps/client", argv, streams=(nothing.fileno(), out.fileno(), 2)) == 0
        out.seek(0)
        return json.loads(out.read())


def doors(network: Network) -> list[Door]:
    ends = [e for e in network.inside if e.service != "client"]
    return [Door("main/apps/client", e.id, str(e.addresses[0]), 5432, "", "postgresql" if e.software == "postgresql" else "") for e in ends]


@pytest.fixture(scope="module", params=[1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)])
def lab(request: pytest.FixtureRequest) -> Iterator[tuple[Network, Twin]]:
    network = load_text(topology(request.param).encode(), "judges.yaml", {}).network
    assert network is not None
    wanted = plan(network)
    with twin_of(wanted, stage(network, wanted, tools.find())) as twin:
        yield network, twin


def test_both_judges_see_the_same(lab: tuple[Network, Twin]) -> None:
    network, twin = lab
    asked = doors(network)
    answers = list(twin.handshakes(asked))
    assert len(answers) == 6
    for door, seen in zip(asked, answers, strict=True):
        ours = {version: sorted(found) for version, found in seen["suites"].items()}
        assert ours == judged(twin, sys.executable, "judge.py", door.address, str(door.port), door.starttls), door.target


@pytest.mark.skipif("BUDNET_SSLYZE" not in os.environ, reason="name an interpreter that has sslyze in BUDNET_SSLYZE")
def test_and_sslyze_sees_the_same(lab: tuple[Network, Twin]) -> None:
    network, twin = lab
    asked = doors(network)
    targets = [(d.address, d.port, d.starttls) for d in asked]
    theirs = judged(twin, os.environ["BUDNET_SSLYZE"], "sslyze_judge.py", json.dumps([targets, 0]))
    for door, seen, third in zip(asked, twin.handshakes(asked), theirs, strict=True):
        curves = {g for listed in seen["groups"].values() for g in listed if groups.BY_NAME[g.upper()].elliptic}
        assert {v: sorted(found) for v, found in seen["suites"].items()} == third["suites"], door.target
        assert curves == {groups.BY_NAME[c.upper()].name for c in third["curves"]}, door.target


def test_and_both_what_the_profile_says(lab: tuple[Network, Twin]) -> None:
    table = tls.truth(*lab)
    assert not table.disagree, "\n".join(map(str, table.disagree))
