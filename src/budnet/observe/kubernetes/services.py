"""Services as ways into a cluster: node ports, load balancers, external IPs.

The API: https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/; which load balancers are internal
each cloud says by annotations of its own (`controllers.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from budnet.ir.address import EVERYWHERE, Address, Prefix, Protocol
from budnet.ir.endpoint import Endpoint
from budnet.ir.entry import Entry, EntryKind
from budnet.observe.kubernetes.controllers import AWS_INTERNAL, AWS_SCHEME, AWS_TYPE, INTERNAL_CLASSES, INTERNAL_SERVICE
from budnet.observe.kubernetes.fields import Object, Place, Wrong, labels, mapping, mappings, number, sequence, text
from budnet.observe.kubernetes.policies import PROTOCOLS, prefix

_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"
_TYPES = ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName")


@dataclass(frozen=True, slots=True)
class Port:
    """A port of a Service. `target` is a number, or the name that each pod gives a port of its own."""

    name: str
    protocol: Protocol
    port: int
    target: int | str
    node: int


@dataclass(frozen=True, slots=True)
class Service:
    """A Service as it is written."""

    name: str
    namespace: str
    type: str
    selector: tuple[tuple[str, str], ...]
    ports: tuple[Port, ...]
    sources: tuple[Prefix, ...]
    external: tuple[Address, ...]
    given: tuple[str, ...]
    """What its load balancer got: addresses or host names."""
    internal: str
    """Why its load balancer is internal; empty where nothing says so."""
    local: bool
    """`externalTrafficPolicy: Local`: pods see the client's address."""
    place: Place

    @property
    def label(self) -> str:
        """`namespace/name`."""
        return f"{self.namespace}/{self.name}"


def service(of: Object, name: str, namespace: str, place: Place) -> Service:
    """One Service."""
    spec, notes = mapping(of, "spec"), dict(labels(mapping(of, "metadata"), "annotations", "metadata."))
    kind = text(spec, "type", "spec.", "ClusterIP")
    if kind not in _TYPES:
        raise Wrong("spec.type", f"'{kind}' is no type of Service", f"write one of {', '.join(_TYPES)}")
    written = sequence(spec, "loadBalancerSourceRanges", "spec.") or [r.strip() for r in notes.get(_RANGES, "").split(",") if r.strip()]
    ranges = tuple(prefix(each, f"spec.loadBalancerSourceRanges[{i}]") for i, each in enumerate(written))
    status = mapping(mapping(of, "status"), "loadBalancer", "status.")
    given = tuple(str(g.get("ip") or g.get("hostname")) for g in mappings(status, "ingress", "status.loadBalancer."))
    return Service(
        name, namespace, kind, labels(spec, "selector", "spec."),
        tuple(_port(p, f"spec.ports[{i}].") for i, p in enumerate(mappings(spec, "ports", "spec."))), ranges or EVERYWHERE,
        tuple(_address(each, f"spec.externalIPs[{i}]") for i, each in enumerate(sequence(spec, "externalIPs", "spec."))),
        given, _internal(spec, notes), spec.get("externalTrafficPolicy") == "Local", place,
    )  # fmt: skip


def _internal(spec: Object, notes: dict[str, str]) -> str:
    for key, words in INTERNAL_SERVICE.items():
        if notes.get(key, "").lower() in words:
            return f"{key}: {notes[key]}"
    class_ = str(spec.get("loadBalancerClass", ""))
    if class_ in INTERNAL_CLASSES:
        return f"loadBalancerClass: {class_}"
    by_controller = notes.get(AWS_TYPE, "").lower() in ("external", "nlb-ip") or class_ == "service.k8s.aws/nlb"
    if notes.get(AWS_INTERNAL, "false").lower() not in ("", "false") and AWS_SCHEME not in notes:
        return f"{AWS_INTERNAL}: {notes[AWS_INTERNAL]}"
    if by_controller and notes.get(AWS_SCHEME, "").lower() != "internet-facing":
        return "the AWS Load Balancer Controller makes internal load balancers where no scheme is written"
    return ""


def _port(of: Object, where: str) -> Port:
    word = text(of, "protocol", where, "TCP")
    if word not in PROTOCOLS:
        raise Wrong(f"{where}protocol", f"'{word}' is no protocol", f"write one of {', '.join(PROTOCOLS)}")
    at = number(of, "port", 1, 65535, where)
    if at is None:
        raise Wrong(f"{where}port", "'port' is missing")
    target = of.get("targetPort")
    if target is None:
        target = at
    elif not isinstance(target, str):
        target = number(of, "targetPort", 1, 65535, where) or at
    return Port(text(of, "name", where, ""), PROTOCOLS[word], at, target, number(of, "nodePort", 0, 65535, where) or 0)


def _address(written: object, where: str) -> Address:
    try:
        return ip_address(str(written))
    except ValueError:
        raise Wrong(where, f"{written!r} is no address") from None


def public(shown: str) -> bool | None:
    """Whether an address is one of the internet; None for a host name, which may stand for either."""
    try:
        return ip_address(shown).is_global
    except ValueError:
        return None


def slices(of: Object, namespace: str) -> tuple[str, list[str]]:
    """(Service, what it has behind it) of an EndpointSlice or an Endpoints object: `namespace/pod[Pod]`, or addresses."""
    meta = mapping(of, "metadata")
    name = dict(labels(meta, where="metadata.")).get("kubernetes.io/service-name") or str(meta.get("name"))
    found = []
    for i, each in enumerate(mappings(of, "endpoints")):
        target = mapping(each, "targetRef", f"endpoints[{i}].")
        if target.get("kind") == "Pod":
            found.append(f"{target.get('namespace', namespace)}/{target.get('name')}[Pod]")
        else:
            found += [str(a) for a in sequence(each, "addresses", f"endpoints[{i}].")]
    for i, subset in enumerate(mappings(of, "subsets")):
        found += [str(a.get("ip")) for a in mappings(subset, "addresses", f"subsets[{i}].")]
    return f"{namespace}/{name}", found


class Pods:
    """Endpoints of one cluster, by what Services look for."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self.by_id = {e.id: e for e in endpoints}
        self._by_address = {str(a): e for e in endpoints for a in e.addresses if not e.host_network}
        self._by_label: dict[tuple[str, str, str], list[Endpoint]] = {}
        for e in endpoints:
            for key, value in e.labels:
                self._by_label.setdefault((e.namespace, key, value), []).append(e)
        self._spaces = sorted({e.namespace for e in endpoints})

    def selected(self, namespace: str, selector: tuple[tuple[str, str], ...]) -> list[Endpoint]:
        """Those that have all labels; a Service without a selector selects nobody."""
        if not selector:
            return []
        sets = [self._by_label.get((namespace, key, value), []) for key, value in selector]
        least = min(sets, key=len)
        wanted = set(selector)
        return [e for e in least if wanted <= set(e.labels)]

    def anywhere(self, selector: tuple[tuple[str, str], ...]) -> list[Endpoint]:
        """The same, in every namespace."""
        return [e for space in self._spaces for e in self.selected(space, selector)]

    def named(self, what: str) -> Endpoint | None:
        """By id, or by address."""
        return self.by_id.get(what) or self._by_address.get(what)


def targets(port: Port, behind: Sequence[Endpoint]) -> tuple[tuple[str, int], ...]:
    """Where a Service's port leads; a name means what each pod calls so, and pods without it are left out."""
    if isinstance(port.target, int):
        return tuple((e.id, port.target) for e in behind)
    return tuple((e.id, x.port) for e in behind for x in e.listeners if x.name == port.target and x.protocol is port.protocol)


@dataclass(frozen=True, slots=True)
class Nodes:
    """The addresses of nodes, as far as it is known."""

    external: tuple[str, ...]
    known: bool
    """Whether there were nodes in what was read, all of them with addresses."""

    def public(self) -> tuple[bool | None, str]:
        """Whether ports of nodes are reachable from the internet, and why."""
        if self.external:
            return True, "nodes have public addresses"
        if not self.known:
            return None, "whether nodes have public addresses is not known: there are no nodes in what was read, or some without addresses"
        return False, "nodes have no public addresses"


def entries(one: Service, behind: Sequence[Endpoint], nodes: Nodes, cluster: str) -> Iterator[Entry]:
    """The ways in that a Service makes. A load balancer's node port is one as well."""
    name = f"Service {one.label}"
    balanced = one.type == "LoadBalancer"
    for port in one.ports:
        leads = targets(port, behind)
        if balanced:
            known = [p for p in map(public, one.given) if p is not None]
            open_, why = (not one.internal, one.internal or "a load balancer is public unless an annotation says otherwise")
            if known:
                open_, why = any(known), "its address is public" if any(known) else "its address is private"
            yield Entry(
                name, EntryKind.LOAD_BALANCER, cluster, port.protocol, port.port, leads, open_, why, one.place.origin, one.sources,
                one.given, keeps_source=one.local,
            )  # fmt: skip
        if one.type == "NodePort" or (balanced and port.node):
            yield Entry(
                name, EntryKind.NODE_PORT, cluster, port.protocol, port.node, leads, *nodes.public(), one.place.origin,
                shown=nodes.external, keeps_source=one.local,
            )  # fmt: skip
        if one.external and one.type != "ExternalName":
            open_ = any(a.is_global for a in one.external)
            why = f"external IPs are {'public' if open_ else 'private'}"
            shown = tuple(map(str, one.external))
            yield Entry(
                name, EntryKind.EXTERNAL_IP, cluster, port.protocol, port.port, leads, open_, why, one.place.origin, shown=shown,
                keeps_source=one.local,
            )  # fmt: skip
