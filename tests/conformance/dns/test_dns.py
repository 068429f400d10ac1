"""The table of `cases.py`, asked of all who answer: the proof's reading, the records derived from the file, dnsmasq, and our own server."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import dns.message
import dns.rcode
import pytest

from budnet.ir.network import Network
from budnet.pipeline import load, load_text
from budnet.probe import resolvers as probe
from budnet.reach.resolution import View
from budnet.records import replace
from budnet.twin import nameserver, prober, resolvers, tools
from budnet.twin.build import plan
from budnet.twin.lab import Twin
from budnet.twin.staging import stage
from conformance.dns.cases import CASES, PUBLIC, TTLS, Case
from helpers import twin_of

Answer = tuple[str, ...] | str
Ask = Callable[[str, str, str], dns.message.Message]


@cache
def network() -> Network:
    loaded = load(str(Path(__file__).with_name("topology.yaml")))
    assert loaded.network is not None and not loaded.diagnostics, loaded.diagnostics
    return loaded.network


def by_hand(text: str) -> str:
    """With addresses in place of `{...}`, found by what they are called and by no record."""
    return re.sub(r"\{(?:(reverse|label):)?([^}]+)\}", lambda m: address_of(m[2], m[1]), text)


def address_of(what: str, form_of_name: str | None) -> str:
    what, _, form = what.partition("/")
    name, _, where = what.partition("@")
    version, zone = 6 if form == "6" else 4, "clusterset.local" if form == "set" else "cluster.local"
    services = [s for s in network().services if (s.name, s.cluster, s.zone) == (name, where, zone) and s.addresses]
    if services:
        found = services[0].addresses
    else:
        pod = next(e for e in network().endpoints if e.id in (f"{where}/back/{name}", f"east/front/{name}", f"internet/{name}"))
        found = pod.public if form == "public" else pod.addresses
    address = next(a for a in found if a.version == version)
    names = {"reverse": address.reverse_pointer, "label": str(address).replace(":", "-").replace(".", "-")}
    return names[form_of_name] if form_of_name else str(address)


def same(case: Case, found: Answer) -> None:
    wanted = case.wanted if isinstance(case.wanted, str) else tuple(sorted(map(by_hand, case.wanted)))
    assert found == wanted


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.source}: {c.view} {c.name} {c.kind}")
def test_the_reading_of_the_proof(case: Case) -> None:
    reply = View(network(), case.view).reply(by_hand(case.name), case.kind)
    same(case, reply.rcode if reply.rcode != "NOERROR" else tuple(sorted(f"{k} {d}" for _, k, d, _ in reply.answers)))


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.source}: {c.view} {c.name} {c.kind}")
def test_the_records_that_are_derived(case: Case) -> None:
    """What the file was resolved to, without anybody's reading of DNS but this one."""
    rows = [r for r in network().records if r.view == case.view]
    name, found = by_hand(case.name).lower(), list[str]()
    while (alias := next((r for r in rows if (r.name, r.kind) == (name, "CNAME")), None)) and case.kind != "CNAME":
        found.append(f"CNAME {alias.data}")
        name = alias.data
    found += [f"{r.kind} {r.data}" for r in rows if (r.name, r.kind) == (name, case.kind)]
    assert sorted(found) == sorted(map(by_hand, case.wanted if isinstance(case.wanted, tuple) else ()))
    assert any(r.name == name or r.name.endswith(f".{name}") for r in rows) == isinstance(case.wanted, tuple)


def test_no_record_twice() -> None:
    assert len(set(network().records)) == len(network().records)


# ---- name servers -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """Our own server, asked by a function call."""
    servers = {e.vpc or PUBLIC: e for e in network().endpoints if any(x.port == 53 for x in e.listeners)}
    zones = {view: resolvers.zone(network(), server) for view, server in servers.items()}

    def answer(view: str, name: str, kind: str) -> dns.message.Message:
        said = nameserver.answer(zones[view], dns.message.make_query(name, kind).to_wire())
        assert said is not None
        return dns.message.from_wire(said)

    yield answer


@pytest.fixture(scope="module")
def live() -> Iterator[Ask]:
    """The real servers, asked once each through the twin."""
    if "dnsmasq" not in tools.find().programs:
        pytest.skip("dnsmasq is not on this machine")
    staged = stage(network(), plan(network()), tools.find())
    asked = {(c.view, by_hand(c.name), c.kind) for c in CASES} | {(v, n, k) for n, k, _ in TTLS for v in ("east", "west", "south", PUBLIC)}
    with twin_of(staged.plan, staged) as twin:
        answers = _all(twin, sorted(asked))
    yield lambda view, name, kind: answers[view, name, kind]


def _all(twin: Twin, asked: list[tuple[str, str, str]]) -> dict[tuple[str, str, str], dns.message.Message]:
    servers = {view.name: (asker, server) for asker, server, view in probe.views(network())}
    packets = [
        prober.Question(servers[v][0].id, str(servers[v][1].addresses[0]), prober.UDP, 53, dns.message.make_query(n, k).to_wire())
        for v, n, k in asked
    ]
    return {asked[number]: dns.message.from_wire(seen.said) for number, seen in twin.ask(packets)}


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.source}: {c.view} {c.name} {c.kind}")
def test_our_own_server(case: Case, ask: Ask) -> None:
    same(case, heard(ask(case.view, by_hand(case.name), case.kind)))


@pytest.mark.live
@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.source}: {c.view} {c.name} {c.kind}")
def test_dnsmasq(case: Case, live: Ask) -> None:
    same(case, heard(live(case.view, by_hand(case.name), case.kind)))


def heard(message: dns.message.Message) -> Answer:
    if message.rcode() != dns.rcode.NOERROR:
        return dns.rcode.to_text(message.rcode())
    return tuple(sorted(f"{kind} {data}" for rows in message.answer for kind, data in probe.texts(rows)))


@pytest.mark.parametrize(("name", "kind", "seconds"), TTLS)
def test_how_long_an_answer_may_be_kept(name: str, kind: str, seconds: int, ask: Ask) -> None:
    check_ttl(name, kind, seconds, ask)


@pytest.mark.live
@pytest.mark.parametrize(("name", "kind", "seconds"), TTLS)
def test_how_long_dnsmasq_lets_it_be_kept(name: str, kind: str, seconds: int, live: Ask) -> None:
    check_ttl(name, kind, seconds, live)


def check_ttl(name: str, kind: str, seconds: int, ask: Ask) -> None:
    found = [rows.ttl for view in ("east", "west", "south", PUBLIC) for rows in ask(view, name, kind).answer]
    assert found and set(found) == {seconds}


def test_a_headless_service_without_ready_pods_does_not_exist() -> None:
    """Section 2.4.1 of the Kubernetes specification. A file cannot say it, a Network can."""
    services = tuple(replace(s, backends=()) if s.name == "log" else s for s in network().services)
    view = View(replace(network(), services=services), "east")
    assert view.reply("log.data.svc.cluster.local", "A").rcode == "NXDOMAIN"
    assert view.reply("_client._tcp.log.data.svc.cluster.local", "SRV").rcode == "NXDOMAIN"


def test_a_service_is_exported_over_every_link_that_routes() -> None:
    """And over no other: through a private link a pod's address means nothing."""
    text = Path(__file__).with_name("topology.yaml").read_text(encoding="utf-8")
    tunnel = load_text(text.replace("method: vpc-peering", "method: vpn").encode(), "t.yaml", {}).network
    assert tunnel is not None
    assert View(tunnel, "east").reply("model.ml.svc.clusterset.local", "A").answers
    private = load_text(text.replace("method: vpc-peering", "method: aws-privatelink, accept: true").encode(), "t.yaml", {})
    assert "R660" in {d.code for d in private.diagnostics}


def test_a_port_without_name_has_no_srv_record() -> None:
    """Section 2.3.2."""
    services = tuple(replace(s, ports=tuple(replace(p, name="") for p in s.ports)) for s in network().services)
    view = View(replace(network(), services=services), "east")
    assert not [r for rows in view.records.values() for r in rows if r.kind == "SRV"]


# ---- our own server, as a server --------------------------------------------------------------------------------------

BIG = nameserver.Zone({"many.example": [("A", f"10.0.{i // 250}.{i % 250}", 5) for i in range(600)]}, ("example",))


def test_what_is_too_long_for_udp_is_cut_off_and_says_so() -> None:
    query = dns.message.make_query("many.example", "A")
    cut = dns.message.from_wire(nameserver.answer(BIG, query.to_wire()) or b"")
    assert cut.flags & 0x0200 and not cut.answer
    said = nameserver.answer_stream(BIG, len(query.to_wire()).to_bytes(2, "big") + query.to_wire()) or b""
    assert int.from_bytes(said[:2], "big") == len(said) - 2
    assert len(dns.message.from_wire(said[2:]).answer[0]) == 600


@pytest.mark.parametrize("said", [b"", b"\n", b"\0\5hello", b"GET / HTTP/1.0\r\n\r\n", bytes(12), b"\xff" * 40])
def test_what_is_no_query_gets_no_answer(said: bytes) -> None:
    assert nameserver.answer(BIG, said) is None
    assert nameserver.answer_stream(BIG, said) is None
