"""Ingress and the Gateway API as ways into a cluster.

Ingress: https://kubernetes.io/docs/reference/kubernetes-api/service-resources/ingress-v1/; Gateway, routes and ReferenceGrant:
https://gateway-api.sigs.k8s.io/reference/spec/. Both are carried out by pods or by a cloud; which pods is not part of either API,
so they are found by the labels that each controller's own manifests give them, and by the label that the Gateway API asks of
what is made for one Gateway (GEP-1762). Where none is found, that is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from budnet.ir.address import Protocol
from budnet.ir.entry import Entry, EntryKind
from budnet.ir.filters import Selector
from budnet.observe.kubernetes.controllers import ALB, ALB_SCHEME, INTERNAL_INGRESS, PODS
from budnet.observe.kubernetes.fields import Object, Place, Wrong, labels, mapping, mappings, number, sequence, text
from budnet.observe.kubernetes.selectors import selector
from budnet.observe.kubernetes.services import Pods, public

Targets = Callable[[str, str, int | str], tuple[tuple[str, int], ...]]
"""(namespace, Service, port or its name) -> where it leads."""
Fits = Callable[[str, Selector], bool]
"""Whether a namespace has the labels that a selector asks for."""

ROUTES = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")
_GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"


@dataclass
class _Written:
    """Objects of one kind, as they were read."""

    of: Object
    name: str
    namespace: str
    place: Place


@dataclass
class Gateways:
    """Collects Ingresses, Gateways and what belongs to them."""

    cluster: str
    _ingresses: list[_Written] = field(default_factory=list)
    _gateways: list[_Written] = field(default_factory=list)
    _routes: list[_Written] = field(default_factory=list)
    _grants: list[_Written] = field(default_factory=list)
    _classes: dict[str, str] = field(default_factory=dict)
    _default: str = ""

    def read(self, kind: str, of: Object, name: str, namespace: str, place: Place) -> None:
        """One object; what is wrong with it is raised here, so that later everything can be relied on."""
        written = _Written(of, name, namespace, place)
        if kind == "IngressClass":
            self._classes[name] = text(mapping(of, "spec"), "controller", "spec.", "")
            notes = dict(labels(mapping(of, "metadata"), "annotations", "metadata."))
            if notes.get("ingressclass.kubernetes.io/is-default-class") == "true":
                self._default = name
        elif kind == "Ingress":
            list(_backends(written))
            self._ingresses.append(written)
        elif kind == "Gateway":
            _listeners(written)
            self._gateways.append(written)
        elif kind == "ReferenceGrant":
            _granted(written)
            self._grants.append(written)
        else:
            list(_references(written))
            sequence(mapping(of, "spec"), "parentRefs", "spec.")
            self._routes.append(written)

    def backends(self) -> Iterator[tuple[str, str, int | str, Place]]:
        """(namespace, Service, port, where it is written) of everything that is referred to."""
        for each in self._ingresses:
            yield from ((each.namespace, name, port, each.place) for name, port in _backends(each))
        for each in self._routes:
            yield from ((space, name, port, each.place) for space, name, port in _references(each))

    def entries(self, pods: Pods, targets: Targets, fits: Fits) -> Iterator[Entry]:
        """The ways in."""
        for each in self._ingresses:
            yield from self._ingress(each, pods, targets)
        for each in self._gateways:
            yield from self._gateway(each, pods, targets, fits)

    def _ingress(self, one: _Written, pods: Pods, targets: Targets) -> Iterator[Entry]:
        spec, notes = mapping(one.of, "spec"), dict(labels(mapping(one.of, "metadata"), "annotations", "metadata."))
        class_ = text(spec, "ingressClassName", "spec.", "") or notes.get("kubernetes.io/ingress.class", "") or self._default
        controller = self._classes.get(class_, "")
        labels_ = PODS.get(controller) or PODS.get("/".join(controller.split("/")[:2])) or PODS.get(f"k8s.io/ingress-{class_}") or ()
        through = next((found for each in labels_ if (found := tuple(e.id for e in pods.anywhere(each)))), ())
        given = mappings(mapping(mapping(one.of, "status"), "loadBalancer"), "ingress")
        shown = tuple(str(g.get("ip") or g.get("hostname")) for g in given)
        hosts = tuple(dict.fromkeys(str(r["host"]) for r in mappings(spec, "rules", "spec.") if r.get("host")))
        inside = next((f"{k}: {notes[k]}" for k, words in INTERNAL_INGRESS.items() if notes.get(k) in words), "")
        if controller == ALB and ALB_SCHEME not in notes:
            inside = "the AWS Load Balancer Controller makes internal load balancers where no scheme is written"
        known = [p for p in map(public, shown) if p is not None]
        open_: bool | None = any(known) if known else not inside
        why = inside or (
            f"its address is {'public' if open_ else 'private'}" if known else "an ingress is public unless something says otherwise"
        )
        port = 443 if sequence(spec, "tls", "spec.") else 80
        leads = tuple(dict.fromkeys(t for name, at in _backends(one) for t in targets(one.namespace, name, at)))
        yield Entry(
            f"Ingress {one.namespace}/{one.name}", EntryKind.INGRESS, self.cluster, Protocol.TCP, port, leads, open_, why, one.place.origin,
            shown=hosts or shown, through=through,
        )  # fmt: skip

    def _gateway(self, one: _Written, pods: Pods, targets: Targets, fits: Fits) -> Iterator[Entry]:
        through = tuple(e.id for e in pods.anywhere(((_GATEWAY_NAME, one.name),)) if e.namespace == one.namespace)
        given = [str(a.get("value")) for a in mappings(mapping(one.of, "status"), "addresses", "status.")]
        known = [p for p in map(public, given) if p is not None]
        why = f"its address is {'public' if any(known) else 'private'}" if known else "a gateway is public unless something says otherwise"
        for name, protocol, port, allowed in _listeners(one):
            leads = dict.fromkeys(
                t for route in self._routes if _attached(route, one, name, port, allowed, fits)
                for space, service, at in _references(route) if self._may(route, space, service) for t in targets(space, service, at)
            )  # fmt: skip
            yield Entry(
                f"Gateway {one.namespace}/{one.name}", EntryKind.GATEWAY, self.cluster, protocol, port, tuple(leads),
                any(known) if known else True, why, one.place.origin, shown=tuple(given), through=through,
            )  # fmt: skip

    def _may(self, route: _Written, namespace: str, service: str) -> bool:
        """Whether a route may name a Service of another namespace: only where that namespace grants it."""
        if namespace == route.namespace:
            return True
        wanted = str(route.of.get("kind")), route.namespace
        return any(
            g.namespace == namespace and wanted in froms and any(kind == "Service" and name in ("", service) for kind, name in tos)
            for g in self._grants for froms, tos in [_granted(g)]
        )  # fmt: skip


def _backends(one: _Written) -> Iterator[tuple[str, int | str]]:
    spec = mapping(one.of, "spec")
    found = [(mapping(spec, "defaultBackend", "spec."), "spec.defaultBackend.")]
    for i, rule in enumerate(mappings(spec, "rules", "spec.")):
        paths = mappings(mapping(rule, "http", f"spec.rules[{i}]."), "paths", f"spec.rules[{i}].http.")
        found += [
            (mapping(p, "backend", f"spec.rules[{i}].http.paths[{j}]."), f"spec.rules[{i}].http.paths[{j}].backend.")
            for j, p in enumerate(paths)
        ]
    for of, where in found:
        service = mapping(of, "service", where)
        if service:
            port = mapping(service, "port", f"{where}service.")
            yield (
                text(service, "name", f"{where}service."),
                port.get("name") or number(port, "number", 1, 65535, f"{where}service.port.") or 0,
            )


def _listeners(one: _Written) -> list[tuple[str, Protocol, int, Object]]:
    out = []
    for i, each in enumerate(mappings(mapping(one.of, "spec"), "listeners", "spec.")):
        where = f"spec.listeners[{i}]."
        port = number(each, "port", 1, 65535, where)
        if port is None:
            raise Wrong(f"{where}port", "'port' is missing")
        protocol = Protocol.UDP if text(each, "protocol", where, "HTTP") == "UDP" else Protocol.TCP
        out.append((text(each, "name", where, ""), protocol, port, mapping(mapping(each, "allowedRoutes", where), "namespaces", where)))
    return out


def _attached(route: _Written, gateway: _Written, listener: str, port: int, allowed: Object, fits: Fits) -> bool:
    """Whether a route names a listener and is of a namespace that the listener takes routes from: by default its own."""
    for parent in sequence(mapping(route.of, "spec"), "parentRefs", "spec."):
        if not isinstance(parent, Mapping) or parent.get("kind", "Gateway") != "Gateway":
            continue
        same = parent.get("name") == gateway.name and parent.get("namespace", route.namespace) == gateway.namespace
        if same and parent.get("sectionName", listener) == listener and parent.get("port", port) == port:
            whose = allowed.get("from", "Same")
            if whose == "All" or (whose == "Same" and route.namespace == gateway.namespace):
                return True
            if whose == "Selector":
                return fits(route.namespace, selector(mapping(allowed, "selector"), "allowedRoutes.namespaces.selector"))
    return False


def _references(route: _Written) -> Iterator[tuple[str, str, int | str]]:
    for i, rule in enumerate(mappings(mapping(route.of, "spec"), "rules", "spec.")):
        for j, each in enumerate(mappings(rule, "backendRefs", f"spec.rules[{i}].")):
            where = f"spec.rules[{i}].backendRefs[{j}]."
            if each.get("kind", "Service") == "Service":
                yield str(each.get("namespace") or route.namespace), text(each, "name", where), number(each, "port", 1, 65535, where) or 0


def _granted(one: _Written) -> tuple[set[tuple[str, str]], list[tuple[str, str]]]:
    """(kind, namespace) that may refer, (kind, name or nothing for all) that may be referred to."""
    spec = mapping(one.of, "spec")
    froms = {(str(f.get("kind")), str(f.get("namespace"))) for f in mappings(spec, "from", "spec.")}
    return froms, [(str(t.get("kind")), str(t.get("name") or "")) for t in mappings(spec, "to", "spec.")]
