"""The SNI filter of the twin's VPCs: what the gateways hand to it, and what it knows.

It stands in the gateways, behind the filter by address: a packet reaches it after everything else that could stop it on
the way out. There the kernel gives new connections to 443/tcp to a socket of the filter (TPROXY), which goes on from the
client's own address and port; so the NAT gateway, the other side and the logs see what they would without it. Both halves
have the same addresses and ports, so only the onward half is tracked.
"""

from __future__ import annotations

from collections.abc import Iterator

from budnet.ir.address import EVERYWHERE
from budnet.ir.filters import SniFilter, SniRule
from budnet.ir.network import Network
from budnet.records import replace
from budnet.twin import phrases
from budnet.twin.plan import HERE, Chain, KernelRoute, KernelRule, Rule, Space, TwinPlan
from budnet.twin.process import Process
from budnet.twin.servers.sni_filter import Allowed, Filter, sni_filter
from budnet.twin.tools import Tools

NAME = "sni-filter"
"""Of the process that filters for all VPCs: `budnet logs sni-filter`."""
PORT = 15443
_READ, _TABLE, _FIRST = 443, 90, 1
_MARK = 1


def guard(network: Network, plan: TwinPlan, tools: Tools) -> tuple[TwinPlan, tuple[Process, ...]]:
    """The plan with gateways that hand over, and the filter. Raises Missing. A network without gateways has no use for one."""
    filters = [f for each in network.sni_filters if (f := _filter(network, each)).gateways]
    if not filters:
        return plan, ()
    process = sni_filter(tools, name=NAME, filters=filters, port=PORT)
    chains = {gateway: _chains(network, each, gateway) for each in network.sni_filters for gateway in _gateways(network, each.vpc)}
    return replace(plan, spaces=tuple(_handing_over(s, chains[s.id]) if s.id in chains else s for s in plan.spaces)), (process,)


def _gateways(network: Network, vpc: str) -> tuple[str, ...]:
    return tuple(
        g.id for kind in (network.nat_gateways, network.internet_gateways, network.egress_only_gateways) for g in kind if g.vpc == vpc
    )


def _handing_over(space: Space, chains: tuple[Chain, ...]) -> Space:
    return replace(
        space,
        routes=(*space.routes, *(KernelRoute(p, HERE, _TABLE) for p in EVERYWHERE)),
        rules=(*space.rules, *(KernelRule(p, _TABLE, _FIRST, mark=_MARK) for p in EVERYWHERE)),
        ruleset=replace(space.ruleset, chains=(*space.ruleset.chains, *chains)),
    )


# ---- what the kernel hands over -----------------------------------------------------------------------------------------


def _chains(network: Network, each: SniFilter, gateway: str) -> tuple[Chain, ...]:
    nat = next((g for g in network.nat_gateways if g.id == gateway), None)
    device = "eth0" if nat else "vpc"
    new = f'iifname "{device}" tcp dport {_READ} tcp flags & (syn | ack) == syn'
    known = f'iifname "{device}" tcp dport {_READ} socket transparent 1'
    taken = f"notrack meta mark set {_MARK} accept"
    read_before = [str(g.address) for g in network.nat_gateways if g.vpc == each.vpc and g.id != gateway]
    first = (
        *([] if nat or not read_before else [Rule(f"ip saddr {phrases.one_of(read_before)} accept", each.id)]),
        *(Rule(f"{who} {where} accept", rule.id) for rule in each.rules for who, where in _unread(network, rule)),
        Rule(f"{known} {taken}", each.id),
        Rule(f"{new} {taken}", each.id),
    )
    hand = (
        *(
            Rule(f"meta mark {_MARK} {phrases.FAMILY_ONLY[v]} meta l4proto tcp tproxy {phrases.FAMILY[v]} to :{PORT} accept", each.id)
            for v in (4, 6)
        ),
        Rule(f"tcp sport {_READ} socket transparent 1 meta mark set {_MARK} accept", each.id),
    )
    return (
        Chain("first", first, "type filter hook prerouting priority -300"),
        Chain("answer", (Rule(f"tcp sport {_READ} notrack", each.id),), "type filter hook output priority -300"),
        Chain("hand", hand, "type filter hook prerouting priority -150"),
    )


def _unread(network: Network, rule: SniRule) -> Iterator[tuple[str, str]]:
    """(clients, destinations) that pass whatever is said, as rows by address have it."""
    clients = phrases.by_family(a for e in rule.sources for a in network.endpoint[e].addresses)
    for version in (4, 6):
        prefixes = [p for p in rule.prefixes if p.version == version]
        if clients[version] and prefixes:
            family = phrases.FAMILY[version]
            yield f"{family} saddr {phrases.one_of(clients[version])}", f"{family} daddr {phrases.one_of(prefixes)}"


# ---- what the filter knows ----------------------------------------------------------------------------------------------


def _filter(network: Network, each: SniFilter) -> Filter:
    allowed = tuple(_allowed(network, rule) for rule in each.rules if rule.names)
    found = {(r.name, r.data): None for r in network.records if r.view == each.vpc and r.kind in ("A", "AAAA")}
    return Filter(each.id, _gateways(network, each.vpc), allowed, tuple(found))


def _allowed(network: Network, rule: SniRule) -> Allowed:
    clients = tuple(str(a) for e in rule.sources for a in network.endpoint[e].addresses)
    return Allowed(clients, tuple(n.name for n in rule.names if n.apex), tuple((n.name, n.depth) for n in rule.names if n.depth))
