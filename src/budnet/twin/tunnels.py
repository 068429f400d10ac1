"""Tunnels: what is staged for them, and bringing them up when their daemons run.

A tunnel that does not come up is no reason for a twin not to: what it should carry finds no way, and that is reported.
"""

from __future__ import annotations

import select
import socket
import time
from base64 import b64encode
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_bytes
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from budnet.ir.address import Address, Prefix
from budnet.ir.links import VpnConnection, VpnTunnel
from budnet.ir.network import Network
from budnet.twin import netlink, syscall
from budnet.twin.process import Process
from budnet.twin.servers import hostport, strongswan, wireguard
from budnet.twin.servers.strongswan import CHILD
from budnet.twin.servers.wireguard import control_socket
from budnet.twin.tools import Tools
from budnet.twin.vici import Vici
from budnet.twin.vpn import VPC, tunnel_device

_SECONDS = 3.0
PORT = 51820


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a WireGuard tunnel. `endpoint` is empty where only the other end knows where we are."""

    public: bytes
    allowed: tuple[Prefix, ...]
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class WireGuardEnd:
    """One end of a WireGuard tunnel. `inside` are addresses that its gateway has in its VPC."""

    tunnel: str
    """The tunnel's id, or the client VPN's."""
    space: str
    device: str
    private: bytes
    port: int
    peers: tuple[Peer, ...]
    addresses: tuple[Address, ...] = ()
    routes: tuple[Prefix, ...] = ()
    inside: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class IkeEnd:
    """One end of an IPsec tunnel. `inside` are addresses of its VPC: the daemon wants one in its traffic selectors."""

    tunnel: str
    space: str
    socket: str
    begins: bool
    inside: tuple[Address, ...]


End = WireGuardEnd | IkeEnd


@dataclass(frozen=True, slots=True)
class KeyPair:
    """X25519 keys (RFC 7748) of one end."""

    private: bytes
    public: bytes


def key_pair() -> KeyPair:
    """A new one."""
    key = X25519PrivateKey.generate()
    return KeyPair(key.private_bytes_raw(), key.public_key().public_bytes_raw())


# ---- staging ------------------------------------------------------------------------------------------------------------


def stage(network: Network, connection: VpnConnection, tools: Tools) -> tuple[list[Process], list[End]]:
    """Both ends of every tunnel of a site-to-site connection, each with new keys. Raises Missing."""
    make = _ipsec if connection.protocol == "ipsec" else _wireguard
    made = [make(network, connection, tunnel, tools) for tunnel in connection.tunnels]
    return [p for processes, _ in made for p in processes], [e for _, ends in made for e in ends]


def _ipsec(network: Network, connection: VpnConnection, tunnel: VpnTunnel, tools: Tools) -> tuple[list[Process], list[End]]:
    secret = b64encode(token_bytes(32)).decode()
    processes: list[Process] = []
    ends: list[End] = []
    for number, own in enumerate(tunnel.gateways):
        other = tunnel.other(own.vpc)
        path = f"/run/budnet/ike-{network.vpns.index(connection)}-{connection.tunnels.index(tunnel)}-{number}"
        processes.append(
            strongswan.gateway(
                tools, name=own.id, namespace=own.id, own=own.public, other=other.public, near=network.vpc[own.vpc].prefixes,
                far=network.vpc[other.vpc].prefixes, proposal=connection.proposal, secret=secret, socket=path,
            )
        )  # fmt: skip
        ends.append(IkeEnd(tunnel.id, own.id, path, number == 0, own.inside))
    return processes, ends


def _wireguard(network: Network, connection: VpnConnection, tunnel: VpnTunnel, tools: Tools) -> tuple[list[Process], list[End]]:
    keys = {g.id: key_pair() for g in tunnel.gateways}
    processes: list[Process] = []
    ends: list[End] = []
    for own in tunnel.gateways:
        other = tunnel.other(own.vpc)
        device = tunnel_device(network, connection, own)
        far = network.vpc[other.vpc].prefixes
        processes.append(wireguard.daemon(tools, name=own.id, namespace=own.id, device=device))
        peer = Peer(keys[other.id].public, far, hostport(str(other.public), PORT))
        ends.append(WireGuardEnd(tunnel.id, own.id, device, keys[own.id].private, PORT, (peer,), routes=far, inside=own.inside))
    return processes, ends


# ---- bringing up --------------------------------------------------------------------------------------------------------


def prepare(ends: Iterable[End], spaces: Mapping[str, int]) -> None:
    """What has to be there before the daemons start. Leaves the thread in another namespace."""
    for end in ends:
        if end.inside:
            syscall.setns(spaces[end.space])
            index = socket.if_nametoindex(VPC)
            with netlink.Netlink() as link:
                link.send(netlink.address(index, a) for a in end.inside)


def bring_up(ends: Iterable[End], spaces: Mapping[str, int]) -> dict[str, str]:
    """When the daemons run: keys, peers, addresses, routes; then the IKE exchanges, all at once.

    Returns, by tunnel, why one is not up, as far as that is known by then. Leaves the thread in another namespace.
    """
    wrong: dict[str, str] = {}
    ike: list[IkeEnd] = []
    deadline = time.monotonic() + _SECONDS
    for end in ends:
        if isinstance(end, IkeEnd):
            ike.append(end)
            continue
        try:
            _configure(end, spaces[end.space], deadline)
        except OSError as refused:
            wrong[end.tunnel] = f"{end.device}: {refused}"
    return wrong | _exchange([e for e in ike if e.begins])


def _configure(end: WireGuardEnd, namespace: int, deadline: float) -> None:
    """https://www.wireguard.com/xplatform/: one request of `key=value` lines, answered by `errno=N`."""
    text = [f"private_key={end.private.hex()}", f"listen_port={end.port}", "replace_peers=true"]
    for peer in end.peers:
        text += [f"public_key={peer.public.hex()}", *([f"endpoint={peer.endpoint}"] if peer.endpoint else [])]
        text += [f"allowed_ip={prefix}" for prefix in peer.allowed]
    with _daemon(control_socket(end.device), deadline) as daemon:
        daemon.sendall("\n".join(["set=1", *text, "", ""]).encode())
        answer = daemon.recv(4096).decode()
    if "errno=0" not in answer.split():
        raise OSError(f"WireGuard refused its configuration: {answer.strip()}")
    syscall.setns(namespace)
    index = socket.if_nametoindex(end.device)
    with netlink.Netlink() as link:
        link.send([*(netlink.address(index, a) for a in end.addresses), netlink.up(index)])
        link.send(netlink.route(p, 254, index, None) for p in end.routes)


def _daemon(path: str, deadline: float) -> socket.socket:
    """Waits for a daemon that has just been started."""
    while True:
        found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        found.settimeout(_SECONDS)
        try:
            found.connect(path)
            return found
        except OSError:
            found.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.002)


def _exchange(ends: list[IkeEnd]) -> dict[str, str]:
    """Tells one end of every tunnel to begin, and waits for all."""
    wrong = {e.tunnel: "no answer from the other gateway" for e in ends}
    waiting: dict[int, tuple[IkeEnd, Vici]] = {}
    for end in ends:
        try:
            daemon = Vici(end.socket, _SECONDS)
            daemon.send("initiate", {"child": CHILD, "timeout": str(int(_SECONDS * 1000))})
            waiting[daemon.fileno()] = end, daemon
        except OSError as refused:
            wrong[end.tunnel] = str(refused)
    poll = select.poll()
    for number in waiting:
        poll.register(number, select.POLLIN)
    deadline = time.monotonic() + _SECONDS
    while waiting and (left := deadline - time.monotonic()) > 0:
        for number, _ in poll.poll(left * 1000):
            end, daemon = waiting.pop(number)
            poll.unregister(number)
            with suppress(OSError):
                answer = daemon.answer()
                if answer.get("success") == "yes":
                    del wrong[end.tunnel]
                else:
                    wrong[end.tunnel] = str(answer.get("errmsg", "refused"))
            daemon.close()
    for _, daemon in waiting.values():
        daemon.close()
    return wrong


def established(end: IkeEnd) -> list[str]:
    """What a gateway's daemon says of its tunnel: `AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384`, for IKE and then for ESP; and
    `DPD 1 s`, the seconds after which it asks a silent peer whether it is there, to begin anew where there is no answer."""
    if not Path(end.socket).exists():
        return []
    daemon = Vici(end.socket, _SECONDS)
    try:
        found = [sa for event in daemon.established() for sa in event.values()]
        asking = [f"DPD {c['dpd_delay']} s" for event in daemon.configured() for c in event.values() if _asks(c)]
    finally:
        daemon.close()
    out: list[str] = []
    for sa in found:
        out.append(_algorithms(sa, "prf-alg"))
        out += [_algorithms(child, "prf-alg") for child in sa.get("child-sas", {}).values()]
    return [*out, *asking] if out else []


def _asks(connection: Mapping[str, Any]) -> bool:
    return connection.get("dpd_delay", "0") != "0" and all(c.get("dpd_action") == "start" for c in connection["children"].values())


def _algorithms(sa: Mapping[str, str], prf: str) -> str:
    size = f"-{sa['encr-keysize']}" if "encr-keysize" in sa else ""
    return "/".join(x for x in (sa.get("encr-alg", "") + size, sa.get("integ-alg", ""), sa.get(prf, ""), sa.get("dh-group", "")) if x)
