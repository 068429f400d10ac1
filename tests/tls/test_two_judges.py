"""Our prober and OpenSSL agree on what real servers take, over random profiles for keys of both kinds."""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from budnet.ir.network import Network
from budnet.pipeline import load_text
from budnet.probe import tls
from budnet.tls.suites import SUITES_12, USUAL_13
from budnet.twin import tools
from budnet.twin.build import plan
from budnet.twin.handshakes import Door
from budnet.twin.lab import Twin
from budnet.twin.staging import stage
from helpers import twin_of

pytestmark = [pytest.mark.live, pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here")]
SOFTWARE = {"haproxy": "", "postgresql": "software: postgresql, ", "redis": "software: redis, "}
# those that OpenSSL 3 takes at its usual level of security, with a certificate of either kind
USABLE = [s.openssl for s in SUITES_12 if s.key_exchange in ("ECDHE", "RSA") and s.authentication in ("RSA", "ECDSA") and "AES" in s.iana
          and "EXPORT" not in s.iana and "CCM_8" not in s.iana]  # fmt: skip


def topology(seed: int) -> str:
    """Each server with a profile of its own, drawn at random."""
    chance = random.Random(seed)
    profiles, services, flows = [], [], []
    for software, words in SOFTWARE.items():
        for key in ("rsa-2048", "ec-p256"):
            name = f"{software}-{key[:3].strip('-')}"
            kind = "RSA" if key.startswith("rsa") else "ECDSA"
            fitting = [s for s in USABLE if f"-{kind}-" in s or (kind == "RSA" and "ECDSA" not in s)]
            ciphers = chance.sample(fitting, chance.randint(1, 6)) + chance.sample(USABLE, 2)
            suites = chance.sample(USUAL_13, chance.randint(1, 3))
            minimum = chance.choice(["1.2", "1.2", "1.3"])
            below = f"ciphers: [{', '.join(ciphers)}], " if minimum == "1.2" else ""
            profiles.append(f'  {name}: {{minimum: "{minimum}", {below}ciphersuites: [{", ".join(suites)}], key: {key}}}')
            services.append(f"  {name}: {{subnet: main/apps, {words}tls: {name}, ports: {{x: 5432/tcp}}}}")
            flows.append(f"  - {{from: client, to: {name}, port: x}}")
    return "\n".join([
        "budnet: 1", "name: judges", "networks:", "  main: {cidr: 10.0.0.0/16, subnets: {apps: {cidr: 10.0.1.0/24, access: isolated}}}",
        "tls:", *profiles, "services:", "  client: {subnet: main/apps}", *services, "flows:", *flows, "",
    ])  # fmt: skip


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
