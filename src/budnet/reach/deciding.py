"""Which tier of Kubernetes' policies decides on one packet, and by which rule: what `explain` names.

`tiers.decide` says what passes; this says why, for one bit of the alphabet. Tiers behind the one that decides are asked
all the same: who takes a denial away wants to know what comes next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from budnet.ir.endpoint import Endpoint
from budnet.ir.filters import Action, AdminPolicy, AdminRule, UnknownPolicy
from budnet.ir.origin import Origin
from budnet.reach.engine import Engine
from budnet.reach.points import Point, PointKind

NOT_MODELLED, ADMIN, NETWORK_POLICY, BASELINE = "not modelled", "admin", "network-policy", "baseline"
UNDECIDED, UNKNOWN = "undecided", "unknown"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that fits the packet, and what it does."""

    id: str
    action: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Tier:
    """What a tier says of a packet: `Accept`, `Deny`, `Pass`, that no rule of it is about it, or that it is not known."""

    name: str
    word: str
    policies: tuple[str, ...]
    """Those of it that select the pod."""
    rules: tuple[Rule, ...]
    """None where NetworkPolicies deny: what none of their rules allows is denied."""
    origin: Origin
    """Of the first rule, else of the last policy."""

    @property
    def decides(self) -> bool:
        """Whether the tiers behind it are not asked any more."""
        return self.word in (Action.ACCEPT.value, Action.DENY.value, UNKNOWN)


def tiers(engine: Engine, pod: Endpoint, peer: Point, ingress: bool, bit: int) -> list[Tier]:
    """The tiers with a policy that selects the pod in this direction, in the order in which they are asked."""
    asked = engine.admissions.between(pod, peer, ingress).policies
    admin = [p for p in asked if isinstance(p, AdminPolicy)]
    found = [
        _not_modelled([p for p in asked if isinstance(p, UnknownPolicy)]),
        _cluster_wide(engine, ADMIN, admin, pod, peer, ingress, bit),
        _network_policies(engine, pod, peer, ingress, bit),
        _cluster_wide(engine, BASELINE, admin, pod, peer, ingress, bit),
    ]
    # a NetworkPolicy decides on everything, so the baseline is only for pods that none selects
    return [t for t in (found[:3] if found[2] else found) if t is not None]


def deciding(found: Iterable[Tier]) -> Tier | None:
    """The first that decides; where none does the packet passes."""
    return next((t for t in found if t.decides), None)


def _not_modelled(policies: list[UnknownPolicy]) -> Tier | None:
    """Before which tier they are asked is not known either."""
    return Tier(NOT_MODELLED, UNKNOWN, tuple(p.id for p in policies), (), policies[-1].origin) if policies else None


def _cluster_wide(
    engine: Engine, name: str, policies: list[AdminPolicy], pod: Endpoint, peer: Point, ingress: bool, bit: int
) -> Tier | None:
    here = sorted((p for p in policies if p.tier == name), key=lambda p: p.priority)
    if not here:
        return None
    ids = tuple(p.id for p in here)
    for _, group in groupby(here, key=lambda p: p.priority):
        first = [hit for p in group if (hit := _first(engine, p, pod, peer, ingress, bit)) is not None]
        if first:
            rules = tuple(Rule(rule.id, rule.action.value, rule.origin) for rule, _ in first)
            certain = all(sure for _, sure in first) and len({r.action for r in rules}) == 1
            # whether these keep a pod from its own node nobody says: see reach/nodes.py
            certain &= rules[0].action != Action.DENY.value or _together(engine, pod, peer) is False
            return Tier(name, rules[0].action if certain else UNKNOWN, ids, rules, rules[0].origin)
    return Tier(name, UNDECIDED, ids, (), here[-1].origin)


def _first(engine: Engine, policy: AdminPolicy, pod: Endpoint, peer: Point, ingress: bool, bit: int) -> tuple[AdminRule, bool] | None:
    """The first rule that is about the packet, or may be; and whether it is in any case."""
    for rule in policy.ingress if ingress else policy.egress:
        if engine.admissions.touches(rule, policy, pod, peer, ingress) & bit:
            return rule, bool(engine.admissions.hits(rule, policy, pod, peer, ingress) & bit)
    return None


def _network_policies(engine: Engine, pod: Endpoint, peer: Point, ingress: bool, bit: int) -> Tier | None:
    policies = engine.selecting(pod, ingress)
    if not policies:
        return None
    lanes, ids, accept = engine.admissions.lanes, tuple(p.id for p in policies), Action.ACCEPT.value
    together = _together(engine, pod, peer)
    if together:
        return Tier(NETWORK_POLICY, accept, ids, (), policies[-1].origin)
    hits = [
        (rule, engine.admissions.rule(rule, p.cluster, p.namespace, pod, peer, ingress))
        for p in policies for rule in (p.ingress if ingress else p.egress) or ()
    ]  # fmt: skip
    sure = tuple(Rule(r.id, accept, r.origin) for r, mask in hits if lanes.certain(mask) & bit)
    perhaps = tuple(Rule(r.id, accept, r.origin) for r, mask in hits if lanes.doubtful(mask) & bit)
    word = accept if sure else UNKNOWN if perhaps or together is None else Action.DENY.value
    rules = sure or perhaps
    return Tier(NETWORK_POLICY, word, ids, rules, rules[0].origin if rules else policies[-1].origin)


def _together(engine: Engine, pod: Endpoint, peer: Point) -> bool | None:
    return engine.admissions.nodes.together(pod, peer.endpoint if peer.kind is PointKind.INTERFACE else None)


def accepting(engine: Engine, pod: Endpoint, peer: Point, ingress: bool, bit: int) -> Iterator[tuple[str, Origin]]:
    """The rules by which a packet passes."""
    found = deciding(tiers(engine, pod, peer, ingress, bit))
    yield from ((r.id, r.origin) for r in (found.rules if found is not None and found.word == Action.ACCEPT.value else ()))
