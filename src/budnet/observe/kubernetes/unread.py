"""Policies that could not be read: whom they may be about is unknown, never open and never closed."""

from __future__ import annotations

import re

from budnet.ir.filters import Operator, PodPeer, Requirement, Selector, UnknownPolicy
from budnet.observe.kubernetes.fields import Object, Place, Wrong, mapping, name_of
from budnet.observe.kubernetes.selectors import selector

KINDS = ("NetworkPolicy", "ClusterNetworkPolicy", "AdminNetworkPolicy", "BaselineAdminNetworkPolicy")
_NAME = "kubernetes.io/metadata.name"
_KIND = re.compile(rb"(?m)^\s*[\"']?kind[\"']?\s*:\s*[\"']?(\w+)")
_SPACE = re.compile(rb"(?m)^metadata:[ \t]*\n(?P<in>[ \t]+)(?:\S.*\n(?:(?P=in).*\n)*?(?P=in))?namespace:[ \t]*[\"']?([a-z0-9-]+)")
"""The object's own namespace, where its metadata is written in lines; a label may be called the same."""


def unread(of: Object, cluster: str, place: Place, why: str) -> UnknownPolicy:
    """In place of a policy with something wrong in it: whom it selects, as far as that can be read, and both directions."""
    meta = of.get("metadata")
    namespace = str(meta.get("namespace") or "default") if isinstance(meta, dict) else ""
    own = of.get("kind") == "NetworkPolicy" and namespace
    spaces: Selector = (Requirement(_NAME, Operator.IN, (namespace,)),) if own else ()
    chosen: Selector = ()
    if own:
        try:
            chosen = selector(mapping(mapping(of, "spec"), "podSelector"), "spec.podSelector")
        except Wrong:
            chosen = ()
    return UnknownPolicy(name_of(of), cluster, PodPeer(chosen, spaces), True, True, why, place.origin)


def lost(data: bytes, cluster: str, place: Place) -> UnknownPolicy | None:
    """In place of a text that is no YAML or JSON: it may hold a policy, unless it says that it is something else."""
    kinds = {m.decode() for m in _KIND.findall(data)}
    if kinds and not any(kind.endswith(("Policy", "List")) for kind in kinds):
        return None
    spaces = {space.decode() for _, space in _SPACE.findall(data)}
    # the namespace counts where the text says it once and is one object of YAML; of anything else a part may be missing
    narrow = kinds == {"NetworkPolicy"} and len(spaces) == 1 and data.lstrip()[:1] not in (b"{", b"[")
    where: Selector = (Requirement(_NAME, Operator.IN, tuple(spaces)),) if narrow else ()
    label = f"the text at {place.file}:{max(place.line, 1)}"
    return UnknownPolicy(label, cluster, PodPeer((), where), True, True, f"{label} could not be read, and may hold a policy", place.origin)
