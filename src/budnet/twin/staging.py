"""Which real server runs where: for every endpoint whose software is on this machine, a Process; ours for the rest."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from budnet.ir.address import Protocol
from budnet.ir.digest import digests
from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.network import Network
from budnet.pki.ssh import SshKey, ssh_key
from budnet.records import replace
from budnet.twin import client_vpn, fronts, mesh, outside, resolvers, secure, sni, tunnels, vpn
from budnet.twin.certificates import CLIENT, NAME_SERVER, Certificates, Order
from budnet.twin.mesh import Mesh
from budnet.twin.nameserver import Zone
from budnet.twin.plan import TwinPlan, Watched
from budnet.twin.process import Process
from budnet.twin.servers import Certificate, chrony, haproxy, openssh, postgresql, prometheus, redis, registry, tls_ports
from budnet.twin.tools import Missing, Tools
from budnet.twin.tunnels import End


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
    watched: tuple[Watched, ...] = ()
    """The ends whose routes follow their tunnels."""
    orders: tuple[Order, ...] = ()
    """Certificates to order when it is up."""
    notes: tuple[str, ...] = ()
    """What is otherwise than the file says, and why."""
    stand_ins: tuple[str, ...] = ()
    """Rows of the certificate table that the internal CA signs although another issuer is written."""
    mesh: Mesh = Mesh()
    made_of: tuple[tuple[str, str], ...] = ()
    """The digests of its Network."""

    @cached_property
    def digest(self) -> str:
        """The same for the same network and sidecars: tells whether the twin that is up is this one."""
        return hashlib.sha256(repr((self.made_of, self.mesh.about)).encode()).hexdigest()


def stage(network: Network, plan: TwinPlan, tools: Tools, sidecars: str = mesh.KINDS[0]) -> Stage:
    """Pure but for new keys. `sidecars` is one of `mesh.KINDS`."""
    return _Stage(network, tools).build(plan, sidecars)


class _Stage:
    def __init__(self, network: Network, tools: Tools) -> None:
        self.network, self.tools = network, tools
        self.certificates = Certificates(network, tools)
        self.admin: SshKey = ssh_key("admin")
        self.host: SshKey = ssh_key("host")
        self.missing: dict[str, None] = {}
        self.zones: dict[str, Zone] = {}

    @property
    def root(self) -> bytes:
        """Of the internal CA."""
        return self.certificates.vault.authority.root

    def build(self, plan: TwinPlan, sidecars: str) -> Stage:
        processes = [p for e in self.network.endpoints if (p := self.process(e)) is not None]
        links, ends = fronts.stage(self.network, self.tools, self.certificates), self.tunnels(processes)
        processes += links.processes
        self.missing |= dict.fromkeys(links.missing)
        processes += self.certificates.processes()
        plan = self.egress(plan, processes)
        meshed = mesh.stage(self.network, self.tools, sidecars)
        meshed.enter(self.certificates.vault)
        processes += meshed.processes
        self.missing |= dict.fromkeys(meshed.missing)
        processes += self.tls_ports(_taken(processes))
        taken = _taken(processes)
        own = tuple(x for x in plan.listeners if (x.endpoint, x.protocol.name.lower(), x.port) not in taken)
        shown = [(CLIENT, self.certificates.client(), 0o600)] if secure.ask_clients(self.network) else []
        files = (
            *self.certificates.files(),
            ("ssh/id_ed25519", self.admin.private, 0o600),
            ("ssh/config", self.ssh_config(), 0o644),
            *shown,
            *meshed.files,
        )
        resolv = tuple((e.id, resolvers.resolv_conf(self.network, e)) for e in self.network.endpoints)
        certificates = self.certificates
        return Stage(
            replace(plan, listeners=own), tuple(processes), tuple(self.missing), (*files, *links.files), tuple(self.zones.items()), resolv,
            tuple(ends), self.watched(plan, ends), _behind(certificates.orders, processes), tuple(certificates.stand_ins.values()), tuple(certificates.stand_ins), meshed,
            tuple(digests(self.network).items()),
        )  # fmt: skip

    def tunnels(self, processes: list[Process]) -> list[tunnels.End]:
        """Of every VPN; adds their daemons."""
        ends: list[tunnels.End] = []
        sites = [partial(tunnels.stage, self.network, v, self.tools) for v in self.network.vpns]
        people = [partial(client_vpn.stage, self.network, v, self.tools) for v in self.network.client_vpns]
        for staged in (*sites, *people):
            try:
                made, two = staged()
            except Missing as absent:
                self.missing[absent.program] = None
                continue
            processes += made
            ends += two
        return ends

    def watched(self, plan: TwinPlan, ends: Sequence[End]) -> tuple[Watched, ...]:
        """Of the tunnels whose software is here."""
        here = {e.tunnel for e in ends}
        return tuple(w for w in vpn.watched(self.network, plan) if w.tunnel in here)

    def tls_ports(self, taken: secure.Taken) -> list[Process]:
        """Ports that are written with TLS and have no software of their own."""
        doors = secure.doors(self.network, taken, self.certificate)
        try:
            made = [tls_ports.tls_ports(self.tools, doors, self.root)] if doors else []
            self.certificates.behind(tls_ports.NAME, [d.endpoint for d in doors])
            return made
        except Missing as absent:
            self.missing[absent.program] = None
            return []

    def egress(self, plan: TwinPlan, processes: list[Process]) -> TwinPlan:
        """Hosts outside that speak TLS, and the filter that reads what is said to them."""
        try:
            guarded, filters = sni.guard(self.network, plan, self.tools)
            processes += [*filters, *outside.hosts(self.network, self.tools, self.certificates.web, _taken(processes))]
        except Missing as absent:
            self.missing[f"{absent.program} (names in TLS are not read on the way out)"] = None
            return plan
        return guarded

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
        if endpoint.kind is EndpointKind.RESOLVER or endpoint.id == NAME_SERVER:
            return lambda e: resolvers.process(self.tools, self.network, e, self.certificates.forward())
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
            backends = [(str(_reachable(endpoint, fronts.door(self.network, endpoint.vpc, pod))), route.port) for pod in pods]
            routes.append((route.host, backends))
            if any(x.profile and x.port == route.port for pod in pods for x in pod.listeners):
                over_tls |= set(backends)
        return haproxy.load_balancer(
            self.tools, name=endpoint.id, namespace=endpoint.id, certificates=self.certificates.of(endpoint), thumbprint=self.certificates.thumbprint(endpoint),
            routes=routes, https=https or 443, http=clear, tls=secure.setting(self.network, endpoint), clients=self.root,
            secure=over_tls, roots=self.root,
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
            certificate=self.certificate(endpoint),
            tls=secure.setting(self.network, endpoint),
            clients=self.root,
        )

    def redis(self, endpoint: Endpoint) -> Process:
        return redis.server(
            self.tools,
            name=endpoint.id,
            namespace=endpoint.id,
            port=_first(endpoint),
            certificate=self.certificate(endpoint),
            tls=secure.setting(self.network, endpoint),
            clients=self.root,
        )

    def chrony(self, endpoint: Endpoint) -> Process:
        return chrony.server(self.tools, name=endpoint.id, namespace=endpoint.id, port=_first(endpoint))

    def registry(self, endpoint: Endpoint) -> Process:
        return registry.server(
            self.tools,
            name=endpoint.id,
            namespace=endpoint.id,
            port=_first(endpoint),
            certificate=self.certificate(endpoint),
            tls=secure.setting(self.network, endpoint),
            clients=self.root,
        )

    def prometheus(self, endpoint: Endpoint) -> Process | None:
        if any(x.profile for x in endpoint.listeners):
            return None  # it is run without TLS here: a port that is written with it is the front's
        return prometheus.server(self.tools, name=endpoint.id, namespace=endpoint.id, port=_first(endpoint))

    # ---- certificates and keys ------------------------------------------------------------------------------------------

    def certificate(self, endpoint: Endpoint) -> Certificate | None:
        """For a server whose port is written with TLS; others have none."""
        return next(iter(self.certificates.of(endpoint)), None)

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


def _behind(orders: Sequence[Order], processes: Sequence[Process]) -> tuple[Order, ...]:
    """Orders that wait for the filter on their way out."""
    doors = tuple(at for p in processes if p.name == sni.NAME for at in p.elsewhere)
    return tuple(replace(o, on_the_way=doors) for o in orders)


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
