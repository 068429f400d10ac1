"""Identities and access control of the mesh: every app that is called accepts the callers that flows name, and nobody else.

The shape is Dapr's (`Configuration`, `spec.accessControl`; https://docs.dapr.io/operations/configuration/invoke-allowlist/).
A rule names app, namespace and trust domain together, as Dapr requires.
"""

from __future__ import annotations

from budnet.ir.address import Protocol
from budnet.ir.endpoint import Endpoint
from budnet.ir.intent import Flow
from budnet.ir.mesh import AccessControl, CallerRule, Identity
from budnet.ir.origin import Origin
from budnet.model.trust import Certificate
from budnet.resolve import mesh
from budnet.resolve.draft import Draft
from budnet.resolve.references import services_of
from budnet.source.diagnostic import has_errors

TWO_DOMAINS, NOT_DAPR, NO_SIDECAR = "R640", "R641", "R642"
TRUST_DOMAIN = "public"
"""Of workloads whose Configuration names none (Dapr, pkg/runtime and pkg/config: `DefaultTrustDomain`)."""
LIFETIME = 24 * 3600
"""What Sentry gives a workload where `workloadCertTTL` says nothing else."""
KEY = "ec-p256"
"""Dapr up to 1.17; from 1.18 on `ed25519`."""


def mesh_access(draft: Draft) -> None:
    """The pass."""
    rows = _rows(draft)
    if has_errors(draft.diagnostics):
        return  # a flow may end where there is no sidecar
    apps = {(e.cluster, e.service): e for e in reversed(draft.endpoints) if mesh.APP_ID in dict(e.labels)}
    identities = {key: Identity(_domain(rows.get(pod.service)), pod.namespace, pod.service) for key, pod in apps.items()}
    callers = _callers(draft)
    for (cluster, service), pod in reversed(apps.items()):
        callee, name, row = identities[cluster, service], f"{cluster}/{pod.namespace}/{service}", rows.get(service)
        found: dict[Identity, Origin] = {}
        for flow, caller in callers.get((cluster, service), ()):
            found.setdefault(identities[caller.cluster, caller.service], flow.origin)
        rules = tuple(CallerRule(f"{name}:{i.name}", i, True, origin) for i, origin in found.items())
        pods = tuple(e.id for e in draft.endpoints if (e.cluster, e.service) == (cluster, service))
        draft.access_controls.append(
            AccessControl(
                name, callee, pods, mesh.PORT, _app_port(pod), False, rules,
                (row and row.key) or KEY, (row and row.lifetime) or LIFETIME, draft.origin("services", service, "mesh"),
            )
        )  # fmt: skip


def _rows(draft: Draft) -> dict[str, Certificate]:
    """The row of the certificate table that each service with a sidecar is under."""
    found: dict[str, str] = {}
    table = draft.topology.certificates
    for name, row in table.items():
        path = ("certificates", name)
        if row.issuer != "dapr-sentry":
            if row.trust_domain:
                draft.error(
                    NOT_DAPR, f"{row.issuer} has no trust domain", (*path, "trust-domain"), "remove it, or take `issuer: dapr-sentry`"
                )
            continue
        for i, target in enumerate(row.for_):
            for service in services_of(draft, target) or []:
                other = found.setdefault(service, name)
                if not draft.topology.services[service].mesh:
                    draft.error(NO_SIDECAR, f"'{service}' has no sidecar, so Sentry signs nothing for it", (*path, "for", i),
                                "add `mesh: dapr` to it, or take another issuer")  # fmt: skip
                elif other != name:
                    draft.error(TWO_DOMAINS, f"'{service}' is under '{other}' already", (*path, "for", i),
                                "name each service with a sidecar in one row of dapr-sentry",
                                (("first named here", ("certificates", other, "for")),))  # fmt: skip
    return {service: table[name] for service, name in found.items()}


def _domain(row: Certificate | None) -> str:
    return (row and row.trust_domain) or TRUST_DOMAIN


def _callers(draft: Draft) -> dict[tuple[str, str], list[tuple[Flow, Endpoint]]]:
    """Flows via the mesh by the (cluster, service) that they end at, each with one pod of every cluster that it begins in."""
    pods = {e.id: e for e in draft.endpoints}
    found: dict[tuple[str, str], list[tuple[Flow, Endpoint]]] = {}
    for flow in draft.flows:
        if flow.via != "mesh":
            continue
        sources = {(e.cluster, e.service): e for e in (pods[i] for i in flow.sources.endpoints)}
        for target in dict.fromkeys((pods[i].cluster, pods[i].service) for i in flow.destinations.endpoints):
            found.setdefault(target, []).extend((flow, e) for e in sources.values())
    return found


def _app_port(pod: Endpoint) -> int:
    """The first TCP port that is written: `dapr.io/app-port` is one port, and a sidecar calls its app on no other."""
    own = (x for x in pod.listeners if x not in mesh.LISTENERS)
    return next((x.port for x in own if x.protocol is Protocol.TCP and not x.loopback), 0)
