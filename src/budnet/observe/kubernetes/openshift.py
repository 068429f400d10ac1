"""OpenShift's Routes as ways into a cluster.

https://docs.openshift.com/container-platform/4.14/rest_api/network_apis/route-route-openshift-io-v1.html: a Route leads to the
endpoints of its Services whose port has the name or the number of `spec.port.targetPort`, to all of them without one. Routers speak
HTTP and TLS, over TCP; the operator that makes them labels their pods.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from budnet.ir.address import Protocol
from budnet.ir.entry import Entry, EntryKind
from budnet.observe.kubernetes.controllers import ROUTER
from budnet.observe.kubernetes.fields import Object, Place, mapping, mappings, number, text
from budnet.observe.kubernetes.services import Pods

Endpoints = Callable[[str, str, str], tuple[tuple[str, int], ...]]
"""(namespace, Service, name or number of an endpoint's port, empty for any) -> where it leads over TCP."""


@dataclass(frozen=True, slots=True)
class Route:
    """A Route as it is written."""

    name: str
    namespace: str
    services: tuple[str, ...]
    port: str
    """Name or number of an endpoint's port; empty for any."""
    host: str
    tls: bool
    place: Place


def route(of: Object, name: str, namespace: str, place: Place) -> Route:
    """One Route. A Service of weight 0 gets nothing."""
    spec = mapping(of, "spec")
    backends = [(mapping(spec, "to", "spec."), "spec.to.")]
    backends += [(b, f"spec.alternateBackends[{i}].") for i, b in enumerate(mappings(spec, "alternateBackends", "spec."))]
    chosen = [text(b, "name", at) for b, at in backends if text(b, "kind", at, "Service") == "Service" and _weight(b, at) != 0]
    port = mapping(spec, "port", "spec.")
    target = port.get("targetPort")
    if not isinstance(target, str):
        target = str(number(port, "targetPort", 1, 65535, "spec.port.") or "")
    given = [str(s["host"]) for s in mappings(mapping(of, "status"), "ingress", "status.") if s.get("host")]
    host = text(spec, "host", "spec.", "") or next(iter(given), "")
    return Route(name, namespace, tuple(chosen), target, host, bool(mapping(spec, "tls", "spec.")), place)


def _weight(backend: Object, where: str) -> int | None:
    return number(backend, "weight", 0, 256, where)


def entry(one: Route, cluster: str, pods: Pods, endpoints: Endpoints) -> Entry:
    """The way in that a Route makes."""
    leads = dict.fromkeys(t for service in one.services for t in endpoints(one.namespace, service, one.port))
    return Entry(
        f"Route {one.namespace}/{one.name}", EntryKind.ROUTE, cluster, Protocol.TCP, 443 if one.tls else 80, tuple(leads), True,
        "a route is public unless something says otherwise", one.place.origin, shown=(one.host,) if one.host else (),
        through=tuple(e.id for e in pods.anywhere(ROUTER)),
    )  # fmt: skip


def backends(some: list[Route]) -> Iterator[tuple[str, str, str, Place]]:
    """(namespace, Service, port, where it is written) of all that Routes refer to."""
    for one in some:
        yield from ((one.namespace, service, one.port, one.place) for service in one.services)
