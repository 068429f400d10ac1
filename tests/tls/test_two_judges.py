"""Our prober and OpenSSL agree on what real servers take, over random profiles for keys of both kinds."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from budnet.ir.network import Network
from budnet.pipeline import load_text
from budnet.probe import tls
from budnet.twin import tools
from budnet.twin.build import plan
from budnet.twin.handshakes import Door
from budnet.twin.lab import Twin
from budnet.twin.staging import stage
from helpers import twin_of
from tls.random_profiles import topology

pytestmark = [pytest.mark.live, pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here")]


def second_judge(twin: Twin, door: Door) -> dict[str, list[str]]:
    with tempfile.TemporaryFile() as out, open(os.devnull) as nothing:
        command = (sys.executable, str(Path(__file__).parent / "judge.py"), door.address, str(door.port), door.starttls)
        assert twin.exec(door.source, command, streams=(nothing.fileno(), out.fileno(), 2)) == 0
        out.seek(0)
        found: dict[str, list[str]] = json.loads(out.read())
        return found


@pytest.fixture(scope="module", params=[1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)])
def lab(request: pytest.FixtureRequest) -> Iterator[tuple[Network, Twin]]:
    network = load_text(topology(request.param).encode(), "judges.yaml", {}).network
    assert network is not None
    wanted = plan(network)
    with twin_of(wanted, stage(network, wanted, tools.find())) as twin:
        yield network, twin


def test_both_judges_see_the_same(lab: tuple[Network, Twin]) -> None:
    network, twin = lab
    doors = [
        Door("main/apps/client", e.id, str(e.addresses[0]), 5432, "", "postgresql" if e.software == "postgresql" else "")
        for e in network.inside
        if e.service != "client"
    ]
    answers = list(twin.handshakes(doors))
    assert len(answers) == 6
    for door, seen in zip(doors, answers, strict=True):
        ours = {version: sorted(found) for version, found in seen["suites"].items()}
        assert ours == second_judge(twin, door), door.target


def test_and_both_what_the_profile_says(lab: tuple[Network, Twin]) -> None:
    table = tls.truth(*lab)
    assert not table.disagree, "\n".join(map(str, table.disagree))
