"""Which front runs where, with which certificates and keys, and what clients in the twin need to pass."""

from __future__ import annotations

from dataclasses import dataclass, field
from secrets import token_urlsafe

from budnet.ir.links import Front
from budnet.ir.network import Network
from budnet.pki.authority import Authority
from budnet.pki.clients import ClientAuthority
from budnet.twin.process import Process
from budnet.twin.servers import Certificate
from budnet.twin.servers.front import Door, front
from budnet.twin.tools import Missing, Tools

_VERSION = {"1.2": "TLSv1.2", "1.3": "TLSv1.3"}


@dataclass
class Staged:
    """The processes of all fronts; (path below the twin's directory, content, mode) of what clients show."""

    processes: list[Process] = field(default_factory=list)
    files: list[tuple[str, bytes, int]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def stage(network: Network, tools: Tools, authority: Authority) -> Staged:
    """Every front of a Network; keys and client certificates are new, one set a link."""
    out = Staged()
    doors: dict[str, tuple[ClientAuthority | None, str]] = {}
    for number, each in enumerate(network.fronts):
        if each.auth and each.link not in doors:
            doors[each.link] = _credentials(each, out)
        try:
            if each.accepted:
                out.processes.append(_process(network, tools, authority, number, each, doors.get(each.link)))
        except Missing as absent:
            out.missing.append(absent.program)
    return out


def _credentials(each: Front, out: Staged) -> tuple[ClientAuthority | None, str]:
    """What opens the doors of a link, and what looks like it and does not."""
    folder = f"links/{each.link}"
    clients, stranger = ClientAuthority(each.link), ClientAuthority("stranger")
    out.files.append((f"{folder}/stranger.pem", stranger.issue("client"), 0o600))
    if each.auth == "key":
        key = token_urlsafe(32)
        out.files.append((f"{folder}/key", key.encode(), 0o600))
        return None, key
    out.files.append((f"{folder}/client.pem", clients.issue("client"), 0o600))
    return clients, ""


def _process(
    network: Network, tools: Tools, authority: Authority, number: int, each: Front, opens: tuple[ClientAuthority | None, str] | None
) -> Process:
    far = network.endpoint[each.far]
    targets = [network.endpoint[t] for t in each.targets]
    families = {a.version for a in far.addresses}
    addresses = [str(next(a for a in t.addresses if a.version in families)) for t in targets]
    ports = [(port, [(address, port) for address in addresses]) for port in each.ports]
    if opens is None:
        return front(tools, name=each.near, namespace=each.near, ports=ports, onward=(f"far-{number}", each.far))
    profile = next((p for p in network.tls_profiles if p.id == each.profile), None)
    leaf = authority.issue([each.name])
    clients, key = opens
    door = Door(
        Certificate(leaf.chain, leaf.key), clients.root if clients else b"", key, _VERSION[profile.minimum] if profile else "TLSv1.2",
        profile.ciphers if profile else (), profile.ciphersuites if profile else (),
    )  # fmt: skip
    return front(tools, name=each.near, namespace=each.near, ports=ports, door=door)
