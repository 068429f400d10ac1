"""A single way out of an air gap, or a single stand-in that is gone, is caught: by the proof from tables, or by a try in the twin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from budnet.catalog.egress import catalogue
from budnet.ir.address import EVERYWHERE, Match
from budnet.ir.cloud import EgressOnlyGateway, InternetGateway, NatGateway, Route, TargetKind
from budnet.ir.filters import EgressRule
from budnet.ir.names import Record
from budnet.ir.network import Network
from budnet.ir.origin import NOWHERE
from budnet.pipeline import load_text
from budnet.probe import airgap
from budnet.probe.truth import Truth
from budnet.reach.airgap import ways_out
from budnet.reach.engine import Engine
from budnet.reach.prove import Status, prove
from budnet.records import replace
from budnet.resolve.airgap import PURPOSES
from budnet.twin import tools
from budnet.twin.build import plan
from budnet.twin.staging import Stage, stage
from helpers import twin_of

FILE = Path(__file__).parent / "airgap.yaml"
Fault = Callable[[Network], Network]
NAT = NatGateway("main/nat", "main", "main/public", ip_address("10.0.1.9"), ip_address("198.18.0.9"), NOWHERE)  # type: ignore[arg-type]


@cache
def sound() -> Network:
    found = load_text(FILE.read_bytes(), str(FILE), {})
    assert found.network is not None, found.diagnostics
    return found.network


@cache
def open_one() -> Network:
    """The same file with its ways out."""
    text = FILE.read_text(encoding="utf-8").replace("airgapped: {drop: [partners]}\n", "")
    found = load_text(text.encode(), str(FILE), {})
    assert found.network is not None, found.diagnostics
    return found.network


def record(network: Network) -> Network:
    host = next(e for e in network.outside if e.id == "internet/api.openai.com")
    return replace(network, records=(*network.records, Record("main", "api.openai.com", "A", str(host.addresses[0]), host.origin)))


def default_route(network: Network) -> Network:
    tables = list(network.route_tables)
    at = next(i for i, t in enumerate(tables) if t.id == "gpu/work")
    route = Route(ip_network("0.0.0.0/0"), TargetKind.NAT, "gpu/nat", NOWHERE)
    tables[at] = replace(tables[at], routes=(*tables[at].routes, route))
    return replace(network, route_tables=tuple(tables))


def foreign_route(network: Network) -> Network:
    tables = list(network.route_tables)
    route = Route(ip_network("203.0.113.0/24"), TargetKind.PEERING, "main-to-gpu", NOWHERE)
    tables[0] = replace(tables[0], routes=(*tables[0].routes, route))
    return replace(network, route_tables=tuple(tables))


def provider_kept(network: Network) -> Network:
    edge = network.egress_filter["main"]
    rule = EgressRule("providers:gateway", ("main/back/gateway",), (), EVERYWHERE, Match(), edge.origin)
    return replace(network, egress_filters=tuple(replace(f, rules=(rule,)) if f is edge else f for f in network.egress_filters))


def public_address(network: Network) -> Network:
    public = (ip_address("198.18.0.7"),)
    return replace(network, endpoints=tuple(replace(e, public=public) if e.service == "ingress" else e for e in network.endpoints))


def no_clock(network: Network) -> Network:
    return replace(network, endpoints=tuple(e for e in network.endpoints if e.service != "clock"))


@dataclass(frozen=True)
class Mutant:
    """`says` is in what the proof says of it."""

    what: str
    fault: Fault
    says: str


STATIC = (
    Mutant("NAT gateway left", lambda n: replace(n, nat_gateways=(NAT,)), "'main/nat' is a gateway"),
    Mutant("internet gateway left", lambda n: replace(n, internet_gateways=(InternetGateway("gpu/internet-gateway", "gpu", NOWHERE),)), "gpu/internet-gateway"),
    Mutant("egress-only gateway left", lambda n: replace(n, egress_only_gateways=(EgressOnlyGateway("main/eigw", "main", NOWHERE),)), "main/eigw"),
    Mutant("default route left", default_route, "'gpu/work' sends 0.0.0.0/0 to gpu/nat"),
    Mutant("route to somebody else's range", foreign_route, "203.0.113.0/24, which is no network's"),
    Mutant("name outside resolves", record, "'main' resolves api.openai.com"),
    Mutant("issuer outside left", lambda n: replace(n, certificates=open_one().certificates), "certificate 'web'"),
    Mutant("provider row kept", provider_kept, "egress row 'providers:gateway'"),
    Mutant("public address left", public_address, "has the public address 198.18.0.7"),
    Mutant("time server missing", no_clock, "nobody inside knows the time"),
)  # fmt: skip


@pytest.mark.parametrize("mutant", STATIC, ids=lambda m: m.what)
def test_tables_alone_show_it(mutant: Mutant) -> None:
    ways = [way.what for way in ways_out(mutant.fault(sound()))]
    assert any(mutant.says in way for way in ways), ways
    assert not list(ways_out(sound()))


def test_a_way_out_is_a_refuted_guarantee() -> None:
    found = next(p for p in prove(Engine(record(sound()))) if p.name == "airgap-no-way-out")
    assert found.status is Status.REFUTED
    assert "'main' resolves api.openai.com" in found.summary


def test_the_sound_one_is_proved() -> None:
    proofs = prove(Engine(sound()))
    assert not [p.summary for p in proofs if p.status is not Status.PROVED]
    assert {"airgap-no-way-out", "airgap"} <= {p.name for p in proofs}


def test_every_row_is_accounted_for() -> None:
    gap = sound().airgap
    assert gap is not None
    assert {r.name: r.instead for r in gap.rows} == {
        "images": "mirror",
        "models": "store",
        "time": "clock",
        "providers": "",
        "partners": "",
    }
    flows = {(f.sources.name, f.destinations.name) for f in sound().flows}
    assert {("nodes", "mirror"), ("gpu-nodes", "mirror"), ("gateway", "store"), ("nodes", "clock"), ("gpu-nodes", "clock")} <= flows
    assert ("runtime", "store") not in flows  # by its name, through the load balancer, as the file has it already
    assert ("clock", "clock") not in flows
    assert not [
        r.name
        for r in sound().records
        if r.view == "public" and r.name.endswith("vault.example") and r.kind in ("A", "AAAA") and "dns" not in r.name
    ]
    assert any(r.name == "docs.vault.example" and r.view == "gpu" for r in sound().records)


@pytest.mark.parametrize(("host", "issuer"), [("acme.partner.example", "internal-ca"), ("acme.vault.example", "acme")])
def test_an_acme_directory_stays_where_it_is_inside(host: str, issuer: str) -> None:
    text = FILE.read_text(encoding="utf-8").replace("{issuer: lets-encrypt,", f"{{issuer: acme, acme: 'https://{host}/directory',")
    found = load_text(text.encode(), str(FILE), {}).network
    assert found is not None
    assert [c.issuer for c in found.certificates] == [issuer]


def test_every_group_of_the_catalogue_has_a_purpose() -> None:
    assert set(catalogue().groups) == set(PURPOSES)


# ---- in the twin --------------------------------------------------------------------------------------------------------


def probed(faulty: Network, change: Callable[[Stage], Stage] = lambda s: s) -> Truth:
    staged = change(stage(faulty, plan(faulty), tools.find()))
    with twin_of(staged.plan, staged) as twin:
        return airgap.truth(sound(), twin)


def no_gap(network: Network) -> Network:
    """Every gateway, route and filter as without an air gap; names as with it."""
    parts = (
        "internet_gateways",
        "nat_gateways",
        "egress_only_gateways",
        "route_tables",
        "security_groups",
        "policies",
        "egress_filters",
        "acls",
    )
    parts += ("dns_filters", "sni_filters") if hasattr(network, "dns_filters") else ()
    return replace(network, **{part: getattr(open_one(), part) for part in parts})


def without(server: str) -> Callable[[Stage], Stage]:
    """A server that is up for the twin and answers nobody: its process is another's."""

    def change(staged: Stage) -> Stage:
        kept = tuple(replace(p, argv=("sleep", "600"), listens=()) if p.name == server else p for p in staged.processes)
        assert kept != staged.processes
        return replace(staged, processes=kept)

    return change


@pytest.mark.live
def test_a_sound_twin_agrees() -> None:
    table = probed(sound())
    assert not table.disagree, "\n".join(map(str, table.disagree[:5]))
    assert table.questions > 50


@pytest.mark.live
def test_ways_out_in_the_twin_are_seen_twice() -> None:
    """By who gets there, and by the internet's own count of packets."""
    rows = [str(d) for d in probed(no_gap(sound())).disagree]
    assert any("gpu/work/gpu-nodes -> internet/time" in r and "DELIVERED" in r for r in rows), rows[:5]
    assert any("packets from inside" in r and "EXITS" in r for r in rows)


@pytest.mark.live
def test_a_resolver_that_knows_the_outside_is_named() -> None:
    rows = [str(d) for d in probed(record(sound())).disagree]
    assert len(rows) == 1
    assert "main/resolver api.openai.com" in rows[0]
    assert "airgap.yaml:50" in rows[0]  # the row that led there


@pytest.mark.live
@pytest.mark.parametrize(("server", "service"), [("main/back/clock", "clock"), ("main/back/mirror", "mirror")])
def test_a_stand_in_that_does_not_answer_is_named(server: str, service: str) -> None:
    rows = [d.json() for d in probed(sound(), without(server)).disagree]
    assert rows
    assert all(r["dst"] == server for r in rows), rows[:3]
