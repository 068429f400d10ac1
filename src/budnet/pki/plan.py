"""Which certificates every endpoint presents: NETWORK -> rows of the certificate table, and what is made from them.

An endpoint whose names a row covers presents that row's certificate; what no row covers is signed by the internal CA, by an
issuer of its own called `internal`, so that every port that is written with TLS has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.names import CLUSTERSET, Certificate, TlsProfile
from budnet.ir.network import Network
from budnet.ir.origin import Origin
from budnet.pki.expiry import lifetime
from budnet.pki.files import covered
from budnet.pki.issuer import Scope
from budnet.tls.enforce import key_for as key_of

INTERNAL, LINKS = "internal", "links"
"""The layers of what no row covers, and of the fronts of public links."""

USUAL_KEY = "rsa-2048"
ACME_ISSUERS = ("lets-encrypt", "acme")
OUR_ISSUERS = ("internal-ca", "dapr-sentry")


@dataclass(frozen=True, slots=True)
class Presented:
    """One certificate that an endpoint presents."""

    endpoint: str
    layer: str
    issuer: str
    """As in the file: lets-encrypt, acme, internal-ca, dapr-sentry or files."""
    names: tuple[str, ...]
    """DNS names and addresses."""
    key: str
    lifetime: timedelta
    origin: Origin


def presented(network: Network, endpoint: Endpoint) -> list[Presented]:
    """What an endpoint with a TLS port presents, the certificate for its first name first."""
    secure = [x for x in endpoint.listeners if x.transport == "tls"]
    if not secure or any(endpoint.id in (front.near, front.far) for front in network.fronts):
        return []  # the fronts of a link have certificates of their own, which say the link's name
    profile = next((p for p in network.tls_profiles if p.id == secure[0].profile), None)
    if endpoint.kind is EndpointKind.LOAD_BALANCER:
        return _public(network, endpoint, profile)
    row = next((c for c in network.certificates if endpoint.service in c.services and c.issuer != "dapr-sentry"), None)
    names = (*server_names(network, endpoint), *map(str, endpoint.addresses))
    if row and row.issuer not in OUR_ISSUERS:
        names = row.names
    return [_one(endpoint, row, names, profile)]


def server_names(network: Network, endpoint: Endpoint) -> tuple[str, ...]:
    """Every form of the names of the Services in front of an endpoint, from the shortest to the full one; its own name where
    there is none."""
    names: list[str] = []
    for service in network.services:
        if endpoint.id in service.backends:
            base = f"{service.name}.{service.namespace}"
            names += [service.host] if service.zone == CLUSTERSET else [service.name, base, f"{base}.svc", service.host]
    addresses = set(map(str, endpoint.addresses))
    names += [r.name for r in network.records if r.data in addresses and r.kind in ("A", "AAAA") and r.name not in names]
    return tuple(dict.fromkeys(names)) or (endpoint.service,)


def balancer_names(network: Network, endpoint: Endpoint) -> tuple[str, ...]:
    """The names by which clients call a load balancer: its host routes, else those that records give it."""
    hosts = [h.host for h in endpoint.hosts]
    return tuple(dict.fromkeys(hosts)) or server_names(network, endpoint)


def scope(network: Network, layer: str) -> Scope:
    """What the issuer of a layer may sign for: the names that its servers have, and the addresses of their networks."""
    mine = [(e, p) for e in network.endpoints for p in presented(network, e) if p.layer == layer]
    names = dict.fromkeys(n.removeprefix("*.") for _, p in mine for n in p.names if not _is_address(n))
    above = [n for n in names if not any(n.endswith(f".{other}") for other in names)]
    vpcs = {e.vpc for e, _ in mine}
    return Scope(tuple(above), tuple(x for v in network.vpcs if v.id in vpcs for x in v.prefixes))


def key_for(row: Certificate | None, profile: TlsProfile | None) -> str:
    """The kind of key: the row's, else the one that the profile or its suites ask for."""
    return (row.key if row else "") or (key_of(profile) if profile else USUAL_KEY)


def _public(network: Network, balancer: Endpoint, profile: TlsProfile | None) -> list[Presented]:
    """One for every row that covers a name of it, and one of the internal CA's for the rest."""
    left = list(balancer_names(network, balancer))
    out: list[Presented] = []
    for row in network.certificates:
        mine = [n for n in left if covered(n, row.names)]
        if mine and not row.services:
            carried = [c for c in row.names if any(covered(n, [c]) for n in mine)] if row.issuer == "internal-ca" else row.names
            out.append(_one(balancer, row, carried, profile))
            left = [n for n in left if n not in mine]
    if left or not out:
        out.append(_one(balancer, None, (*left, *map(str, balancer.addresses)), profile))
    return out


def _one(endpoint: Endpoint, row: Certificate | None, names: Sequence[str], profile: TlsProfile | None) -> Presented:
    layer, issuer, origin = (row.id, row.issuer, row.origin) if row else (INTERNAL, "internal-ca", endpoint.origin)
    time = lifetime(issuer, row.lifetime if row else 0)
    return Presented(endpoint.id, layer, issuer, tuple(dict.fromkeys(names)), key_for(row, profile), time, origin)


def _is_address(name: str) -> bool:
    return ":" in name or name.replace(".", "").isdigit()
