"""Whether an air gap has a way out: read off gateways, route tables, addresses, names and issuers, and not off any filter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from budnet.ir.address import inside
from budnet.ir.cloud import TargetKind
from budnet.ir.names import PUBLIC_VIEW
from budnet.ir.network import Network
from budnet.ir.origin import Origin

_OUT = (TargetKind.INTERNET, TargetKind.NAT, TargetKind.EGRESS_ONLY)
_ACME = ("lets-encrypt", "acme")


class WayOut(NamedTuple):
    """`what` finishes the sentence "an air gap has no way out, but ..."."""

    what: str
    origin: Origin


def ways_out(network: Network) -> Iterator[WayOut]:
    """Every one there is; none in an air gap that is one."""
    yield from _gateways(network)
    yield from _routes(network)
    yield from _addresses(network)
    yield from _names(network)
    for certificate in network.certificates:
        host = urlsplit(certificate.directory).hostname or ""
        if certificate.issuer in _ACME and not f".{host}".endswith(f".{network.domain}"):
            yield WayOut(f"certificate '{certificate.id}' is to be signed by {certificate.issuer}, outside", certificate.origin)
    assert network.airgap is not None
    if not any(e.service == network.airgap.time for e in network.endpoints):
        yield WayOut("nobody inside knows the time", network.airgap.origin)


def _gateways(network: Network) -> Iterator[WayOut]:
    gateways = [(g.id, g.origin) for g in network.internet_gateways]
    gateways += [(g.id, g.origin) for g in network.nat_gateways] + [(g.id, g.origin) for g in network.egress_only_gateways]
    for name, origin in gateways:
        yield WayOut(f"'{name}' is a gateway to the internet", origin)
    for connection in network.vpns:
        yield WayOut(f"VPN '{connection.id}' goes over the internet", connection.origin)
    for front in network.fronts:
        if front.auth:
            yield WayOut(f"link '{front.link}' goes over the internet", front.origin)


def _routes(network: Network) -> Iterator[WayOut]:
    """A peering's route leads to a network of ours, whatever its range."""
    ours = [p for v in network.vpcs for p in v.prefixes]
    for table in network.route_tables:
        for route in table.routes:
            if route.target in _OUT:
                yield WayOut(f"route table '{table.id}' sends {route.destination} to {route.via}", route.origin)
            elif not any(inside(route.destination, p) for p in ours):
                yield WayOut(f"route table '{table.id}' has a route to {route.destination}, which is no network's", route.origin)


def _addresses(network: Network) -> Iterator[WayOut]:
    for endpoint in network.inside:
        if endpoint.public:
            yield WayOut(f"'{endpoint.id}' has the public address {endpoint.public[0]}", endpoint.origin)
    for edge in network.egress_filters:
        for rule in edge.rules:
            yield WayOut(f"egress row '{rule.id}' lets out of '{edge.vpc}'", rule.origin)


def _names(network: Network) -> Iterator[WayOut]:
    """In a private view no name means a host outside."""
    outside = {str(a) for e in network.outside for a in e.addresses}
    for record in network.records:
        if record.view != PUBLIC_VIEW and record.kind in ("A", "AAAA") and record.data in outside:
            yield WayOut(f"network '{record.view}' resolves {record.name} to {record.data}, outside", record.origin)
