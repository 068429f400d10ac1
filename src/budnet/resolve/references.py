"""What a name in `from:` or `to:` means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from budnet.ir.address import EVERYWHERE, Match, PortRange
from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.intent import Side
from budnet.resolve.draft import Draft
from budnet.source.diagnostic import suggest
from budnet.source.document import Path

UNKNOWN, UNKNOWN_PORT, CYCLE = "R501", "R502", "R503"


def services_of(draft: Draft, name: str, path: Path, seen: tuple[str, ...] = ()) -> list[str] | None:
    """The services that a service's, group's or mesh's name means; None where it means none of these."""
    topology = draft.topology
    if name in topology.services:
        return [name]
    if name == "mesh/dapr":
        return [n for n, s in topology.services.items() if s.mesh == "dapr"]
    if name not in topology.groups:
        return None
    if name in seen:
        draft.error(CYCLE, f"group '{name}' contains itself: {' -> '.join((*seen, name))}", ("groups", name))
        return []
    out: list[str] = []
    for i, member in enumerate(topology.groups[name]):
        inner = services_of(draft, member, ("groups", name, i), (*seen, name))
        if inner is None:
            unknown(draft, member, ("groups", name, i), outside=False)
        out += inner or []
    return list(dict.fromkeys(out))


def unknown(draft: Draft, name: str, path: Path, outside: bool = True) -> None:
    """Reports a name that nobody has."""
    t = draft.topology
    known = [*t.services, *t.groups, "mesh/dapr"]
    if outside:
        known += ["internet", *t.addresses]
    draft.error(UNKNOWN, f"nothing is called '{name}'", path, suggest(name, known) or "name a service, a group, a network or a subnet")


def side(draft: Draft, names: Iterable[str], path: Path) -> Side:
    """Both sides of a guarantee: services and groups, networks and tiers, the outside, and the built-in sets."""
    endpoints: dict[str, None] = {}
    prefixes: list[object] = []
    names = list(names)
    for i, name in enumerate(names):
        place = (*path, i)
        services = services_of(draft, name, place)
        if services is not None:
            found = [e.id for s in services for e in draft.endpoints_of(s)]
        elif name == "internet":
            prefixes += EVERYWHERE
            found = [e.id for e in draft.endpoints if e.kind is EndpointKind.EXTERNAL]
        elif name in draft.topology.addresses:
            prefixes += draft.topology.addresses[name]
            found = [f"internet/{name}"]
        else:
            found = [e.id for e in draft.endpoints if _in_set(draft, e, name)]
            if not found and not _is_place(draft, name):
                unknown(draft, name, place)
        endpoints.update(dict.fromkeys(found))
    return Side(", ".join(names), tuple(endpoints), tuple(prefixes))  # type: ignore[arg-type]


def _in_set(draft: Draft, endpoint: Endpoint, name: str) -> bool:
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
            return endpoint.filtered and name in (endpoint.vpc, endpoint.id.rpartition("/")[0])


def _leavers(draft: Draft) -> set[str]:
    rows = draft.topology.egress.items()
    return {s for name, row in rows for i, n in enumerate(row.from_) for s in services_of(draft, n, ("egress", name, "from", i)) or []}


def _is_place(draft: Draft, name: str) -> bool:
    """A network or tier without endpoints is a place all the same."""
    return name in ("pods", "metadata", "egress", "any") or name in draft.topology.networks or any(s.tier == name for s in draft.subnets)


def ports_of(draft: Draft, service: str, written: Iterable[str], path: Path) -> Iterator[tuple[str, Match]]:
    """The (name, match) of ports by name on a service, or as numbers."""
    known = draft.topology.services[service].ports
    for i, name in enumerate(written):
        if name in known:
            yield name, known[name].port
            continue
        match = number_match(name)
        if match is not None:
            yield name, match
        else:
            draft.error(UNKNOWN_PORT, f"'{service}' has no port '{name}'", (*path, i), suggest(name, known) or _known_ports(known))


def number_match(text: str) -> Match | None:
    """`443/tcp` or `8000-8100/tcp` as a Match."""
    from budnet.model.values import PROTOCOLS

    ports, slash, protocol = text.partition("/")
    first, _, last = ports.partition("-")
    if not slash or protocol not in PROTOCOLS or not first.isdigit() or not (last or first).isdigit():
        return None
    low, high = int(first), int(last or first)
    return Match(PROTOCOLS[protocol], PortRange(low, high)) if 1 <= low <= high <= 65535 else None


def _known_ports(known: Iterable[str]) -> str:
    names = list(known)
    return f"it has {', '.join(names)}" if names else "it listens on nothing"
