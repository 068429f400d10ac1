"""A single fault in the Network that the prover reads shows up: against the packets of the sound twin, or as a guarantee refuted.

The packets are sent once for each setting; then every mutant is judged against the same answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_network

import pytest

from budnet.ir import icmp
from budnet.ir.address import Match, PortRange, Protocol
from budnet.ir.cloud import Route, TargetKind
from budnet.ir.filters import GroupRef, PolicyPort
from budnet.ir.network import Network
from budnet.probe.answer import Answer
from budnet.probe.in_twin import InTwin
from budnet.probe.predicted import Predicted
from budnet.probe.question import Question, questions
from budnet.probe.truth import Truth
from budnet.reach.engine import Engine
from budnet.reach.prove import Status, prove
from budnet.records import replace
from budnet.twin.build import plan
from helpers import network_of, twin_of
from mutants.layers import only

pytestmark = pytest.mark.live
Fault = Callable[[Network], Network]
SHOP, DUAL, AZURE, HUB, FLEET, PINGS = "one-vpc", "dual-stack", "no-kubernetes", "three-workloads", "fleet-of-three", "pings"


@dataclass(frozen=True)
class Mutant:
    """`layers` alone decide in the twin and, but for the fault, in the proof; `names` must be in a row that differs."""

    what: str
    case: str
    layers: tuple[str, ...]
    fault: Fault
    names: str


def each(part: str, item_id: str, change: Callable[[object], object]) -> Fault:
    """One object of the Network changed, or gone where `change` returns None."""

    def fault(network: Network) -> Network:
        out = []
        for item in getattr(network, part):
            changed = change(item) if item.id == item_id else item
            out += [changed] if changed is not None else []
        assert tuple(out) != getattr(network, part), f"{item_id} did not change"
        return replace(network, **{part: tuple(out)})

    return fault


def without(field: str, chosen: Callable[[object], bool]) -> Callable[[object], object]:
    """Some items of a tuple gone."""
    return lambda item: replace(item, **{field: tuple(x for x in getattr(item, field) if not chosen(x))})  # type: ignore[type-var]


def changed(field: str, change: Callable[[object], object]) -> Callable[[object], object]:
    """Every item of a tuple changed."""
    return lambda item: replace(item, **{field: tuple(change(x) for x in getattr(item, field))})  # type: ignore[type-var]


def refers(name: str) -> Callable[[object], bool]:
    return lambda rule: isinstance(rule.peer, GroupRef) and rule.peer.id == name  # type: ignore[attr-defined]


def to(kind: TargetKind) -> Callable[[object], bool]:
    return lambda route: route.target is kind  # type: ignore[attr-defined]


def port(number: int) -> Match:
    return Match(Protocol.TCP, PortRange(number, number))


def message(type: int) -> Match:
    return Match(Protocol.ICMP, PortRange(*icmp.messages(type)))


ECHO_REPLY = Match(Protocol.ICMP, PortRange(0, 0))
HOLE = Route(ip_network("10.50.8.0/24"), TargetKind.BLACKHOLE, "", network_of(AZURE).vpcs[0].origin)
MUTANTS = (
    Mutant("group rule in gone", SHOP, ("groups-in",), each("security_groups", "shop/db", without("ingress", refers("shop/cart"))), "shop/db"),
    Mutant("group rule out gone", SHOP, ("groups-out",), each("security_groups", "shop/cart", without("egress", refers("shop/db"))), "shop/cart"),
    Mutant("group without rules in", SHOP, ("groups-in",), each("security_groups", "shop/pay", lambda g: replace(g, ingress=())), "shop/pay"),
    Mutant("group rule with a wrong port", SHOP, ("groups-in",), each("security_groups", "shop/db", changed("ingress", lambda r: replace(r, match=port(5432)))), "shop/db"),
    Mutant("group rule for everyone", SHOP, ("groups-in",), each("security_groups", "shop/db", changed("ingress", lambda r: replace(r, peer=ip_network("0.0.0.0/0")))), "shop/db"),
    Mutant("group rule names another group", SHOP, ("groups-in",), each("security_groups", "shop/db", changed("ingress", lambda r: replace(r, peer=GroupRef("shop/watch")))), "shop/db"),
    Mutant("endpoint in no group", SHOP, ("groups-in",), each("endpoints", "shop/store/db", lambda e: replace(e, groups=())), "shop/db"),
    Mutant("endpoint in another's group", SHOP, ("groups-in",), each("endpoints", "shop/web/watch", lambda e: replace(e, groups=("shop/cart",))), "shop/"),
    Mutant("ACL line gone", AZURE, ("acls",), each("acls", "prod/data", without("ingress", lambda r: r.number == 100)), "prod/data:in"),
    Mutant("ACL line for answers gone", AZURE, ("acls",), each("acls", "prod/data", without("egress", lambda r: r.number == 100)), "prod/data:out"),
    Mutant("ACL lines turned around", AZURE, ("acls",), each("acls", "prod/dmz", changed("egress", lambda r: replace(r, number=1000 - r.number))), "prod/dmz"),
    Mutant("ACL allows what it denied", AZURE, ("acls",), each("acls", "prod/app", changed("egress", lambda r: replace(r, allow=True))), "prod/app"),
    Mutant("ACL passes only half of the ephemeral ports", AZURE, ("acls",),
           each("acls", "prod/app", changed("ingress", lambda r: replace(r, match=Match(r.match.protocol, PortRange(1024, 30000))) if r.match.ports.last == 65535 and r.allow else r)), "prod/app"),
    Mutant("subnet has another ACL", AZURE, ("acls",), each("subnets", "prod/data", lambda s: replace(s, acl="prod/app")), "network-acl prod/"),
    Mutant("default route gone", SHOP, (), each("route_tables", "shop/web/a", without("routes", to(TargetKind.NAT))), "shop/web/a"),
    Mutant("local route gone", AZURE, (), each("route_tables", "prod/data", without("routes", to(TargetKind.LOCAL))), "prod/data"),
    Mutant("peering route gone at one end", HUB, (), each("route_tables", "red/gpu", without("routes", to(TargetKind.PEERING))), "red/"),
    Mutant("blackhole where a local route is", AZURE, (), each("route_tables", "prod/app", lambda t: replace(t, routes=(*t.routes, HOLE))), "route-table prod/app"),
    Mutant("subnet has another route table", AZURE, (), each("subnets", "prod/data", lambda s: replace(s, route_table="prod/dmz")), "prod/"),
    Mutant("no internet gateway", SHOP, (), lambda n: replace(n, internet_gateways=()), "internet"),
    Mutant("endpoint without its public address", SHOP, (), each("endpoints", "shop/edge/jump", lambda e: replace(e, public=())), "shop/"),
    Mutant("policy rule gone", SHOP, ("policies",), each("policies", "shop/payments/pay", lambda p: replace(p, ingress=())), "shop/payments/pay"),
    Mutant("policy gone", SHOP, ("policies",), each("policies", "shop/shop/cart", lambda p: None), "shop/shop/default-deny"),
    Mutant("policy says nothing of egress", SHOP, ("policies",), lambda n: replace(n, policies=tuple(replace(p, egress=None) for p in n.policies)), "network-policy"),
    Mutant("policy with a wrong port", SHOP, ("policies",),
           each("policies", "shop/payments/pay", changed("ingress", lambda r: replace(r, ports=(PolicyPort(Protocol.TCP, 50052),)))), "shop/payments/pay"),
    Mutant("policy selects nobody", SHOP, ("policies",), each("policies", "shop/payments/pay", lambda p: replace(p, namespace="shop")), "shop/payments"),
    Mutant("policy peer from another namespace", SHOP, ("policies",),
           each("policies", "shop/payments/pay", changed("ingress", lambda r: replace(r, peers=tuple(replace(x, namespaces=None) for x in r.peers)))), "shop/payments/pay"),
    Mutant("egress row gone", SHOP, ("egress",), each("egress_filters", "shop/egress", without("rules", lambda r: r.id == "payments:pay")), "shop/egress"),
    Mutant("egress row for another source", SHOP, ("egress",), each("egress_filters", "shop/egress", changed("rules", lambda r: replace(r, sources=("shop/web/watch",)))), "shop/egress"),
    Mutant("listener that is not there", SHOP, (), each("endpoints", "shop/store/db", changed("listeners", lambda x: replace(x, port=5432))), "shop/store/db"),
    Mutant("listener on loopback", SHOP, (), each("endpoints", "shop/store/db", changed("listeners", lambda x: replace(x, loopback=True))), "shop/store/db"),
    Mutant("member's peering route gone", FLEET, (), each("route_tables", "shop-02/till", without("routes", to(TargetKind.PEERING))), "shop-02/till"),
    Mutant("hub's route to one member gone", FLEET, (), each("route_tables", "office/books", without("routes", lambda r: r.via == "line-02")), "shop-02"),
    Mutant("member's group without rules in", FLEET, ("groups-in",), each("security_groups", "shop-03/stock", lambda g: replace(g, ingress=())), "shop-03/stock"),
    Mutant("member's policy lets in from anywhere", FLEET, ("policies",),
           each("policies", "shop-01/sales/stock", changed("ingress", lambda r: replace(r, peers=()))), "shop-01/sales/stock"),
    Mutant("member's ACL line gone", FLEET, ("acls",), each("acls", "shop-02/till", without("ingress", lambda r: r.number == 100)), "shop-02/till:in"),
    Mutant("group rule for an echo request is for a reply", PINGS, ("groups-in",),
           each("security_groups", "left/agent", changed("ingress", lambda r: replace(r, match=message(0)) if r.match == message(8) else r)), "left/agent"),
    Mutant("group rule for IPv4's ICMP means IPv6's", PINGS, ("groups-in",),
           each("security_groups", "left/gate", changed("ingress", lambda r: replace(r, match=Match(Protocol.ICMPV6)) if r.match == message(8) else r)), "left/gate"),
    Mutant("ACL line for echo replies gone", PINGS, ("acls",), each("acls", "left/vault", without("egress", lambda r: r.match == ECHO_REPLY)), "left/vault:out"),
    Mutant("egress row for pings gone", PINGS, ("egress",), each("egress_filters", "left/egress", lambda f: replace(f, rules=())), "left/egress"),
    Mutant("Service sends to another port", SHOP, ("policies",),
           each("services", "shop/payments/pay", changed("ports", lambda p: replace(p, target=50052))), "shop/payments/pay"),
)  # fmt: skip


@cache
def observed(case: str, layers: tuple[str, ...]) -> tuple[tuple[Question, Answer], ...]:
    """What the packets did in a twin without faults."""
    network = only(network_of(case), *layers)
    rows = list(questions(network))
    with twin_of(plan(network)) as twin:
        answers = dict(InTwin(network, twin).ask(rows))
    return tuple((rows[n], answers[n]) for n in sorted(answers))


def compare(network: Network, seen: tuple[tuple[Question, Answer], ...]) -> Truth:
    table, predicted = Truth(), Predicted(network)
    for question, answer in seen:
        table.add(question, _predict(predicted, question), answer)
    return table


def _predict(predicted: Predicted, question: Question) -> list[Answer]:
    try:
        return predicted(question)
    except KeyError:  # the mutant no longer has this address
        return [Answer("NO_SUCH_ADDRESS", "", question.destination)]


def test_there_are_enough() -> None:
    assert len(MUTANTS) >= 25
    assert len({m.what for m in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.what)
def test_mutant_is_seen_and_named(mutant: Mutant) -> None:
    sound = only(network_of(mutant.case), *mutant.layers)
    seen = observed(mutant.case, mutant.layers)
    assert not compare(sound, seen).disagree
    table = compare(mutant.fault(sound), seen)
    assert table.disagree, "nobody noticed"
    assert any(mutant.names in str(d) for d in table.disagree), "\n".join(map(str, table.disagree[:5]))


@pytest.mark.parametrize("group", ["control-plane/postgresql", "control-plane/valkey", "workload/vllm", "control-plane/bastion"])
def test_a_group_rule_less_refutes_that_all_declared_flows_are_delivered(group: str) -> None:
    network = each("security_groups", group, lambda g: replace(g, ingress=g.ingress[1:]))(network_of("foundry"))
    refuted = [p for p in prove(Engine(network)) if p.status is Status.REFUTED]
    assert [p.name for p in refuted] == ["all-declared"]
    assert refuted[0].trace is not None
    assert refuted[0].trace.verdict.reason.object == group


def test_everything_open_refutes_every_guarantee_of_absence() -> None:
    network = only(network_of("foundry"))
    refuted = {p.name for p in prove(Engine(network)) if p.status is Status.REFUTED}
    assert len([g for g in network.guarantees if g.id in refuted]) >= 8
    assert "nothing-undeclared" in refuted
