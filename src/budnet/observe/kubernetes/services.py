"""Services as they are written. Where they lead is in `behind.py`, which ways into the cluster they make in `ways.py`.

The API: https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/; which load balancers are internal
each cloud says by annotations of its own (`controllers.py`).
"""

from __future__ import annotations

from ipaddress import ip_address

from msgspec import Struct

from budnet.ir.address import EVERYWHERE, Address, Prefix, Protocol
from budnet.observe.kubernetes.controllers import (
    AWS_INTERNAL,
    AWS_SCHEME,
    AWS_TYPE,
    INTERNAL_CLASSES,
    INTERNAL_SERVICE,
    INTERNAL_SUBNET,
    INTERNAL_WORDS,
    PERHAPS_INTERNAL,
)
from budnet.observe.kubernetes.fields import Object, Place, Wrong, labels, mapping, mappings, number, sequence, text
from budnet.observe.kubernetes.policies import prefix, protocol_of

_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"
_TYPES = ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName")


class Port(Struct, frozen=True):
    """A port of a Service. `target` is a number, or the name that each pod gives a port of its own."""

    name: str
    protocol: Protocol
    port: int
    target: int | str
    node: int


class Service(Struct, frozen=True):
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
    perhaps: str
    """Why it may be; empty where nothing says so."""
    local: bool
    """`externalTrafficPolicy: Local`: pods see the client's address."""
    on_nodes: bool
    """Whether nodes take its connections as well: `allocateLoadBalancerNodePorts` is true unless it is written."""
    host: str
    """Of an ExternalName the name that it stands for."""
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
        given, _internal(spec, notes), _perhaps(spec, notes), spec.get("externalTrafficPolicy") == "Local",
        kind == "NodePort" or (kind == "LoadBalancer" and _allocated(spec)), text(spec, "externalName", "spec.", ""), place,
    )  # fmt: skip


def _allocated(spec: Object) -> bool:
    """Whether a load balancer has node ports, or gets them as soon as it is made: an API server that has made it has also given it
    a `clusterIP`."""
    written = any(p.get("nodePort") for p in mappings(spec, "ports", "spec."))
    return written or (spec.get("allocateLoadBalancerNodePorts") is not False and not spec.get("clusterIP"))


def _internal(spec: Object, notes: dict[str, str]) -> str:
    for key, words in INTERNAL_SERVICE.items():
        if notes.get(key, "").lower() in words:
            return f"{key}: {notes[key]}"
    if INTERNAL_SUBNET in notes:
        return f"{INTERNAL_SUBNET}: {notes[INTERNAL_SUBNET]}"
    class_ = str(spec.get("loadBalancerClass", ""))
    if class_ in INTERNAL_CLASSES:
        return f"loadBalancerClass: {class_}"
    by_controller = notes.get(AWS_TYPE, "").lower() in ("external", "nlb-ip") or class_ == "service.k8s.aws/nlb"
    if notes.get(AWS_INTERNAL, "false").lower() not in ("", "false") and AWS_SCHEME not in notes:
        return f"{AWS_INTERNAL}: {notes[AWS_INTERNAL]}"
    if by_controller and notes.get(AWS_SCHEME, "").lower() != "internet-facing":
        return "the AWS Load Balancer Controller makes internal load balancers where no scheme is written"
    return ""


def _perhaps(spec: Object, notes: dict[str, str]) -> str:
    wanted = text(spec, "loadBalancerIP", "spec.", "")
    if wanted and not _address(wanted, "spec.loadBalancerIP").is_global:
        return f"loadBalancerIP asks for {wanted}, a private address, and not every cloud heeds it"
    for key, value in notes.items():
        known = key in (AWS_INTERNAL, AWS_TYPE, *INTERNAL_SERVICE) or value.lower() in ("", "0", "no", "false")
        if not known and PERHAPS_INTERNAL.search(key) and INTERNAL_WORDS.search(f"{key} {value}"):
            return f"{key}: {value} is not known, and may make it internal"
    return ""


def _port(of: Object, where: str) -> Port:
    at = number(of, "port", 1, 65535, where)
    if at is None:
        raise Wrong(f"{where}port", "'port' is missing")
    target = of.get("targetPort")
    if target is None:
        target = at
    elif not isinstance(target, str):
        target = number(of, "targetPort", 1, 65535, where) or at
    return Port(text(of, "name", where, ""), protocol_of(of, where), at, target, number(of, "nodePort", 0, 65535, where) or 0)


def _address(written: object, where: str) -> Address:
    try:
        return ip_address(str(written))
    except ValueError:
        raise Wrong(where, f"{written!r} is no address") from None
