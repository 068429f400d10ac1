"""Networks with `count` become their members, and every range that the file leaves to budnet is chosen.

Behind this pass nobody knows of fleets: it gives the draft a Topology in which each member is a network of its own, as if a
user had written it, and a Document in which the places of a member are those of the fleet. A service in a fleet's subnet is in
that subnet of every member, a link to a fleet is a link to every member, and a guarantee about a fleet is about all of them.

Chosen ranges keep still (decision 0008): a member takes the place in its pool that its number says, a subnet the place in its
network that its name says; what `budnet.lock` pins is taken as pinned. So what is added later moves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_network

from budnet.ir.address import Prefix, inside
from budnet.model.network import Link, Network
from budnet.model.service import Service
from budnet.model.values import Part, Pool
from budnet.records import replace
from budnet.resolve.draft import Draft
from budnet.resolve.pins import number_of
from budnet.source.document import Path, Places

NO_FIT, NO_ROOM, NO_POOL, LONG_NAME, TAKEN_NAME = "R240", "R241", "R242", "R243", "R244"
_LONGEST = 63
"""Of a name: RFC 1123, as in `model/values.py`."""

Pinned = dict[str, Prefix]
"""Ranges of the lock file by name."""


def fleets(draft: Draft) -> None:
    """The pass."""
    written = draft.topology
    draft.fleets = {name: list(_members(name, network.count)) for name, network in written.networks.items() if network.count}
    if not draft.fleets and not any(_chosen(n) for n in written.networks.values()):
        return
    for name in draft.fleets:
        _named(draft, name)
        _has_pools(draft, name)
    if draft.diagnostics:
        return
    places = _Places(draft.document.spans)
    networks = {m: n for name in written.networks for m, n in _spelt_out(draft, name, places)}
    draft.topology = written.model_copy(update={
        "networks": _with_ranges(draft, networks),
        "links": {n: link for name in written.links for n, link in _links(draft, name, places)},
        "services": {name: _service(draft, name, service, places) for name, service in written.services.items()},
    })  # fmt: skip
    draft.document = replace(draft.document, spans=places)


def _members(name: str, count: int) -> Iterator[str]:
    """Two digits, and more only where there are more: the hundredth member renames none before it."""
    return (f"{name}-{number:02}" for number in range(1, count + 1))


def _chosen(network: Network) -> bool:
    ranges = [*network.cidr, *(network.cluster.services if network.cluster else ()), *(r for s in network.subnets.values() for r in s.cidr)]
    return any(isinstance(r, Pool | Part) for r in ranges)


def _named(draft: Draft, name: str) -> None:
    """A member's name is a name like any other, and nobody else's."""
    members, path = draft.fleets[name], ("networks", name)
    if len(members[-1]) > _LONGEST:
        draft.error(
            LONG_NAME, f"'{members[-1]}' is longer than {_LONGEST} characters", path, "choose a shorter name for the fleet", key=True
        )
    other = next((m for m in members if m in draft.topology.networks), None)
    if other:
        draft.error(TAKEN_NAME, f"'{other}' is a network of its own, and a member of '{name}'", ("networks", other),
                    "choose another name, or have fewer members", (("the fleet", path),), key=True)  # fmt: skip


def _has_pools(draft: Draft, name: str) -> None:
    """Members cannot share a range."""
    network, path = draft.topology.networks[name], ("networks", name)
    found: list[tuple[Prefix | Pool | Part, Path]] = [(r, ("cidr", i)) for i, r in enumerate(network.cidr)]
    found += [(r, ("subnets", tier, "cidr", i)) for tier, s in network.subnets.items() for i, r in enumerate(s.cidr)]
    for written, below in found:
        if len(draft.fleets[name]) > 1 and not isinstance(written, Pool | Part):
            size = written.prefixlen
            how = f"{{size: {size}}}" if below[0] == "subnets" else f"{{pool: {written.supernet(min(size, 6))}, size: {size}}}"
            draft.error(NO_POOL, f"'{name}' is {len(draft.fleets[name])} networks, and {written} is one range", (*path, *below),
                        f"let budnet choose one for each: write `cidr: {how}`")  # fmt: skip


def _spelt_out(draft: Draft, name: str, places: _Places) -> Iterator[tuple[str, Network]]:
    network = draft.topology.networks[name]
    if name not in draft.fleets:
        yield name, network
    for member in draft.fleets.get(name, ()):
        places.alias["networks", member] = ("networks", name)
        yield member, network.model_copy(update={"count": None})


# ---- ranges -------------------------------------------------------------------------------------------------------------


class _Room:
    """Ranges that must not overlap each other: those that are `taken`, and what the lock file keeps, also for others."""

    def __init__(self, given: dict[str, str], pinned: Pinned, taken: Iterable[Prefix]) -> None:
        self.given, self.pinned = given, pinned
        self._taken = [_ends(p) for p in taken]

    def take(self, name: str, pool: Prefix, size: int, first: int) -> Prefix | None:
        """A range of length `size` in `pool`: the pinned one, else the first free one from place `first` on; None: there is none."""
        found = self.pinned.get(name)
        if found is None or found.prefixlen != size or not inside(found, pool) or self._blocker(found, self._taken):
            found = self._free(name, pool, size, first)
        if found is not None:
            self._taken.append(_ends(found))
            self.given[name] = str(found)
        return found

    def _free(self, name: str, pool: Prefix, size: int, first: int) -> Prefix | None:
        held = [*self._taken, *(_ends(p) for n, p in self.pinned.items() if n != name)]
        places, low, bits = 1 << (size - pool.prefixlen), int(pool.network_address), pool.max_prefixlen - size
        at, seen = first % places, 0
        while seen < places:
            candidate = ip_network((pool.network_address + (at << bits), size))
            blocker = self._blocker(candidate, held)
            if blocker is None:
                return candidate
            step = min(((blocker[2] - low) >> bits) + 1, places) - at  # behind what is in the way
            at, seen = (at + step) % places, seen + step
        return None

    @staticmethod
    def _blocker(prefix: Prefix, held: Iterable[tuple[int, int, int]]) -> tuple[int, int, int] | None:
        version, low, high = _ends(prefix)
        return next((h for h in held if h[0] == version and h[1] <= high and low <= h[2]), None)


def _with_ranges(draft: Draft, networks: Mapping[str, Network]) -> dict[str, Network]:
    """Networks first, then their subnets, then the service ranges, which lie outside all networks."""
    fixed = [r for n in networks.values() for r in (*n.cidr, *(n.cluster.services if n.cluster else ())) if not isinstance(r, Pool)]
    pinned = _pinned(draft.pins.locked)
    room = _Room(draft.pins.given, pinned.get("", {}), fixed)
    out = {name: n.model_copy(update={"cidr": _from_pools(draft, room, name, n.cidr, "cidr")}) for name, n in networks.items()}
    for name, network in out.items():
        network = network.model_copy(update={"subnets": _with_parts(draft, name, network, pinned.get(name, {}))})
        if network.cluster:
            services = _from_pools(draft, room, name, network.cluster.services, "cluster", "services")
            network = network.model_copy(update={"cluster": network.cluster.model_copy(update={"services": services})})
        out[name] = network
    return out


def _from_pools(draft: Draft, room: _Room, network: str, written: Iterable[Prefix | Pool], *below: str) -> list[Prefix]:
    out: list[Prefix] = []
    for i, each in enumerate(written):
        if not isinstance(each, Pool):
            out.append(each)
            continue
        path: Path = ("networks", network, *below, i)
        assert each.pool is not None and each.size is not None
        if not _fits(each.size, each.pool):
            draft.error(NO_FIT, f"there is no /{each.size} in {each.pool}", _of_fleet(draft, (*path, "size")),
                        f"take a `size` from {each.pool.prefixlen} to {each.pool.max_prefixlen}, or a wider pool")  # fmt: skip
            continue
        kind = "range" if below == ("cidr",) else "services"
        found = room.take(f"{kind}:{network}/{_family(each.pool, out)}", each.pool, each.size, _place(draft, network))
        if found is None:
            draft.error(NO_ROOM, f"{each.pool} has no /{each.size} left for '{network}'", _of_fleet(draft, (*path, "pool")),
                        "take a wider pool, smaller ranges, or fewer networks")  # fmt: skip
        else:
            out.append(found)
    return out


def _pinned(locked: Mapping[str, str]) -> dict[str, Pinned]:
    """By network, what the lock keeps for its subnets (`range:NETWORK/SUBNET/v4`); under "" what it keeps for networks."""
    out: dict[str, Pinned] = {}
    for name, value in locked.items():
        network, *rest = name.partition(":")[2].split("/")
        if "/" in value:
            out.setdefault(network if len(rest) == 2 else "", {})[name] = ip_network(value)
    return out


def _with_parts(draft: Draft, network: str, written: Network, pinned: Pinned) -> dict[str, object]:
    """The subnets of a network whose own ranges are known. Wide ones choose first, or small ones would stand in their way."""
    fixed = [r for s in written.subnets.values() for r in s.cidr if not isinstance(r, Part)]
    room = _Room(draft.pins.given, pinned, fixed)
    chosen = [(r.size or 0, tier, i) for tier, s in written.subnets.items() for i, r in enumerate(s.cidr) if isinstance(r, Part)]
    ranges = {tier: list(s.cidr) for tier, s in written.subnets.items()}
    for size, tier, i in sorted(chosen, key=lambda c: c[0]):
        path = _of_fleet(draft, ("networks", network, "subnets", tier, "cidr", i, "size"))
        whole = next((p for p in written.cidr if _fits(size, p)), None)
        if whole is None:
            if written.cidr:  # else there was no room for the network, and that was said
                draft.error(NO_FIT, f"there is no /{size} in {', '.join(map(str, written.cidr))}", path,
                            "take a longer `size`, or a wider range for the network")  # fmt: skip
            continue
        found = room.take(f"range:{network}/{tier}/{_family(whole, ranges[tier][:i])}", whole, size, number_of(tier))
        if found is None:
            draft.error(
                NO_ROOM, f"{whole} has no /{size} left for subnet '{tier}'", path, "take a longer `size`, or a wider range for the network"
            )
        else:
            ranges[tier][i] = found
    return {tier: s.model_copy(update={"cidr": ranges[tier]}) for tier, s in written.subnets.items()}


def _place(draft: Draft, network: str) -> int:
    """A member's number, counted from 0; of a network that is none, a number that depends on its name."""
    fleet, _, number = network.rpartition("-")
    return int(number) - 1 if network in draft.fleets.get(fleet, ()) else number_of(network)


def _family(prefix: Prefix, before: Iterable[Prefix | Pool | Part]) -> str:
    """`v4`, or `v4-2` for the second range of a family."""
    more = sum(not isinstance(p, Pool | Part) and p.version == prefix.version for p in before)
    return f"v{prefix.version}" + (f"-{more + 1}" if more else "")


def _fits(size: int, whole: Prefix) -> bool:
    return whole.prefixlen <= size <= whole.max_prefixlen


def _ends(prefix: Prefix) -> tuple[int, int, int]:
    return prefix.version, int(prefix.network_address), int(prefix.broadcast_address)


def _of_fleet(draft: Draft, path: Path) -> Path:
    """Where a member's path is written; the draft's document learns it only at the end of this pass."""
    fleet = str(path[1]).rpartition("-")[0]
    written: Path = ("networks", fleet, *path[2:]) if path[1] in draft.fleets.get(fleet, ()) else path
    return draft.document.locate(written)  # a single range is a list that nobody wrote


# ---- what names a fleet -------------------------------------------------------------------------------------------------


def _links(draft: Draft, name: str, places: _Places) -> Iterator[tuple[str, Link]]:
    """One link for each pair of members; inside one fleet everybody with everybody."""
    link = draft.topology.links[name]
    one, other = (draft.fleets.get(n, [n]) for n in link.between)
    if not any(n in draft.fleets for n in link.between):
        yield name, link
        return
    for near in one:
        for far in other:
            if one is other and near >= far:
                continue
            member = "-".join([name, *(m.rpartition("-")[2] for m, n in zip((near, far), link.between, strict=True) if n in draft.fleets)])
            if len(member) > _LONGEST:
                draft.error(
                    LONG_NAME, f"'{member}' is longer than {_LONGEST} characters", ("links", name), "choose a shorter name", key=True
                )
                return
            if member in draft.topology.links or ("links", member) in places.alias:
                draft.error(
                    TAKEN_NAME, f"'{member}' is another link already, and one of '{name}'", ("links", name), "choose another name", key=True
                )
                return
            places.alias["links", member] = ("links", name)
            yield member, link.model_copy(update={"between": [near, far]})


def _service(draft: Draft, name: str, service: Service, places: _Places) -> Service:
    """In a fleet's subnet: in that subnet of every member. A subnet that the fleet does not have stays as it is written."""
    out: list[str] = []
    written: list[int] = []
    for i, place in enumerate(service.subnet):
        network, _, tier = place.partition("/")
        known = network in draft.fleets and tier in draft.topology.networks[network].subnets
        homes = [f"{m}/{tier}" for m in draft.fleets[network]] if known else [place]
        out += homes
        written += [i] * len(homes)
    if out == service.subnet:
        return service
    places.subnets[name] = written
    return service.model_copy(update={"subnet": out})


class _Places(Mapping[Path, Places]):
    """The document's places, for paths of the spelt-out Topology: a member's are its fleet's."""

    def __init__(self, spans: Mapping[Path, Places]) -> None:
        self._spans = spans
        self.alias: dict[Path, Path] = {}
        self.subnets: dict[str, list[int]] = {}
        """Of a service in fleets: which of the written subnets each of the spelt-out ones is."""

    def __getitem__(self, path: Path) -> Places:
        path = (*self.alias.get(path[:2], path[:2]), *path[2:])
        if len(path) > 3 and path[0] == "services" and path[2] == "subnet" and path[1] in self.subnets:
            path = (*path[:3], self.subnets[str(path[1])][int(path[3])], *path[4:])
        return self._spans[path]

    def __iter__(self) -> Iterator[Path]:
        return iter(self._spans)

    def __len__(self) -> int:
        return len(self._spans)
