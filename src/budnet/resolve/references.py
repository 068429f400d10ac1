"""What a name in `from:` or `to:` means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from budnet.ir.address import EVERYWHERE, Match
from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.intent import Side
from budnet.model.values import match_help, read_match
from budnet.resolve.draft import Draft
from budnet.source.document import Path
from budnet.source.text import quoted

UNKNOWN, UNKNOWN_PORT, CYCLE, RESERVED = "R501", "R502", "R503", "R504"

_MESH = "mesh/dapr"
_FEW = 12
"""So many names are listed where none is near."""
_BUILT_IN = ("pods", "metadata", "egress", "any")
# Networks, address sets, groups and services share `from:` and `to:`, so a name means one of them.
_KINDS = {"networks": "a network", "addresses": "a set of addresses", "groups": "a group", "services": "a service"}
_WORDS = {
    **dict.fromkeys(_KINDS, ("internet", *_BUILT_IN)),
    "networks": ("internet", "mesh", *_BUILT_IN),
    "addresses": ("internet", "client", "name-server", *_BUILT_IN),
    "services": ("internet", "default-deny", *_BUILT_IN),
    "tls": ("ssh", "none"),
}


def references(draft: Draft) -> None:
    """The pass: every name means one thing, and groups are spelt out."""
    for kind, words in _WORDS.items():
        for name in getattr(draft.topology, kind):
            if name in words:
                draft.error(RESERVED, f"'{name}' means something else already", (kind, name), "choose another name", key=True)
    seen: dict[str, str] = {}
    for kind in _KINDS:
        for name in (*(draft.fleets if kind == "networks" else ()), *getattr(draft.topology, kind)):
            other = seen.setdefault(name, kind)
            if other != kind:
                draft.error(RESERVED, f"'{name}' is {_KINDS[other]} already", (kind, name),
                            "choose another name: in `from` and `to` nobody could tell them apart", key=True)  # fmt: skip
    for name in draft.topology.groups:
        _expand(draft, name)


def _expand(draft: Draft, top: str) -> None:
    """Fills `draft.members` for a group and those in it. No recursion: a chain of groups may be longer than Python's stack."""
    groups, known = draft.topology.groups, draft.members
    trail = [top] if top not in known else []
    while trail:
        name = trail[-1]
        inner = next((m for m in groups[name] if m in groups and m not in known and m not in draft.topology.services), None)
        if inner is None:
            known[name] = list(dict.fromkeys(s for i, m in enumerate(groups[name]) for s in _member(draft, m, ("groups", name, i))))
            trail.pop()
        elif inner in trail:
            at = ("groups", name, groups[name].index(inner))
            draft.error(
                CYCLE, f"group '{inner}' contains itself: {_way([*trail[trail.index(inner) :], inner])}", at, "take it out of this group"
            )
            known[inner] = []
        else:
            trail.append(inner)


def _way(names: list[str], limit: int = 8) -> str:
    return " -> ".join(names if len(names) <= limit else [*names[: limit - 2], "...", names[-1]])


def _member(draft: Draft, name: str, path: Path) -> list[str]:
    services = services_of(draft, name)
    if services is None:
        unknown(draft, name, path)
    return services or []


def services_of(draft: Draft, name: str) -> list[str] | None:
    """The services that a service's, group's or mesh's name means; None where it means none of these."""
    topology = draft.topology
    if name in topology.services:
        return [name]
    if name == _MESH:
        return [n for n, s in topology.services.items() if s.mesh == "dapr"]
    return draft.members.get(name)


def unknown(draft: Draft, name: str, path: Path, also: Iterable[str] = (), may: str = "name services or groups") -> None:
    """Reports a name that nobody has, or that cannot stand here. `also` and `may`: what can, beside services and groups."""
    t = draft.topology
    if name == "internet" or name in t.addresses or name.startswith("catalog/") or _is_place(draft, name):
        draft.error(UNKNOWN, f"{quoted(name)} cannot stand here", path, may)
    else:
        known = [*t.services, *t.groups]
        few = f": {', '.join(known)}" if 0 < len(known) <= _FEW else ""
        draft.error(UNKNOWN, f"nothing is called {quoted(name)}", path, draft.suggest(name, [*known, _MESH, *also]) or f"{may}{few}")


def side(draft: Draft, names: Iterable[str], path: Path) -> Side:
    """Both sides of a guarantee: services and groups, networks and tiers, the outside, and the built-in sets."""
    endpoints: dict[str, None] = {}
    prefixes: list[object] = []
    names = list(names)
    for i, name in enumerate(names):
        services = services_of(draft, name)
        if services is not None:
            found = [e.id for s in services for e in draft.endpoints_of(s)]
        elif name == "internet":
            prefixes += EVERYWHERE
            found = [e.id for e in draft.endpoints if e.kind is EndpointKind.EXTERNAL]
        elif name in draft.topology.addresses:
            prefixes += draft.topology.addresses[name]
            found = [f"internet/{name}"]
        elif name in draft.hosts:
            found = [f"internet/{host}" for host in draft.hosts[name]]
        else:
            places = draft.places(name)
            found = [e.id for e in draft.endpoints if _in_set(draft, e, name, places)]
            if not found and not _is_place(draft, name):
                known = [
                    "internet",
                    *draft.topology.addresses,
                    *draft.network_names,
                    *dict.fromkeys(draft.as_written(s.tier) for s in draft.subnets),
                    "pods",
                    "metadata",
                ]
                unknown(
                    draft, name, (*path, i), known, "name NETWORK/SUBNET, networks, `internet`, sets of `addresses`, groups or services"
                )
        endpoints.update(dict.fromkeys(found))
    return Side(", ".join(names), tuple(endpoints), tuple(prefixes))  # type: ignore[arg-type]


def _in_set(draft: Draft, endpoint: Endpoint, name: str, places: set[str]) -> bool:
    """Built-in sets, networks and tiers."""
    match name:
        case "pods":
            return endpoint.kind is EndpointKind.POD
        case "metadata":
            return endpoint.kind is EndpointKind.METADATA
        case "egress":
            return endpoint.service in _leavers(draft)
        case "any":
            return endpoint.filtered
        case _:
            return endpoint.filtered and (endpoint.vpc in places or endpoint.id.rpartition("/")[0] in places)


def _leavers(draft: Draft) -> set[str]:
    return {s for row in draft.topology.egress.values() for name in row.from_ for s in services_of(draft, name) or []}


def _is_place(draft: Draft, name: str) -> bool:
    """A network or tier without endpoints is a place all the same."""
    network, slash, tier = name.partition("/")
    network = draft.fleets.get(network, [network])[0]
    networks = draft.topology.networks
    return name in _BUILT_IN or (network in networks and (not slash or tier in networks[network].subnets))


def ports_of(draft: Draft, service: str, written: Iterable[str], path: Path) -> Iterator[tuple[str, Match]]:
    """The (name, match) of ports by name on a service, or as numbers."""
    known = draft.topology.services[service].ports
    for i, name in enumerate(written):
        match = known[name].port if name in known else read_match(name)
        if isinstance(match, Match):
            yield name, match
        elif "/" in name:
            draft.error(UNKNOWN_PORT, match, (*path, i), match_help(name) or _known_ports(known))
        else:
            help = draft.suggest(name, known) or match_help(name) or _known_ports(known)
            draft.error(UNKNOWN_PORT, f"'{service}' has no port {quoted(name)}", (*path, i), help)


def _known_ports(known: Iterable[str]) -> str:
    names = list(known)
    return f"it has {', '.join(names)}" if names else "it listens on nothing"
