"""Everything that lets the outside in, put together when all objects are known: Services, Ingresses, Gateways, host ports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from budnet.ir.address import Protocol
from budnet.ir.endpoint import Endpoint
from budnet.ir.entry import Entry, EntryKind
from budnet.observe.kubernetes import openshift, services
from budnet.observe.kubernetes.fields import Object, Place, Problems
from budnet.observe.kubernetes.gateways import ROUTES, Fits, Gateways
from budnet.observe.kubernetes.services import Nodes, Pods, Port, Service
from budnet.observe.kubernetes.workloads import HostPort
from budnet.source.diagnostic import Severity

SELECTS_NOBODY, NO_SUCH_BACKEND, NO_SUCH_PORT = "K201", "K202", "K203"
_KINDS = {
    ("", "Service"), ("", "Endpoints"), ("discovery.k8s.io", "EndpointSlice"), ("networking.k8s.io", "Ingress"),
    ("networking.k8s.io", "IngressClass"), ("route.openshift.io", "Route"), ("gateway.networking.k8s.io", "Gateway"), ("gateway.networking.k8s.io", "ReferenceGrant"),
    *(("gateway.networking.k8s.io", kind) for kind in ROUTES),
}  # fmt: skip


class Entrances:
    """Collects them. `entries` says where they lead; `problems` what in them leads nowhere."""

    def __init__(self, cluster: str) -> None:
        self.cluster = cluster
        self.services: dict[str, Service] = {}
        self._slices: dict[str, list[str]] = {}
        self._gateways = Gateways(cluster)
        self._routes: list[openshift.Route] = []
        self._external: list[str] = []
        self._nodes: list[bool] = []

    @staticmethod
    def knows(group: str, kind: str) -> bool:
        """Whether `read` takes this kind."""
        return (group, kind) in _KINDS

    def read(self, kind: str, of: Object, name: str, namespace: str, place: Place) -> None:
        """One object."""
        if kind == "Service":
            self.services[f"{namespace}/{name}"] = services.service(of, name, namespace, place)
        elif kind in ("EndpointSlice", "Endpoints"):
            service, behind = services.slices(of, namespace)
            self._slices.setdefault(service, []).extend(behind)
        elif kind == "Route":
            self._routes.append(openshift.route(of, name, namespace, place))
        else:
            self._gateways.read(kind, of, name, namespace, place)

    def node(self, addresses: Mapping[str, bool]) -> None:
        """A node, with its addresses and whether each is called an ExternalIP. An InternalIP that the internet routes is as public
        as one; of a node without addresses nobody knows whether it has any."""
        self._nodes.append(bool(addresses))
        self._external += [a for a, external in addresses.items() if external or services.public(a)]

    def entries(self, endpoints: Sequence[Endpoint], host_ports: dict[str, list[HostPort]], fits: Fits) -> list[Entry]:
        """All of them, in a stable order."""
        pods, nodes = (
            Pods(endpoints if self.services else ()),
            Nodes(tuple(sorted(set(self._external))), bool(self._nodes) and all(self._nodes)),
        )
        found = [e for s in self.services.values() for e in services.entries(s, self._behind(s, pods), nodes, self.cluster)]
        found += self._gateways.entries(pods, lambda space, name, port: self._targets(pods, space, name, port), fits)
        found += [openshift.entry(r, self.cluster, pods, lambda *port: self._endpoints(pods, *port)) for r in self._routes]
        found += _of_hosts(endpoints, host_ports, nodes, self.cluster)
        return sorted(found, key=lambda e: (e.id, e.kind.value, e.protocol.value, e.port, e.targets))

    def problems(self, endpoints: Sequence[Endpoint]) -> Problems:
        """Services that lead to nobody, and Ingresses and routes to Services or ports that are not there."""
        pods, out = Pods(endpoints), Problems()
        for one in self.services.values():
            behind = self._behind(one, pods)
            if one.selector and not behind:
                wanted = ", ".join(f"{k}={v}" for k, v in one.selector)
                out.say(
                    Severity.WARNING, SELECTS_NOBODY, f"Service {one.label} selects no pod: none in {one.namespace} has {wanted}", one.place,
                    "correct the selector, or remove the Service",
                )  # fmt: skip
            for port in one.ports if behind else ():
                if isinstance(port.target, str) and not services.targets(port, behind):
                    out.say(
                        Severity.WARNING, NO_SUCH_PORT, f"Service {one.label} leads to the port '{port.target}', and none of its pods has one of that name",
                        one.place, "name the port of the container, or write its number",
                    )  # fmt: skip
        for space, name, at, place in self._missing(pods):
            what = f"Service {space}/{name}" + (f", port {at}" if f"{space}/{name}" in self.services else "")
            out.say(Severity.WARNING, NO_SUCH_BACKEND, f"this leads to {what}, which is not there", place, "correct the name or the port")
        return out

    def _missing(self, pods: Pods) -> Iterator[tuple[str, str, int | str, Place]]:
        """(namespace, Service, port, where it is written) of what Ingresses and routes lead to, and what is not there."""
        for backend in self._gateways.backends():
            one = self.services.get(f"{backend[0]}/{backend[1]}")
            if one is None or not _port_of(one, backend[2]):
                yield backend
        for space, name, at, place in openshift.backends(self._routes):
            one = self.services.get(f"{space}/{name}")
            if one is None or (self._behind(one, pods) and not self._endpoints(pods, space, name, at)):
                yield space, name, at, place

    def _behind(self, one: Service, pods: Pods) -> list[Endpoint]:
        if one.type == "ExternalName":
            return []
        if one.selector:
            return pods.selected(one.namespace, one.selector)
        found = (pods.named(each) for each in dict.fromkeys(self._slices.get(one.label, ())))
        return [e for e in found if e is not None]

    def _targets(self, pods: Pods, namespace: str, name: str, at: int | str) -> tuple[tuple[str, int], ...]:
        one = self.services.get(f"{namespace}/{name}")
        port = _port_of(one, at) if one else None
        return services.targets(port, self._behind(one, pods)) if one and port else ()

    def _endpoints(self, pods: Pods, namespace: str, name: str, at: str) -> tuple[tuple[str, int], ...]:
        """Of a Service the endpoints over TCP whose port has a name, which is the Service's for it, or a number; all of them without."""
        one = self.services.get(f"{namespace}/{name}")
        ports = [p for p in one.ports if p.protocol is Protocol.TCP] if one else []
        found = ((p, t) for p in ports for t in services.targets(p, self._behind(one, pods))) if one else ()
        return tuple(t for p, t in found if at in ("", p.name, str(t[1])))


def _port_of(one: Service, at: int | str) -> Port | None:
    return next((p for p in one.ports if at in (p.port, p.name)), None)


def _of_hosts(endpoints: Sequence[Endpoint], host_ports: dict[str, list[HostPort]], nodes: Nodes, cluster: str) -> Iterator[Entry]:
    """Ports of nodes that pods take for themselves: `hostPort`, and all of a pod with `hostNetwork`."""
    for e in endpoints:
        name = f"Pod {e.id.partition('[')[0]}"
        if e.host_network:
            listed = [(x.protocol, x.port, x.port, "") for x in e.listeners]
            kind = EntryKind.HOST_NETWORK
        else:
            listed = list(host_ports.get(e.id, ()))
            kind = EntryKind.HOST_PORT
        for protocol, port, target, at in listed:
            open_, why = nodes.public()
            if at and at not in ("0.0.0.0", "::"):
                open_, why = bool(services.public(at)), f"it is taken at {at} only"
            yield Entry(
                name, kind, cluster, protocol, port, ((e.id, target),), open_, why, e.origin, shown=nodes.external, keeps_source=True
            )
