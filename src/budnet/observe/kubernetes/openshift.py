"""Routes of OpenShift as ways into a cluster, and the routers that carry them out.

Route: https://docs.redhat.com/en/documentation/openshift_container_platform/4.16/html/network_apis/route-route-openshift-io-v1. A router
sends to the ends of a Service themselves: `port.targetPort` is the number of an end's port or its name, which is that of the Service's
port (openshift/origin#6274), and without one all of them are used (openshift/origin#24971). Whether a router is published outside:
https://docs.redhat.com/en/documentation/openshift_container_platform/4.16/html/networking/nw-configuring-ingress-controller-endpoint-publishing-strategy
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from budnet.ir.address import Protocol
from budnet.ir.entry import Entry, EntryKind
from budnet.observe.kubernetes.behind import NOBODY, Behind, Leads
from budnet.observe.kubernetes.controllers import ROUTER
from budnet.observe.kubernetes.fields import Object, Written, mapping, mappings, number, text

ROUTES, OPERATOR = "route.openshift.io", "operator.openshift.io"


@dataclass
class Routes:
    """Collects Routes and IngressControllers."""

    cluster: str
    _routes: list[Written] = field(default_factory=list)
    _private: dict[str, str] = field(default_factory=dict)
    """Why an IngressController is not published outside, by its name."""
    _controllers: set[str] = field(default_factory=set)

    def read(self, kind: str, one: Written) -> None:
        """One object; what is wrong with it is raised here, so that later everything can be relied on."""
        if kind == "Route":
            list(self._entries(one, NOBODY))
            _target(one.of)
            self._routes.append(one)
            return
        self._controllers.add(one.name)
        if why := _published_inside(one.of):
            self._private[one.name] = f"IngressController {one.name}: {why}"

    def missing(self, behind: Behind) -> Iterator[tuple[Written, str]]:
        """Routes, each with what it leads to that is not there: a Service, or the port of its ends."""
        for one in self._routes:
            at = _target(one.of)
            for kind, name in _backends(one.of):
                what = f"Service {one.namespace}/{name}"
                if kind == "Service" and f"{one.namespace}/{name}" not in behind.services:
                    yield one, what
                elif self._leads(one, kind, name, behind) == Leads():
                    yield one, what + (f", port {at}" if at else "")

    def entries(self, behind: Behind) -> Iterator[Entry]:
        """The ways in."""
        for one in self._routes:
            yield from self._entries(one, behind)

    def _entries(self, one: Written, behind: Behind) -> Iterator[Entry]:
        leads = Leads.union(self._leads(one, kind, name, behind) for kind, name in _backends(one.of))
        routers = _admitted(one.of) or sorted(self._controllers)
        through = tuple(e.id for e in behind.pods.labelled(ROUTER) if not routers or dict(e.labels)[ROUTER] in routers)
        inside = [self._private.get(r, "") for r in routers]
        closed = bool(inside) and all(inside)
        why = inside[0] if closed else "a route is public unless its routers are not"
        shown = _hosts(one.of)
        for port in _ports(one.of):
            yield Entry(
                f"Route {one.label}", EntryKind.ROUTE, self.cluster, Protocol.TCP, port, leads.pods, not closed, why, one.place.origin,
                shown=shown, through=through, beyond=leads.beyond, unseen=leads.unseen,
            )  # fmt: skip

    def _leads(self, one: Written, kind: str, name: str, behind: Behind) -> Leads:
        if kind != "Service":
            return Leads(unseen=(f"{kind} {one.namespace}/{name} is not modelled",))
        service, at = behind.services.get(f"{one.namespace}/{name}"), _target(one.of)
        if service is None or service.type == "ExternalName":
            return behind.service(one.namespace, name, at or 0)
        found = [(p, behind.leads(service, p)) for p in service.ports if p.protocol is Protocol.TCP]
        if not isinstance(at, int):
            return Leads.union(leads for port, leads in found if at in (None, port.name))
        all_ = Leads.union(leads for _, leads in found)
        return Leads(tuple(p for p in all_.pods if p[1] == at), tuple(p for p in all_.beyond if p[1] == at), all_.unseen)


def _backends(of: Object) -> Iterator[tuple[str, str]]:
    """(kind, name); nothing goes to a backend of weight 0 beside others."""
    spec = mapping(of, "spec")
    found = [(mapping(spec, "to", "spec."), "spec.to.")]
    found += [(b, f"spec.alternateBackends[{i}].") for i, b in enumerate(mappings(spec, "alternateBackends", "spec."))]
    for each, where in found:
        if number(each, "weight", 0, 256, where) != 0:
            yield text(each, "kind", where, "Service"), text(each, "name", where)


def _target(of: Object) -> int | str | None:
    port = mapping(mapping(of, "spec"), "port", "spec.")
    at = port.get("targetPort")
    if isinstance(at, str):
        return int(at) if at.isdecimal() else at or None
    return number(port, "targetPort", 1, 65535, "spec.port.")


def _ports(of: Object) -> list[int]:
    """Where routers take connections; over TLS plain ones as well where that is allowed."""
    tls = mapping(mapping(of, "spec"), "tls", "spec.")
    if not tls:
        return [80]
    return [80, 443] if tls.get("insecureEdgeTerminationPolicy") == "Allow" else [443]


def _hosts(of: Object) -> tuple[str, ...]:
    """Its host name, or those that routers have made for it."""
    written = text(mapping(of, "spec"), "host", "spec.", "")
    given = mappings(mapping(of, "status"), "ingress", "status.")
    return (written,) if written else tuple(dict.fromkeys(str(g["host"]) for g in given if g.get("host")))


def _admitted(of: Object) -> list[str]:
    """The routers that have taken a route, as far as its status says."""
    given = mappings(mapping(of, "status"), "ingress", "status.")
    return sorted({str(g["routerName"]) for g in given if g.get("routerName")})


def _published_inside(of: Object) -> str:
    """Why a router is not reached from outside; empty where it may be."""
    for part in ("status", "spec"):
        strategy = mapping(mapping(of, part), "endpointPublishingStrategy", f"{part}.")
        if strategy:
            scope = mapping(strategy, "loadBalancer", f"{part}.endpointPublishingStrategy.").get("scope")
            if strategy.get("type") == "Private":
                return "endpointPublishingStrategy: Private"
            return "scope: Internal" if scope == "Internal" else ""
    return ""
