"""What a name means to who asks in one view: the answer that DNS owes, and how long it may be kept.

Names of clusters are read here off Services and pods, by the Kubernetes DNS specification 1.1.0 and KEP-1645, and not off
the records that were derived from the file: so what a name server says is compared with a second reading of both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from budnet.ir.endpoint import ClusterService
from budnet.ir.names import CLUSTERSET, PUBLIC_VIEW, TTL, Record
from budnet.ir.network import Network
from budnet.ir.origin import BUILT_IN, Origin

NOERROR, NXDOMAIN, REFUSED = "NOERROR", "NXDOMAIN", "REFUSED"
_INSIDE = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "fc00::/7", "fe80::/10", "::1/128")))  # fmt: skip


class Reply(NamedTuple):
    """`answers`: (owner, kind, data, longest TTL), the chain of CNAMEs among them. Without answers NOERROR means no data."""

    rcode: str
    answers: tuple[tuple[str, str, str, int], ...]
    origin: Origin


class View:
    """One view of the Network's names. Views are `public` and the ids of VPCs."""

    def __init__(self, network: Network, view: str) -> None:
        self.network, self.name = network, view
        self.records: dict[str, list[Record]] = {}
        for record in dict.fromkeys((*self._written(), *self._of_clusters())):
            self.records.setdefault(record.name, []).append(record)
        self.zones = {z.name: z.origin for z in network.zones if z.view == view}
        """What lies in none of them is a zone of its own: of `huggingface.co` a resolver here knows all there is."""
        self.zones |= {name: rows[0].origin for name, rows in self.records.items() if self.zone_of(name) is None}

    def reply(self, name: str, kind: str) -> Reply:
        """Who asks for `name`, in whatever letters (RFC 4343), gets this. Chains are followed through all zones of the view."""
        found: list[Record] = []
        name = name.lower()
        while (alias := self._rows(name, "CNAME")) and kind != "CNAME" and alias[0] not in found:
            found.append(alias[0])
            name = alias[0].data
        found += self._rows(name, kind)
        answers = tuple((r.name, r.kind, r.data, r.ttl) for r in found)
        origin = found[0].origin if found else self.origin(name)
        if found or name in self.records or name in self.between:
            return Reply(NOERROR, answers, origin)
        return Reply(REFUSED if self.zone_of(name) is None else NXDOMAIN, (), origin)

    def _rows(self, name: str, kind: str) -> list[Record]:
        return [r for r in self.records.get(name, ()) if r.kind == kind]

    @cached_property
    def between(self) -> set[str]:
        """Names without records that have names below them, in a zone: they exist (RFC 8020)."""
        found: set[str] = set()
        for name in self.records:
            while (name := name.partition(".")[2]) and self.zone_of(name) is not None:
                found.add(name)
        return found - set(self.records)

    def zone_of(self, name: str) -> str | None:
        """The longest zone that a name lies in."""
        while name and name not in self.zones:
            name = name.partition(".")[2]
        return name or None

    def origin(self, name: str) -> Origin:
        """The line that a name, or the zone around it, comes from."""
        rows = self.records.get(name)
        return rows[0].origin if rows else self.zones.get(self.zone_of(name) or "", BUILT_IN)

    # ---- what the view holds ----------------------------------------------------------------------------------------------

    def _written(self) -> Iterator[Record]:
        """What is not of a cluster; of the public view, nothing that is private."""
        clusters = [c.domain for c in self.network.clusters if c.vpc == self.name]
        ours = [p for v in self.network.vpcs for p in v.prefixes if p.version == 4]
        for record in self.network.records:
            if record.view != self.name or (record.kind != "CNAME" and _of_a_cluster(record.name, clusters)):
                continue
            if (
                self.name != PUBLIC_VIEW
                or record.kind not in ("A", "AAAA")
                or not any(p.version == (a := ip_address(record.data)).version and a in p for p in (*_INSIDE, *ours))
            ):
                yield record

    def _of_clusters(self) -> Iterator[Record]:
        for cluster in (c for c in self.network.clusters if c.vpc == self.name):
            services = [s for s in self.network.services if s.cluster == cluster.id]
            yield Record(self.name, f"dns-version.{cluster.domain}", "TXT", "1.1.0", cluster.origin)
            if any(s.zone == CLUSTERSET for s in services):
                yield Record(self.name, f"dns-version.{CLUSTERSET}", "TXT", "1.0.0", cluster.origin)
            for service in services:
                rows = self._pods(service) if service.headless else self._cluster_address(service)
                yield from (Record(self.name, name, kind, data, service.origin, TTL) for name, kind, data in rows)

    def _cluster_address(self, service: ClusterService) -> Iterable[tuple[str, str, str]]:
        base = f"{service.name}.{service.namespace}.svc.{service.zone}"
        yield from ((base, _KIND[a.version], str(a)) for a in service.addresses)
        yield from ((a.reverse_pointer, "PTR", base) for a in service.addresses)
        yield from ((f"_{p.name}._{p.protocol.name}.{base}".lower(), "SRV", f"0 100 {p.port} {base}") for p in service.ports if p.name)

    def _pods(self, service: ClusterService) -> Iterable[tuple[str, str, str]]:
        base = f"{service.name}.{service.namespace}.svc.{service.zone}"
        pods = [self.network.endpoint[b] for b in service.backends]
        for cluster in dict.fromkeys(p.cluster for p in pods):
            at = f"{cluster}.{base}" if service.zone == CLUSTERSET else base
            for number, pod in enumerate(p for p in pods if p.cluster == cluster):
                for address in pod.addresses:
                    label = f"{service.name}-{number}" if pod.service == service.name else re.sub("[.:]", "-", str(address))
                    own = f"{label}.{at}"
                    yield from ((name, _KIND[address.version], str(address)) for name in (base, own))
                    srv = (
                        (f"_{p.name}._{p.protocol.name}.{base}".lower(), "SRV", f"0 100 {p.target} {own}") for p in service.ports if p.name
                    )
                    yield from srv
                    if pod.service == service.name and service.zone != CLUSTERSET:
                        yield address.reverse_pointer, "PTR", own


_KIND = {4: "A", 6: "AAAA"}


def _of_a_cluster(name: str, domains: list[str]) -> bool:
    ends = (".in-addr.arpa", ".ip6.arpa", *(f".svc.{d}" for d in (*domains, CLUSTERSET)))
    return name.endswith(ends) or name in {f"dns-version.{d}" for d in (*domains, CLUSTERSET)}
