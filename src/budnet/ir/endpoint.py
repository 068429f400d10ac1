"""What sends and answers: interfaces with addresses, their listeners, and Kubernetes Services in front of them."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from budnet.ir.address import Address, Prefix, Protocol
from budnet.ir.origin import Origin

WIREGUARD = "wireguard"
"""The transport of a listener that answers nobody without a key: not even that it is there."""


class EndpointKind(Enum):
    """What stands behind an interface."""

    __hash__ = object.__hash__  # members are one object each, and Enum's own hash is Python

    POD = "pod"
    HOST = "host"
    LOAD_BALANCER = "load-balancer"
    INTERFACE_ENDPOINT = "interface-endpoint"
    ENDPOINT_SERVICE = "endpoint-service"
    CLIENT_VPN = "client-vpn"
    RESOLVER = "resolver"
    METADATA = "metadata"
    EXTERNAL = "external"


class Listener(Struct, frozen=True):
    """A port that answers. `transport` is `plaintext`, or what protects it: `tls`, `mtls`, `ssh`, `wireguard`."""

    name: str
    protocol: Protocol
    port: int
    transport: str = "plaintext"
    loopback: bool = False
    """Bound to 127.0.0.1 and ::1 only: nobody else gets an answer from it."""
    profile: str = ""
    """The TLS profile that `transport` is written with."""


class HostRoute(Struct, frozen=True):
    """A load balancer's rule: requests for `host` go to `port` of these endpoints."""

    host: str
    backends: tuple[str, ...]
    port: int
    origin: Origin


class Endpoint(Struct, frozen=True):
    """One interface: a pod, a machine, a load balancer, or something outside.

    Pods have addresses of their subnet, as the VPC CNIs of AWS and Azure give them, so security groups and
    NetworkPolicies both see the same address.
    """

    id: str
    """`network/tier/service`, with `-N` behind it where a service has replicas; `internet/NAME` outside."""
    kind: EndpointKind
    service: str
    vpc: str
    subnet: str
    """Empty for what is outside and for what a VPC provides itself."""
    addresses: tuple[Address, ...]
    public: tuple[Address, ...] = ()
    """Public IPv4 addresses that the internet gateway translates to the first IPv4 address."""
    groups: tuple[str, ...] = ()
    cluster: str = ""
    namespace: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    listeners: tuple[Listener, ...] = ()
    software: str = ""
    """The server that a user runs here, such as `postgresql`; empty where it is the platform's own."""
    hosts: tuple[HostRoute, ...] = ()
    origin: Origin = Origin("", 0)
    host_network: bool = False
    """A pod with its node's address: no policy selects it, neither as its subject nor as a peer."""
    any_port: bool = False
    """What listens is not known: every port may answer. `listeners` then only give ports their names."""

    @property
    def filtered(self) -> bool:
        """Whether security groups and ACLs are asked. AWS asks neither for its resolver and its metadata address."""
        return self.kind not in (EndpointKind.RESOLVER, EndpointKind.METADATA, EndpointKind.EXTERNAL)

    @property
    def takes_icmp(self) -> bool:
        """Whether ICMP is for it: hosts must answer an echo request (RFC 1122, 3.2.2.6; RFC 4443, 4.2), and a load balancer
        takes what its groups let in. The doors of endpoint services carry TCP and UDP, and what a VPC gives is no host."""
        return self.kind in (
            EndpointKind.POD,
            EndpointKind.HOST,
            EndpointKind.LOAD_BALANCER,
            EndpointKind.CLIENT_VPN,
            EndpointKind.EXTERNAL,
        )


class Namespace(Struct, frozen=True):
    """A Kubernetes namespace."""

    name: str
    labels: tuple[tuple[str, str], ...]
    known: bool = True
    """Whether these are all of its labels. Of a namespace that only others name nothing is known but its name, which the API
    server makes a label."""


class Cluster(Struct, frozen=True):
    """A Kubernetes cluster inside one VPC."""

    id: str
    vpc: str
    services: tuple[Prefix, ...]
    domain: str
    namespaces: tuple[Namespace, ...]
    origin: Origin


class ServicePort(Struct, frozen=True):
    """`port` on the ClusterIP becomes `target` on the pod."""

    name: str
    protocol: Protocol
    port: int
    target: int


class ClusterService(Struct, frozen=True):
    """A Kubernetes Service: a ClusterIP is translated on the client's node, before its egress policy is asked."""

    id: str
    """`cluster/namespace/name`; of what other clusters export `cluster/clusterset/namespace/name`."""
    cluster: str
    """Of the clients that know it."""
    namespace: str
    name: str
    addresses: tuple[Address, ...]
    """None where it is headless: then its name means the pods themselves."""
    ports: tuple[ServicePort, ...]
    backends: tuple[str, ...]
    origin: Origin
    zone: str = ""
    """Its name ends in `.svc.` and this: the cluster's domain, or the zone that clusters share."""
    headless: bool = False

    @property
    def host(self) -> str:
        """Its name in full."""
        return f"{self.name}.{self.namespace}.svc.{self.zone}"
