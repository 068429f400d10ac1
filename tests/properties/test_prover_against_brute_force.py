"""The prover against a second judge that knows no sets, and against laws that need no judge.

`BUDNET_SEEDS=3000 pytest tests/properties` asks more; a failure names the seed of its Network.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_address
from random import Random
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budnet.ir.address import EPHEMERAL, EVERYWHERE, Address, Match, PortRange, Prefix, Protocol
from budnet.ir.cloud import RouteTable
from budnet.ir.filters import (
    AclRule,
    BlockPeer,
    EgressRule,
    GroupRef,
    NetworkPolicy,
    PodPeer,
    PolicyPort,
    PolicyRule,
    Selector,
    SgRule,
)
from budnet.ir.network import Network
from budnet.ir.origin import BUILT_IN
from budnet.packets.addresses import address
from budnet.packets.transports import Transports
from budnet.reach.engine import Engine
from budnet.reach.matrix import Pair, asked, count, pairs, receivers, senders
from budnet.reach.points import Point, PointKind
from budnet.records import replace
from properties.networks import networks, random_network
from properties.oracle import REPLIES, deliver

T = TypeVar("T")
ONCE_WRONG = (159, 281, 293)
"""Pods were meant by their public addresses as well."""
SEEDS = int(os.environ.get("BUDNET_SEEDS", "80"))
LAWS = settings(max_examples=max(8, SEEDS // 8), deadline=None, derandomize=True, database=None)
SAMPLES = 5
ECHOES = {(Protocol.ICMP, 8 * 256), (Protocol.ICMPV6, 128 * 256)}

# ---- the second judge -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", sorted({*range(SEEDS), *ONCE_WRONG}))
def test_every_pair_of_a_random_network(seed: int) -> None:
    network, dice = random_network(seed), Random(seed)
    engine, cuts = Engine(network), cut_points(network)
    different: list[str] = []
    for pair in every_pair(engine):
        questions = {(dice.choice(list(Protocol)), dice.choice(cuts)) for _ in range(SAMPLES)} | ECHOES
        different += differences(network, engine, pair, questions | listening(pair.destination), dice)
    assert not different, f"random_network({seed}): {len(different)} differences\n" + "\n".join(different[:10])


def test_every_pair_of_the_reference_topology(foundry: Network) -> None:
    """Where nothing passes, a packet to every listener and one more; where something does, a dozen more."""
    engine, cuts, dice = Engine(foundry), cut_points(foundry), Random(0)
    different: list[str] = []
    for pair in every_pair(engine):
        questions = listening(pair.destination) | {(dice.choice(list(Protocol)), dice.choice(cuts))}
        if pair.forward:
            questions |= {(dice.choice(list(Protocol)), port) for port in dice.sample(cuts, 12)}
        different += differences(foundry, engine, pair, questions, dice)
    assert not different, f"{len(different)} differences\n" + "\n".join(different[:10])


def every_pair(engine: Engine) -> list[Pair]:
    """Those as well between which nothing arrives, which `pairs` leaves out: the second judge is asked of them, too."""
    known = {(p.source.index, p.destination.index): p for p in pairs(engine)}
    found = [
        known.pop((source.index, destination.index), Pair(source, destination, 0, 0, 0))
        for source in senders(engine) for destination in receivers(engine) if asked(source, destination)
    ]  # fmt: skip
    assert not known and len(found) == count(engine)
    return found


def test_the_random_networks_are_worth_asking() -> None:
    """Every kind of way is gone: with an answer, without one, and not at all."""
    met: Counter[tuple[str, str]] = Counter()
    for seed in range(60):
        for pair in every_pair(Engine(random_network(seed))):
            fate = "delivered" if pair.delivered else "one way" if pair.forward else "lost"
            met[kind_of_way(pair), fate] += 1
    ways = ("in a subnet", "in a VPC", "across a peering", "out", "in", "through the internet")
    rare = [(way, fate, met[way, fate]) for way in ways for fate in ("delivered", "one way", "lost") if met[way, fate] < 10]
    assert not rare
    assert met["provided", "delivered"] > 10


def differences(network: Network, engine: Engine, pair: Pair, questions: Iterable[tuple[Protocol, int]], dice: Random) -> Iterator[str]:
    """What the two say differently of one pair. Of a set of addresses any one must fare like the set."""
    source, destination = member(pair.source, dice), member(pair.destination, dice)
    owner = pair.destination.endpoint
    answers = listening(pair.destination)
    for protocol, port in sorted(questions):
        fate = deliver(network, source, destination, protocol, port)
        forward = fate.forward and fate.at is owner
        served = owner is None or (protocol, port) in answers or (protocol in REPLIES and owner.takes_icmp)
        judged = (forward, forward and fate.answered, forward and fate.answered and served)
        bit = engine.alphabet.bit(protocol, port)
        proved = (bool(pair.forward & bit), bool(pair.answered & bit), bool(pair.delivered & bit))
        if judged != proved:
            asked = f"{pair.source.label} {source} -> {pair.destination.label} {destination} {port}/{protocol.name.lower()}"
            yield f"{asked}: (forward, answered, delivered) is {judged} by brute force, {proved} by the prover"


def listening(point: Point) -> set[tuple[Protocol, int]]:
    """What somebody on the network gets an answer from at a point."""
    listeners = point.endpoint.listeners if point.endpoint is not None else ()
    return {(x.protocol, x.port) for x in listeners if not x.loopback}


def member(point: Point, dice: Random) -> Address:
    """Any address of a point, with a liking for the edges."""
    if point.kind is not PointKind.OUTSIDE or point.endpoint is not None:
        return point.address
    first, last = dice.choice(point.members.parts)
    return address(dice.choice((first, last, dice.randint(first, last))))


def cut_points(network: Network) -> list[int]:
    """Every port at which any rule begins or ends, and its neighbours."""
    matches = [r.match for g in network.security_groups for r in (*g.ingress, *g.egress)]
    matches += [r.match for a in network.acls for r in (*a.ingress, *a.egress)]
    matches += [r.match for f in network.egress_filters for r in f.rules]
    edges = {0, 65535, *EPHEMERAL, *(t * 256 for t in (8, 13, 14, 128, 129))} | {p for m in matches for p in (m.ports.first, m.ports.last)}
    edges |= {x.port for e in network.endpoints for x in e.listeners}
    for policy in network.policies:
        for rule in (*(policy.ingress or ()), *(policy.egress or ())):
            edges |= {p for x in rule.ports for p in (x.port, x.end) if isinstance(p, int)}
    return sorted({p + step for p in edges for step in (-1, 0, 1) if 0 <= p + step <= 65535})


def kind_of_way(pair: Pair) -> str:
    """What lies between two points, roughly."""
    source, destination = pair.source.endpoint, pair.destination.endpoint
    if pair.source.kind is PointKind.OUTSIDE:
        return "in"
    if destination is None or pair.destination.kind is PointKind.OUTSIDE:
        return "out"
    assert source is not None
    if pair.destination.kind is PointKind.PUBLIC:
        return "through the internet"
    if not destination.subnet:
        return "provided"
    if source.vpc != destination.vpc:
        return "across a peering"
    return "in a subnet" if source.subnet == destination.subnet else "in a VPC"


# ---- laws -----------------------------------------------------------------------------------------------------------

Verdicts = dict[tuple[str, str], tuple[Transports, Transports]]
PROBES = tuple(
    ip_address(a)
    for a in (
        "8.8.8.8", "129.0.0.1", "203.0.113.77", "198.51.100.7", "198.51.100.8", "198.51.101.1", "198.19.7.7",
        "2606:4700::1", "2606:4700:9::5", "2a00::1", "4000::1",
    )
)  # fmt: skip
SEED = st.integers(min_value=0, max_value=2**32 - 1)


@LAWS
@given(networks(), SEED)
def test_order_of_rules_means_nothing(network: Network, seed: int) -> None:
    assert verdicts(shuffled(network, Random(seed))) == verdicts(network)


@LAWS
@given(networks())
def test_names_of_labels_mean_nothing(network: Network) -> None:
    assert verdicts(renamed(network)) == verdicts(network)


@LAWS
@given(networks(), SEED)
def test_a_rule_in_two_halves_means_the_same(network: Network, seed: int) -> None:
    assert verdicts(_Halves(Random(seed)).network(network)) == verdicts(network)


@LAWS
@given(networks(), SEED)
def test_a_security_group_rule_closes_nothing(network: Network, seed: int) -> None:
    dice = Random(seed)
    rules = [r for g in network.security_groups for r in (*g.ingress, *g.egress)]
    peer = dice.choice([*EVERYWHERE, *(r.peer for r in rules), *(GroupRef(g.id) for g in network.security_groups)])
    rule = SgRule("new", peer, dice.choice([Match(), *(r.match for r in rules)]), BUILT_IN)
    group = dice.choice(network.security_groups)
    wider = dice.choice((replace(group, ingress=(rule, *group.ingress)), replace(group, egress=(*group.egress, rule))))
    groups = tuple(wider if g is group else g for g in network.security_groups)
    closes_nothing(network, replace(network, security_groups=groups))


@LAWS
@given(networks().filter(lambda n: any(p.ingress is not None or p.egress is not None for p in n.policies)), SEED)
def test_a_policy_rule_closes_nothing_where_the_policy_selects_already(network: Network, seed: int) -> None:
    dice = Random(seed)
    policy = dice.choice([p for p in network.policies if p.ingress is not None or p.egress is not None])
    rules = [r for p in network.policies for r in (*(p.ingress or ()), *(p.egress or ()))]
    peers = dice.choice([(), (PodPeer((), ()),), *(r.peers for r in rules)])
    rule = PolicyRule("new", peers, dice.choice([(), *(r.ports for r in rules)]), BUILT_IN)
    ingress, egress = (None if old is None else (*old, rule) for old in (policy.ingress, policy.egress))
    wider = replace(policy, ingress=ingress, egress=egress)
    closes_nothing(network, replace(network, policies=tuple(wider if p is policy else p for p in network.policies)))


def verdicts(network: Network) -> Verdicts:
    """What the prover says of every pair, by address, so that Networks with different points can be compared."""
    engine, out = Engine(network), Verdicts()
    for pair in every_pair(engine):
        masks = engine.alphabet.decode(pair.forward), engine.alphabet.decode(pair.delivered)
        out |= {(a, b): masks for a in names(pair.source) for b in names(pair.destination)}
    return out


def names(point: Point) -> list[str]:
    if point.endpoint is not None:
        return [f"{point.endpoint.id} {point.address}"]
    return [str(probe) for probe in PROBES if probe in point.members]


def closes_nothing(before: Network, after: Network) -> None:
    wider = verdicts(after)
    for key, masks in verdicts(before).items():
        assert all(within(old, new) for old, new in zip(masks, wider[key], strict=True)), key


def within(some: Transports, more: Transports) -> bool:
    """Ranges are canonical, so each of `some` must lie in one of `more`."""
    return all(any(p is q and r.first <= a.first and a.last <= r.last for q, r in more) for p, a in some)


# ---- the same Network, written differently --------------------------------------------------------------------------


def shuffled(network: Network, dice: Random) -> Network:
    """Everything in another order but an interface's addresses. ACL lines keep their numbers."""

    def mix(items: Iterable[T]) -> tuple[T, ...]:
        pool = list(items)
        return tuple(dice.sample(pool, len(pool)))

    def rule(r: PolicyRule) -> PolicyRule:
        peers = (replace(p, without=mix(p.without)) if isinstance(p, BlockPeer) else p for p in r.peers)
        return replace(r, peers=mix(peers), ports=mix(r.ports))

    def side(rules: tuple[PolicyRule, ...] | None) -> tuple[PolicyRule, ...] | None:
        return None if rules is None else mix(rule(r) for r in rules)

    groups = (replace(g, ingress=mix(g.ingress), egress=mix(g.egress)) for g in network.security_groups)
    policies = (replace(p, selector=mix(p.selector), ingress=side(p.ingress), egress=side(p.egress)) for p in network.policies)
    endpoints = (replace(e, groups=mix(e.groups), labels=mix(e.labels), listeners=mix(e.listeners)) for e in network.endpoints)
    edges = (
        replace(f, rules=mix(replace(r, sources=mix(r.sources), prefixes=mix(r.prefixes)) for r in f.rules)) for f in network.egress_filters
    )
    return replace(
        network,
        vpcs=mix(network.vpcs), subnets=mix(network.subnets), nat_gateways=mix(network.nat_gateways),
        peerings=mix(replace(p, between=mix(p.between)) for p in network.peerings),  # type: ignore[arg-type]
        route_tables=mix(replace(t, routes=mix(t.routes)) for t in network.route_tables),
        security_groups=mix(groups), policies=mix(policies), endpoints=mix(endpoints), egress_filters=mix(edges),
        acls=mix(replace(a, ingress=mix(a.ingress), egress=mix(a.egress)) for a in network.acls),
        clusters=mix(replace(c, namespaces=mix(c.namespaces)) for c in network.clusters),
    )  # fmt: skip


def renamed(network: Network) -> Network:
    """Every label key and value by another name, wherever it is used."""

    def labels(old: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        return tuple((f"new/{key}", f"{value}-new") for key, value in old)

    def selector(old: Selector) -> Selector:
        return tuple(replace(r, key=f"new/{r.key}", values=tuple(f"{v}-new" for v in r.values)) for r in old)

    def peer(old: PodPeer | BlockPeer) -> PodPeer | BlockPeer:
        if isinstance(old, BlockPeer):
            return old
        return PodPeer(selector(old.pods), None if old.namespaces is None else selector(old.namespaces))

    def side(rules: tuple[PolicyRule, ...] | None) -> tuple[PolicyRule, ...] | None:
        return None if rules is None else tuple(replace(r, peers=tuple(map(peer, r.peers))) for r in rules)

    def policy(old: NetworkPolicy) -> NetworkPolicy:
        return replace(old, selector=selector(old.selector), ingress=side(old.ingress), egress=side(old.egress))

    return replace(
        network,
        endpoints=tuple(replace(e, labels=labels(e.labels)) for e in network.endpoints),
        policies=tuple(map(policy, network.policies)),
        clusters=tuple(replace(c, namespaces=tuple(replace(n, labels=labels(n.labels)) for n in c.namespaces)) for c in network.clusters),
    )


class _Halves:
    """Some prefixes and port ranges written as two."""

    def __init__(self, dice: Random) -> None:
        self.dice = dice

    def network(self, network: Network) -> Network:
        return replace(
            network,
            security_groups=tuple(
                replace(g, ingress=self.each(self.group, g.ingress), egress=self.each(self.group, g.egress))
                for g in network.security_groups
            ),
            acls=tuple(replace(a, ingress=self.each(self.acl, a.ingress), egress=self.each(self.acl, a.egress)) for a in network.acls),
            policies=tuple(replace(p, ingress=self.policy(p.ingress), egress=self.policy(p.egress)) for p in network.policies),
            egress_filters=tuple(replace(f, rules=self.each(self.edge, f.rules)) for f in network.egress_filters),
            route_tables=tuple(map(self.table, network.route_tables)),
        )

    @staticmethod
    def each(split: Callable[[T], Iterable[T]], rules: Iterable[T]) -> tuple[T, ...]:
        return tuple(part for rule in rules for part in split(rule))

    def prefix(self, whole: Prefix) -> list[Prefix]:
        return list(whole.subnets()) if whole.prefixlen < whole.max_prefixlen and self.dice.random() < 0.5 else [whole]

    def ports(self, first: int, last: int) -> list[tuple[int, int]]:
        if first == last or self.dice.random() < 0.5:
            return [(first, last)]
        middle = self.dice.randrange(first, last)
        return [(first, middle), (middle + 1, last)]

    def match(self, whole: Match) -> list[Match]:
        if whole.protocol in (None, Protocol.ICMP):
            return [whole]
        return [Match(whole.protocol, PortRange(*part)) for part in self.ports(whole.ports.first, whole.ports.last)]

    def group(self, rule: SgRule) -> Iterator[SgRule]:
        peers = [rule.peer] if isinstance(rule.peer, GroupRef) else self.prefix(rule.peer)
        return (replace(rule, peer=peer, match=match) for peer in peers for match in self.match(rule.match))

    def acl(self, rule: AclRule) -> Iterator[AclRule]:
        parts = [(prefix, match) for prefix in self.prefix(rule.prefix) for match in self.match(rule.match)]
        return (replace(rule, number=4 * rule.number + i, prefix=p, match=m) for i, (p, m) in enumerate(parts))

    def edge(self, rule: EgressRule) -> Iterator[EgressRule]:
        prefixes = self.each(self.prefix, rule.prefixes)
        return (replace(rule, prefixes=prefixes, match=match) for match in self.match(rule.match))

    def policy(self, rules: tuple[PolicyRule, ...] | None) -> tuple[PolicyRule, ...] | None:
        if rules is None:
            return None
        return tuple(replace(r, peers=self.each(self.peer, r.peers), ports=self.each(self.port, r.ports)) for r in rules)

    def peer(self, peer: PodPeer | BlockPeer) -> list[PodPeer | BlockPeer]:
        if isinstance(peer, PodPeer):
            return [peer]
        return [
            BlockPeer(half, tuple(p for p in self.each(self.prefix, peer.without) if p.overlaps(half))) for half in self.prefix(peer.prefix)
        ]

    def port(self, port: PolicyPort) -> list[PolicyPort]:
        if not isinstance(port.port, int):
            return [port]
        return [PolicyPort(port.protocol, first, last) for first, last in self.ports(port.port, port.end or port.port)]

    def table(self, table: RouteTable) -> RouteTable:
        """A half that the table has already stays as it is: it was the more specific route."""
        taken = {r.destination for r in table.routes}
        parts = [(r, self.prefix(r.destination)) for r in table.routes]
        routes = (replace(r, destination=p) for r, halves in parts for p in halves if p == r.destination or p not in taken)
        return replace(table, routes=tuple(routes))
