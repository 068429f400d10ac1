"""Policies that could not be read: whom they may be about is unknown, never open and never closed."""

from __future__ import annotations

import re
from collections.abc import Iterable

from budnet.ir.filters import AdminPolicy, NetworkPolicy, Operator, PodPeer, Requirement, Selector, UnknownPolicy
from budnet.observe.kubernetes.fields import Object, Place, Refused, Wrong, mapping, name_of
from budnet.observe.kubernetes.foreign import KINDS as THEIRS
from budnet.observe.kubernetes.kinds import POLICIES, POLICY_GROUPS, is_policy
from budnet.observe.kubernetes.parsed import HANDWRITTEN
from budnet.observe.kubernetes.selectors import selector, selects
from budnet.observe.kubernetes.suspects import may_decide

KINDS = tuple(kind for _, kind in POLICIES)
_NAME = "kubernetes.io/metadata.name"
_KIND = re.compile(rb"(?m)^\s*[\"']?kind[\"']?\s*:\s*[\"']?(\w+)")
_MANY = re.compile(rb'(?m)\A\s*\[|^items:|"items"\s*:')
_SPACE = re.compile(rb"(?m)^metadata:[ \t]*\n(?P<in>[ \t]+)(?:\S.*\n(?:(?P=in).*\n)*?(?P=in))?namespace:[ \t]*[\"']?([a-z0-9-]+)")
"""The object's own namespace, where its metadata is written in lines; a label may be called the same."""


def may_be_policy(of: Object) -> bool:
    """Whether an object decides what passes, as far as what it says of itself can be read."""
    kind, version = of.get("kind"), of.get("apiVersion")
    group = version.rpartition("/")[0] if isinstance(version, str) else ""
    if not isinstance(kind, str):
        return group in POLICY_GROUPS
    return kind in KINDS or is_policy(group, kind)


def unread(of: Object, cluster: str, place: Place, why: str) -> UnknownPolicy:
    """In place of a policy with something wrong in it: whom it selects, as far as that can be read, and both directions."""
    meta = of.get("metadata")
    namespace = meta.get("namespace") or "default" if isinstance(meta, dict) else None
    own = of.get("kind") == "NetworkPolicy" and isinstance(namespace, str)
    spaces: Selector = (Requirement(_NAME, Operator.IN, (str(namespace),)),) if own else ()
    chosen: Selector = ()
    if own:
        try:
            chosen = selector(mapping(mapping(of, "spec"), "podSelector"), "spec.podSelector")
        except Wrong:
            chosen = ()
    return UnknownPolicy(name_of(of), cluster, PodPeer(chosen, spaces), True, True, why, place.origin)


def kinds_in(data: bytes) -> set[str]:
    """The kinds that a text says are in it, as far as it is written in lines; none where it may hold others as well: it is a List,
    or a dump, or ended too soon and is empty here."""
    if len(data) > HANDWRITTEN or _MANY.search(data):
        return set()
    return {m.decode() for m in _KIND.findall(data)}


def lost(data: bytes, cluster: str, place: Place) -> UnknownPolicy | None:
    """In place of a text that is no YAML or JSON: it may hold a policy, unless it says that it is something else."""
    kinds = kinds_in(data)
    if kinds and not any(kind.endswith("List") or kind in THEIRS or may_decide("some.maker", kind) for kind in kinds):
        return None
    spaces = {space.decode() for _, space in _SPACE.findall(data)}
    # the namespace counts where the text says it once and is one object of YAML; of anything else a part may be missing
    narrow = kinds == {"NetworkPolicy"} and len(spaces) == 1 and data.lstrip()[:1] not in (b"{", b"[")
    where: Selector = (Requirement(_NAME, Operator.IN, tuple(spaces)),) if narrow else ()
    label = f"the text at {place.file}:{place.line}" if place.line else place.file
    return UnknownPolicy(label, cluster, PodPeer((), where), True, True, f"{label} could not be read, and may hold a policy", place.origin)


def hidden(refused: Refused, cluster: str) -> UnknownPolicy | None:
    """In place of a kind that is not shown, where it may be one of policies."""
    whole_group = not refused.kind and (not refused.group or refused.group in POLICY_GROUPS)
    if not whole_group and not is_policy(refused.group, refused.kind):
        return None
    label = f"{refused.kind or 'policies'} of {refused.group}" if refused.group else "policies"
    return UnknownPolicy(label, cluster, PodPeer((), ()), True, True, refused.why, refused.place.origin)


def asking(policies: Iterable[NetworkPolicy | AdminPolicy]) -> dict[Selector, dict[str, None]]:
    """Selectors that ask for a label that a namespace does not have by its name alone, each with the policies that have it."""
    found: dict[Selector, dict[str, None]] = {}
    for policy in policies:
        subjects = (policy.subject,) if isinstance(policy, AdminPolicy) else ()
        peers = (peer for rules in (policy.ingress, policy.egress) for rule in rules or () for peer in rule.peers)
        for each in (p.namespaces or () for p in (*subjects, *peers) if isinstance(p, PodPeer)):
            if any(r.key != _NAME for r in each):
                found.setdefault(each, {})[policy.id] = None
    return found


def may_select(chosen: Selector, namespace: str) -> bool:
    """Whether a namespace of which only the name is known may have all that a selector asks for."""
    return selects(tuple(r for r in chosen if r.key == _NAME), {_NAME: namespace})
