"""What the rules look at: the topology as written, and what its names mean.

A file may still have errors when it is looked at: nothing here fails on a name that nobody has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from budnet.ir.address import PORTED, Match, Prefix
from budnet.model.flow import Flow
from budnet.model.network import Network, Subnet
from budnet.model.service import Service
from budnet.model.topology import Topology
from budnet.model.trust import Certificate, TlsProfile
from budnet.model.values import Pool, read_match
from budnet.source.document import Document

_MESH = "mesh/dapr"
_SIDECAR = read_match("50002/tcp")
"""Where sidecars listen for each other."""


@dataclass(frozen=True)
class Edge:
    """One service that may call one port of another, by the flow it comes from."""

    flow: int
    source: str
    """A service, `internet`, or a set of addresses."""
    target: str
    port: str
    """A port's name or number as written; `mesh` between sidecars."""
    match: Match | None
    transport: str
    """`plaintext`, `ssh`, `mtls`, or the name of a TLS profile."""


@dataclass(frozen=True)
class Design:
    """A file, decoded and not yet resolved."""

    document: Document
    topology: Topology

    def service(self, name: str) -> Service | None:
        """A service by name."""
        return self.topology.services.get(name)

    def services(self, names: Iterable[str]) -> list[str]:
        """The services behind names of services, groups and the mesh; what is none of these is left out."""
        found: dict[str, None] = {}
        seen: set[str] = set()
        waiting = list(reversed(list(names)))
        while waiting:
            name = waiting.pop()
            if name in self.topology.services:
                found[name] = None
            elif name == _MESH:
                found.update(dict.fromkeys(self.mesh))
            elif name in self.topology.groups and name not in seen:
                seen.add(name)
                waiting += reversed(self.topology.groups[name])
        return list(found)

    @cached_property
    def mesh(self) -> list[str]:
        """Services with a sidecar."""
        return [name for name, service in self.topology.services.items() if service.mesh]

    def has_sidecar(self, service: str) -> bool:
        """Whether a service is in the mesh."""
        found = self.service(service)
        return found is not None and found.mesh is not None

    def networks_of(self, service: str) -> set[str]:
        """The networks that a service is placed in."""
        found = self.service(service)
        return {tier.partition("/")[0] for tier in found.subnet} if found else set()

    def tiers_of(self, service: str) -> set[str]:
        """The subnets that a service is placed in."""
        found = self.service(service)
        return set(found.subnet) if found else set()

    def subnet(self, tier: str) -> Subnet | None:
        """A subnet by NETWORK/SUBNET."""
        network, _, name = tier.partition("/")
        found = self.topology.networks.get(network)
        return found.subnets.get(name) if found else None

    def is_pod(self, service: str) -> bool:
        """Whether a service runs as pods."""
        found = self.service(service)
        return found is not None and bool(found.namespace)

    def is_balancer(self, service: str) -> bool:
        """Whether a service is a load balancer."""
        found = self.service(service)
        return found is not None and found.kind == "load-balancer"

    def transport(self, service: str, port: str) -> str:
        """What protects a port by name: `plaintext`, `ssh`, or a TLS profile's name."""
        owner = self.topology.services[service]
        own = owner.ports[port].tls if port in owner.ports else None
        tls = own or owner.tls
        return "plaintext" if tls in (None, "none") else str(tls)

    def profiles_of(self, service: str) -> dict[str, TlsProfile]:
        """The TLS profiles that a service's ports have."""
        names = {self.transport(service, port) for port in self.topology.services[service].ports}
        return {name: self.topology.tls[name] for name in sorted(names) if name in self.topology.tls}

    def users_of(self, profile: str) -> list[str]:
        """The services with a port under a TLS profile."""
        return [name for name in self.topology.services if profile in self.profiles_of(name)]

    def certificates_of(self, service: str) -> dict[str, Certificate]:
        """The certificates that a service presents: those that are for it, and at a load balancer those with public names."""
        hosts = [host for host, at in self.hosts.items() if at == service]
        return {
            name: row
            for name, row in self.topology.certificates.items()
            if service in self.services(row.for_) or any(covers(n, h) for n in row.names for h in hosts)
        }

    @cached_property
    def hosts(self) -> dict[str, str]:
        """The load balancer behind every external name, by the whole name."""
        return {f"{label}.{self.topology.domain}": name.at for label, name in self.topology.names.external.items() if name.at}

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """Every flow, spelt out by source, target and port."""
        return tuple(edge for i, flow in enumerate(self.topology.flows) for edge in self._edges(i, flow))

    def _edges(self, i: int, flow: Flow) -> Iterator[Edge]:
        outside = [name for name in flow.from_ if name == "internet" or name in self.topology.addresses]
        for target in self.services(flow.to):
            for source in (*outside, *self.services(flow.from_)):
                if flow.via:
                    yield Edge(i, source, target, "mesh", None, "mtls")
                for port in flow.all_ports:
                    listener = self.topology.services[target].ports.get(port)
                    match = listener.port if listener else read_match(port)
                    known = match if isinstance(match, Match) else None
                    if known is not None and known.protocol not in PORTED:
                        continue  # nothing is said in a ping that could be protected
                    sidecar = self.has_sidecar(target) and known == _SIDECAR
                    transport = "mtls" if sidecar else self.transport(target, self._name(target, port, known))
                    yield Edge(i, source, target, port, known, transport)

    def _name(self, service: str, port: str, match: Match | None) -> str:
        """A port's name, also where the flow has its number."""
        named = (name for name, listener in self.topology.services[service].ports.items() if listener.port == match)
        return port if port in self.topology.services[service].ports else next(named, port)

    def crosses(self, edge: Edge) -> bool:
        """Whether both ends are ours and in different subnets."""
        return bool(self.tiers_of(edge.source)) and not self.tiers_of(edge.source) & self.tiers_of(edge.target)

    def waived(self, service: str) -> bool:
        """Whether a guarantee lets it be spoken to in clear."""
        rows = (g.encrypted.waive for g in self.topology.guarantees if g.encrypted)
        return any(service in self.services(waive) or self.tiers_of(service) & set(waive) or "any" in waive for waive in rows)

    def is_written(self, *path: str | int) -> bool:
        """Whether the file says this, and not the language's default."""
        return path in self.document.spans

    @cached_property
    def ranges(self) -> list[tuple[str, int, Prefix]]:
        """Every range of every network, and the pool that a fleet's ranges come from: (network, index, prefix)."""
        written = ((name, i, p) for name, network in self.topology.networks.items() for i, p in enumerate(network.cidr))
        ranges = ((name, i, p.pool if isinstance(p, Pool) else p) for name, i, p in written)
        return [(name, i, p) for name, i, p in ranges if p is not None]

    def service_ranges(self, network: str) -> list[tuple[int, Prefix]]:
        """The service ranges of a cluster that are written as ranges: (index, prefix)."""
        cluster = self.topology.networks[network].cluster
        return [(i, p) for i, p in enumerate(cluster.services if cluster else ()) if not isinstance(p, Pool)]

    @cached_property
    def clusters(self) -> dict[str, Network]:
        """Networks with a cluster."""
        return {name: network for name, network in self.topology.networks.items() if network.cluster}


def covers(name: str, host: str) -> bool:
    """Whether a certificate's name is good for a host: a wildcard stands for exactly one label (RFC 6125, section 6.4.3)."""
    return name == host or name == f"*.{host.partition('.')[2]}"


def overlap(one: Prefix, other: Prefix) -> bool:
    """Whether two ranges have an address in common."""
    return one.version == other.version and one.overlaps(other)
