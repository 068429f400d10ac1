"""A Service with a ClusterIP for every service that runs as pods and listens."""

from __future__ import annotations

from budnet.ir.endpoint import ClusterService, Endpoint, ServicePort
from budnet.resolve.draft import Draft
from budnet.resolve.pins import Exhausted

FULL = "R421"


def cluster_services(draft: Draft) -> None:
    """The pass."""
    for cluster in draft.clusters:
        for name, service in draft.topology.services.items():
            pods = [e for e in draft.endpoints_of(name) if e.cluster == cluster.id]
            if not pods or not service.ports or service.namespace is None:
                continue
            ports = tuple(
                ServicePort(p, port.port.protocol, port.service or port.port.ports.first, port.port.ports.first)
                for p, port in service.ports.items()
            )
            families = _families(pods[0])
            service_id = f"{cluster.id}/{service.namespace}/{name}"
            try:
                addresses = tuple(
                    draft.pins.place(f"clusterip:{service_id}/v{p.version}", p) for p in cluster.services if p.version in families
                )
            except Exhausted as full:
                draft.error(
                    FULL,
                    f"the service range {full} has no address left for '{name}'",
                    ("networks", cluster.vpc, "cluster", "services"),
                    "take a wider range",
                )
                return
            backends = tuple(e.id for e in pods)
            origin = draft.origin("services", name)
            draft.services.append(ClusterService(service_id, cluster.id, service.namespace, name, addresses, ports, backends, origin))


def _families(pod: Endpoint) -> set[int]:
    return {a.version for a in pod.addresses}
