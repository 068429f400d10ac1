"""Which rules a cluster needs: the tiers that deny, one after the other, until the flow passes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network

from budnet.ir.address import PORTED, Prefix
from budnet.ir.called import workload
from budnet.ir.endpoint import Endpoint
from budnet.ir.filters import (
    Action,
    AdminPolicy,
    AdminRule,
    BlockPeer,
    NetworkPolicy,
    Operator,
    PodPeer,
    PolicyPort,
    PolicyRule,
    Requirement,
    Selector,
    UnknownPolicy,
)
from budnet.ir.origin import NOWHERE
from budnet.reach import semantics
from budnet.reach.admission import Admission
from budnet.reach.disposition import Disposition
from budnet.reach.engine import Engine
from budnet.reach.path import Gate
from budnet.reach.points import Point
from budnet.reach.remedy.edits import Edit, applied
from budnet.reach.trace import Trace, again

CHANGING = (
    "pod-template-hash", "rollouts-pod-template-hash", "controller-revision-hash", "pod-template-generation", "controller-uid",
    "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-completion-index", "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
)  # fmt: skip
"""Labels that controllers give anew with each roll-out, or to one pod of many; a rule must not name them.
https://kubernetes.io/docs/reference/labels-annotations-taints/"""
_SPACE = "kubernetes.io/metadata.name"
_ROUNDS = 8
"""A rule may show another one behind it that denies as well; so many tiers and priorities are looked behind."""


def edits(engine: Engine, found: Trace) -> list[Edit]:
    """All that are needed; none where there are none that do it."""
    out: list[Edit] = []
    for _ in range(_ROUNDS):
        stops = [gate for gate, passed in found.steps if passed is False or (passed is None and out)]
        if not stops:
            return out
        more: list[Edit] = []
        for gate in stops:
            these = list(_at(engine, found, gate))
            if not these and gate.perhaps == 0:
                return []
            more += these
        if not more:
            return out  # what is left is not known, and no rule makes it known
        out += more
        engine = Engine(applied(engine.network, more))
        found = again(engine, found)
    return []


@dataclass(frozen=True, slots=True)
class _Case:
    """One gate's question: a pod, its peer, and what has to pass."""

    engine: Engine
    found: Trace
    pod: Endpoint
    own: Point
    peer: Point
    ingress: bool
    asked: Admission

    @property
    def bit(self) -> int:
        return self.engine.alphabet.bit(self.found.protocol, self.found.port)


def _at(engine: Engine, found: Trace, gate: Gate) -> Iterator[Edit]:
    ingress = gate.otherwise is Disposition.DENIED_IN
    own, peer = (found.destination, found.source) if ingress else (found.source, found.destination)
    if gate.layer != "network-policy" or own.endpoint is None:
        return
    asked = engine.admissions.between(own.endpoint, peer, ingress)
    case = _Case(engine, found, own.endpoint, own, peer, ingress, asked)
    if any(isinstance(p, UnknownPolicy) for p in asked.policies) or _peer(case) is None:
        return
    denying = _denying(case, "admin")
    isolating = [p for p in asked.policies if isinstance(p, NetworkPolicy)]
    if denying:
        yield from _before(case, denying)
    elif isolating:
        yield _one_more(case, isolating)
    else:
        yield from _before(case, _denying(case, "baseline"))


# ---- cluster-wide policies ----------------------------------------------------------------------------------------------


def _denying(case: _Case, tier: str) -> list[tuple[AdminPolicy, int]]:
    """Where rules of a tier deny, or may: (policy, place of its first rule about it) of the first priority at which one does. Of
    several policies of that priority there is an earlier one that decides nothing, where there is: one rule in it will do."""
    silent: list[tuple[AdminPolicy, int]] = []
    for group in _groups(case, tier):
        first = [(policy, _first(case, policy)) for policy in group]
        deciding = [(policy, at) for policy, at in first if at is not None]
        denying = [(policy, at) for policy, at in deciding if _rules(policy, case.ingress)[at].action is Action.DENY]
        if denying:
            return silent[-1:] if silent and len(deciding) > 1 else deciding
        if any(_surely(case, policy, at) for policy, at in deciding):
            return []
        if not deciding:
            silent.append((group[0], len(_rules(group[0], case.ingress))))
    return []


def _groups(case: _Case, tier: str) -> list[list[AdminPolicy]]:
    found: dict[int, list[AdminPolicy]] = {}
    for policy in case.asked.policies:
        if isinstance(policy, AdminPolicy) and policy.tier == tier:
            found.setdefault(policy.priority, []).append(policy)
    return [found[priority] for priority in sorted(found)]


def _rules(policy: AdminPolicy, ingress: bool) -> tuple[AdminRule, ...]:
    return policy.ingress if ingress else policy.egress


def _first(case: _Case, policy: AdminPolicy) -> int | None:
    """The place of the first rule that is about the flow, or may be."""
    for at, rule in enumerate(_rules(policy, case.ingress)):
        if case.engine.admissions.touches(rule, policy, case.pod, case.peer, case.ingress) & case.bit:
            return at
    return None


def _surely(case: _Case, policy: AdminPolicy, at: int) -> bool:
    rule = _rules(policy, case.ingress)[at]
    return bool(case.engine.admissions.hits(rule, policy, case.pod, case.peer, case.ingress) & case.bit)


def _before(case: _Case, places: list[tuple[AdminPolicy, int]]) -> Iterator[Edit]:
    peer = _peer(case)
    assert peer is not None
    for policy, at in places:
        yield Edit(policy, case.ingress, AdminRule(f"{policy.id}:new", Action.ACCEPT, (peer,), _ports(case), NOWHERE), at)


# ---- NetworkPolicies ----------------------------------------------------------------------------------------------------


def _one_more(case: _Case, isolating: list[NetworkPolicy]) -> Edit:
    """A policy of its own, which adds to the others; unless it were about pods that none isolates so far: to them it would close
    everything else. Then, or where that is about fewer pods, a rule more in one that there is."""
    space = [e for e in case.engine.network.endpoints if (e.cluster, e.namespace) == (case.pod.cluster, case.pod.namespace)]
    pods = [e for e in space if case.engine.admissions.is_selectable(e)]

    def about(selector: Selector) -> list[Endpoint]:
        return [e for e in pods if semantics.selects(selector, dict(e.labels))]

    labels = _labels(case.pod)
    mine = about(labels)
    narrowest = min(isolating, key=lambda p: (len(about(p.selector)), p.id))
    harmless = all(case.engine.selecting(e, case.ingress) for e in mine)
    peer = _peer(case, of=case.pod.namespace)
    assert peer is not None
    rule = PolicyRule(f"{narrowest.id}:new", (peer,), _ports(case), NOWHERE)
    if not harmless or len(about(narrowest.selector)) < len(mine):
        return Edit(narrowest, case.ingress, rule, len((narrowest.ingress if case.ingress else narrowest.egress) or ()))
    name = f"{case.pod.namespace}/{_name(case, {p.id for p in case.engine.network.policies})}"
    into, out = ((rule,), None) if case.ingress else (None, (rule,))
    return Edit(NetworkPolicy(name, case.pod.cluster, case.pod.namespace, labels, into, out, NOWHERE), case.ingress, rule, 0, new=True)


def _name(case: _Case, taken: set[str]) -> str:
    ends = [workload(e.service) for e in (case.found.source.endpoint, case.found.destination.endpoint) if e is not None]
    name = f"{'-to-'.join(ends)}-{'in' if case.ingress else 'out'}".lower()
    while f"{case.pod.namespace}/{name}" in taken:
        name += "-2"
    return name


# ---- peers and ports ----------------------------------------------------------------------------------------------------


def _peer(case: _Case, of: str | None = None) -> PodPeer | BlockPeer | None:
    """As few as can be named: pods by their labels, everybody else by address. None where that is not known. `of`: the namespace
    of the policy that says it, where it has one."""
    endpoint = case.peer.endpoint
    if endpoint is not None and endpoint.namespace and case.engine.admissions.is_selectable(endpoint):
        space = None if endpoint.namespace == of else (Requirement(_SPACE, Operator.IN, (endpoint.namespace,)),)
        return PodPeer(_labels(endpoint), space)
    if not case.peer.known:
        return None
    return BlockPeer(_prefix(case.peer))


def _prefix(peer: Point) -> Prefix:
    """Of one address; of a part of the outside its widest prefix with the address that the packet has."""
    if peer.endpoint is None:
        return min((p for p in peer.members.prefixes() if peer.address in p), key=lambda p: p.prefixlen)
    return ip_network(peer.address)


def _labels(pod: Endpoint) -> Selector:
    return tuple(Requirement(key, Operator.IN, (value,)) for key, value in pod.labels if key not in CHANGING)


def _ports(case: _Case) -> tuple[PolicyPort, ...]:
    """None is every one: policies have no word for ICMP."""
    return () if case.found.protocol not in PORTED else (PolicyPort(case.found.protocol, case.found.port),)
