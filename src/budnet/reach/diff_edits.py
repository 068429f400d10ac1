"""Which objects of two clusters differ, and whom each is or was about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from budnet.ir.filters import AdminPolicy, NetworkPolicy, PodPeer, UnknownPolicy
from budnet.ir.network import Network
from budnet.reach import semantics
from budnet.reach.difference import Cause

Policy = NetworkPolicy | AdminPolicy | UnknownPolicy


@dataclass(frozen=True, slots=True)
class _Edit:
    """An object that is not what it was: whom it was or is about, in each direction."""

    cause: Cause
    ingress: frozenset[str]
    egress: frozenset[str]


class Edits:
    """All of them, for those pairs of workloads that they are about."""

    def __init__(self, old: Network, new: Network) -> None:
        self._edits = [*_policies(old, new), *_workloads(old, new)]

    def about(self, src: str | None, dst: str | None) -> tuple[Cause, ...]:
        """Those about what the one sends or the other takes in; else those about either. None stands for the outside."""
        here, there = src or "", dst or ""
        found = [e.cause for e in self._edits if here in e.egress or there in e.ingress]
        return tuple(found or [e.cause for e in self._edits if here in e.ingress or there in e.egress])


def _policies(old: Network, new: Network) -> Iterator[_Edit]:
    for kind in ("policies", "admin_policies", "unknown_policies"):
        was, now = ({p.id: p for p in getattr(n, kind)} for n in (old, new))
        for id_ in sorted({*was, *now}):
            versions = [(n, p) for n, p in ((old, was.get(id_)), (new, now.get(id_))) if p is not None]
            if len(versions) == 2 and _said(versions[0][1]) == _said(versions[1][1]):
                continue
            what = "changed" if len(versions) == 2 else "removed" if id_ in was else "added"
            origin = versions[-1][1].origin
            detail = ", ".join(_differing(*(p for _, p in versions))) if what == "changed" else ""
            sides = [_about(n, p) for n, p in versions]
            yield _Edit(
                Cause(f"policy {id_} {what}", origin, detail),
                frozenset().union(*(s[0] for s in sides)),
                frozenset().union(*(s[1] for s in sides)),
            )


def _said(policy: Policy) -> object:
    """What a policy says, wherever it is written."""
    if isinstance(policy, UnknownPolicy):
        return policy.subject, policy.ingress, policy.egress
    ways = tuple(
        None if rules is None else tuple((getattr(r, "action", None), r.peers, r.ports) for r in rules)
        for rules in (policy.ingress, policy.egress)
    )
    if isinstance(policy, AdminPolicy):
        return policy.tier, policy.priority, policy.subject, ways
    return policy.selector, ways


def _differing(was: Policy, now: Policy) -> Iterator[str]:
    """What of a policy is not what it was: rules by their places, and what is beside them."""
    for name in ("selector", "subject", "tier", "priority"):
        if getattr(was, name, None) != getattr(now, name, None):
            yield f"its {name}"
    for way in ("ingress", "egress"):
        before, after = getattr(was, way), getattr(now, way)
        if before == after or isinstance(before, bool):
            continue
        if before is None or after is None:
            yield f"it says nothing of {way}" if after is None else f"it speaks of {way} now"
            continue
        said = [[(getattr(r, "action", None), r.peers, r.ports) for r in rules] for rules in (before, after)]
        yield from (f"{way}[{i}] changed" for i, (a, b) in enumerate(zip(*said, strict=False)) if a != b)
        shorter, longer = sorted(map(len, said))
        yield from (f"{way}[{i}] {'added' if len(said[1]) > len(said[0]) else 'removed'}" for i in range(shorter, longer))


def _about(network: Network, policy: Policy) -> tuple[set[str], set[str]]:
    """The workloads that a policy selects, for each direction in which it says something."""
    spaces = {name: space for (_, name), space in semantics.spaces(network).items()}
    subject = PodPeer(policy.selector) if isinstance(policy, NetworkPolicy) else policy.subject
    found = set()
    for labels, namespace, service in dict.fromkeys((e.labels, e.namespace, e.service) for e in network.endpoints):
        here = policy.namespace == namespace if isinstance(policy, NetworkPolicy) else (
            subject.namespaces is None or semantics.in_space(subject.namespaces, spaces.get(namespace, semantics.NO_SPACE)) != semantics.NO
        )  # fmt: skip
        if here and semantics.selects(subject.pods, dict(labels)):
            found.add(service)
    says = [
        rules is not None and rules is not False and (rules != () or isinstance(policy, NetworkPolicy))
        for rules in (policy.ingress, policy.egress)
    ]
    return (found if says[0] else set()), (found if says[1] else set())


def _workloads(old: Network, new: Network) -> Iterator[_Edit]:
    was, now = (_described(n) for n in (old, new))
    for service in sorted({*was, *now}):
        if was.get(service) != now.get(service):
            what = "added" if service not in was else "removed" if service not in now else "changed its labels, ports or addresses"
            yield _Edit(Cause(f"{service} {what}"), frozenset((service,)), frozenset((service,)))
    for name, what in _spaces(old, new):
        about = frozenset(e.service for n in (old, new) for e in n.endpoints if e.namespace == name)
        yield _Edit(Cause(f"namespace {name} {what}"), about, about)


def _described(network: Network) -> dict[str, set[object]]:
    out: dict[str, set[object]] = {}
    for e in network.endpoints:
        names = tuple(x for x in e.listeners if x.name)
        out.setdefault(e.service, set()).add((e.labels, names, e.host_network, tuple(a for a in e.addresses)))
    return out


def _spaces(old: Network, new: Network) -> Iterator[tuple[str, str]]:
    was, now = ({s.name: (s.labels, s.known) for c in n.clusters for s in c.namespaces} for n in (old, new))
    for name in sorted({*was, *now}):
        if was.get(name) != now.get(name):
            yield name, "added" if name not in was else "removed" if name not in now else "changed its labels"
