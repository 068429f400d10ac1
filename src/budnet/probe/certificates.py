"""Certificates: for every name of every server with TLS, whether a careful client accepts what it is shown, and what that is.

Predicted from the Network's rows: who leads to the root, the kind of key, the lifetime. Observed by a verified handshake, strict
as RFC 5280 has it, from an endpoint that a flow lets in. Only real servers are asked; the twin's own listeners have no TLS.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from budnet.ir.address import Protocol
from budnet.ir.endpoint import Endpoint, EndpointKind, Listener
from budnet.ir.names import CLUSTERSET, Certificate
from budnet.ir.network import Network
from budnet.pki import expiry
from budnet.pki.files import authority, kind
from budnet.pki.identity import SUFFIX
from budnet.pki.issuer import SKEW
from budnet.probe.answer import Answer
from budnet.probe.question import Question
from budnet.probe.truth import Truth
from budnet.tls.enforce import key_for
from budnet.twin.handshake import Look, Seen
from budnet.twin.lab import Twin
from budnet.twin.mesh import TRUSTED as SIDECARS

CERTIFICATES = "certificate"
INTERNAL, PUBLIC = "the internal CA", "a public CA"


@dataclass(frozen=True, slots=True)
class Asked:
    """One handshake: who asks whom by which name, and what the file promises."""

    source: Endpoint
    target: Endpoint
    listener: Listener
    address: str
    name: str
    predicted: Answer
    own: bool
    """Whether the certificate is in a file of the user's."""


def truth(network: Network, twin: Twin) -> Truth:
    """All of them, in one request."""
    status = twin.status()
    real = _real(status)
    asked = [a for e in network.inside if e.id in real for a in _of(network, e, set(status["stand_ins"]))]
    places = [Look(a.source.id, a.address, a.listener.port, a.name, _starttls(a.target)) for a in asked]
    table = Truth()
    seen, internal = twin.looks(places)
    roots = {c.public_bytes(Encoding.DER) for c in x509.load_pem_x509_certificates(internal.encode())}
    for one, found in zip(asked, seen, strict=True):
        question = Question(one.source.id, f"tls://{one.name}", ip_address(one.address), Protocol.TCP, one.listener.port)
        what = observed(found, roots)
        if one.own and found.chain:  # who signed a user's own certificate, the twin's clients need not know
            what = _fingerprint(x509.load_der_x509_certificate(found.chain[0]))
        table.add(question, [one.predicted], Answer("DELIVERED", CERTIFICATES, what, one.predicted.origin))
    return table


def _real(status: dict[str, Any]) -> set[str]:
    """Where a real server listens, be it a front for several endpoints."""
    return {s["space"] for s in status["servers"]} | {space for s in status["servers"] for space, _, _ in s["elsewhere"]}


# ---- predicted --------------------------------------------------------------------------------------------------------


def _of(network: Network, endpoint: Endpoint, stand_ins: set[str]) -> Iterator[Asked]:
    listener = next((x for x in endpoint.listeners if x.transport == "tls" and not x.loopback), None)
    if listener is None or any(endpoint.id in (front.near, front.far) for front in network.fronts):
        return  # what the front of a link presents is the link's question
    source, address = _way(network, endpoint, listener)
    for name in _names(network, endpoint):
        row = _row(network, endpoint, name)
        yield Asked(
            source, endpoint, listener, address, name, _predicted(network, endpoint, listener, row, stand_ins), bool(row and row.files)
        )


def _way(network: Network, endpoint: Endpoint, listener: Listener) -> tuple[Endpoint, str]:
    """Who asks, and at which address: the first end of a flow to this port; the endpoint itself where nobody may."""
    for flow in network.flows:
        if endpoint.id in flow.destinations.endpoints and flow.match.ports.first <= listener.port <= flow.match.ports.last:
            for source in (network.endpoint[s] for s in flow.sources.endpoints if s in network.endpoint):
                if source.vpc not in ("", endpoint.vpc) and not any({source.vpc, endpoint.vpc} == set(p.between) for p in network.peerings):
                    continue  # over a link that does not route it comes to a front, at another address
                outside = source.kind is EndpointKind.EXTERNAL
                reachable = endpoint.public if outside and endpoint.public else endpoint.addresses
                address = next((a for a in reachable if a.version in {x.version for x in source.addresses}), None)
                if address and source.id != endpoint.id:
                    return source, str(address)
    return endpoint, str(endpoint.addresses[0])


def _names(network: Network, endpoint: Endpoint) -> list[str]:
    """Every name that a client may call it by; for a server inside also its addresses."""
    if endpoint.hosts:
        return list(dict.fromkeys(h.host for h in endpoint.hosts))
    forms: list[str] = []
    for service in network.services:
        if endpoint.id in service.backends:
            labels = service.host.split(".")
            shared = service.zone == CLUSTERSET  # a name that other clusters know it by has no short forms
            forms += [service.host] if shared else [".".join(labels[:n]) for n in (1, 2, 3, len(labels))]
    if endpoint.kind is EndpointKind.LOAD_BALANCER:
        forms += [r.name for r in network.records if r.data in map(str, endpoint.addresses)]
    return list(dict.fromkeys(forms)) + ([] if endpoint.kind is EndpointKind.LOAD_BALANCER else [str(a) for a in endpoint.addresses])


def _row(network: Network, endpoint: Endpoint, name: str) -> Certificate | None:
    """The row that a name or a service stands in."""
    public = endpoint.kind is EndpointKind.LOAD_BALANCER
    wildcard = f"*.{name.partition('.')[2]}"
    for row in network.certificates:
        if (name in row.names or wildcard in row.names) and not row.services if public else endpoint.service in row.services:
            return row
    return None


def _predicted(network: Network, endpoint: Endpoint, listener: Listener, row: Certificate | None, stand_ins: set[str]) -> Answer:
    origin = row.origin if row else endpoint.origin
    if row and row.issuer == "files":
        own = x509.load_pem_x509_certificate(Path(row.files[0]).read_bytes())
        return Answer("DELIVERED", CERTIFICATES, _fingerprint(own), origin)
    issuer = row.issuer if row else "internal-ca"
    public = issuer in ("lets-encrypt", "acme") and row is not None and row.id not in stand_ins
    profile = next((p for p in network.tls_profiles if p.id == listener.profile), None)
    key = (row.key if row else "") or (key_for(profile) if profile else "rsa-2048")
    time = expiry.lifetime(issuer, row.lifetime if row else 0)
    return Answer("DELIVERED", CERTIFICATES, f"{key}, {expiry.words(time)}, by {PUBLIC if public else INTERNAL}", origin)


# ---- observed ---------------------------------------------------------------------------------------------------------


def observed(seen: Seen, internal: set[bytes], now: datetime | None = None) -> str:
    """In the words of the prediction. What a careful client refused begins with why."""
    if seen.error or not seen.chain:
        return f"refused: {seen.error or 'no certificate'}"
    leaf, root = x509.load_der_x509_certificate(seen.chain[0]), seen.chain[-1]
    if authority(leaf):  # OpenSSL lets it pass; strict readers (webpki) do not
        return "refused: it may sign certificates itself"
    start, end = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    ours = root in internal
    time = end - start - (SKEW if ours else timedelta())
    minutes = timedelta(minutes=round(time.total_seconds() / 60))
    state = expiry.state(start, end, now or datetime.now(UTC))
    due = f", {state}" if state is not expiry.State.GOOD else ""
    return f"{kind(leaf)}, {expiry.words(minutes)}, by {INTERNAL if ours else PUBLIC}{due}"


def _fingerprint(certificate: x509.Certificate) -> str:
    return f"SHA-256 {certificate.fingerprint(hashes.SHA256()).hex()[:32]}"


def _starttls(endpoint: Endpoint) -> str:
    return "postgresql" if endpoint.software == "postgresql" else ""


# ---- shown ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """A certificate that a server of a twin presents now."""

    endpoint: str
    name: str
    """By which it was asked: the first of its names."""
    issuer: str
    key: str
    serial: str
    begins: datetime | None
    ends: datetime | None
    state: str
    """As `expiry.State`, or why a careful client refuses it."""


def found(network: Network, twin: Twin) -> list[Found]:
    """What each real server presents, once for every certificate that it has; of sidecars once for each app."""
    status = twin.status()
    real = _real(status)
    asked = [a for e in network.inside if e.id in real for a in _of(network, e, set())]
    places = [(a.target.id, Look(a.source.id, a.address, a.listener.port, a.name, _starttls(a.target))) for a in asked]
    places += _sidecars(network) if status["mesh"]["kind"] == "haproxy" else []
    seen, _ = twin.looks([look for _, look in places])
    out: dict[tuple[str, str], Found] = {}
    for (target, look), shown in zip(places, seen, strict=True):
        if not shown.chain:
            out.setdefault((target, ""), Found(target, look.name, "", "", "", None, None, shown.error))
            continue
        leaf = x509.load_der_x509_certificate(shown.chain[0])
        start, end = leaf.not_valid_before_utc, leaf.not_valid_after_utc
        state = shown.error or expiry.state(start, end, datetime.now(UTC))
        serial = f"{leaf.serial_number:x}"
        row = Found(target, look.name, leaf.issuer.rfc4514_string(), kind(leaf), serial, start, end, state)
        out.setdefault((target, serial), row)
    return list(out.values())


def _sidecars(network: Network) -> list[tuple[str, Look]]:
    """The first pod of every app, asked from inside the pod, where no filter is in the way. A server shows itself before its client does."""
    first = ((c, network.endpoint[c.endpoints[0]]) for c in network.access_controls)
    return [(c.id, Look(pod.id, str(pod.addresses[0]), c.port, f"{c.callee.name}.{SUFFIX}", "", SIDECARS)) for c, pod in first]
