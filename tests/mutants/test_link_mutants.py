"""A single fault in what carries a link, in its keys or in its filters shows up, and a row names the object or the link."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_network

import pytest

from budnet.ir.address import EVERYWHERE, Match
from budnet.ir.cloud import TargetKind
from budnet.ir.filters import SgRule
from budnet.ir.network import Network
from budnet.probe import links, resolvers
from budnet.probe.truth import truth
from budnet.reach.engine import Engine
from budnet.reach.prove import Status, prove
from budnet.records import replace
from budnet.twin import tools
from budnet.twin.build import plan
from budnet.twin.plan import KernelRoute, Space, TwinPlan
from budnet.twin.process import File, Process
from budnet.twin.staging import Stage, stage
from budnet.twin.tunnels import WireGuardEnd, key_pair
from helpers import network_of, twin_of
from mutants.edits import Edit, about, routes, rules, space

Fault = Callable[[Stage], Stage]
LINKED, WAYS = "linked", "five-ways"


# ---- ways to spoil ------------------------------------------------------------------------------------------------------


def in_plan(edit: Edit) -> Fault:
    """Namespaces, routes, filters."""
    return lambda staged: replace(staged, plan=edit(staged.plan))


def in_file(process: str, name: str, change: Callable[[str], str]) -> Fault:
    """What a server reads."""

    def edit(found: Process) -> Process:
        files = tuple(replace(f, content=change(f.content.decode()).encode()) if f.path == name else f for f in found.files)
        assert files != found.files, f"{name} of {process} did not change"
        return replace(found, files=files)

    return lambda staged: replace(staged, processes=tuple(edit(p) if p.name.startswith(process) else p for p in staged.processes))


def instead(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new)


def without_line(part: str) -> Callable[[str], str]:
    return lambda text: "".join(line for line in text.splitlines(keepends=True) if part not in line)


def at_end(space_id: str, **changed: object) -> Fault:
    """One end of a WireGuard tunnel."""

    def edit(end: object) -> object:
        return replace(end, **changed) if isinstance(end, WireGuardEnd) and end.space == space_id else end

    return lambda staged: replace(staged, tunnels=tuple(edit(e) for e in staged.tunnels))  # type: ignore[arg-type]


def stranger(staged: Stage) -> Stage:
    """The lab's first gateway expects another key of headquarters' than it has."""
    (end,) = (e for e in staged.tunnels if e.space == "lab/vpn-radio-1")
    assert isinstance(end, WireGuardEnd)
    return at_end(end.space, peers=tuple(replace(p, public=key_pair().public) for p in end.peers))(staged)


def no_metrics(router: str, devices: tuple[str, ...]) -> Edit:
    """Routes through some devices that nothing prefers to each other."""

    def edit(found: Space) -> Space:
        return replace(found, routes=tuple(replace(r, metric=0) if r.device in devices else r for r in found.routes))

    return lambda plan: space(plan, router, edit)


def elsewhere(staged: Stage) -> Stage:
    """The endpoint of the bank's ledger goes on in headquarters, where the same address is another machine's."""

    def edit(found: Process) -> Process:
        if found.name != "hq/work/ledger.counter":
            return found
        return replace(found, netns=tuple((name, "hq/work/archive") for name, _ in found.netns))

    return replace(staged, processes=tuple(map(edit, staged.processes)))


def in_clear(staged: Stage) -> Stage:
    """The gateways of `radio` pass packets on as they are: both tunnels', or the one that is left would carry them."""
    found: TwinPlan = staged.plan
    for number in (1, 2):
        ends = {f"lab/vpn-radio-{number}": ("10.0.0.0/16", "fd00:1::/48"), f"hq/vpn-radio-{number}": ("10.8.0.0/16", "fd00:8::/48")}
        for gateway, far in ends.items():
            (other,) = (w.a_device for w in found.wires if w.b in ends and w.b != gateway and w.a == "internet")
            onward = tuple(KernelRoute(ip_network(p), "eth0") for p in far)
            found = space(found, gateway, lambda s, onward=onward: replace(s, routes=(*s.routes, *onward)))  # type: ignore[misc]
            found = rules(gateway, lambda _, rule: '"wg' in rule.text, lambda t: re.sub(r'"wg\d+"', '"eth0"', t))(found)
            there = tuple(KernelRoute(ip_network(p), other, metric=number) for p in far)
            found = space(found, "internet", lambda s, there=there: replace(s, routes=(*s.routes, *there)))  # type: ignore[misc]
            staged = at_end(gateway, routes=())(staged)
    return replace(staged, plan=found)


# ---- twins of another Network than the one that is judged by -----------------------------------------------------------


def anything_out(network: Network) -> Network:
    group = next(g for g in network.security_groups if g.id == "control/admin-vpn")
    wide = replace(group, egress=(*group.egress, SgRule(f"{group.id}:any", EVERYWHERE[0], Match(), group.origin)))
    return replace(network, security_groups=tuple(wide if g is group else g for g in network.security_groups))


def open_to_all(network: Network) -> Network:
    group = next(g for g in network.security_groups if g.id == "hq/archive.window")
    acl = next(a for a in network.acls if a.id == "hq/edge")
    rules_ = tuple(replace(r, prefix=EVERYWHERE[0]) if r.allow and r.prefix.prefixlen == 32 else r for r in acl.ingress)
    back = tuple(replace(r, prefix=EVERYWHERE[0]) if r.allow and r.prefix.prefixlen == 32 else r for r in acl.egress)
    wide = replace(group, ingress=(*group.ingress, SgRule(f"{group.id}:any", EVERYWHERE[0], Match(), group.origin)))
    return replace(
        network,
        security_groups=tuple(wide if g is group else g for g in network.security_groups),
        acls=tuple(replace(acl, ingress=rules_, egress=back) if a is acl else a for a in network.acls),
    )


def misnamed(network: Network) -> Network:
    """The private name of the bank's ledger means the archive of headquarters."""
    wrong = str(network.endpoint["hq/work/planner-0"].addresses[0])
    records = tuple(
        replace(r, data=wrong) if r.view == "hq" and r.name == "ledger.bank.linked.example" and r.kind == "A" else r
        for r in network.records
    )
    assert records != network.records
    return replace(network, records=records)


def pending(network: Network) -> Network:
    """The bank has not accepted the endpoint of its ledger."""
    fronts = tuple(replace(f, accepted=False) if f.id == "ledger.counter" else f for f in network.fronts)
    endpoints = tuple(replace(e, listeners=()) if e.id == "hq/work/ledger.counter" else e for e in network.endpoints)
    return replace(network, fronts=fronts, endpoints=endpoints)


@dataclass(frozen=True)
class Mutant:
    """`names` must be in a row that differs."""

    what: str
    case: str
    names: str
    fault: Fault = lambda staged: staged
    network: Callable[[Network], Network] = lambda network: network


CABLES, CABLE, CABLE_2 = "plant/vpn-cable", "plant/vpn-cable-1", "plant/vpn-cable-2"
WRONG_SECRET = instead('secret = "', 'secret = "x')
MUTANTS = (
    Mutant("secret of one tunnel differs", LINKED, "tunnel cable-1", in_file(CABLE, "swanctl.conf", WRONG_SECRET)),
    Mutant("secrets of both tunnels differ", LINKED, "vpn plant/vpn-cable-1", in_file(CABLES, "swanctl.conf", WRONG_SECRET)),
    Mutant("traffic selector too narrow", LINKED, "vpn plant/vpn-cable-1", in_file(CABLES, "swanctl.conf", instead("10.9.0.0/16", "10.9.128.0/17"))),
    Mutant("traffic selector of the second tunnel too narrow", LINKED, "eavesdropping on cable-2", in_file(CABLE_2, "swanctl.conf", instead("10.9.0.0/16", "10.9.0.0/24"))),
    Mutant("weaker algorithms than written", LINKED, "tunnel cable-2", lambda s: in_file("hq/vpn-cable", "swanctl.conf", instead("aes128gcm16-prfsha256-ecp256", "aes256gcm16-prfsha384-ecp384"))(
        in_file(CABLES, "swanctl.conf", instead("aes128gcm16-prfsha256-ecp256", "aes256gcm16-prfsha384-ecp384"))(s))),
    Mutant("dead peers not looked for", LINKED, "tunnel cable-1", in_file(CABLE, "swanctl.conf", without_line("dpd_delay"))),
    Mutant("dead peers looked for, and nothing done", LINKED, "tunnel cable-1", in_file(CABLE, "swanctl.conf", without_line("dpd_action"))),
    Mutant("nobody watches a tunnel", LINKED, "tunnel radio-2", lambda s: replace(s, watched=tuple(w for w in s.watched if w.tunnel != "radio-2"))),
    Mutant("routes to the gateways gone", LINKED, "nat-gateway hq/nat", in_plan(routes("hq", lambda r: r.device in ("v0", "v1")))),
    Mutant("route to the second gateway gone", LINKED, "eavesdropping on cable-2", in_plan(routes("hq", lambda r: r.device == "v1"))),
    Mutant("routes without metrics", LINKED, "elsewhere on the internet", in_plan(no_metrics("hq", ("v0", "v1")))),
    Mutant("routes one way", LINKED, "route-table plant/hall", in_plan(routes("plant", lambda r: r.device in ("v0", "v1")))),
    Mutant("gateway does not know its VPC", LINKED, "vpn plant/vpn-cable-1", in_plan(routes(CABLE, lambda r: r.device == "vpc"))),
    Mutant("gateway passes nothing in", LINKED, "vpn lab/vpn-radio-1", in_plan(rules("lab/vpn-radio-1", lambda _, r: r.text.startswith('iifname "wg')))),
    Mutant("second gateway passes nothing in", LINKED, "eavesdropping on radio-2", in_plan(rules("lab/vpn-radio-2", lambda _, r: r.text.startswith('iifname "wg')))),
    Mutant("key of a peer wrong", LINKED, "tunnel radio-1", stranger),
    Mutant("tunnel's routes missing", LINKED, "tunnel radio-1", at_end("hq/vpn-radio-1", routes=())),
    Mutant("tunnel in clear", LINKED, "clear on the internet", in_clear),
    Mutant("endpoint not accepted", LINKED, "ledger.counter", network=pending),
    Mutant("endpoint's security group closed", LINKED, "security-group hq/ledger.counter", in_plan(rules("hq", about("hq/ledger.counter:in")))),
    Mutant("target does not know its balancer", LINKED, "ledger over counter", in_plan(rules("bank", about("bank/ledger:in:bank/ledger.counter")))),
    Mutant("front without a target", LINKED, "ledger over counter", in_file("hq/work/ledger.counter", "haproxy.cfg", without_line("server s0"))),
    Mutant("front goes on in another network", LINKED, "ledger over counter", elsewhere),
    Mutant("front speaks to another port", LINKED, "ledger over counter", in_file("hq/work/ledger.counter", "haproxy.cfg", instead("10.0.2.50:5433", "10.0.2.50:5434"))),
    Mutant("private name points elsewhere", LINKED, "ledger.bank.linked.example", network=misnamed),
    Mutant("egress row of a public link gone", LINKED, "egress-filter outpost/egress", in_plan(rules("outpost", about("archive.window")))),
    Mutant("key not asked for", LINKED, "archive.window with wrong credentials", in_file("hq/edge/archive.window", "haproxy.cfg", without_line("deny_status"))),
    Mutant("public front without TLS", LINKED, "archive.window with no TLS", in_file("hq/edge/archive.window", "haproxy.cfg",
           lambda t: "".join(line.partition(" ssl ")[0].rstrip("\n") + "\n" if "bind" in line else line for line in without_line("deny_status")(t).splitlines(keepends=True)))),
    Mutant("public front open to everybody", LINKED, "security-group hq/archive.window", network=open_to_all),
    Mutant("client certificate of another CA accepted", WAYS, "api.to-edge with wrong credentials",
           in_file("edge/public/api.to-edge", "haproxy.cfg", instead("consumers.pem verify required", "consumers.pem verify required ca-ignore-err all crt-ignore-err all"))),
    Mutant("client certificate not asked for", WAYS, "api.to-edge with nothing shown", in_file("edge/public/api.to-edge", "haproxy.cfg", instead("consumers.pem verify required", "consumers.pem verify none"))),
    Mutant("client VPN allowed too much", WAYS, "security-group control/admin-vpn", network=anything_out),
    Mutant("client VPN does not translate", WAYS, "source-check control", in_plan(rules("control/public/admin-vpn", lambda _, r: "snat" in r.text))),
    Mutant("client VPN knows nobody", WAYS, "admin-vpn/client", at_end("control/public/admin-vpn", peers=())),
)  # fmt: skip
# what is quick, and of every kind one; the others are slow together
QUICK = {
    "secrets of both tunnels differ", "dead peers not looked for", "routes without metrics", "tunnel in clear", "endpoint not accepted", "front goes on in another network", "key not asked for",
    "client certificate of another CA accepted", "client VPN allowed too much",
}  # fmt: skip


def test_there_are_enough() -> None:
    assert len(MUTANTS) >= 25
    assert {m.what for m in MUTANTS} >= QUICK
    assert len({m.what for m in MUTANTS}) == len(MUTANTS)


@pytest.mark.live
@pytest.mark.parametrize("mutant", [pytest.param(m, id=m.what, marks=() if m.what in QUICK else pytest.mark.slow) for m in MUTANTS])
def test_mutant_is_seen_and_named(mutant: Mutant) -> None:
    network = network_of(mutant.case)
    spoilt = mutant.network(network)
    wanted = plan(spoilt)
    with twin_of(wanted, mutant.fault(stage(spoilt, wanted, tools.find()))) as twin:
        table = truth(network, twin)
        for layer in (links, resolvers):
            table.join(layer.truth(network, twin))
    assert table.disagree, "nobody noticed"
    assert any(mutant.names in str(d) for d in table.disagree), "\n".join(map(str, table.disagree[:5]))


@pytest.mark.live
def test_with_one_tunnel_down_everything_passes_over_the_other_and_the_one_is_named() -> None:
    network = network_of(LINKED)
    wanted = plan(network)
    fault = in_file(CABLE, "swanctl.conf", WRONG_SECRET)
    with twin_of(wanted, fault(stage(network, wanted, tools.find()))) as twin:
        down = twin.status()["tunnels_down"]
        packets, asked = truth(network, twin), links.truth(network, twin)
    assert set(down) == {"cable-1"}
    assert not packets.disagree, "\n".join(map(str, packets.disagree[:5]))
    assert {d.question.destination for d in asked.disagree} == {"tunnel cable-1", "eavesdropping on cable-1"}


# ---- the proof ----------------------------------------------------------------------------------------------------------


def no_rules(group: str, way: str) -> Callable[[Network], Network]:
    return lambda n: replace(n, security_groups=tuple(replace(g, **{way: ()}) if g.id == group else g for g in n.security_groups))


def no_routes(table: str, kind: TargetKind) -> Callable[[Network], Network]:
    def fault(n: Network) -> Network:
        tables = tuple(
            replace(t, routes=tuple(r for r in t.routes if r.target is not kind)) if t.id == table else t for t in n.route_tables
        )
        return replace(n, route_tables=tables)

    return fault


REFUTED = {
    "an endpoint that is not accepted": (lambda n: replace(n, fronts=tuple(replace(f, accepted=False) for f in n.fronts)), "to-alike"),
    "an endpoint whose group is closed": (no_rules("control/api.to-alike", "ingress"), "security-group control/api.to-alike"),
    "a balancer that may not go on": (no_rules("alike/api.to-alike", "egress"), "security-group alike/api.to-alike"),
    "a route to a tunnel that is missing": (no_routes("control/apps", TargetKind.VPN), "nat-gateway control/nat"),
    "an answer without a way back": (no_routes("factory/work", TargetKind.VPN), "route-table factory/work"),
    "an egress row that is missing": (lambda n: replace(n, egress_filters=tuple(replace(f, rules=()) for f in n.egress_filters)), "egress-filter control/egress"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUTED)
def test_the_proof_refutes(what: str) -> None:
    fault, names = REFUTED[what]
    proofs = prove(Engine(fault(network_of(WAYS))))
    refuted = [p for p in proofs if p.status is Status.REFUTED]
    assert refuted
    said = [str(p.trace.verdict) for p in refuted if p.trace]
    assert any(names.rpartition(" ")[2] in s for s in said), said[:2]


def test_files_are_spoilt_where_they_are_meant_to_be() -> None:
    """A fault that changes nothing proves nothing."""
    with pytest.raises(AssertionError):
        in_file("a", "b", str)(replace(_empty(), processes=(Process("a", "a", "a", (), (File("b", b""),)),)))


def _empty() -> Stage:
    return Stage(TwinPlan("x", (), (), (), ()), (), (), ())
