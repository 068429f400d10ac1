"""Ways between VPCs, and whether their method can carry them.

What routes needs addresses that differ: those of its two ends, and those of every two networks that one network routes
to. What does not route (private link, public) needs none of that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import combinations

from budnet.ir.address import Prefix
from budnet.ir.cloud import Peering
from budnet.ir.links import PRIVATE, PUBLIC, ROUTED, Link, VpnConnection, VpnGateway, VpnTunnel
from budnet.model import network as written
from budnet.resolve.draft import Draft
from budnet.resolve.networks import ZONES
from budnet.resolve.outside import PUBLIC_POOL
from budnet.resolve.quotas import QUOTAS
from budnet.source.text import quoted

UNKNOWN_NETWORK, SELF_LINK, OTHER_CLOUD, TWICE = "R201", "R202", "R203", "R204"
OVERLAP, AMBIGUOUS, OTHER_PROVIDER, PENDING, UNKNOWN_TLS = "R211", "R212", "R213", "R214", "R215"
_OF = {"aws-privatelink": "aws", "azure-private-link": "azure"}
_USUAL_TUNNELS = 2
"""As AWS gives a connection, and Azure an active-active gateway."""
_USUAL_PROPOSAL = "aes256gcm16-prfsha384-ecp384"


def links(draft: Draft) -> None:
    """The pass."""
    seen: dict[frozenset[str], str] = {}
    for name, link in draft.topology.links.items():
        if _can_be(draft, name, link, seen):
            _check(draft, name, link)
            _link(draft, name, link)
    _told_apart(draft)


def _can_be(draft: Draft, name: str, link: written.Link, seen: dict[frozenset[str], str]) -> bool:
    """Two networks that exist, and that nothing else links."""
    path = ("links", name, "between")
    networks = draft.topology.networks
    unknown = [(i, n) for i, n in enumerate(link.between) if n not in networks]
    for i, network in unknown:
        help = draft.suggest(network, draft.network_names) or f"the networks are {', '.join(draft.network_names)}"
        draft.error(UNKNOWN_NETWORK, f"there is no network {quoted(network)}", (*path, i), help)
    if unknown:
        return False
    one, two = link.between
    if one == two:
        draft.error(SELF_LINK, f"this links '{one}' with itself", (*path, 1), "name another network")
        return False
    other = seen.setdefault(frozenset(link.between), name)
    if other != name:
        draft.error(TWICE, f"'{one}' and '{two}' are linked already", path, "remove one of the two links",
                    (("by this link", ("links", other, "between")),))  # fmt: skip
    return other == name


def _check(draft: Draft, name: str, link: written.Link) -> None:
    """The method's own conditions."""
    path = ("links", name, "between")
    one, two = link.between
    clouds = [draft.topology.networks[n].cloud.provider for n in link.between]
    where = f"'{one}' is in {clouds[0]} and '{two}' in {clouds[1]}"
    if link.method == "vpc-peering" and not _one_cloud(clouds):
        which = where if clouds[0] != clouds[1] else f"'{one}' and '{two}' are {clouds[0]}"
        draft.error(OTHER_CLOUD, f"{which}; vpc-peering joins networks of one cloud", path, f"take {_fitting(draft, link)}")
    if link.method in PRIVATE and set(clouds) != {_OF[link.method]}:
        draft.error(OTHER_PROVIDER, f"{where}; {link.method} joins networks of {_OF[link.method]}", path, f"take {_fitting(draft, link)}")
    if link.method in ROUTED:
        for (i, a), (j, b) in _overlaps(draft, one, two):
            draft.error(OVERLAP, f"'{one}' and '{two}' overlap ({a} and {b}); {link.method} needs addresses that differ", path,
                        f"take {_fitting(draft, link)}, or give one of them another range",
                        (("the one", ("networks", one, "cidr", i)), ("the other", ("networks", two, "cidr", j))))  # fmt: skip
    if link.accept is False:
        draft.warning(PENDING, f"the provider has not accepted '{name}', so nothing passes over it", ("links", name, "accept"),
                      "write `accept: true` when it has")  # fmt: skip
    if link.tls is not None and link.tls not in draft.topology.tls:
        known = list(draft.topology.tls)
        help = draft.suggest(link.tls, known) or f"add it to `tls`{', or take one of ' + ', '.join(known) if known else ''}"
        draft.error(UNKNOWN_TLS, f"there is no TLS profile {quoted(link.tls)}", ("links", name, "tls"), help)


def _one_cloud(providers: Collection[str]) -> bool:
    """Whether one provider has both, and peers networks: sites of one's own have nobody who does."""
    return len(set(providers)) == 1 and set(providers) <= set(QUOTAS)


def _fitting(draft: Draft, link: written.Link) -> str:
    """The methods that would carry this pair of networks."""
    one, two = link.between
    clouds = {draft.topology.networks[n].cloud.provider for n in link.between}
    peers = _one_cloud(clouds)
    apart = not any(_overlaps(draft, one, two))
    out = ["vpc-peering"] * (apart and peers) + ["vpn"] * apart
    out += [method for method, cloud in _OF.items() if clouds == {cloud}] + [PUBLIC]
    others = [m for m in out if m != link.method]
    return " or ".join([", ".join(others[:-1]), others[-1]] if len(others) > 1 else others)


def _link(draft: Draft, name: str, link: written.Link) -> None:
    origin = draft.origin("links", name)
    ends = (link.between[0], link.between[1])
    tunnel, auth = link.tunnel or "ipsec", link.auth or "client-certificate"
    detail = {"vpn": tunnel, PUBLIC: auth}.get(link.method, "")
    draft.links.append(Link(name, ends, link.method, detail, origin))
    if link.method == "vpc-peering":
        draft.peerings.append(Peering(name, ends, origin))
    elif link.method == "vpn":
        proposal = "" if tunnel == "wireguard" else link.proposal or _USUAL_PROPOSAL
        tunnels = tuple(
            VpnTunnel(f"{name}-{n}", (_gateway(draft, name, n, ends[0]), _gateway(draft, name, n, ends[1])))
            for n in range(1, (link.tunnels or _USUAL_TUNNELS) + 1)
        )
        draft.vpns.append(VpnConnection(name, ends, tunnel, proposal, tunnels, origin))


def _gateway(draft: Draft, link: str, number: int, vpc: str) -> VpnGateway:
    name = f"{vpc}/vpn-{link}-{number}"
    network = draft.topology.networks[vpc]
    zone = ZONES[(number - 1) % network.cloud.zones] if network.cloud.zones > 1 else ""
    inside = tuple(p.network_address + 1 for p in network.cidr)
    return VpnGateway(name, vpc, zone, draft.pins.place(f"{name}/public", PUBLIC_POOL), inside, draft.origin("links", link))


def _told_apart(draft: Draft) -> None:
    """A network that routes to two others must be able to tell them apart."""
    for vpc in draft.topology.networks:
        routed = [x for x in draft.links if vpc in x.between and x.method in ROUTED]
        for first, second in combinations(routed, 2):
            one, two = (x.between[1 - x.between.index(vpc)] for x in (first, second))
            for (_, a), (j, b) in _overlaps(draft, one, two):
                instead = [m for m, cloud in _OF.items() if all(draft.topology.networks[n].cloud.provider == cloud for n in second.between)]
                draft.error(AMBIGUOUS, f"'{vpc}' routes to '{one}' and to '{two}', which overlap ({a} and {b})",
                            ("links", second.id, "between"),
                            f"link '{two}' by {' or '.join([*instead, PUBLIC])}, which do not route, or give it another range",
                            (("the other link", ("links", first.id, "between")), ("the range", ("networks", two, "cidr", j))))  # fmt: skip


def _overlaps(draft: Draft, one: str, two: str) -> Iterator[tuple[tuple[int, Prefix], tuple[int, Prefix]]]:
    ranges = [list(enumerate(draft.topology.networks[n].cidr)) for n in (one, two)]
    for i, a in ranges[0]:
        for j, b in ranges[1]:
            if a.version == b.version and a.overlaps(b):
                yield (i, a), (j, b)
