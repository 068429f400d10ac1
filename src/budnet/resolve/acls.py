"""A network ACL for every tier. ACLs keep no state, so answers have rules of their own.

The order is: what flows need between tiers, then a denial of all that is ours, then what the outside needs. The denial
in the middle keeps a rule for the internet (0.0.0.0/0) from opening a way between our own tiers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import collapse_addresses

from budnet.ir import icmp
from budnet.ir.address import EPHEMERAL, EVERYWHERE, PORTED, Match, PortRange, Prefix
from budnet.ir.cloud import Subnet
from budnet.ir.filters import AclRule, NetworkAcl
from budnet.ir.intent import Flow
from budnet.ir.origin import Origin
from budnet.resolve.draft import Draft

Rules = dict[tuple[Prefix, Match], Origin]


@dataclass
class _Tier:
    """One tier's rules while they are collected: (direction, ours or outside) to rules."""

    id: str
    vpc: str
    prefixes: list[Prefix] = field(default_factory=list)
    zones: int = 0
    ours: dict[str, Rules] = field(default_factory=lambda: {"in": {}, "out": {}})
    outside: dict[str, Rules] = field(default_factory=lambda: {"in": {}, "out": {}})


def acls(draft: Draft) -> None:
    """The pass."""
    tiers = _tiers(draft)
    home = {e.id: draft.subnet(e.subnet).tier for e in draft.endpoints if e.subnet}
    for flow in draft.walked:
        sources = list(dict.fromkeys(home[e] for e in flow.sources.endpoints if e in home))
        targets = list(dict.fromkeys(home[e] for e in flow.destinations.endpoints if e in home))
        for source in sources:
            for target in targets:
                if source != target or tiers[source].zones > 1:
                    _between(tiers[source], tiers[target], flow)
            if flow.destinations.prefixes:
                _out(draft, tiers, source, flow)
        for target in targets:
            for prefix in flow.sources.prefixes:
                _inward(tiers[target], prefix, flow)
    # neighbours are said as one: a fleet out of one pool takes a handful of lines, and an ACL has room for 40 (AWS)
    ours = [p for version in (4, 6) for p in collapse_addresses(p for v in draft.vpcs for p in v.prefixes if p.version == version)]  # type: ignore[type-var]
    for tier in tiers.values():
        origin = next(s.origin for s in draft.subnets if s.tier == tier.id)
        draft.acls.append(NetworkAcl(tier.id, tier.vpc, _numbered(tier, "in", ours, origin), _numbered(tier, "out", ours, origin), origin))


def _tiers(draft: Draft) -> dict[str, _Tier]:
    out: dict[str, _Tier] = {}
    for subnet in draft.subnets:
        tier = out.setdefault(subnet.tier, _Tier(subnet.tier, subnet.vpc, _whole(draft, subnet)))
        tier.zones += 1
    return out


def _whole(draft: Draft, subnet: Subnet) -> list[Prefix]:
    """The tier's range as written, over all its zones."""
    network, _, tier = subnet.tier.partition("/")
    return list(draft.topology.networks[network].subnets[tier].cidr)


def _add(rules: Rules, prefix: Prefix, match: Match, origin: Origin) -> None:
    if match.protocol is None or prefix.version in match.protocol.spoken_over:
        rules.setdefault((prefix, match), origin)


def _add_answers(rules: Rules, prefix: Prefix, request: Match, origin: Origin) -> None:
    for match in _answers(request):
        _add(rules, prefix, match, origin)


def _answers(request: Match) -> list[Match]:
    """Of the ICMPs those of the queries among the messages; an answer's code is always 0."""
    assert request.protocol is not None, "flows name their protocol"
    if request.protocol in PORTED:
        return [Match(request.protocol, PortRange(*EPHEMERAL))]
    asked = {
        t: a
        for t, a in icmp.QUERIES[request.protocol.value].items()
        if icmp.messages(t)[0] <= request.ports.last and request.ports.first <= icmp.messages(t)[1]
    }
    return [Match(request.protocol, PortRange(icmp.message(answer), icmp.message(answer))) for answer in asked.values()]


def _between(source: _Tier, target: _Tier, flow: Flow) -> None:
    for theirs in target.prefixes:
        _add(source.ours["out"], theirs, flow.match, flow.origin)
        _add_answers(source.ours["in"], theirs, flow.match, flow.origin)
    for theirs in source.prefixes:
        _add(target.ours["in"], theirs, flow.match, flow.origin)
        _add_answers(target.ours["out"], theirs, flow.match, flow.origin)


def _out(draft: Draft, tiers: dict[str, _Tier], source: str, flow: Flow) -> None:
    """To the outside: past the source's own border, and for IPv4 through the NAT gateway's subnet."""
    tier = tiers[source]
    for prefix in EVERYWHERE:
        if prefix.version in {p.version for p in tier.prefixes}:
            _add(tier.outside["out"], prefix, flow.match, flow.origin)
            _add_answers(tier.outside["in"], prefix, flow.match, flow.origin)
    for gateway in draft.nat_gateways:
        at = tiers[draft.subnet(gateway.subnet).tier]
        if gateway.vpc != tier.vpc or at is tier:
            continue
        for theirs in (p for p in tier.prefixes if p.version == 4):
            _add(at.ours["in"], theirs, flow.match, flow.origin)
            _add_answers(at.ours["out"], theirs, flow.match, flow.origin)
        _add(at.outside["out"], EVERYWHERE[0], flow.match, flow.origin)
        _add_answers(at.outside["in"], EVERYWHERE[0], flow.match, flow.origin)


def _inward(target: _Tier, prefix: Prefix, flow: Flow) -> None:
    if prefix.version in {p.version for p in target.prefixes}:
        _add(target.outside["in"], prefix, flow.match, flow.origin)
        _add_answers(target.outside["out"], prefix, flow.match, flow.origin)


def _numbered(tier: _Tier, direction: str, ours: list[Prefix], origin: Origin) -> tuple[AclRule, ...]:
    lines = [(True, prefix, match, place) for (prefix, match), place in tier.ours[direction].items()]
    lines += [(False, prefix, Match(), origin) for prefix in ours]
    lines += [(True, prefix, match, place) for (prefix, match), place in tier.outside[direction].items()]
    return tuple(
        AclRule(f"{tier.id}:{direction}:{100 + i}", 100 + i, allow, prefix, match, place)
        for i, (allow, prefix, match, place) in enumerate(lines)
    )
