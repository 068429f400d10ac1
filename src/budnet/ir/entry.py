"""Ways into a cluster from outside of it: what a load balancer, a node's port, an Ingress or a Gateway hands on to pods."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from budnet.ir.address import EVERYWHERE, Prefix, Protocol
from budnet.ir.origin import Origin


class EntryKind(Enum):
    """What takes the connection."""

    LOAD_BALANCER = "load balancer"
    NODE_PORT = "node port"
    EXTERNAL_IP = "external IP"
    HOST_PORT = "host port"
    HOST_NETWORK = "host network"
    INGRESS = "ingress"
    ROUTE = "route"
    GATEWAY = "gateway"
    OTHER = "not modelled"


class Entry(Struct, frozen=True):
    """One port that something outside the pods' network takes connections at, and where it hands them on to."""

    id: str
    """Kind, namespace and name of the object that makes it: `Service shop/web`, `Ingress shop/web`, `Pod shop/web`."""
    kind: EntryKind
    cluster: str
    protocol: Protocol
    port: int
    """0 where it is chosen later, or is any."""
    targets: tuple[tuple[str, int], ...]
    """(endpoint id, its port); port 0 is any."""
    public: bool | None
    """Whether it has an address that the internet reaches; None where that cannot be known from what was read."""
    why: str
    """What `public` was read off."""
    origin: Origin
    sources: tuple[Prefix, ...] = EVERYWHERE
    """Whom it takes connections from."""
    shown: tuple[str, ...] = ()
    """Its addresses or host names, as far as they are known."""
    through: tuple[str, ...] = ()
    """Of an Ingress, a Route or a Gateway: the pods that take connections for it, where they are known."""
    keeps_source: bool = False
    """Whether pods see the client's address; where not, they may see a node's."""
    beyond: tuple[tuple[str, int], ...] = ()
    """(address or name, port) that it leads to and that is nobody's who was read: outside of the cluster."""
    unseen: tuple[str, ...] = ()
    """Why it is not known who else it leads to."""
