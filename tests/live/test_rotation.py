"""Rotation of the roots that a twin believes: of clients' certificates, fronts of links, load balancers before TLS, and sidecars."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from budnet.ir.network import Network
from budnet.pipeline import load
from budnet.pki.identity import Sentry
from budnet.pki.store import ACME, Vault
from budnet.probe import links
from budnet.probe import mesh as mesh_probe
from budnet.records import replace
from budnet.twin import mesh, tools
from budnet.twin.build import plan
from budnet.twin.certificates import CLIENT, VAULT
from budnet.twin.consumers import pairs
from budnet.twin.lab import Twin
from budnet.twin.servers.sidecars import sidecars
from budnet.twin.staging import Stage, stage
from helpers import network_of, twin_of

pytestmark = pytest.mark.live
DOOR, TOOL, LEDGER, CACHE = "yard/gate/door", "yard/bench/tool-0", "yard/bench/ledger", "yard/bench/cache"
SMITH = "yard/bench/smith-0"
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
    for name, authority in vault.authorities.items():
        assert set(authority.issuers) <= {i.layer for i in vault.issued if i.signed in (name, ACME)}


def test_both_roots_are_rotated_for_everybody(root: Result) -> None:
    assert root["failed"] == 0, root["errors"]
    assert not root["left"] and not root["still_trusting"]
    assert {s["layer"] for s in root["servers"]} == {"site", "parts", "links", "internal", "dapr-sentry"}
    assert [(a["authority"], a["servers"]) for a in root["authorities"]] == [("internal", 7), ("mesh", 2)]
    assert all(r["refused"] for r in root["refused"]), root["refused"]


def test_who_shows_what_the_old_root_signed_is_refused_by_all_that_ask(root: Result) -> None:
    """Clients of servers that want certificates, and sidecars: a certificate that is good for nothing any more."""
    shown = {r["server"]: r["shown"] for r in root["refused"] if r["shown"] is not None}
    assert set(shown) == {"yard/bench/ledger", "yard/bench/cache", "yard/bench/crate", "yard/work/smith", "yard/desk/clerk"}
    assert all("unknown ca" in said or "bad certificate" in said for said in shown.values()), shown


def test_what_has_to_be_started_again_is_counted_and_refuses_nobody(root: Result) -> None:
    (crate,) = root["restarted"]
    assert crate["server"] == "yard/bench/crate" and crate["held"] > 0


def test_sidecars_let_the_same_in_afterwards_and_know_nobody_new(root: Result, twin: Twin, network: Network) -> None:
    table = mesh_probe.truth(network, twin)
    assert table.questions > 30 and not table.disagree, "\n".join(map(str, table.disagree))


def test_the_root_of_the_mesh_alone(root: Result, twin: Twin, network: Network) -> None:
    result = list(twin.rotate("root", "dapr-sentry", 60, pairs(network)))[-1]
    assert result["failed"] == 0 and not result["still_trusting"]
    assert [a["authority"] for a in result["authorities"]] == ["mesh"] and not result["restarted"]
    assert result["refused"] and all(r["refused"] for r in result["refused"])


@pytest.mark.parametrize("which", ["old", "new"])
def test_a_sidecar_that_was_left_behind_can_call_nobody(
    root: Result, twin: Twin, staged: Stage, network: Network, which: str, tmp_path: Path
) -> None:
    """A real one, with the roots and the identity from before; and one with those of today, which shows that the first could have."""
    sentry = Sentry("anybody")
    sentry.authority = vault_of(staged, twin, which, tmp_path).authorities["mesh"]
    parts = mesh.parts(network, sentry)
    own = next(replace(p, port=50003) for p in parts["pods"] if p.namespace == SMITH)
    process = sidecars(tools.find(), name="late", **parts | {"pods": [own], "api": 3600})
    for file in process.files:  # its callees listen where they always did
        text = file.content.replace(b"{dir}", bytes(tmp_path)).replace(b"callee 0.0.0.0:50003", b"callee 0.0.0.0:50002")
        (tmp_path / file.path).write_bytes(text)
    program = """if 1:
        import http.client, os, subprocess, sys, time
        late = subprocess.Popen(sys.argv[2:], cwd=sys.argv[1], stdout=open(sys.argv[1] + "/log", "w"), stderr=subprocess.STDOUT)
        for _ in range(500):
            try:
                call = http.client.HTTPConnection("127.0.0.1", 3600, timeout=5)
                call.request("GET", "/", headers={"dapr-app-id": "clerk.desk"})
                break
            except ConnectionRefusedError:
                time.sleep(0.01)
        status = call.getresponse().status
        late.terminate()
        sys.exit(status // 100)
    """
    argv = [word.replace("{dir}", str(tmp_path)) for word in process.argv]
    code = twin.exec(SMITH, ["env", *(f"{k}={v}" for k, v in process.env), sys.executable, "-c", program, str(tmp_path), *argv])
    assert code == (5 if which == "old" else 2), (tmp_path / "log").read_text()


def vault_of(staged: Stage, twin: Twin, which: str, folder: Path) -> Vault:
    """The authorities of the twin as it began, or as it is."""
    if which == "old":
        return Vault.read(next(content for path, content, _ in staged.files if path == VAULT))
    with (folder / "vault").open("wb") as file:
        twin.exec(SMITH, ["cat", f"/run/budnet/{VAULT}"], (0, file.fileno(), 2))
    return Vault.read((folder / "vault").read_bytes())


def test_whoever_stops_listening_leaves_no_rotation_half_way(root: Result, twin: Twin, network: Network) -> None:
    for _ in twin.rotate("root", "", 60, pairs(network)):
        break  # and the connection is closed: what Ctrl-C does
    result = list(twin.rotate("root", "", 60, pairs(network)))[-1]
    assert result["failed"] == 0 and not result["still_trusting"], result["errors"]
    count = 'from cryptography.x509 import *; import sys; sys.exit(len(load_pem_x509_certificates(open("/run/budnet/pki/internal.pem", "rb").read())))'
    assert twin.exec(SMITH, [sys.executable, "-c", count]) == 1


def test_what_a_sidecar_has_begun_it_finishes_before_another_takes_its_place(root: Result, twin: Twin, network: Network) -> None:
    """A worker of HAProxy that is to end can open no connection in another namespace any more."""
    program = """if 1:
        import socket, time
        call = socket.create_connection(("127.0.0.1", 3500), 10)
        call.sendall(b"GET / HTTP/1.1\\r\\nHost: sidecar\\r\\ndapr-app-id: clerk.desk\\r\\n")
        time.sleep(1.2)
        call.sendall(b"\\r\\n")
        raise SystemExit(0 if b" 200 " in call.recv(4096).split(b"\\r\\n")[0] else 1)
    """
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(twin.exec, SMITH, [sys.executable, "-c", program])
        time.sleep(0.5)
        result = list(twin.rotate("leaf", "dapr-sentry", 60, pairs(network)))[-1]
        assert call.result() == 0
    assert result["failed"] == 0, result["errors"]


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
