"""Links, up for real: every question agrees, credentials are asked for, and the internet sees ciphertext only."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest

from budnet.catalog import topology_text
from budnet.ir.network import Network
from budnet.pipeline import load_text
from budnet.probe import links, names, resolvers
from budnet.probe.truth import Truth, truth
from budnet.reach.engine import Engine
from budnet.reach.prove import Status, prove
from budnet.reach.trace import find
from budnet.records import replace
from budnet.twin import tools
from budnet.twin.build import plan
from budnet.twin.crossing import frames, kinds
from budnet.twin.handshakes import Door
from budnet.twin.staging import stage
from helpers import GOLDEN, network_of, twin_of


def tables(network: Network) -> tuple[Truth, Truth]:
    """Of packets, and of names and links."""
    wanted = plan(network)
    staged = stage(network, wanted, tools.find())
    assert not staged.missing
    with twin_of(wanted, staged) as twin:
        assert twin.status()["tunnels_down"] == {}
        packets, asked = truth(network, twin), links.truth(network, twin)
        for layer in (names, resolvers):
            asked.join(layer.truth(network, twin))
    return packets, asked


@pytest.mark.live
@pytest.mark.parametrize("case", ["five-ways", "linked"])
def test_everything_agrees(case: str) -> None:
    packets, asked = tables(network_of(case))
    assert not packets.disagree, "\n".join(map(str, packets.disagree[:10]))
    assert not asked.disagree, "\n".join(map(str, asked.disagree[:10]))
    seen = {r[2].object for r in asked.rows if r[0].destination.startswith("eavesdropping")}
    assert seen == {f"{what} on the internet" for what in ("ESP", "WireGuard", "TLS", "nothing")}


@pytest.mark.live
def test_a_service_that_is_not_accepted_carries_nothing() -> None:
    text = Path(GOLDEN, "linked", "topology.yaml").read_bytes().replace(b"aws-privatelink", b"aws-privatelink, accept: false")
    network = load_text(text, "linked.yaml", {}).network
    assert network is not None
    refuted = next(p for p in prove(Engine(network)) if p.status is Status.REFUTED)
    assert refuted.trace is not None
    assert str(refuted.origin).startswith("linked.yaml:")
    packets, asked = tables(network)
    assert not packets.disagree, "\n".join(map(str, packets.disagree[:10]))
    (wrong,) = asked.disagree  # a name of ours whose service is behind that link
    assert wrong.question.destination == "https://till.linked.example"
    assert "503" in wrong.observed.object


@pytest.mark.live
def test_a_public_front_is_told_all_of_its_profile() -> None:
    """Versions, suites and groups; a certificate is asked for by the link, whatever the profile says."""
    text = (
        topology_text("five-ways")
        .decode()
        .replace(
            'external: {minimum: "1.2", ciphers: [ECDHE-RSA-AES256-GCM-SHA384]}',
            'external: {minimum: "1.2", ciphers: [ECDHE-RSA-AES128-GCM-SHA256], ciphersuites: [TLS_AES_128_GCM_SHA256], groups: [secp384r1]}',
        )
    )
    network = load_text(text.encode(), "five-ways.yaml", {}).network
    assert network is not None
    front = next(f for f in network.fronts if f.auth and f.provider == "edge")
    source = next(e for e in network.inside if e.service == "budcluster")
    door = Door(source.id, front.near, str(network.endpoint[front.near].public[0]), front.ports[0], front.name, "")
    wanted = plan(network)
    with twin_of(wanted, stage(network, wanted, tools.find())) as twin:
        (seen,) = twin.handshakes([door])
    assert seen["suites"] == {"TLS 1.2": ["ECDHE-RSA-AES128-GCM-SHA256"], "TLS 1.3": ["TLS_AES_128_GCM_SHA256"]}
    assert set(map(tuple, seen["groups"].values())) == {("P-384",)}
    assert seen["clients"] != "admitted"


@pytest.mark.live
def test_a_twin_comes_up_without_a_tunnel() -> None:
    """A kernel without /dev/net/tun, a daemon that does not start: what the link carries is what differs, and it is said."""
    wanted = plan(network_of("linked"))
    staged = stage(network_of("linked"), wanted, tools.find())
    processes = tuple(replace(p, argv=("false",)) if "vpn-" in p.name else p for p in staged.processes)
    with twin_of(wanted, replace(staged, processes=processes)) as twin:
        assert set(twin.status()["tunnels_down"]) == {"cable-1", "cable-2", "radio-1", "radio-2"}


def test_an_address_of_several_networks_names_them() -> None:
    with pytest.raises(ValueError, match=r"several networks: name one of hq/work/archive, bank/vault/ledger"):
        find(Engine(network_of("linked")), "10.0.2.50")


def test_no_address_is_asked_of_a_network_that_may_mean_another() -> None:
    """`archive` and `ledger` have one address in two networks."""
    network = network_of("linked")
    archive, ledger = network.endpoint["hq/work/archive"], network.endpoint["bank/vault/ledger"]
    assert archive.addresses[0] == ledger.addresses[0]
    from budnet.probe.question import questions

    asked = {(q.source, q.destination) for q in questions(network)}
    assert ("plant/hall/press", "hq/work/archive") in asked
    assert ("plant/hall/press", "bank/vault/ledger") not in asked
    assert ("bank/vault/teller", "hq/work/archive") not in asked


def test_gateways_of_one_tunnel_know_each_other() -> None:
    for connection in network_of("five-ways").vpns:
        assert len({g.public for g in connection.gateways}) == 4
        for tunnel in connection.tunnels:
            for vpc, other in (connection.between, connection.between[::-1]):
                assert tunnel.gateway(vpc).vpc == vpc
                assert tunnel.other(vpc) is tunnel.gateway(other)
        assert connection.at(connection.between[0]) == tuple(t.gateways[0] for t in connection.tunnels)


def test_tunnels_end_in_the_zones_of_their_network() -> None:
    (connection, _) = network_of("five-ways").vpns
    assert [g.zone for g in connection.at("control")] == ["a", "b"]
    assert [g.zone for g in connection.at("azure")] == ["", ""]


TEXT = b"a text that an eavesdropper would read " * 4


def frame(protocol: int, body: bytes, ports: bytes = b"\x30\x39\x01\xbb") -> bytes:
    """An Ethernet frame with an IPv4 packet."""
    head = ports + b"\0" * 8 + b"\x50" + b"\0" * 7 if protocol == socket.IPPROTO_TCP else ports + b"\0" * 4
    return b"\0" * 12 + b"\x08\x00\x45" + b"\0" * 8 + bytes([protocol]) + b"\0" * 10 + head + body


def test_what_an_eavesdropper_tells_apart() -> None:
    """Or the rows of `probe` that say `ESP` would prove nothing."""
    long = b"\x80" * 300
    nat = b"\x11\x94\x11\x94"
    assert kinds([frame(socket.IPPROTO_TCP, b"x" * 20 + TEXT)], TEXT) == {"clear"}
    assert kinds([frame(socket.IPPROTO_TCP, long)], TEXT) == {"IP protocol 6"}
    assert kinds([frame(socket.IPPROTO_TCP, b"\x16\x03\x01" + long), frame(socket.IPPROTO_TCP, long)], TEXT) == {"TLS"}
    assert kinds([frame(socket.IPPROTO_UDP, long, nat)], TEXT) == {"ESP"}
    assert kinds([frame(socket.IPPROTO_UDP, b"\0\0\0\0" + long, nat)], TEXT) == {"UDP"}
    assert kinds([frame(socket.IPPROTO_UDP, b"\x04\0\0\0" + long)], TEXT) == {"WireGuard"}
    assert kinds([frame(socket.IPPROTO_UDP, b"\x04\0\0\0")], TEXT) == set()
    assert kinds([b"\0" * 12 + b"\x08\x06" + long], TEXT) == set()  # ARP carries nobody's text


def test_a_wire_that_is_never_silent_is_not_listened_to_for_ever() -> None:
    """Gateways that ask each other whether they are there are heard all the time, and their words are short."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    over = threading.Event()

    def chatter() -> None:
        theirs.send(b"x" * 300)
        while not over.wait(0.005):
            theirs.send(b"x" * 100)

    speaker = threading.Thread(target=chatter)
    speaker.start()
    began = time.monotonic()
    heard = [len(f) for f in frames(ours, 0.05, 200)]
    over.set()
    speaker.join()
    assert time.monotonic() - began < 1
    assert heard[0] == 300
    assert len(heard) > 1
