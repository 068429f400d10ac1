"""The ways in that Services and pods make by themselves: load balancers, ports of nodes, external IPs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_address

from msgspec import Struct

from budnet.ir.address import EVERYWHERE, Prefix, Protocol
from budnet.ir.endpoint import Endpoint
from budnet.ir.entry import Entry, EntryKind
from budnet.observe.kubernetes.behind import Behind, Leads
from budnet.observe.kubernetes.services import Port, Service
from budnet.observe.kubernetes.workloads import HostPort


def public(shown: str) -> bool | None:
    """Whether an address is one of the internet; None for a host name, which may stand for either."""
    try:
        return ip_address(shown).is_global
    except ValueError:
        return None


def publicity(shown: Iterable[str], internal: str, what: str, perhaps: str = "") -> tuple[bool | None, str]:
    """(whether the internet reaches something with these addresses, why); without addresses it does, unless something says otherwise.
    `perhaps`: why it may be internal, and that is not known."""
    known = [p for p in map(public, shown) if p is not None]
    if known:
        return any(known), f"its address is {'public' if any(known) else 'private'}"
    if perhaps and not internal:
        return None, perhaps
    return not internal, internal or f"{what} is public unless something says otherwise"


class Nodes(Struct, frozen=True):
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


def of_service(one: Service, behind: Behind, nodes: Nodes, cluster: str) -> Iterator[Entry]:
    """The ways in that a Service makes. A load balancer's node port is one as well, and its source ranges do not guard that."""
    if one.type == "ExternalName":
        return
    for port in one.ports:
        leads = behind.leads(one, port)
        if one.type == "LoadBalancer":
            open_, why = publicity(one.given, one.internal, "a load balancer", one.perhaps)
            yield _entry(one, EntryKind.LOAD_BALANCER, cluster, port, port.port, leads, open_, why, one.given, one.sources)
        if one.on_nodes:
            yield _entry(one, EntryKind.NODE_PORT, cluster, port, port.node, leads, *nodes.public(), nodes.external)
        if one.external:
            open_ = any(a.is_global for a in one.external)
            why = f"external IPs are {'public' if open_ else 'private'}"
            yield _entry(one, EntryKind.EXTERNAL_IP, cluster, port, port.port, leads, open_, why, tuple(map(str, one.external)))


def _entry(
    one: Service, kind: EntryKind, cluster: str, port: Port, at: int, leads: Leads, open_: bool | None, why: str, shown: tuple[str, ...],
    sources: tuple[Prefix, ...] = EVERYWHERE,
) -> Entry:  # fmt: skip
    return Entry(
        f"Service {one.label}", kind, cluster, port.protocol, at, leads.pods, open_, why, one.place.origin, sources, shown,
        keeps_source=one.local, beyond=leads.beyond, unseen=leads.unseen,
    )  # fmt: skip


def of_hosts(endpoints: Sequence[Endpoint], host_ports: Mapping[str, list[HostPort]], nodes: Nodes, cluster: str) -> Iterator[Entry]:
    """Ports of nodes that pods take for themselves: `hostPort`, and all of a pod with `hostNetwork`: any, where it declares none, as
    not to declare a port keeps nothing from listening there
    (https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#Container)."""
    for e in endpoints:
        name = f"Pod {e.id.partition('[')[0]}"
        if e.host_network:
            listed = [(x.protocol, x.port, x.port, "") for x in e.listeners] or [(p, 0, 0, "") for p in (Protocol.TCP, Protocol.UDP)]
            kind = EntryKind.HOST_NETWORK
        else:
            listed = list(host_ports.get(e.id, ()))
            kind = EntryKind.HOST_PORT
        for protocol, port, target, at in listed:
            (open_, why), sources = nodes.public(), EVERYWHERE
            if at and at not in ("0.0.0.0", "::"):
                open_, why = public(at), f"it is taken at {at} only"
                sources = () if open_ is False and ip_address(at).is_loopback else EVERYWHERE
            yield Entry(
                name, kind, cluster, protocol, port, ((e.id, target),), open_, why, e.origin, sources, nodes.external, keeps_source=True
            )
