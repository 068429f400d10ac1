"""The mesh by Dapr's own programs: a Sentry where the file has one, and a `daprd` in every pod with a sidecar."""

from __future__ import annotations

from collections.abc import Iterator

from budnet.errors import TwinError
from budnet.ir.address import Address, Protocol
from budnet.ir.endpoint import Endpoint
from budnet.ir.network import Network
from budnet.pki.identity import Sentry
from budnet.pki.keys import pem
from budnet.twin.process import Process
from budnet.twin.servers import Certificate, dapr
from budnet.twin.tools import Missing, Tools

SENTRY_PORT = 50001


def processes(network: Network, tools: Tools, authority: Sentry) -> tuple[Process, ...]:
    """All of them. Raises TwinError where a program or a place for Sentry is missing."""
    try:
        return tuple(_processes(network, tools, authority))
    except Missing as absent:
        raise TwinError(f"{absent.program} is not on the PATH: install Dapr's programs, or take `--mesh haproxy`") from None


def _processes(network: Network, tools: Tools, authority: Sentry) -> Iterator[Process]:
    issuer = Certificate(authority.issuer.chain, pem(authority.issuer.key))
    signing: dict[str, Endpoint] = {}
    for control in network.access_controls:
        for pod in (network.endpoint[e] for e in control.endpoints):
            where, address = _sentry_of(network, pod)
            signing[where.id] = where
            yield dapr.sidecar(
                tools,
                name=f"{pod.id}/daprd",
                namespace=pod.id,
                control=control,
                authority=(str(address), SENTRY_PORT),
                authority_namespace=where.namespace,
                trust=authority.trust,
                apps=_apps(network, pod),
                loopback=("127.0.0.1", "[::1]") if any(a.version == 6 for a in pod.addresses) else ("127.0.0.1",),
            )
    for where in signing.values():
        yield dapr.sentry(
            tools, name=where.id, namespace=where.id, kubernetes_namespace=where.namespace, issuer=issuer, trust=authority.trust,
            port=SENTRY_PORT,
        )  # fmt: skip


def _sentry_of(network: Network, pod: Endpoint) -> tuple[Endpoint, Address]:
    """Who answers on Sentry's port and is a pod that this one may open a connection to, by a flow."""
    for flow in network.flows:
        first, last = flow.match.ports.first, flow.match.ports.last
        if pod.id in flow.sources.endpoints and flow.match.protocol is Protocol.TCP and first <= SENTRY_PORT <= last:
            for target in (network.endpoint[e] for e in flow.destinations.endpoints):
                address = _common(pod, target)
                if address is not None and any(x.port == SENTRY_PORT and not x.loopback for x in target.listeners):
                    return target, address
    raise TwinError(f"{pod.id} has no Sentry: no flow leads from it to a service that listens on {SENTRY_PORT}/tcp")


def _apps(network: Network, pod: Endpoint) -> dict[str, list[tuple[str, int]]]:
    """Where the sidecars of every app are, those in the pod's own cluster where an app is there."""
    found: dict[str, list[tuple[str, int]]] = {}
    for control in sorted(network.access_controls, key=lambda c: not c.id.startswith(f"{pod.cluster}/")):
        if control.callee.app not in found:
            addresses = (_common(pod, network.endpoint[e]) for e in control.endpoints)
            found[control.callee.app] = [(str(a), control.port) for a in addresses if a is not None]
    return found


def _common(pod: Endpoint, target: Endpoint) -> Address | None:
    families = {a.version for a in pod.addresses}
    return next((a for a in target.addresses if a.version in families), None)
