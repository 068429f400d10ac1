"""Ways into a cluster that are not modelled: kinds by which other makers let the outside in, and ways that could not be read.

Each becomes an entry of which it is not known where it leads, beside the Services that it names. Kinds that are made by a list
of their makers' own are in `_KINDS`; what else has the look of one in a group that is not Kubernetes' own is taken for one: who asks
what is exposed must not be told of less than there is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from budnet.ir.address import Protocol
from budnet.ir.entry import Entry, EntryKind
from budnet.observe.kubernetes.behind import Behind
from budnet.observe.kubernetes.fields import Object, Place, Written

_KINDS: Mapping[str, tuple[str, ...]] = {
    "appmesh.k8s.aws": ("GatewayRoute", "VirtualGateway"),
    "apisix.apache.org": ("ApisixRoute",),
    "cis.f5.com": ("VirtualServer", "TransportServer", "IngressLink"),
    "configuration.konghq.com": ("TCPIngress", "UDPIngress"),
    "consul.hashicorp.com": ("IngressGateway",),
    "contour.heptio.com": ("IngressRoute",),
    "elbv2.k8s.aws": ("TargetGroupBinding",),
    "gateway.networking.k8s.io": ("ListenerSet",),
    "gateway.networking.x-k8s.io": ("XListenerSet",),
    "gateway.solo.io": ("Gateway", "VirtualService", "RouteTable"),
    "getambassador.io": ("Mapping", "TCPMapping"),
    "ingress.k8s.ngrok.com": ("Tunnel", "HTTPSEdge", "TCPEdge", "TLSEdge"),
    "k8s.nginx.org": ("VirtualServer", "VirtualServerRoute", "TransportServer"),
    "kuma.io": ("MeshGateway", "MeshGatewayRoute"),
    "multicluster.x-k8s.io": ("ServiceExport",),
    "net.gke.io": ("ServiceExport",),
    "networking.cfargotunnel.com": ("TunnelBinding",),
    "networking.gke.io": ("MultiClusterIngress", "MultiClusterService", "ServiceAttachment"),
    "networking.internal.knative.dev": ("Ingress",),
    "networking.istio.io": ("Gateway", "VirtualService"),
    "ngrok.k8s.ngrok.com": ("AgentEndpoint",),
    "projectcontour.io": ("HTTPProxy",),
    "serving.knative.dev": ("Service", "Route", "DomainMapping"),
    "skupper.io": ("Connector",),
    "stunner.l7mp.io": ("UDPRoute",),
    "tailscale.com": ("Connector",),
    "traefik.containo.us": ("IngressRoute", "IngressRouteTCP", "IngressRouteUDP"),
    "traefik.io": ("IngressRoute", "IngressRouteTCP", "IngressRouteUDP"),
    "voyager.appscode.com": ("Ingress",),
    "x.getambassador.io": ("AmbassadorMapping", "AmbassadorTCPMapping"),
    "zalando.org": ("RouteGroup",),
}
"""By group, as each maker's CustomResourceDefinitions have them; from memory."""
_LOOKS = re.compile(
    r"(?!\w*(Egress|N[Aa][Tt]))\w*(Ingress(Route(TCP|UDP)?)?|HTTPProxy|VirtualServ(er|ice)|Gateway|(HTTP|GRPC|TLS|TCP|UDP)Route)"
)
_OTHERWISE = re.compile(r"(.+\.)?(k8s\.io|upbound\.io|crossplane\.io|services\.k8s\.aws|cnrm\.cloud\.google\.com|azure\.com)")
"""Groups whose kinds are called alike and are none: Kubernetes' own, and those by which clouds are ordered."""
_INSIDE = {("policy.linkerd.io", "HTTPRoute"), ("kuma.io", "MeshHTTPRoute"), ("kuma.io", "MeshTCPRoute")}
"""Within a mesh."""
_SERVICE = re.compile(r"(?:\w+://)?([a-z0-9-]+)(?:\.([a-z0-9-]+)(?:\.svc(?:\.[a-z0-9.-]+)?)?)?(?::\d+)?(?:/.*)?")
"""How Services are named: by themselves, with their namespace, as a host name, in a URL."""
_SLASHED = re.compile(r"([a-z0-9-]+)/([a-z0-9-]+)(?::\d+)?")


def groups() -> set[str]:
    """The API groups that are known to have such kinds."""
    return set(_KINDS)


def is_foreign_way(group: str, kind: str) -> bool:
    """Whether objects of a kind let the outside in, in a way that is not modelled."""
    if kind in _KINDS.get(group, ()):
        return True
    plain = not group or "." not in group or _OTHERWISE.fullmatch(group) or (group, kind) in _INSIDE
    return not plain and _LOOKS.fullmatch(kind) is not None


def looks_like_one(kind: str) -> bool:
    """The same, where the group is not known."""
    return any(kind in kinds for kinds in _KINDS.values()) or _LOOKS.fullmatch(kind) is not None


def leads_in(of: Object, kind: str) -> bool:
    """Whether this one is such a way: a VirtualService of Istio is also for those inside alone, and by default."""
    spec = of.get("spec")
    gateways = spec.get("gateways") if isinstance(spec, dict) else None
    istio = kind == "VirtualService" and str(of.get("apiVersion")).startswith("networking.istio.io/")
    return not istio or (bool(gateways) and gateways != ["mesh"])


def entries(one: Written, why: str, behind: Behind, cluster: str) -> Iterator[Entry]:
    """An object of which is only known which Services it names, once for each protocol."""
    found: dict[Protocol, dict[tuple[str, int], None]] = {Protocol.TCP: {}}
    named = sorted(_named(one.of, one.namespace) & behind.services.keys())
    for label in named:
        service = behind.services[label]
        for port in service.ports:
            found.setdefault(port.protocol, {}).update(
                dict.fromkeys(behind.service(service.namespace, service.name, port.port, port.protocol).pods)
            )
    told = f"; it names {', '.join(f'Service {label}' for label in named)}" if named else ""
    for protocol, pods in found.items():
        unseen = (why,) if protocol is Protocol.TCP else ()
        yield Entry(
            f"{one.of['kind']} {one.label}", EntryKind.OTHER, cluster, protocol, 0, tuple(pods), None, f"{why}{told}", one.place.origin,
            unseen=unseen,
        )  # fmt: skip


def lost(what: str, why: str, place: Place, cluster: str) -> Entry:
    """In place of ways in of which nothing is known."""
    return Entry(what, EntryKind.OTHER, cluster, Protocol.TCP, 0, (), None, why, place.origin, unseen=(why,))


def _named(of: Object, namespace: str) -> set[str]:
    """What could be Services, as `namespace/name`, among all texts of an object but its metadata."""
    found: set[str] = set()
    left: list[object] = [value for key, value in of.items() if key not in ("metadata", "kind", "apiVersion")]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left += value.values()
        elif isinstance(value, list):
            left += value
        elif isinstance(value, str):
            if plain := _SERVICE.fullmatch(value):
                found.add(f"{plain[2] or namespace}/{plain[1]}")
            if slashed := _SLASHED.fullmatch(value):
                found.add(f"{slashed[1]}/{slashed[2]}")
    return found
