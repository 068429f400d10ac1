"""Which real server runs where: for every endpoint whose software is on this machine, a Process; ours for the rest."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property

from budnet.ir.address import Protocol
from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.network import Network
from budnet.pki import keys
from budnet.pki.authority import Authority
from budnet.pki.issuer import Template
from budnet.pki.ssh import SshKey, ssh_key
from budnet.twin import fronts, resolvers, secure, tunnels
from budnet.twin.nameserver import Zone
from budnet.twin.plan import TwinPlan
from budnet.twin.process import Process
from budnet.twin.servers import Certificate, chrony, haproxy, openssh, postgresql, prometheus, redis, registry, tls_ports
from budnet.twin.tools import Missing, Tools

CLIENT = "tls/client.pem"
"""Below the twin's directory: a client certificate with its key, where a server asks for one."""


@dataclass(frozen=True)
class Stage:
    """The plan without the listeners that real servers take over, those servers, and what could not be had."""

    plan: TwinPlan
    processes: tuple[Process, ...]
    missing: tuple[str, ...]
    files: tuple[tuple[str, bytes, int], ...]
    """(path below the twin's directory, content, mode): what clients in the twin need."""
    zones: tuple[tuple[str, Zone], ...] = ()
    """What our own name servers know, by endpoint, where dnsmasq is missing."""
    resolv: tuple[tuple[str, str], ...] = ()
    """What stands in /etc/resolv.conf, by endpoint."""
    tunnels: tuple[tunnels.End, ...] = ()
    """Both ends of every tunnel."""

    @cached_property
    def digest(self) -> str:
        """The same for the same network: tells whether the twin that is up is this one."""
        return hashlib.sha256(repr((self.plan.spaces, self.plan.wires)).encode()).hexdigest()


def stage(network: Network, plan: TwinPlan, tools: Tools) -> Stage:
    """Pure but for new keys."""
    return _Stage(network, tools).build(plan)


class _Stage:
    def __init__(self, network: Network, tools: Tools) -> None:
        self.network, self.tools = network, tools
        self.authority = Authority(network.name)
        self.admin: SshKey = ssh_key("admin")
        self.host: SshKey = ssh_key("host")
        self.missing: dict[str, None] = {}
        self.zones: dict[str, Zone] = {}
        self.keys: dict[str, keys.PrivateKey] = {}

    def build(self, plan: TwinPlan) -> Stage:
        processes = [p for e in self.network.endpoints if (p := self.process(e)) is not None]
        links, ends = fronts.stage(self.network, self.tools, self.authority), self.tunnels(processes)
        processes += links.processes
        self.missing |= dict.fromkeys(links.missing)
        processes += self.tls_ports(_taken(processes))
        taken = _taken(processes)
        own = tuple(x for x in plan.listeners if (x.endpoint, x.protocol.name.lower(), x.port) not in taken)
        files = (
            ("ca.pem", self.authority.root, 0o644),
            ("ssh/id_ed25519", self.admin.private, 0o600),
            ("ssh/config", self.ssh_config(), 0o644),
            *([(CLIENT, self.client(), 0o600)] if secure.ask_clients(self.network) else ()),
        )
        resolv = tuple((e.id, resolvers.resolv_conf(self.network, e)) for e in self.network.endpoints)
        return Stage(replace(plan, listeners=own), tuple(processes), tuple(self.missing), (*files, *links.files), tuple(self.zones.items()), resolv,
                     tuple(ends))  # fmt: skip

    def tunnels(self, processes: list[Process]) -> list[tunnels.End]:
        """Of every VPN; adds their daemons."""
        ends: list[tunnels.End] = []
        for connection in self.network.vpns:
            try:
                made, two = tunnels.stage(self.network, connection, self.tools)
            except Missing as absent:
                self.missing[absent.program] = None
                continue
            processes += made
            ends += two
        return ends

    def tls_ports(self, taken: secure.Taken) -> list[Process]:
        """Ports that are written with TLS and have no software of their own."""
        doors = secure.doors(self.network, taken, self.server_certificate)
        try:
            return [tls_ports.tls_ports(self.tools, doors, self.authority.root)] if doors else []
        except Missing as absent:
            self.missing[absent.program] = None
            return []

    def process(self, endpoint: Endpoint) -> Process | None:
        recipe = self.recipe(endpoint)
        if recipe is None or not endpoint.addresses:
            return None
        try:
            return recipe(endpoint)
        except Missing as absent:
            self.missing[absent.program] = None
            if absent.program == "dnsmasq":
                self.zones[endpoint.id] = resolvers.zone(self.network, endpoint)
            return None

    def recipe(self, endpoint: Endpoint) -> Callable[[Endpoint], Process | None] | None:
        if endpoint.kind is EndpointKind.RESOLVER or endpoint.id == "internet/name-server":
            return lambda e: resolvers.process(self.tools, self.network, e)
        recipes: dict[str, Callable[[Endpoint], Process | None]] = {
            "haproxy": self.load_balancer, "openssh": self.ssh, "postgresql": self.postgresql, "redis": self.redis,
            "chrony": self.chrony, "registry": self.registry, "prometheus": self.prometheus,
        }  # fmt: skip
        return recipes.get(endpoint.software)

    # ---- one method a server --------------------------------------------------------------------------------------------

    def load_balancer(self, endpoint: Endpoint) -> Process:
        https = _port(endpoint, "tls")
        clear = _port(endpoint, "plaintext")
        routes, over_tls = [], set()
        for route in endpoint.hosts:
            pods = [self.network.endpoint[b] for b in route.backends]
            backends = [(str(_reachable(endpoint, pod)), route.port) for pod in pods]
            routes.append((route.host, backends))
            if any(x.profile and x.port == route.port for pod in pods for x in pod.listeners):
                over_tls |= set(backends)
        names = [h.host for h in endpoint.hosts] or [r.name for r in self.network.records if r.data in map(str, endpoint.addresses)]
        return haproxy.load_balancer(
            self.tools, name=endpoint.id, namespace=endpoint.id, certificates=(self.certificate(_covering(self.network, names) or [endpoint.service], secure.kind_of_key(self.network, endpoint)),),
            routes=routes, https=https or 443, http=clear, tls=secure.setting(self.network, endpoint), clients=self.authority.root,
            secure=over_tls, roots=self.authority.root,
        )  # fmt: skip

    def ssh(self, endpoint: Endpoint) -> Process:
        common = {"name": endpoint.id, "namespace": endpoint.id, "host_key": self.host.private, "authorized_keys": [self.admin.public]}
        port = _port(endpoint, "ssh") or 22
        if endpoint.public:
            behind = [
                (str(a), _port(e, "ssh") or 22)
                for e in self.network.endpoints
                if e.software == "openssh" and e is not endpoint
                for a in e.addresses
            ]
            return openssh.bastion(self.tools, **common, permit_open=behind, port=port)  # type: ignore[arg-type]
        return openssh.target(self.tools, **common, port=port)  # type: ignore[arg-type]

    def postgresql(self, endpoint: Endpoint) -> Process:
        return postgresql.server(
            self.tools,
            name=endpoint.id,
            namespace=endpoint.id,
            port=_first(endpoint),
            certificate=self.server_certificate(endpoint),
            tls=secure.setting(self.network, endpoint),
            clients=self.authority.root,
        )

    def redis(self, endpoint: Endpoint) -> Process:
        return redis.server(
            self.tools,
            name=endpoint.id,
            namespace=endpoint.id,
            port=_first(endpoint),
            certificate=self.server_certificate(endpoint),
            tls=secure.setting(self.network, endpoint),
            clients=self.authority.root,
        )

    def chrony(self, endpoint: Endpoint) -> Process:
        return chrony.server(self.tools, name=endpoint.id, namespace=endpoint.id, port=_first(endpoint))

    def registry(self, endpoint: Endpoint) -> Process:
        return registry.server(
            self.tools,
            name=endpoint.id,
            namespace=endpoint.id,
            port=_first(endpoint),
            certificate=self.server_certificate(endpoint),
            tls=secure.setting(self.network, endpoint),
            clients=self.authority.root,
        )

    def prometheus(self, endpoint: Endpoint) -> Process | None:
        if any(x.profile for x in endpoint.listeners):
            return None  # it is run without TLS here: a port that is written with it is the front's
        return prometheus.server(self.tools, name=endpoint.id, namespace=endpoint.id, port=_first(endpoint))

    # ---- certificates and keys ------------------------------------------------------------------------------------------

    def certificate(self, names: list[str], kind: str = "rsa-2048") -> Certificate:
        # RSA keys take long to make: on this one machine all leaves share one
        if kind.startswith("rsa") and kind not in self.keys:
            self.keys[kind] = keys.generate(kind)
        leaf = self.authority.issuer("internal").issue(Template(names, timedelta(days=90), kind), self.keys.get(kind))
        return Certificate(leaf.chain, leaf.key)

    def client(self) -> bytes:
        """A certificate and key that servers which ask for one let in: the prober's."""
        leaf = self.authority.issuer("clients").issue(Template(["prober"], timedelta(days=90), server=False, client=True))
        return leaf.chain + leaf.key

    def server_certificate(self, endpoint: Endpoint) -> Certificate | None:
        """For a server whose port is written with TLS: every form of its Service's name, and its addresses."""
        if not any(x.transport == "tls" for x in endpoint.listeners):
            return None
        names: list[str] = []
        for service in self.network.services:
            if endpoint.id in service.backends:
                base = f"{service.name}.{service.namespace}"
                names += [service.name, base, f"{base}.svc", service.host]
        return self.certificate([*dict.fromkeys(names), *map(str, endpoint.addresses)], secure.kind_of_key(self.network, endpoint))

    def ssh_config(self) -> bytes:
        """A client configuration: `ssh -F /run/budnet/ssh/config NODE` goes through the bastion."""
        bastion = next((e for e in self.network.endpoints if e.software == "openssh" and e.public), None)
        lines = [
            "Host *",
            " IdentityFile /run/budnet/ssh/id_ed25519",
            " StrictHostKeyChecking no",
            " UserKnownHostsFile /dev/null",
            " LogLevel ERROR",
        ]
        for endpoint in (e for e in self.network.endpoints if e.software == "openssh" and bastion is not None):
            jump = bastion is not None and endpoint is not bastion
            name = endpoint.id.rpartition("/")[2]
            address = endpoint.addresses[0] if jump else endpoint.public[0]
            lines += [f"Host {name}", f" HostName {address}", f" User {'admin' if jump else 'bastion'}"]
            lines += [f" ProxyJump {bastion.id.rpartition('/')[2]}"] if jump and bastion else []
        return "\n".join([*lines, ""]).encode()


def _taken(processes: Sequence[Process]) -> set[tuple[str, str, int]]:
    return {(p.namespace, *at) for p in processes for at in p.listens} | {at for p in processes for at in p.elsewhere}


def _port(endpoint: Endpoint, transport: str) -> int | None:
    return next((x.port for x in endpoint.listeners if x.transport == transport and x.protocol is Protocol.TCP), None)


def _first(endpoint: Endpoint) -> int:
    return endpoint.listeners[0].port


def _reachable(source: Endpoint, target: Endpoint) -> object:
    """The target's address of a family that the source has, too."""
    families = {a.version for a in source.addresses}
    return next((a for a in target.addresses if a.version in families), target.addresses[0])


def _covering(network: Network, names: list[str]) -> list[str]:
    """The names of the certificate rows that cover these; the names themselves where no row does."""
    rows = [n for c in network.certificates for n in c.names if n.startswith("*.")]
    wanted = [w for w in rows if any(n.partition(".")[2] == w[2:] for n in names)]
    return list(dict.fromkeys([*wanted, *(n for n in names if f"*.{n.partition('.')[2]}" not in wanted)]))
