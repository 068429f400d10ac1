"""Everything that lets the outside in, put together when all objects are known: Services, Ingresses, Routes, Gateways, host ports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from budnet.ir.address import Protocol
from budnet.ir.endpoint import Endpoint
from budnet.ir.entry import Entry
from budnet.ir.filters import Selector
from budnet.observe.kubernetes import foreign_ways, openshift, services, slices, ways
from budnet.observe.kubernetes.behind import Behind, Pods, port_of
from budnet.observe.kubernetes.fields import Object, Place, Problems, Refused, Written, name_of
from budnet.observe.kubernetes.foreign_ways import is_foreign_way
from budnet.observe.kubernetes.gateways import GROUP, ROUTES, Gateways
from budnet.observe.kubernetes.ingresses import Ingresses
from budnet.observe.kubernetes.selectors import selects
from budnet.observe.kubernetes.services import Service
from budnet.observe.kubernetes.slices import Slice
from budnet.observe.kubernetes.ways import Nodes
from budnet.observe.kubernetes.workloads import HostPort
from budnet.source.diagnostic import Severity

SELECTS_NOBODY, NO_SUCH_BACKEND, NO_SUCH_PORT, NO_GRANT, NOT_ATTACHED = "K201", "K202", "K203", "K204", "K205"
NODE_PORT_TWICE, NO_SUCH_CLASS = "K206", "K207"
_KINDS = {
    ("", "Service"), ("", "Endpoints"), ("discovery.k8s.io", "EndpointSlice"), ("networking.k8s.io", "Ingress"),
    ("networking.k8s.io", "IngressClass"), (GROUP, "Gateway"), (GROUP, "ReferenceGrant"), *((GROUP, kind) for kind in ROUTES),
    (openshift.ROUTES, "Route"), (openshift.OPERATOR, "IngressController"),
}  # fmt: skip
_NAME = "kubernetes.io/metadata.name"
_NAMES = {kind for _, kind in _KINDS}
_GROUPS = {group for group, _ in _KINDS} | foreign_ways.groups()


class Entrances:
    """Collects them. `entries` says where they lead; `problems` what in them leads nowhere."""

    def __init__(self, cluster: str) -> None:
        self.cluster = cluster
        self.services: dict[str, Service] = {}
        self._slices: dict[str, list[Slice]] = {}
        self._ingresses, self._gateways, self._routes = Ingresses(cluster), Gateways(cluster), openshift.Routes(cluster)
        self._foreign: list[tuple[Written, str]] = []
        self._lost: list[Entry] = []
        self._external: list[str] = []
        self._nodes: list[bool] = []
        self._spaces: Mapping[str, Sequence[tuple[str, str]]] = {}

    @staticmethod
    def knows(group: str, kind: str) -> bool:
        """Whether `read` takes this kind."""
        return (group, kind) in _KINDS or is_foreign_way(group, kind)

    def read(self, group: str, kind: str, of: Object, name: str, namespace: str, place: Place) -> None:
        """One object."""
        one = Written(of, name, namespace, place)
        if is_foreign_way(group, kind):
            if foreign_ways.leads_in(of, kind):
                self._foreign.append((one, f"{kind} of {group} is not modelled"))
        elif kind == "Service":
            self.services[one.label] = services.service(of, name, namespace, place)
        elif kind in ("EndpointSlice", "Endpoints"):
            of_kind = slices.of_slice if kind == "EndpointSlice" else slices.of_endpoints
            service, found = of_kind(of, name, namespace)
            self._slices.setdefault(service, []).extend(found)
        elif group == GROUP:
            self._gateways.read(kind, one)
        elif kind in ("Route", "IngressController"):
            self._routes.read(kind, one)
        else:
            self._ingresses.read(kind, one)

    @staticmethod
    def may_be_one(of: Object) -> bool:
        """Whether an object may be one of these, as far as what it says of itself can be read."""
        kind, version = of.get("kind"), of.get("apiVersion")
        group = version.rpartition("/")[0] if isinstance(version, str) else ""
        if not isinstance(kind, str) or kind in _NAMES:
            return True
        return is_foreign_way(group, kind) if group else foreign_ways.looks_like_one(kind)

    def lost(self, what: str, why: str, place: Place) -> None:
        """Something that may be a way in, of which nothing more is known."""
        self._lost.append(foreign_ways.lost(what, why, place, self.cluster))

    def refused(self, one: Refused) -> None:
        """A kind that is not shown, where it may be one of these."""
        all_of_group = not one.kind and (not one.group or one.group in _GROUPS)
        if all_of_group or (one.kind and self.knows(one.group, one.kind)):
            self.lost(" of ".join(filter(None, (one.kind or "ways in", one.group))), one.why, one.place)

    def unparsed(self, kinds: set[str], place: Place) -> None:
        """A text that is no YAML or JSON, with the kinds that it says there are in it."""
        if not kinds or any(self.may_be_one({"kind": k}) or k.endswith("List") for k in kinds):
            what = f"the text at {place.file}:{max(place.line, 1)}"
            self.lost(what, f"{what} could not be read, and may hold a way in", place)

    def node(self, addresses: Mapping[str, bool]) -> None:
        """A node, with its addresses and whether each is called an ExternalIP. An InternalIP that the internet routes is as public
        as one; of a node without addresses nobody knows whether it has any."""
        self._nodes.append(bool(addresses))
        self._external += [a for a, external in addresses.items() if external or ways.public(a)]

    def entries(
        self, endpoints: Sequence[Endpoint], host_ports: Mapping[str, list[HostPort]], spaces: Mapping[str, Sequence[tuple[str, str]]]
    ) -> list[Entry]:
        """All of them, in a stable order. `spaces`: the labels of the namespaces that were read."""
        self._spaces = spaces
        nodes = Nodes(tuple(sorted(set(self._external))), bool(self._nodes) and all(self._nodes))
        behind = self._behind(endpoints)
        found = [e for s in self.services.values() for e in ways.of_service(s, behind, nodes, self.cluster)]
        found += [*self._ingresses.entries(behind), *self._routes.entries(behind), *self._gateways.entries(behind, self._fits)]
        found += [e for one, why in self._foreign for e in foreign_ways.entries(one, why, behind, self.cluster)]
        found += self._lost
        found += ways.of_hosts(endpoints, host_ports, nodes, self.cluster)
        return sorted(found, key=lambda e: (e.id, e.kind.value, e.protocol.value, e.port, e.targets))

    def problems(self, endpoints: Sequence[Endpoint]) -> Problems:
        """Services that lead to nobody, and Ingresses and routes to Services or ports that are not there."""
        behind, out = self._behind(endpoints), Problems()
        for one in (s for s in self.services.values() if s.type != "ExternalName"):
            if one.selector and not behind.selected(one):
                wanted = ", ".join(f"{k}={v}" for k, v in one.selector)
                out.say(
                    Severity.WARNING, SELECTS_NOBODY, f"Service {one.label} selects no pod: none in {one.namespace} has {wanted}", one.place,
                    "correct the selector, or remove the Service",
                )  # fmt: skip
            for port in one.ports:
                if missed := behind.missed(one, port):
                    out.say(
                        Severity.WARNING, NO_SUCH_PORT, f"Service {one.label} leads to the port {missed} has one of that name", one.place,
                        "name the port of the container, or write its number" if one.selector else "give both ports the same name",
                    )  # fmt: skip
        for one_, space, name, at, protocol in (*self._ingresses.backends(), *self._gateways.backends()):
            there = self.services.get(f"{space}/{name}")
            if there is None or (not port_of(there, at, protocol) and there.type != "ExternalName"):
                _missing(out, f"Service {space}/{name}" + (f", port {at}" if there else ""), one_.place)
        for one_, what in self._routes.missing(behind):
            _missing(out, what, one_.place)
        self._unattached(out)
        self._refused(out)
        return out

    def _unattached(self, out: Problems) -> None:
        """Routes that get nothing, or nothing to some backend."""
        for route, to in self._gateways.not_granted():
            out.say(
                Severity.WARNING, NO_GRANT, f"{name_of(route.of)} leads to {to.kind} {to.namespace}/{to.name}, and no ReferenceGrant in {to.namespace} lets it",
                route.place, f"write a ReferenceGrant in {to.namespace}, or name a {to.kind} of its own namespace",
            )  # fmt: skip
        for route, gateway in self._gateways.not_attached(self._fits):
            out.say(
                Severity.WARNING, NOT_ATTACHED, f"{name_of(route.of)} is attached to no listener of Gateway {gateway.label}", route.place,
                "a listener takes a route by its kind, a host name that both have, and the namespaces of allowedRoutes",
            )  # fmt: skip

    def _refused(self, out: Problems) -> None:
        """What no API server takes, or no controller."""
        taken: dict[tuple[Protocol, int], Service] = {}
        for one in self.services.values():
            for port in (p for p in one.ports if p.node and one.on_nodes):
                first = taken.setdefault((port.protocol, port.node), one)
                if first is not one:
                    at = f"{port.node}/{port.protocol.name.lower()}"
                    out.say(
                        Severity.WARNING, NODE_PORT_TWICE, f"Service {one.label} asks for the node port {at}, which Service {first.label} has",
                        one.place, "leave `nodePort` out, or write another one",
                    )  # fmt: skip
        for ingress, class_ in self._ingresses.without_class():
            out.say(
                Severity.WARNING, NO_SUCH_CLASS, f"{name_of(ingress.of)} is of IngressClass {class_}, which is not there: no controller takes it",
                ingress.place, "correct `ingressClassName`",
            )  # fmt: skip

    def _fits(self, namespace: str, chosen: Selector) -> bool | None:
        """Whether a selector selects a namespace; of one that was not read only the name is known."""
        known = self._spaces.get(namespace)
        if known is not None:
            return selects(chosen, {_NAME: namespace} | dict(known))
        by_name = tuple(r for r in chosen if r.key == _NAME)
        if not selects(by_name, {_NAME: namespace}):
            return False
        return True if by_name == chosen else None

    def _behind(self, endpoints: Sequence[Endpoint]) -> Behind:
        return Behind(self.services, self._slices, Pods(endpoints))


def _missing(out: Problems, what: str, place: Place) -> None:
    out.say(Severity.WARNING, NO_SUCH_BACKEND, f"this leads to {what}, which is not there", place, "correct the name or the port")
