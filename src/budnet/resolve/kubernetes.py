"""A Service for every service that runs as pods and listens: with a ClusterIP, or headless; and what clusters export to each other."""

from __future__ import annotations

from budnet.ir.address import Address, Protocol
from budnet.ir.endpoint import Cluster, ClusterService, Endpoint, ServicePort
from budnet.ir.links import ROUTED
from budnet.ir.names import CLUSTERSET
from budnet.model.service import Service
from budnet.resolve import mesh
from budnet.resolve.draft import Draft
from budnet.resolve.pins import Exhausted
from budnet.source.text import quoted

FULL, UNKNOWN, EXPORTED_TO_NOBODY, TAKEN = "R421", "R422", "R660", "R667"


def cluster_services(draft: Draft) -> None:
    """The pass."""
    _known(draft)
    try:
        for cluster in draft.clusters:
            for name, service in draft.topology.services.items():
                pods = [e for e in draft.endpoints_of(name) if e.cluster == cluster.id]
                if pods and (service.ports or service.headless) and _has_one(draft, name):
                    _add(draft, cluster, name, service, pods)
                if pods and service.mesh:
                    _sidecars(draft, cluster, name, service, pods)
        for name, service in draft.topology.services.items():
            if service.export and service.namespace:
                _export(draft, name, service)
    except _Full:
        return


def _known(draft: Draft) -> None:
    for i, name in enumerate(draft.topology.names.services or ()):
        if name not in draft.topology.services:
            help = draft.suggest(name, draft.topology.services) or "name services: `names.services` says which have a name in their cluster"
            draft.error(UNKNOWN, f"there is no service {quoted(name)}", ("names", "services", i), help)


def _has_one(draft: Draft, name: str) -> bool:
    """Pods without a Service have no name (a finding, D301, where they are called)."""
    return draft.topology.names.services is None or name in draft.topology.names.services


def _export(draft: Draft, name: str, service: Service) -> None:
    """A Service of the same name in every cluster that a link routes to one that has its pods: the pods of all of these.

    It has an address of its own in each cluster that knows it (KEP-1645: ClusterSetIP). Links are not transitive.
    """
    pods = [e for e in draft.endpoints_of(name) if e.cluster]
    homes = {e.cluster for e in pods}
    linked = {(a, b) for x in draft.links if x.method in ROUTED for a, b in (x.between, x.between[::-1])}
    if not any(c.id != home and (c.id, home) in linked for c in draft.clusters for home in homes):
        draft.error(
            EXPORTED_TO_NOBODY,
            f"'{name}' is exported, and no link routes from {' or '.join(sorted(homes))} to another cluster",
            ("services", name, "export"),
            "add a link (vpc-peering or vpn) to a network that has a `cluster`, or remove `export`",
        )
    for cluster in draft.clusters:
        near = [e for e in pods if e.cluster == cluster.id or (cluster.id, e.cluster) in linked]
        if near:
            _add(draft, cluster, name, service, near, CLUSTERSET)


def _sidecars(draft: Draft, cluster: Cluster, name: str, service: Service, pods: list[Endpoint]) -> None:
    """The headless Service that Dapr's operator makes for every app: by its name sidecars find each other."""
    called = mesh.service(name)
    other = draft.topology.services.get(called)
    if other is not None and other.namespace == service.namespace:
        draft.error(TAKEN, f"'{called}' is what Dapr calls the sidecars of '{name}'", ("services", called), "choose another name", key=True)
        return
    ports = (ServicePort(mesh.PORT_NAME, Protocol.TCP, mesh.PORT, mesh.PORT),)
    where = (f"{cluster.id}/{service.namespace}/{called}", cluster.id, service.namespace or "", called)
    draft.services.append(
        ClusterService(*where, (), ports, tuple(e.id for e in pods), draft.origin("services", name), cluster.domain, headless=True)
    )


class _Full(Exception):
    """A service range has no address left; it has been said."""


def _add(draft: Draft, cluster: Cluster, name: str, service: Service, pods: list[Endpoint], zone: str = "") -> None:
    ports = tuple(
        ServicePort(p, port.port.protocol, port.service or port.port.ports.first, port.port.ports.first)
        for p, port in service.ports.items()
    )
    service_id = f"{cluster.id}/{'clusterset/' if zone else ''}{service.namespace}/{name}"
    addresses = () if service.headless else _addresses(draft, cluster, name, service_id, pods)
    draft.services.append(
        ClusterService(
            service_id, cluster.id, service.namespace or "", name, addresses, ports, tuple(e.id for e in pods),
            draft.origin("services", name), zone or cluster.domain, service.headless,
        )
    )  # fmt: skip


def _addresses(draft: Draft, cluster: Cluster, name: str, service_id: str, pods: list[Endpoint]) -> tuple[Address, ...]:
    families = {a.version for a in pods[0].addresses}
    try:
        return tuple(draft.pins.place(f"clusterip:{service_id}/v{p.version}", p) for p in cluster.services if p.version in families)
    except Exhausted as full:
        draft.error(
            FULL,
            f"the service range {full} has no address left for '{name}'",
            ("networks", cluster.vpc, "cluster", "services"),
            "take a wider range",
        )
        raise _Full from None
