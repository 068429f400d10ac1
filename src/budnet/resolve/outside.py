"""The modelled outside: clients on the internet and in every address set, a public name server, and the hosts of egress rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_network
from typing import TYPE_CHECKING

from budnet.catalog import egress_groups
from budnet.ir.address import Address, Match, Prefix, Protocol
from budnet.ir.endpoint import Endpoint, EndpointKind, Listener
from budnet.ir.network import AddressGroup
from budnet.ir.origin import BUILT_IN, Origin
from budnet.model.values import HOST_NAME
from budnet.resolve import aliases
from budnet.source.text import quoted

if TYPE_CHECKING:
    from budnet.resolve.draft import Draft

UNKNOWN_CATALOG, NOT_OUTSIDE, BAD_HOST, NO_CLIENT = "R301", "R302", "R303", "R304"

# Addresses that no real network uses (RFC 2544 benchmarking, RFC 9637 documentation) stand for public ones.
PUBLIC_POOL: Prefix = ip_network("198.18.0.0/16")
HOST_POOL: tuple[Prefix, ...] = (ip_network("198.19.0.0/16"), ip_network("3fff:1::/48"))
_UNIQUE_LOCAL = ip_network("fc00::/7")
CLIENT, NAME_SERVER = "internet/client", "internet/name-server"
_DNS = (Listener("dns", Protocol.UDP, 53), Listener("dns-tcp", Protocol.TCP, 53))


def outside(draft: Draft) -> None:
    """The pass."""
    for name, prefixes in draft.topology.addresses.items():
        rows = [row for row in draft.topology.egress.values() if name in row.to]
        _address_set(draft, name, prefixes, tuple(dict.fromkeys(row.port for row in rows)))
    hosts: dict[str, list[tuple[Match, Origin]]] = {}
    for name, row in draft.topology.egress.items():
        for i, target in enumerate(row.to):
            for host in hosts_of(draft, target, ("egress", name, "to", i)):
                hosts.setdefault(host, []).append((row.port, draft.origin("egress", name)))
    for host, uses in hosts.items():
        _external(draft, f"internet/{host}", _addresses(draft, host), tuple(dict.fromkeys(m for m, _ in uses)), uses[0][1])
    for host, origin in aliases.hosts_outside(draft).items():
        if host not in hosts:
            _external(draft, f"internet/{host}", _addresses(draft, host), (), origin)
    _external(draft, CLIENT, _addresses(draft, CLIENT), (), BUILT_IN)
    server = Endpoint(NAME_SERVER, EndpointKind.EXTERNAL, "", "", "", _addresses(draft, NAME_SERVER), listeners=_DNS, origin=BUILT_IN)
    draft.endpoints.append(server)


def is_global(address: Address) -> bool:
    """An IPv6 address that the internet has a way back to; an IPv4 address needs a gateway's or a public one."""
    return address.version == 6 and address not in _UNIQUE_LOCAL


def hosts_of(draft: Draft, target: str, path: tuple[str | int, ...]) -> list[str]:
    """The host names behind one entry of an egress row; address sets have none, and `internet` (a finding, D404) neither."""
    if target == "internet" or target in draft.topology.addresses:
        return []
    if target.startswith("catalog/"):
        groups = egress_groups()
        group = target.removeprefix("catalog/")
        if group not in groups:
            draft.error(
                UNKNOWN_CATALOG,
                f"the catalogue has no {quoted(group)}",
                path,
                draft.suggest(group, groups) or f"it has {', '.join(groups)}",
            )
            return []
        return [name.removeprefix("*.") for name in groups[group]]
    if not HOST_NAME.fullmatch(target) or target.replace(".", "").isdigit():
        draft.error(
            BAD_HOST,
            f"{quoted(target)} is neither a host name, nor a set of `addresses`, nor `catalog/GROUP`",
            path,
            _host_help(draft, target),
        )
        return []
    return [target]


def _host_help(draft: Draft, target: str) -> str:
    if target.startswith("*.") and HOST_NAME.fullmatch(target[2:]):
        return f"name each host; if '{target[2:]}' itself is meant, write it without '*.'"
    if re.fullmatch(r"[0-9.]+(/[0-9]+)?|[0-9a-f:.]*:[0-9a-f:.]*(/[0-9]+)?", target):
        return "give the addresses a name in `addresses`, and write that name here"
    if HOST_NAME.fullmatch(target.lower()):
        return f"did you mean '{target.lower()}'?"
    known = [*draft.topology.addresses, *(f"catalog/{g}" for g in egress_groups())]
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
    first = {(m.protocol or Protocol.TCP, m.ports.first): str(m) for m in reversed(serves)}
    listeners = tuple(Listener(m, protocol, port, "tls" if port == 443 else "plaintext") for (protocol, port), m in reversed(first.items()))
    draft.endpoints.append(Endpoint(name, EndpointKind.EXTERNAL, "", "", "", addresses, listeners=listeners, origin=origin))
