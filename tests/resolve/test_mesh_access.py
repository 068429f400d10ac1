"""Access control out of flows."""

from __future__ import annotations

from budnet.ir.mesh import Identity
from helpers import network_of


def test_every_app_with_a_sidecar_has_one_and_lets_in_whom_flows_name() -> None:
    controls = {c.id: c for c in network_of("two-meshes").access_controls}
    assert sorted(controls) == [
        "depot/back/shelf",
        "depot/front/scanner",
        "hub/back/ledger",
        "hub/back/night",
        "hub/back/price",
        "hub/back/shelf",
        "hub/front/desk",
    ]
    ledger = controls["hub/back/ledger"]
    assert ledger.callee == Identity("parcels.example", "back", "ledger")
    assert ledger.callee.uri == "spiffe://parcels.example/ns/back/ledger"
    assert ledger.endpoints == tuple(f"hub/pods/ledger-{i}" for i in range(3))
    assert {(r.caller.name, r.origin.line) for r in ledger.rules} == {("desk.front", 31), ("night.back", 32), ("scanner.front", 34)}
    assert not ledger.default_allow
    assert (ledger.key, ledger.lifetime) == ("ed25519", 12 * 3600)


def test_an_app_in_two_clusters_has_one_identity_and_lets_in_whom_its_own_cluster_s_flows_name() -> None:
    there, here = (c for c in network_of("two-meshes").access_controls if c.callee.app == "shelf")
    assert (there.id, here.id, there.callee) == ("depot/back/shelf", "hub/back/shelf", here.callee)
    assert [[r.caller.app for r in c.rules] for c in (there, here)] == [["scanner"], ["price"]]


def test_packets_on_the_sidecar_s_port_are_no_invocation() -> None:
    price = network_of("two-meshes").access_control["hub/pods/price"]
    assert [r.caller.name for r in price.rules] == ["desk.front"]


def test_the_app_s_port_is_its_first_tcp_port() -> None:
    found = network_of("two-meshes").access_control
    assert [found[f"hub/pods/{app}"].app_port for app in ("price", "night")] == [8081, 0]


def test_without_a_row_of_certificates_the_defaults_are_dapr_s() -> None:
    assert {c.callee.trust_domain for c in network_of("foundry").access_controls} == {"public"}
    assert {c.key for c in network_of("foundry").access_controls} == {"ec-p256"}
