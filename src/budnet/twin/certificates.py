"""The certificates of a twin: who presents what, signed by whom, and what has to be ordered once it is up.

Rows of an ACME issuer are ordered while the twin comes up (`orders.py`); until then, and where that cannot be, the internal CA
stands in. Nothing here touches the kernel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from budnet.ir.address import Match, Protocol
from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.links import Front
from budnet.ir.names import Certificate as Row
from budnet.ir.network import Network
from budnet.pki import acme
from budnet.pki.authority import Authority
from budnet.pki.expiry import lifetime
from budnet.pki.issuer import Leaf, Template
from budnet.pki.keys import PrivateKey, kind_of
from budnet.pki.plan import ACME_ISSUERS, LINKS, Presented, presented, scope
from budnet.pki.store import ACME, CLIENTS, FILES, INTERNAL, Issued, Vault
from budnet.records import replace
from budnet.twin.process import Process
from budnet.twin.servers import Certificate, hostport, pebble
from budnet.twin.tools import Missing, Tools

NAME_SERVER = "internet/name-server"
LINK_LIFETIME = timedelta(days=30)
VAULT, EVERYONE, PUBLIC, INTERNAL_ROOTS, CLIENT = "pki/vault.json", "ca.pem", "pki/public.pem", "pki/internal.pem", "tls/client.pem"
"""Files in the twin's directory: the authority with its keys; what careful clients trust; roots of the modelled internet; ours;
where a server asks for one, a client certificate with its key."""


@dataclass(frozen=True, slots=True)
class Order:
    """A certificate to order when the twin is up."""

    row: str
    origin: str
    request: acme.Request
    client: str
    """The namespace that asks: of an endpoint that an egress row lets reach the directory."""
    server: str
    """The namespace where the ACME server runs."""
    name_server: str
    """The namespace where the TXT record is put; empty for http-01."""
    balancers: tuple[tuple[str, str], ...]
    """(process, file of its certificate) to be switched."""
    on_the_way: tuple[tuple[str, str, int], ...] = ()
    """(namespace, protocol, port) that must listen before: the filter that reads names on the way out."""


class Certificates:
    """Made once for a twin; hands out what each server presents, and remembers it."""

    def __init__(self, network: Network, tools: Tools) -> None:
        self.network, self.tools = network, tools
        self.vault = Vault({INTERNAL: Authority(network.name)})
        self.web = Authority("modelled internet")
        self.account = acme.account()
        self._made: dict[str, tuple[Certificate, ...]] = {}
        self.stand_ins: dict[str, str] = {}
        """Row, and why the internal CA signs for it."""
        self._orders = {row.id: order for row in network.certificates if (order := self._order(row))}

    # ---- what servers ask for -------------------------------------------------------------------------------------------

    def of(self, endpoint: Endpoint) -> tuple[Certificate, ...]:
        """What an endpoint presents: none without a TLS port. The same however often it is asked."""
        if endpoint.id not in self._made:
            self._made[endpoint.id] = tuple(self._make(endpoint))
        return self._made[endpoint.id]

    def behind(self, process: str, endpoints: Sequence[str]) -> None:
        """One HAProxy presents these endpoints' certificates, in this order, one file each."""
        for one in self.vault.issued:
            if one.server in endpoints:
                files = tuple(f"{n}.pem" for n, e in enumerate(endpoints) if e == one.server)
                one.process, one.software, one.files = process, "haproxy", files

    def front(self, front: Front, key: PrivateKey) -> Certificate:
        """What a front that ends TLS presents; its key is that of its link."""
        origin, kind = str(front.origin), kind_of(key)
        one = Issued(
            front.near,
            "front",
            0,
            front.near,
            ("0.pem",),
            front.ports[0],
            LINKS,
            (front.name,),
            kind,
            LINK_LIFETIME.total_seconds(),
            INTERNAL,
            origin,
        )
        self.vault.issued.append(one)
        leaf = self.vault.authority.issuer(LINKS).issue(one.template(), key)
        return Certificate(leaf.chain, leaf.key)

    def client(self) -> bytes:
        """A certificate and key that servers which ask for one let in: the prober's, and that of every load."""
        seconds = lifetime("internal-ca", 0).total_seconds()
        one = Issued(CLIENT, CLIENTS, 0, "", (), 0, CLIENTS, ("prober",), "ec-p256", seconds, INTERNAL, "")
        self.vault.issued.append(one)
        leaf = self.vault.authority.issuer(CLIENTS).issue(one.template())
        return leaf.chain + leaf.key

    def thumbprint(self, endpoint: Endpoint) -> str:
        """Of the account whose HTTP-01 challenges this load balancer answers; empty where there are none."""
        wanted = any(
            self._orders[p.layer].request.challenge == acme.HTTP for p in presented(self.network, endpoint) if p.layer in self._orders
        )
        return acme.thumbprint(self.account) if wanted else ""

    def forward(self) -> list[tuple[str, str]]:
        """Zones that the public name server leaves to the one for challenges."""
        hosts = {n.removeprefix("*.") for o in self._orders.values() if o.name_server for n in o.request.names}
        return [(f"_acme-challenge.{h}", f"127.0.0.1#{pebble.CHALLENGES}") for h in sorted(hosts)]

    def processes(self) -> Iterator[Process]:
        """ACME servers, and the name server for their challenges."""
        for order in {o.server: o for o in self._orders.values()}.values():
            host, port = order.server.removeprefix("internet/"), urlsplit(order.request.directory).port or 443
            leaf = self.web.issuer("web").issue(Template([host], timedelta(days=90), "ec-p256"))
            row = next(r for r in self.network.certificates if r.id == order.row)
            yield pebble.server(
                self.tools, name=order.server, namespace=order.server, certificate=Certificate(leaf.chain, leaf.key), port=port,
                resolver=hostport(str(self.network.endpoint[NAME_SERVER].addresses[0]), 53), lifetime=lifetime(row.issuer, row.lifetime),
            )  # fmt: skip
        if any(o.name_server for o in self._orders.values()):
            yield pebble.challenges(self.tools, name=f"{NAME_SERVER}/challenges", namespace=NAME_SERVER)

    def files(self) -> tuple[tuple[str, bytes, int], ...]:
        """For the twin's directory; to be asked last."""
        ours, web = self.vault.authority.root, self.web.root
        return ((VAULT, self.vault.text(), 0o600), (EVERYONE, ours + web, 0o644), (INTERNAL_ROOTS, ours, 0o644), (PUBLIC, web, 0o644))

    @property
    def orders(self) -> tuple[Order, ...]:
        """Those of which a server of ours presents something; to be asked after `of`."""
        presenting = {
            o.row: tuple((i.process, f) for i in self.vault.issued if i.layer == o.row for f in i.files) for o in self._orders.values()
        }
        return tuple(replace(o, balancers=presenting[o.row]) for o in self._orders.values() if presenting[o.row])

    # ---- making ---------------------------------------------------------------------------------------------------------

    def _make(self, endpoint: Endpoint) -> Iterator[Certificate]:
        port = next((x.port for x in endpoint.listeners if x.transport == "tls"), 0)
        for number, one in enumerate(presented(self.network, endpoint)):
            leaf, signed = self._leaf(one)
            seconds = one.lifetime.total_seconds()
            files = (f"{number}.pem",) if endpoint.software == "haproxy" else ("server.crt", "server.key")
            self.vault.issued.append(
                Issued(endpoint.id, endpoint.software, number, endpoint.id, files, port, one.layer, one.names, one.key, seconds, signed, str(one.origin))
            )  # fmt: skip
            yield Certificate(leaf.chain, leaf.key)

    def _leaf(self, one: Presented) -> tuple[Leaf, str]:
        row = next((r for r in self.network.certificates if r.id == one.layer), None)
        if row and row.files:
            chain, key = (Path(f).read_bytes() for f in row.files)
            return Leaf(chain, key), FILES
        issuer = self.vault.authority.issuer(one.layer, scope(self.network, one.layer))
        signed = ACME if one.layer in self._orders else INTERNAL
        return issuer.issue(Template(one.names, one.lifetime, one.key)), signed

    def _order(self, row: Row) -> Order | None:
        """How a row of an ACME issuer is ordered in this twin; None and a note where it cannot be."""
        if row.issuer not in ACME_ISSUERS or not any(p.layer == row.id for e in self._balancers() for p in presented(self.network, e)):
            return None
        try:
            return self._plan(row)
        except (_Cannot, Missing) as reason:
            self.stand_ins[row.id] = f"certificate '{row.id}' ({row.origin}) is signed by the internal CA: {reason}"
        return None

    def _plan(self, row: Row) -> Order:
        where = urlsplit(row.directory)
        host, port = str(where.hostname), where.port or 443
        if row.challenge not in (acme.DNS, acme.HTTP):
            raise _Cannot(f"the twin answers dns-01 and http-01, not {row.challenge}")
        server = f"internet/{host}"
        source = next(
            (
                s
                for f in self.network.egress_filters
                for r in f.rules
                if host in {n.name for n in r.names} and _passes(r.match, port)
                for s in r.sources
            ),
            None,
        )
        if server not in self.network.endpoint or source is None:
            raise _Cannot(
                f"no egress row lets anything reach {host} on {port}/tcp; add one, such as `acme: {{from: cert-manager, to: {host}, port: {port}/tcp}}`"
            )
        self.tools.need("pebble")
        if row.challenge == acme.DNS:
            self.tools.need("pebble-challtestsrv")
            self.tools.need("dnsmasq")
        directory = f"https://{host}:{port}{pebble.PATH}" if port != 443 else f"https://{host}{pebble.PATH}"
        key = next(p.key for e in self._balancers() for p in presented(self.network, e) if p.layer == row.id)
        request = acme.Request(directory, row.names, row.challenge, self.account, key, Path(PUBLIC), pace=0.01, patience=10)
        name_server = NAME_SERVER if row.challenge == acme.DNS else ""
        return Order(row.id, str(row.origin), request, source, server, name_server, ())

    def _balancers(self) -> list[Endpoint]:
        return [e for e in self.network.endpoints if e.kind is EndpointKind.LOAD_BALANCER and e.software == "haproxy"]


class _Cannot(Exception):
    """Why a certificate cannot be ordered in this twin."""


def _passes(match: Match, port: int) -> bool:
    return match.ports.first <= port <= match.ports.last and match.protocol in (None, Protocol.TCP)
