"""Of our own networks: the rows of the file from which routes, groups, ACLs and policies are derived."""

from __future__ import annotations

from collections.abc import Iterator

from budnet.ir.address import PORTED, spelt_one
from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.network import Network
from budnet.reach import mesh_access
from budnet.reach.path import Call
from budnet.reach.points import Point
from budnet.reach.trace import Trace

_IN = "declare the flow: routes, security groups, ACLs and policies follow from it"
_OUT = "let it out: gateways, the resolver's list, security groups, ACLs and policies follow from it"


def rows(network: Network, found: Trace, call: Call) -> Iterator[tuple[str, str, str]]:
    """(section, what it does, text): one, or none where the language has no word for it. A row names services, and so every
    replica of them."""
    here, there = _ours(found.source), _ours(found.destination)
    if found.protocol not in PORTED and any(e is not None and e.kind is EndpointKind.POD for e in (here, there)):
        return
    if there is not None and any(gate.layer == mesh_access.LAYER for gate, _ in found.steps):
        if here is not None:
            yield "flows", _IN, f"flows:\n- {{from: {here.service}, to: {there.service}, via: mesh}}"
    elif there is not None:
        source, more = (here.service, "") if here is not None else _outside(network, found.source)
        yield "flows", _IN, f"{more}flows:\n- {{from: {source}, to: {there.service}, port: {_port(found)}}}"
    elif here is not None:
        name, more = (call.name, "") if call.name else _outside(network, found.destination)
        if name == "internet":  # a row of `egress` says whom it lets out to
            return
        row = f"{here.service}-to-{_plain(name)}"[:63].rstrip("-")
        yield "egress", _OUT, f"{more}egress:\n  {row}: {{from: {here.service}, to: {name}, port: {_port(found)}}}"


def _ours(point: Point) -> Endpoint | None:
    """None for what is outside, and for what a VPC provides itself, which no row is about."""
    endpoint = point.endpoint
    return endpoint if endpoint is not None and endpoint.kind is not EndpointKind.EXTERNAL and endpoint.filtered else None


def _outside(network: Network, point: Point) -> tuple[str, str]:
    """What a row calls somebody outside, and what has to be written before it: a set of one address, where one was asked for."""
    groups = {g.name for g in network.address_groups}
    modelled = point.endpoint.id.rpartition("/")[2] if point.endpoint is not None else ""
    if modelled in groups:
        return modelled, ""
    single = point.members.prefixes()
    if point.endpoint is not None or len(single) > 1 or single[0].num_addresses > 1:
        return "internet", ""
    name = _plain(f"at-{point.address}")
    return name, f"addresses:\n  {name}: [{_quoted(str(single[0]))}]\n"


def _plain(name: str) -> str:
    """As names are: letters, digits and dashes."""
    return "-".join(filter(None, name.replace(".", "-").replace(":", "-").replace("/", "-").split("-")))


def _quoted(text: str) -> str:
    return f'"{text}"' if ":" in text else text


def _port(found: Trace) -> str:
    return spelt_one(found.protocol, found.port)
