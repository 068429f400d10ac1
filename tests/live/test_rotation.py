"""Rotation of everything that believes the internal CA: clients' certificates, fronts of links."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from budnet.errors import TwinError
from budnet.ir.network import Network
from budnet.pipeline import load
from budnet.pki.store import Vault
from budnet.probe import links
from budnet.twin import tools
from budnet.twin.build import plan
from budnet.twin.certificates import CLIENT, VAULT
from budnet.twin.consumers import pairs
from budnet.twin.lab import Twin
from budnet.twin.staging import Stage, stage
from helpers import network_of, twin_of

pytestmark = pytest.mark.live
DOOR, TOOL, LEDGER, CACHE = "yard/gate/door", "yard/bench/tool-0", "yard/bench/ledger", "yard/bench/cache"
Result = dict[str, Any]


@pytest.fixture(scope="module")
def network() -> Network:
    loaded = load(str(Path(__file__).with_name("rotation.yaml")))
    assert loaded.network is not None, loaded.diagnostics
    return loaded.network


@pytest.fixture(scope="module")
def staged(network: Network) -> Stage:
    return stage(network, plan(network), tools.find())


@pytest.fixture(scope="module")
def twin(network: Network, staged: Stage) -> Iterator[Twin]:
    with twin_of(plan(network), staged) as up:
        yield up


@pytest.fixture(scope="module")
def root(twin: Twin, network: Network) -> Result:
    return list(twin.rotate("root", "", 60, pairs(network)))[-1]


@pytest.mark.parametrize("topology", ["foundry", "five-ways"])
def test_all_that_the_internal_ca_signs_is_in_one_list(topology: str) -> None:
    """Who signs and does not say so could not be switched, and the old root could never be taken away."""
    network = network_of(topology)
    vault = Vault.read(next(content for path, content, _ in stage(network, plan(network), tools.find()).files if path == VAULT))
    assert set(vault.authority.issuers) == {i.layer for i in vault.issued}


def test_the_root_is_rotated_for_everybody(root: Result) -> None:
    assert root["failed"] == 0, root["errors"]
    assert not root["left"] and not root["still_trusting"]
    assert {s["layer"] for s in root["servers"]} == {"site", "parts", "links"}
    assert all(r["refused"] for r in root["refused"]), root["refused"]


def test_a_load_balancer_before_tls_stops_it_before_anything_is_switched(tmp_path: Path) -> None:
    """It would keep the old root in memory, say that it has the new one, and answer 503 from then on."""
    text = Path(__file__).with_name("rotation.yaml").read_text().replace("replicas: 2, ports", "replicas: 2, tls: plain, ports")
    file = tmp_path / "before-tls.yaml"
    file.write_text(text)
    network = load(str(file)).network
    assert network is not None
    with twin_of(plan(network), stage(network, plan(network), tools.find())) as twin:
        with pytest.raises(TwinError, match=f"{DOOR} connects to servers with TLS"):
            list(twin.rotate("root", "", 60, pairs(network)))
        again = list(twin.rotate("issuer", "", 60, pairs(network)))[-1]
    assert not again["failed"] and all(r["refused"] for r in again["refused"])


def test_a_link_lets_the_right_ones_in_afterwards(root: Result, twin: Twin, network: Network) -> None:
    table = links.truth(network, twin)
    assert table.questions > 3 and not table.disagree, "\n".join(map(str, table.disagree))


@pytest.mark.parametrize("which", ["old", "new"])
def test_a_client_certificate_below_the_old_root_is_refused(
    root: Result, twin: Twin, staged: Stage, which: str, tmp_path: Path, network: Network
) -> None:
    old = tmp_path / "old.pem"
    old.write_bytes(next(content for path, content, _ in staged.files if path == CLIENT))
    shown = str(old) if which == "old" else f"/run/budnet/{CLIENT}"
    program = """if 1:
        import socket, ssl, sys
        context = ssl.create_default_context(cafile="/run/budnet/ca.pem")
        context.load_cert_chain(sys.argv[2])
        tls = context.wrap_socket(socket.create_connection((sys.argv[1], 6379), 3), server_hostname=sys.argv[1])
        tls.sendall(b"PING\\r\\n")
        try:
            sys.exit(0 if tls.recv(64) == b"+PONG\\r\\n" else 2)
        except ssl.SSLError as refused:
            sys.exit(1 if "unknown ca" in str(refused) or "certificate" in str(refused) else 3)
    """
    code = twin.exec(TOOL, [sys.executable, "-c", program, str(network.endpoint[CACHE].addresses[0]), shown])
    assert code == (1 if which == "old" else 0)
