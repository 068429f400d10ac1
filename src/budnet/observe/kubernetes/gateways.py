"""The Gateway API as a way into a cluster: https://gateway-api.sigs.k8s.io/reference/spec/.

Which pods carry a Gateway out is found by the label that the API asks of what is made for one Gateway (GEP-1762). Where none has it,
that is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

from msgspec import Struct

from budnet.ir.address import Protocol
from budnet.ir.entry import Entry, EntryKind
from budnet.ir.filters import Selector
from budnet.observe.kubernetes.behind import NOBODY, Behind, Leads
from budnet.observe.kubernetes.controllers import INTERNAL_GATEWAYS, INTERNAL_SERVICE
from budnet.observe.kubernetes.fields import Object, Written, Wrong, labels, mapping, mappings, number, text, texts
from budnet.observe.kubernetes.selectors import selector
from budnet.observe.kubernetes.ways import publicity

Fits = Callable[[str, Selector], bool | None]
"""Whether a namespace has the labels that a selector asks for; None where its labels are not known."""

GROUP = "gateway.networking.k8s.io"
ROUTES = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")
_TAKES: Mapping[str, tuple[str, ...]] = {
    "HTTP": ("HTTPRoute", "GRPCRoute"), "HTTPS": ("HTTPRoute", "GRPCRoute"), "TLS": ("TLSRoute", "TCPRoute"),
    "TCP": ("TCPRoute",), "UDP": ("UDPRoute",),
}  # fmt: skip
"""Which routes listeners of a protocol take (ProtocolType; TCPRoute where TLS ends at the Gateway); of others that is not defined."""
_WITH_NAMES = ("HTTPRoute", "GRPCRoute", "TLSRoute")
_COPIES = {"RequestMirror": "requestMirror", "ExternalAuth": "externalAuth"}
"""Filters that send every request somewhere else as well."""
_GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"


class Reference(Struct, frozen=True):
    """What a route sends something to."""

    group: str
    kind: str
    namespace: str
    name: str
    port: int


class _Listener(Struct, frozen=True):
    name: str
    protocol: str
    port: int
    host: str
    kinds: tuple[str, ...]
    """Of routes, as far as they are limited here."""
    namespaces: Object

    def takes(self, kind: str) -> bool:
        """Whether routes of a kind may attach, by the protocol and by what is written."""
        return kind in _TAKES.get(self.protocol, ROUTES) and (not self.kinds or kind in self.kinds)


@dataclass
class Gateways:
    """Collects Gateways and what belongs to them."""

    cluster: str
    _gateways: list[Written] = field(default_factory=list)
    _routes: list[Written] = field(default_factory=list)
    _grants: list[Written] = field(default_factory=list)

    def read(self, kind: str, one: Written) -> None:
        """One object; what is wrong with it is raised here, so that later everything can be relied on."""
        if kind == "Gateway":
            list(self._entries(one, NOBODY, lambda namespace, chosen: False))
            self._gateways.append(one)
        elif kind == "ReferenceGrant":
            _granted(one)
            self._grants.append(one)
        else:
            list(_references(one))
            _names(one)
            mappings(mapping(one.of, "spec"), "parentRefs", "spec.")
            self._routes.append(one)

    def backends(self) -> Iterator[tuple[Written, str, str, int, Protocol]]:
        """(by whom, namespace, Service, port and its protocol) of everything that is referred to."""
        for one in self._routes:
            yield from (
                (one, to.namespace, to.name, to.port, _protocol(one)) for to in _references(one) if (to.group, to.kind) == ("", "Service")
            )

    def not_granted(self) -> Iterator[tuple[Written, Reference]]:
        """Routes with what they name in other namespaces that do not let them."""
        return ((route, to) for route in self._routes for to in _references(route) if not self._may(route, to))

    def not_attached(self, fits: Fits) -> Iterator[tuple[Written, Written]]:
        """(route, Gateway) where the one names the other, and no listener of the other takes it."""
        for route in self._routes:
            for gateway in self._gateways:
                named = [p for p in _parents(route) if _is(p, route, gateway)]
                if named and all(_attached(route, named, gateway, each, fits) is False for each in _listeners(gateway)):
                    yield route, gateway

    def entries(self, behind: Behind, fits: Fits) -> Iterator[Entry]:
        """The ways in."""
        for one in self._gateways:
            yield from self._entries(one, behind, fits)

    def _entries(self, one: Written, behind: Behind, fits: Fits) -> Iterator[Entry]:
        through = tuple(e.id for e in behind.pods.anywhere(((_GATEWAY_NAME, one.name),)) if e.namespace == one.namespace)
        spec = mapping(one.of, "spec")
        given = mappings(mapping(one.of, "status"), "addresses", "status.") or mappings(spec, "addresses", "spec.")
        shown = tuple(str(a["value"]) for a in given if a.get("value"))
        open_, why = publicity(shown, _internal(spec), "a gateway")
        for listener in _listeners(one):
            leads = Leads.union(
                self._leads(route, to, attached, behind)
                for route in self._routes if (attached := _attached(route, _parents(route), one, listener, fits)) is not False
                for to in _references(route)
            )  # fmt: skip
            yield Entry(
                f"Gateway {one.label}", EntryKind.GATEWAY, self.cluster, Protocol.UDP if listener.protocol == "UDP" else Protocol.TCP,
                listener.port, leads.pods, open_, why, one.place.origin, shown=shown, through=through, beyond=leads.beyond, unseen=leads.unseen,
            )  # fmt: skip

    def _leads(self, route: Written, to: Reference, attached: bool | None, behind: Behind) -> Leads:
        if not self._may(route, to):
            return Leads()
        kind = route.of.get("kind")
        if attached is None:
            why = f"the labels of namespace {route.namespace}, by which listeners take routes, were not read"
            return Leads(unseen=(f"whether {kind} {route.label} is attached is not known: {why}",))
        if (to.group, to.kind) != ("", "Service"):
            what = " of ".join(filter(None, (to.kind, to.group)))
            return Leads(unseen=(f"{kind} {route.label} leads to {to.namespace}/{to.name}, and {what} is not modelled",))
        return behind.service(to.namespace, to.name, to.port, _protocol(route))

    def _may(self, route: Written, to: Reference) -> bool:
        """Whether a route may name something of another namespace: only where that namespace grants it."""
        wanted = GROUP, str(route.of.get("kind")), route.namespace
        return to.namespace == route.namespace or any(
            g.namespace == to.namespace and wanted in froms
            and any((group, kind) == (to.group, to.kind) and name in ("", to.name) for group, kind, name in tos)
            for g in self._grants for froms, tos in [_granted(g)]
        )  # fmt: skip


def _internal(spec: Object) -> str:
    class_ = text(spec, "gatewayClassName", "spec.", "")
    if class_ in INTERNAL_GATEWAYS:
        return f"gatewayClassName: {class_}"
    infrastructure = mapping(spec, "infrastructure", "spec.")
    notes = dict(labels(infrastructure, "annotations", "spec.infrastructure."))
    return next((f"{k}: {notes[k]}" for k, words in INTERNAL_SERVICE.items() if notes.get(k, "").lower() in words), "")


def _listeners(one: Written) -> list[_Listener]:
    out = []
    for i, each in enumerate(mappings(mapping(one.of, "spec"), "listeners", "spec.")):
        where = f"spec.listeners[{i}]."
        port = number(each, "port", 1, 65535, where)
        if port is None:
            raise Wrong(f"{where}port", "'port' is missing")
        allowed = mapping(each, "allowedRoutes", where)
        written = mappings(allowed, "kinds", f"{where}allowedRoutes.")
        kinds = tuple(str(k.get("kind")) if k.get("group", GROUP) == GROUP else "" for k in written)
        spaces = mapping(allowed, "namespaces", f"{where}allowedRoutes.")
        if spaces.get("from") == "Selector":
            _chosen(spaces)
        out.append(_Listener(
            text(each, "name", where, ""), text(each, "protocol", where, "HTTP"), port, text(each, "hostname", where, ""), kinds, spaces
        ))  # fmt: skip
    return out


def _chosen(spaces: Object) -> Selector:
    return selector(mapping(spaces, "selector", "allowedRoutes.namespaces."), "allowedRoutes.namespaces.selector")


def _attached(route: Written, parents: Iterable[Object], gateway: Written, listener: _Listener, fits: Fits) -> bool | None:
    """Whether a route names a listener, and the listener takes it: its kind, its host names, its namespace, by default the Gateway's
    own. None where the labels of its namespace are not known."""
    named = any(
        _is(parent, route, gateway) and parent.get("sectionName", listener.name) == listener.name
        and parent.get("port", listener.port) == listener.port
        for parent in parents
    )  # fmt: skip
    if not named or not listener.takes(str(route.of.get("kind"))) or not _meet(listener.host, _names(route)):
        return False
    whose = listener.namespaces.get("from", "Same")
    if whose == "Selector":
        return fits(route.namespace, _chosen(listener.namespaces))
    return whose == "All" or (whose == "Same" and route.namespace == gateway.namespace)


def _protocol(route: Written) -> Protocol:
    return Protocol.UDP if route.of.get("kind") == "UDPRoute" else Protocol.TCP


def _parents(route: Written) -> list[Object]:
    return mappings(mapping(route.of, "spec"), "parentRefs", "spec.")


def _is(parent: Object, route: Written, gateway: Written) -> bool:
    """Whether a `parentRefs` is a Gateway."""
    kind = parent.get("group", GROUP), parent.get("kind", "Gateway")
    at = parent.get("namespace", route.namespace), parent.get("name")
    return kind == (GROUP, "Gateway") and at == (gateway.namespace, gateway.name)


def _names(route: Written) -> list[str]:
    return texts(mapping(route.of, "spec"), "hostnames", "spec.") if route.of.get("kind") in _WITH_NAMES else []


def _meet(host: str, names: list[str]) -> bool:
    """Whether a listener and a route have a host name in common; `*.` stands for one label or more, and none at all for any name."""
    return not host or not names or any(_is_in(host, n) or _is_in(n, host) for n in names)


def _is_in(name: str, pattern: str) -> bool:
    name, pattern = name.lower(), pattern.lower()
    return name == pattern or (pattern.startswith("*.") and name.removeprefix("*").endswith(pattern[1:]))


def _references(route: Written) -> Iterator[Reference]:
    """Where a route sends requests, and copies of them; nothing goes to a backend of weight 0."""
    for i, rule in enumerate(mappings(mapping(route.of, "spec"), "rules", "spec.")):
        at = f"spec.rules[{i}]."
        backends = [
            (each, f"{at}backendRefs[{j}].") for j, each in enumerate(mappings(rule, "backendRefs", at))
            if number(each, "weight", 0, 1_000_000, f"{at}backendRefs[{j}].") != 0
        ]  # fmt: skip
        copies = chain.from_iterable(_copies(each, where) for each, where in [(rule, at), *backends])
        for each, where in [*backends, *copies]:
            yield Reference(
                text(each, "group", where, ""), text(each, "kind", where, "Service"),
                text(each, "namespace", where, "") or route.namespace, text(each, "name", where), number(each, "port", 1, 65535, where) or 0,
            )  # fmt: skip


def _copies(of: Object, where: str) -> Iterator[tuple[Object, str]]:
    for i, each in enumerate(mappings(of, "filters", where)):
        key = _COPIES.get(str(each.get("type")))
        at = f"{where}filters[{i}].{key}."
        if key is not None:
            filter_ = mapping(each, key, f"{where}filters[{i}].")
            share = mapping(filter_, "fraction", at).get("numerator", filter_.get("percent"))
            if share != 0:
                yield mapping(filter_, "backendRef", at), f"{at}backendRef."


def _granted(one: Written) -> tuple[set[tuple[str, str, str]], list[tuple[str, str, str]]]:
    """(group, kind, namespace) that may refer, (group, kind, name or nothing for all) that may be referred to."""
    spec = mapping(one.of, "spec")
    froms = {(str(f.get("group")), str(f.get("kind")), str(f.get("namespace"))) for f in mappings(spec, "from", "spec.")}
    return froms, [(str(t.get("group") or ""), str(t.get("kind")), str(t.get("name") or "")) for t in mappings(spec, "to", "spec.")]
