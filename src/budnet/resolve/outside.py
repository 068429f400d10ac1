"""The modelled outside: clients on the internet and in every address set, a public name server, and the hosts of egress rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_network

from budnet.catalog.egress import REGION, catalogue, hosts
from budnet.ir.address import PORTED, Address, Match, Prefix, Protocol
from budnet.ir.endpoint import Endpoint, EndpointKind, Listener
from budnet.ir.filters import HostName
from budnet.ir.network import AddressGroup
from budnet.ir.origin import BUILT_IN, Origin
from budnet.model.flow import Egress, Target
from budnet.model.values import HOST_NAME, read_match
from budnet.resolve import aliases
from budnet.resolve.draft import Draft, Outside
from budnet.source.document import Path
from budnet.source.text import quoted

UNKNOWN_CATALOG, NOT_OUTSIDE, BAD_HOST, NO_CLIENT, NO_REGION, OTHER_PORT = "R301", "R302", "R303", "R304", "R305", "R306"

# Addresses that no real network uses (RFC 2544 benchmarking, RFC 9637 documentation) stand for public ones.
PUBLIC_POOL: Prefix = ip_network("198.18.0.0/16")
HOST_POOL: tuple[Prefix, ...] = (ip_network("198.19.0.0/16"), ip_network("3fff:1::/48"))
_UNIQUE_LOCAL = ip_network("fc00::/7")
ANYWHERE = "internet"
CLIENT, NAME_SERVER = "internet/client", "internet/name-server"
_DNS = (Listener("dns", Protocol.UDP, 53), Listener("dns-tcp", Protocol.TCP, 53))


def outside(draft: Draft) -> None:
    """The pass."""
    for name, prefixes in draft.topology.addresses.items():
        rows = [row for row in draft.topology.egress.values() if any(t.name == name for t in row.to)]
        _address_set(draft, name, prefixes, tuple(dict.fromkeys(row.port for row in rows)))
    uses: dict[str, list[tuple[Match, Origin]]] = {}
    for name, row in {**draft.topology.egress, **draft.left_out}.items():
        found: dict[Outside, None] = {}
        for i, target in enumerate(row.to):
            for each in _names(draft, row, target, ("egress", name, "to", i)):
                found[each] = None
                draft.hosts.setdefault(target.name, {}).update(dict.fromkeys(each.hosts))
        draft.outside[name] = list(found)
        for host in dict.fromkeys(h for each in found for h in each.hosts):
            uses.setdefault(host, []).append((row.port, draft.origin("egress", name)))
            draft.hosts.setdefault(host, {})[host] = None
    for host, seen in uses.items():
        _external(draft, f"internet/{host}", _addresses(draft, host), tuple(dict.fromkeys(m for m, _ in seen)), seen[0][1])
    for host, origin in aliases.hosts_outside(draft).items():
        if host not in uses:
            _external(draft, f"internet/{host}", _addresses(draft, host), (), origin)
    _external(draft, CLIENT, _addresses(draft, CLIENT), (), BUILT_IN)
    server = Endpoint(NAME_SERVER, EndpointKind.EXTERNAL, "", "", "", _addresses(draft, NAME_SERVER), listeners=_DNS, origin=BUILT_IN)
    draft.endpoints.append(server)


def is_global(address: Address) -> bool:
    """An IPv6 address that the internet has a way back to; an IPv4 address needs a gateway's or a public one."""
    return address.version == 6 and address not in _UNIQUE_LOCAL


def _names(draft: Draft, row: Egress, target: Target, path: Path) -> Iterator[Outside]:
    """The names behind one entry of an egress row; address sets have none, and `internet` (a finding, D404) neither."""
    if target.name == ANYWHERE or target.name in draft.topology.addresses:
        return
    if target.name.startswith("catalog/"):
        yield from _catalogued(draft, row, target, path)
    elif not HOST_NAME.fullmatch(target.name) or target.name.replace(".", "").isdigit():
        summary = f"{quoted(target.name)} is neither a host name, nor a set of `addresses`, nor `catalog/GROUP`"
        draft.error(BAD_HOST, summary, path, _host_help(draft, target.name))
    else:
        yield Outside(HostName(target.name, target.depth, target.apex), hosts(target.name, target.depth, target.apex))


def _catalogued(draft: Draft, row: Egress, target: Target, path: Path) -> Iterator[Outside]:
    """The names of a group, in every region of its provider that the file has a network in: who makes clusters in all of
    them stands in one."""
    groups = catalogue().groups
    group = groups.get(target.name.removeprefix("catalog/"))
    if group is None:
        summary = f"the catalogue has no {quoted(target.name.removeprefix('catalog/'))}"
        draft.error(UNKNOWN_CATALOG, summary, path, draft.suggest(target.name[8:], groups) or f"it has {', '.join(groups)}")
        return
    clouds = [n.cloud for n in draft.topology.networks.values()]
    regions = list(dict.fromkeys(c.region for c in clouds if c.provider == group.provider and c.region))
    if not regions and any(REGION in e.name for e in group.entries):
        draft.error(NO_REGION, f"{quoted(target.name)} has a name for each region, and no network says in which it is", path,
                    f"write `cloud: {{provider: {group.provider}, region: ...}}` in the network")  # fmt: skip
        return
    for entry in group.entries:
        wanted = read_match(entry.port)
        if wanted != row.port:
            draft.warning(
                OTHER_PORT, f"'{target.name}' answers on {entry.port}, and this row opens {row.port}", path, f"write `port: {entry.port}`"
            )
        for region in regions if REGION in entry.name else [""]:
            yield Outside(*entry.at(region))


def _host_help(draft: Draft, target: str) -> str:
    if target.startswith("*.") and HOST_NAME.fullmatch(target[2:]):
        return f"write `{{name: {target[2:]}, depth: 1}}`, or `depth: any`; what '*.' means differs from product to product"
    if re.fullmatch(r"[0-9.]+(/[0-9]+)?|[0-9a-f:.]*:[0-9a-f:.]*(/[0-9]+)?", target):
        return "give the addresses a name in `addresses`, and write that name here"
    if HOST_NAME.fullmatch(target.lower()):
        return f"did you mean '{target.lower()}'?"
    known = [*draft.topology.addresses, *(f"catalog/{g}" for g in catalogue().groups)]
    return draft.suggest(target, known) or "write a host name such as huggingface.co, without https:// and without a path"


def _address_set(draft: Draft, name: str, prefixes: list[Prefix], serves: tuple[Match, ...]) -> None:
    path = ("addresses", name)
    for i, prefix in enumerate(prefixes):
        for vpc in draft.vpcs:
            if any(p.version == prefix.version and p.overlaps(prefix) for p in vpc.prefixes):
                draft.error(
                    NOT_OUTSIDE,
                    f"{prefix} overlaps network '{vpc.id}'; `addresses` are for what is outside our networks",
                    (*path, i),
                    "in flows name the services there instead, in guarantees the network or its subnets",
                    (("the network", ("networks", vpc.id, "cidr")),),
                )
    draft.address_groups.append(AddressGroup(name, tuple(prefixes)))
    firsts: dict[int, Address] = {}
    for prefix in prefixes:
        if prefix.version not in firsts:
            firsts |= {a.version: a for a in _client(draft, name, prefix)}
    if not firsts:
        draft.error(
            NO_CLIENT, f"all addresses of '{name}' are in other sets as well", path, "use one of the other sets in its place", key=True
        )
    _external(draft, f"internet/{name}", tuple(firsts.values()), serves, draft.origin(*path))


def _client(draft: Draft, name: str, prefix: Prefix) -> Iterator[Address]:
    """The first address in a set that no other set's client has, where there is one."""
    first = 1 if prefix.num_addresses > 1 else 0
    for step in range(first, min(prefix.num_addresses, first + len(draft.topology.addresses))):
        if draft.pins.fix(f"internet/{name}", prefix.network_address + step) is None:
            yield prefix.network_address + step
            return


def _addresses(draft: Draft, name: str) -> tuple[Address, ...]:
    """One address of each family that our networks use."""
    families = {p.version for v in draft.vpcs for p in v.prefixes}
    return tuple(draft.pins.place(f"{name}/v{p.version}", p) for p in HOST_POOL if p.version in families)


def _external(draft: Draft, name: str, addresses: tuple[Address, ...], serves: tuple[Match, ...], origin: Origin) -> None:
    # rows with 443/tcp and 443-445/tcp make one listener
    first = {(m.protocol, m.ports.first): str(m) for m in reversed(serves) if m.protocol in PORTED}
    listeners = tuple(Listener(m, protocol, port, "tls" if port == 443 else "plaintext") for (protocol, port), m in reversed(first.items()))
    software = "chrony" if any((x.protocol, x.port) == (Protocol.UDP, 123) for x in listeners) else ""
    draft.endpoints.append(
        Endpoint(name, EndpointKind.EXTERNAL, "", "", "", addresses, listeners=listeners, software=software, origin=origin)
    )
