"""A security group for every service in every network: what its flows need, by reference to the other side's group."""

from __future__ import annotations

from budnet.ir.address import EVERYWHERE, Match, Prefix, single
from budnet.ir.endpoint import Endpoint
from budnet.ir.filters import GroupRef, SecurityGroup, SgRule
from budnet.ir.intent import Flow, Side
from budnet.ir.origin import Origin
from budnet.resolve.draft import Draft

Peer = Prefix | GroupRef
Rules = dict[tuple[Peer, Match], Origin]


def security_groups(draft: Draft) -> None:
    """The pass."""
    owners = {e.groups[0]: e for e in draft.endpoints if e.groups}
    ingress: dict[str, Rules] = {g: {} for g in owners}
    egress: dict[str, Rules] = {g: {} for g in owners}
    endpoints = {e.id: e for e in draft.endpoints}
    for flow in draft.walked:
        sources = _groups(flow.sources, endpoints)
        targets = _groups(flow.destinations, endpoints)
        for group in targets:
            for peer in _speaking(flow.match, _peers(draft, owners, group, sources, flow.sources)):
                ingress[group].setdefault((peer, flow.match), flow.origin)
        for group in sources:
            for peer in _speaking(flow.match, _peers(draft, owners, group, targets, _outward(flow, owners[group]))):
                egress[group].setdefault((peer, flow.match), flow.origin)
    for group, owner in owners.items():
        draft.security_groups.append(
            SecurityGroup(group, owner.vpc, _rules(group, "in", ingress[group]), _rules(group, "out", egress[group]), owner.origin)
        )


def _groups(side: Side, endpoints: dict[str, Endpoint]) -> list[str]:
    return list(dict.fromkeys(endpoints[e].groups[0] for e in side.endpoints if endpoints[e].groups))


def _outward(flow: Flow, owner: Endpoint) -> Side:
    """A security group cannot name hosts, so what leaves may go anywhere on its port: the egress filter is narrower."""
    if not flow.destinations.prefixes:
        return flow.destinations
    families = {a.version for a in owner.addresses}
    return Side("internet", (), tuple(p for p in EVERYWHERE if p.version in families))


def _peers(draft: Draft, owners: dict[str, Endpoint], group: str, others: list[str], side: Side) -> list[Peer]:
    """The other side as this group's rules can say it."""
    out: list[Peer] = []
    for other in others:
        if _can_refer(draft, owners[group].vpc, owners[other].vpc):
            out.append(GroupRef(other))
        else:
            members = [e for e in draft.endpoints if e.groups and e.groups[0] == other]
            out += [single(a) for e in members for a in e.addresses]
    return [*out, *side.prefixes]


def _speaking(match: Match, peers: list[Peer]) -> list[Peer]:
    """Without prefixes of a family that does not carry it."""
    assert match.protocol is not None, "flows name their protocol"
    return [p for p in peers if isinstance(p, GroupRef) or p.version in match.protocol.spoken_over]


def _can_refer(draft: Draft, here: str, there: str) -> bool:
    """A rule may name a group of its own VPC; on AWS also one of a VPC peered in the same region."""
    if here == there:
        return True
    if not any(set(p.between) == {here, there} for p in draft.peerings):
        return False
    clouds = {v.id: v.cloud for v in draft.vpcs}
    return clouds[here].provider == clouds[there].provider == "aws" and clouds[here].region == clouds[there].region


def _rules(group: str, direction: str, rules: Rules) -> tuple[SgRule, ...]:
    return tuple(
        SgRule(f"{group}:{direction}:{peer.id if isinstance(peer, GroupRef) else peer}:{match}", peer, match, origin)
        for (peer, match), origin in rules.items()
    )
