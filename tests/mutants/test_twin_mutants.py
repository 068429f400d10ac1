"""A single fault in the twin shows up as disagreement, and the row names the object that was spoilt."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from budnet.probe.truth import truth
from budnet.twin.build import DEFAULTS, plan
from helpers import network_of, twin_of
from mutants.edits import Edit, about, first_in, listeners, no_rule, routes, rules, saying, sets
from mutants.layers import only

pytestmark = pytest.mark.live


@dataclass(frozen=True)
class Mutant:
    """`layers` alone decide; `names` must be in a row of the disagreement."""

    what: str
    case: str
    layers: tuple[str, ...]
    edit: Edit
    names: str


def default_v4(r: object) -> bool:
    return getattr(r, "prefix", None) == DEFAULTS[0] and getattr(r, "metric", 1) == 0


def table(case: str, name: str) -> int:
    """The kernel's number of a route table: as they come in its VPC."""
    tables = network_of(case).route_tables
    return 200 + [t.id for t in tables if t.vpc == name.partition("/")[0]].index(name)


SHOP, DUAL, AZURE, FLEET, PINGS = "one-vpc", "dual-stack", "no-kubernetes", "fleet-of-three", "pings"
MUTANTS = (
    Mutant("group rule in gone", SHOP, ("groups-in",), rules("shop", about("shop/db:in:shop/cart")), "security-group shop/db"),
    Mutant("group rule out gone", SHOP, ("groups-out",), rules("shop", about("shop/cart:out:shop/db")), "security-group shop/cart"),
    Mutant("group rule has a wrong port", SHOP, ("groups-in",), rules("shop", about("shop/db:in:shop/pay"), lambda t: t.replace("5433", "5434")), "shop/db"),
    Mutant("group's last rule lets pass", SHOP, ("groups-in",), rules("shop", about("shop/db", "drop"), lambda _: "return"), "shop/db"),
    Mutant("group with a rule too many", SHOP, ("groups-in",), rules("shop", about("shop/db:in:shop/pay"), lambda _: "return"), "shop/db"),
    Mutant("two gates merged: egress accepts", SHOP, ("groups-in", "groups-out"),
           rules("shop", saying("return", "sgo"), lambda t: t.replace("return", "accept")), "security-group"),
    Mutant("a member missing from a group's set", SHOP, ("groups-in",), sets("shop", r"(set g\d+v4 \{ type ipv4_addr; elements = \{ )[0-9.]+, ", r"\1"), "security-group"),
    Mutant("interfaces wired to each other's chains", SHOP, ("groups-in",), sets("shop", r"jump sgi0\b", "jump sgi6"), "security-group"),
    Mutant("outbound gate skipped", SHOP, ("groups-out",), rules("shop", saying("vmap @sgo")), "security-group"),
    Mutant("inbound gate skipped", SHOP, ("groups-in",), rules("shop", saying("vmap @sgi")), "security-group"),
    Mutant("ACL rule gone", AZURE, ("acls",), rules("prod", about("prod/data:in:100")), "network-acl prod/data:in"),
    Mutant("ACL rule for answers gone", AZURE, ("acls",), rules("prod", about("prod/data:out:100")), "network-acl prod/data:out"),
    Mutant("ACL's middle denial gone", SHOP, ("acls",), rules("shop", about("shop/web:out", "172.31.0.0/16"), lambda _: "counter"), "network-acl shop/"),
    Mutant("ACL lets all pass", AZURE, ("acls",), first_in("acli0", "return"), "network-acl prod/dmz:in"),
    Mutant("ACL asked inside a subnet", AZURE, ("acls",), rules("prod", saying("goto acl", "enter"), lambda t: "goto acli1"), "network-acl"),
    Mutant("ACL forgets answers: keeps state", DUAL, ("acls",), rules("left", about("left/vault:out:"), lambda t: t.replace("tcp dport 1024-65535", "tcp dport 1024-1025")), "network-acl left/vault:out"),
    Mutant("group rule for another ICMP type", PINGS, ("groups-in",),
           rules("left", about("left/agent:in:left/monitor:8/icmp"), lambda t: t.replace("2048-2303", "3328-3583")), "security-group left/agent"),
    Mutant("ACL rule for echo replies gone", PINGS, ("acls",), rules("left", about("left/vault:out:", "@th,0,16 0 ")), "network-acl left/vault:out"),
    Mutant("no local route", AZURE, (), routes("prod", lambda r: r.device == "" and r.table == table(AZURE, "prod/data")), "route-table prod/data"),
    Mutant("no default route", SHOP, (), routes("shop", lambda r: default_v4(r) and r.table == table(SHOP, "shop/web/a")), "route-table shop/web/a"),
    Mutant("peering route one way", DUAL, (), routes("right", lambda r: r.device == "p0" and r.prefix.version == 4), "right/work"),
    Mutant("subnet without its route table", AZURE, (), no_rule("prod", table(AZURE, "prod/app")), "route-table prod/app"),
    Mutant("default route to the wrong gateway", SHOP, (), routes("shop", lambda r: default_v4(r) and r.table == table(SHOP, "shop/web/a"), "igw"), "shop/internet-gateway"),
    Mutant("NAT off", SHOP, ("egress",), rules("shop/nat-a", saying("snat")), "internet-gateway shop/internet-gateway"),
    Mutant("public address not mapped", SHOP, ("groups-in",), rules("shop/internet-gateway", saying("dnat ip")), "internet"),
    Mutant("egress-only gateway lets in", DUAL, (), rules("left/egress-only-gateway", about("left/egress-only-gateway"), lambda _: "accept"), "egress-only"),
    Mutant("policy rule gone", SHOP, ("policies",), rules("shop/web/cart-0", about("shop/shop/cart:in:0")), "shop/shop/cart"),
    Mutant("pod not isolated", SHOP, ("policies",), rules("shop/web/pay-0", saying("drop", "in")), "shop/payments/pay"),
    Mutant("policy with a wrong port", SHOP, ("policies",), rules("shop/web/pay-0", about("shop/payments/pay:in"), lambda t: t.replace("50051", "50052")), "shop/payments/pay"),
    Mutant("policy peer too wide", SHOP, ("policies",), rules("shop/web/pay-0", about("shop/payments/pay:in"), lambda t: "accept"), "shop/payments/pay"),
    Mutant("Service sent to a wrong port", SHOP, ("policies",), rules("shop/web/watch", about("shop/shop/cart", "dnat"), lambda t: t.replace("8080", "8081").replace("9102", "9103")), "shop/web/cart"),
    Mutant("Service not translated", SHOP, ("policies",), rules("shop/web/cart-0", about("shop/payments/pay", "dnat")), "shop"),
    Mutant("egress row gone", SHOP, ("egress",), rules("shop", about("payments:pay")), "egress-filter shop/egress"),
    Mutant("egress filter off", SHOP, ("egress",), rules("shop", saying("jump edge")), "egress-filter shop/egress"),
    Mutant("listener gone", SHOP, (), listeners("shop/store/db", 5433), "shop/store/db"),
    Mutant("listener on another port", SHOP, (), listeners("shop/store/db", 5433, to=5432), "shop/store/db"),
    Mutant("member's peering route gone", FLEET, (), routes("shop-02", lambda r: r.device == "p1" and r.prefix.version == 4), "shop-02/"),
    Mutant("hub's route to one member gone", FLEET, (), routes("office", lambda r: r.device == "p1" and r.prefix.version == 6), "shop-02/"),
    Mutant("member's group rule gone", FLEET, ("groups-in",), rules("shop-03", about("shop-03/stock:in:office/audit")), "security-group shop-03/stock"),
    Mutant("member's ACL rule gone", FLEET, ("acls",), rules("shop-01", about("shop-01/till:in:100")), "network-acl shop-01/till:in"),
    Mutant("outside host's route gone", SHOP, ("egress",), routes("internet", lambda r: r.device.startswith("e") and r.prefix.version == 4 and r.prefix.prefixlen == 32), "internet"),
)  # fmt: skip


def test_there_are_enough() -> None:
    assert len(MUTANTS) >= 25
    assert len({m.what for m in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.what)
def test_mutant_is_seen_and_named(mutant: Mutant) -> None:
    network = only(network_of(mutant.case), *mutant.layers)
    with twin_of(mutant.edit(plan(network))) as twin:
        table = truth(network, twin)
    assert table.disagree, "nobody noticed"
    assert any(mutant.names in str(d) for d in table.disagree), "\n".join(map(str, table.disagree[:5]))
