"""Ways between VPCs, and whether their method can carry them."""

from __future__ import annotations

from budnet.ir.cloud import Peering
from budnet.resolve.draft import Draft
from budnet.source.text import quoted

UNKNOWN_NETWORK, SELF_LINK, OTHER_CLOUD, TWICE = "R201", "R202", "R203", "R204"


def links(draft: Draft) -> None:
    """The pass."""
    seen: dict[frozenset[str], str] = {}
    for name, link in draft.topology.links.items():
        path = ("links", name, "between")
        networks = draft.topology.networks
        unknown = [(i, n) for i, n in enumerate(link.between) if n not in networks]
        for i, network in unknown:
            help = draft.suggest(network, draft.network_names) or f"the networks are {', '.join(draft.network_names)}"
            draft.error(UNKNOWN_NETWORK, f"there is no network {quoted(network)}", (*path, i), help)
        if unknown:
            continue
        one, two = link.between
        if one == two:
            draft.error(SELF_LINK, f"this links '{one}' with itself", (*path, 1), "name another network")
            continue
        other = seen.setdefault(frozenset(link.between), name)
        if other != name:
            draft.error(TWICE, f"'{one}' and '{two}' are linked already", path, "remove one of the two links",
                        (("by this link", ("links", other, "between")),))  # fmt: skip
            continue
        clouds = [networks[n].cloud.provider for n in link.between]
        if clouds[0] != clouds[1]:
            draft.error(
                OTHER_CLOUD,
                f"'{one}' is in {clouds[0]} and '{two}' in {clouds[1]}; {link.method} joins networks of one cloud",
                path,
                "set both networks' `cloud: {provider: ...}` to the same, or remove the link",
            )
        draft.peerings.append(Peering(name, (one, two), draft.origin("links", name)))
