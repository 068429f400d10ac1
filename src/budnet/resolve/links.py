"""Ways between VPCs, and whether their method can carry them."""

from __future__ import annotations

from budnet.ir.cloud import Peering
from budnet.resolve.draft import Draft
from budnet.source.diagnostic import suggest

UNKNOWN_NETWORK, SELF_LINK, OTHER_CLOUD, TWICE = "R201", "R202", "R203", "R204"


def links(draft: Draft) -> None:
    """The pass."""
    seen: dict[frozenset[str], str] = {}
    for name, link in draft.topology.links.items():
        path = ("links", name, "between")
        unknown = [n for n in link.between if n not in draft.topology.networks]
        for network in unknown:
            draft.error(UNKNOWN_NETWORK, f"there is no network '{network}'", path, suggest(network, draft.topology.networks))
        if unknown:
            continue
        one, two = link.between
        if one == two:
            draft.error(SELF_LINK, f"a link joins two networks; this one joins '{one}' with itself", path)
            continue
        if frozenset(link.between) in seen:
            draft.error(TWICE, f"'{one}' and '{two}' are already linked by '{seen[frozenset(link.between)]}'", path)
            continue
        seen[frozenset(link.between)] = name
        if draft.topology.networks[one].cloud.provider != draft.topology.networks[two].cloud.provider:
            draft.error(OTHER_CLOUD, f"'{one}' and '{two}' are in different clouds; peering joins networks of one cloud", path)
        draft.peerings.append(Peering(name, (one, two), draft.origin("links", name)))
