"""Laws of links: a tunnel delivers what a peering delivers, and a network with the same addresses changes nothing for others."""

from __future__ import annotations

import pytest
from hypothesis import given

from budnet.ir.cloud import TargetKind
from budnet.pipeline import load_text
from budnet.reach.engine import Engine
from budnet.reach.matrix import matrix
from budnet.records import replace
from helpers import GOLDEN
from properties.networks import networks
from properties.test_prover_against_brute_force import LAWS, verdicts
from properties.tunnels import as_tunnels


@LAWS
@given(networks())
def test_a_tunnel_delivers_what_a_peering_delivers(network) -> None:  # type: ignore[no-untyped-def]
    """One of a connection's tunnels or all: they are one way of joining."""
    assert verdicts(as_tunnels(network)) == verdicts(as_tunnels(network, 1)) == verdicts(network)


@LAWS
@given(networks())
def test_without_tunnels_nothing_passes_and_nothing_takes_another_way(network) -> None:  # type: ignore[no-untyped-def]
    """As if every route into the connection were a blackhole: it is still there, and more special than the default."""
    tables = tuple(
        replace(t, routes=tuple(replace(r, target=TargetKind.BLACKHOLE) if r.target is TargetKind.PEERING else r for r in t.routes))
        for t in network.route_tables
    )
    assert verdicts(as_tunnels(network, 0)) == verdicts(replace(network, route_tables=tables))


SHADOW = b"""\
networks:
  shadow:
    cidr: %s
    subnets:
      same: {cidr: %s, access: isolated}
"""
DOUBLES = b"""\
services:
  double: {subnet: shadow/same, address: %s, ports: {http: 80/tcp, sql: 5433/tcp}}
"""
CASES = {
    "one-vpc": (b"172.31.0.0/16", b"172.31.0.0/16"),
    "linked": (b"10.0.0.0/16", b"10.0.2.0/24"),
    "no-kubernetes": (b"10.50.0.0/16", b"10.50.0.0/16"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_network_with_the_same_addresses_changes_nothing(case: str) -> None:
    """Nobody links it: every row stays, and there is none to it or from it."""
    text = (GOLDEN / case / "topology.yaml").read_bytes()
    before = load_text(text, "before.yaml", {}).network
    assert before is not None
    (double,) = [e for e in before.endpoints if e.id.endswith(("/db", "/archive", "/erp"))][:1] or before.inside[:1]
    address = next(a for a in double.addresses if a.version == 4)
    more = text.replace(b"networks:\n", SHADOW % CASES[case], 1).replace(b"services:\n", DOUBLES % str(address).encode(), 1)
    loaded = load_text(more, "after.yaml", {})
    assert loaded.network is not None, loaded.diagnostics
    assert any(e.addresses == (address,) for e in loaded.network.inside if e.vpc == "shadow")
    rows = {(r.src, r.dst): (r.allowed, r.one_way) for r in matrix(Engine(loaded.network))}
    ours = {pair: row for pair, row in rows.items() if not any(end.startswith("shadow/") for end in pair)}
    assert ours == {(r.src, r.dst): (r.allowed, r.one_way) for r in matrix(Engine(before))}
    assert {pair for pair in rows if pair not in ours} == {("shadow/same/double", f"shadow/{own}") for own in ("resolver", "metadata")}
