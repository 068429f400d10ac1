"""Which front runs where, with which certificates and keys, and what clients in the twin need to pass."""

from __future__ import annotations

from dataclasses import dataclass, field
from secrets import token_urlsafe

from budnet.ir.endpoint import Endpoint
from budnet.ir.links import Front
from budnet.ir.network import Network
from budnet.pki.issuer import Issuer, Template
from budnet.pki.keys import PrivateKey, generate
from budnet.tls.enforce import DEFAULT, HAPROXY, enforce
from budnet.twin.certificates import LINK_LIFETIME, Certificates
from budnet.twin.process import Process
from budnet.twin.servers.front import Door, front
from budnet.twin.tools import Missing, Tools


@dataclass(frozen=True, slots=True)
class _Opens:
    """What opens the fronts of one link: a certificate by `clients`, who signs for nobody else, or `key`; and their own key."""

    clients: Issuer
    key: str
    own: PrivateKey


@dataclass
class Staged:
    """The processes of all fronts; (path below the twin's directory, content, mode) of what clients show."""

    processes: list[Process] = field(default_factory=list)
    files: list[tuple[str, bytes, int]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def door(network: Network, vpc: str, target: Endpoint) -> Endpoint:
    """What a server of ours in a VPC connects to, to get at a target: its interface endpoint, where there is one."""
    found = next((f for f in network.fronts if f.consumer == vpc and target.id in f.targets and not f.auth), None)
    return network.endpoint[found.near] if found else target


def stage(network: Network, tools: Tools, certificates: Certificates) -> Staged:
    """Every front of a Network; keys and client certificates are new, one set a link."""
    out = Staged()
    doors: dict[str, _Opens] = {}
    for number, each in enumerate(network.fronts):
        if each.auth and each.link not in doors:
            doors[each.link] = _credentials(network, each, out)
        try:
            if each.accepted:
                out.processes.append(_process(network, tools, certificates, number, each, doors.get(each.link)))
        except Missing as absent:
            out.missing.append(absent.program)
    return out


def _credentials(network: Network, each: Front, out: Staged) -> _Opens:
    """What opens the doors of a link, and what looks like it and does not."""
    folder = f"links/{each.link}"
    profile = next((p for p in network.tls_profiles if p.id == each.profile), None)
    opens = _Opens(_root(each.link), token_urlsafe(32) if each.auth == "key" else "", generate((profile and profile.key) or "rsa-2048"))
    if opens.key:
        out.files.append((f"{folder}/key", opens.key.encode(), 0o600))
        out.files.append((f"{folder}/wrong-key", token_urlsafe(32).encode(), 0o600))
    else:
        out.files.append((f"{folder}/client.pem", _client(opens.clients, each), 0o600))
        out.files.append((f"{folder}/stranger.pem", _client(_root(each.link), each), 0o600))
    return opens


def _root(link: str) -> Issuer:
    return Issuer.root(f"{link} client CA", LINK_LIFETIME, path_length=0)


def _client(root: Issuer, each: Front) -> bytes:
    """A certificate for a consumer, and its key."""
    leaf = root.issue(Template([f"{each.consumer}.{each.link}"], LINK_LIFETIME, server=False, client=True))
    return leaf.chain + leaf.key


def _process(network: Network, tools: Tools, certificates: Certificates, number: int, each: Front, opens: _Opens | None) -> Process:
    far = network.endpoint[each.far]
    targets = [network.endpoint[t] for t in each.targets]
    families = {a.version for a in far.addresses}
    addresses = [str(next(a for a in t.addresses if a.version in families)) for t in targets]
    ports = [(port, [(address, port) for address in addresses]) for port in each.ports]
    if opens is None:
        return front(tools, name=each.near, namespace=each.near, ports=ports, onward=(f"far-{number}", each.far))
    profile = next((p for p in network.tls_profiles if p.id == each.profile), None)
    secure = any(x.profile and x.port in each.ports for t in targets for x in t.listeners)
    door = Door(certificates.front(each, opens.own), opens.clients.pem, opens.key, enforce(profile, HAPROXY)[0] if profile else DEFAULT)
    return front(
        tools, name=each.near, namespace=each.near, ports=ports, door=door, roots=certificates.vault.authority.root if secure else b""
    )
