"""strongSwan as a gateway: IKEv2 with pre-shared keys, and ESP in the daemon itself.

A network namespace of an ordinary account may not use the kernel's own IPsec, so the daemon encrypts (kernel-libipsec): the
same packets on the wire, always in UDP 4500, at a fraction of the speed. Its configuration is swanctl's, as on a real gateway.
"""

from __future__ import annotations

from collections.abc import Sequence

from budnet.ir.address import Address, Prefix
from budnet.twin.process import File, Process
from budnet.twin.servers import lines
from budnet.twin.tools import Tools

CHILD = "net"
"""The name of the one pair of traffic selectors."""
_LOADED = "successfully loaded 1 connections"
# `kdf` derives keys since 5.9.6; kernel-libipsec has to come before kernel-netlink, which would take the kernel's IPsec
_PLUGINS = (
    "random nonce aes sha1 sha2 hmac kdf gcm openssl pem x509 pubkey revocation constraints "
    "kernel-libipsec kernel-netlink socket-default vici"
)


def gateway(
    tools: Tools,
    *,
    name: str,
    namespace: str,
    own: Address,
    other: Address,
    near: Sequence[Prefix],
    far: Sequence[Prefix],
    proposal: str,
    secret: str,
    socket: str,
) -> Process:
    """One end. `near` and `far` are the traffic selectors; `secret` is what both ends know, as text; `socket` is where the
    daemon takes orders, a short path because such paths are short. Neither end begins by itself: who brings the tunnel up
    says so to one of them, when both are there."""
    daemon, loader = tools.need("charon-systemd"), tools.need("swanctl")
    encryption, _, exchange = proposal.split("-")
    conf = lines(
        "charon-systemd {",
        f" load = {_PLUGINS}",
        " retransmit_timeout = 0.4",
        " retransmit_tries = 4",
        " start-scripts {",
        f"  load = {loader.path} --load-all --file {{dir}}/swanctl.conf --uri unix://{socket}",
        " }",
        " plugins {",
        "  vici {",
        f"   socket = unix://{socket}",
        "  }",
        " }",
        " filelog {",
        "  out {",
        "   path = {dir}/log",
        "   append = yes",
        "   flush_line = yes",
        "   default = 1",
        "  }",
        " }",
        "}",
        "swanctl {",
        " load = pem x509 pubkey openssl random",
        "}",
    )
    connection = lines(
        "connections {",
        " link {",
        "  version = 2",
        "  mobike = no",
        f"  local_addrs = {own}",
        f"  remote_addrs = {other}",
        f"  proposals = {proposal}",
        "  local {",
        "   auth = psk",
        f"   id = {own}",
        "  }",
        "  remote {",
        "   auth = psk",
        f"   id = {other}",
        "  }",
        "  children {",
        f"   {CHILD} {{",
        f"    local_ts = {', '.join(map(str, near))}",
        f"    remote_ts = {', '.join(map(str, far))}",
        f"    esp_proposals = {encryption}-{exchange}",
        "   }",
        "  }",
        " }",
        "}",
        "secrets {",
        " ike {",
        f"  id = {other}",
        f'  secret = "{secret}"',
        " }",
        "}",
    )
    # plugins and libraries are looked for where the package would have been installed: lay its folder over the machine's
    unpacked = daemon.version is not None
    return Process(
        name=name,
        namespace=namespace,
        software=daemon.called("strongSwan"),
        argv=daemon.argv,
        files=(File("strongswan.conf", conf), File("swanctl.conf", connection, 0o600)),
        env=(*daemon.env, ("STRONGSWAN_CONF", "{dir}/strongswan.conf")),
        overlay=(str(daemon.path.parents[1] / "lib"), "/usr/lib") if unpacked else None,
        listens=(("udp", 500), ("udp", 4500)),
        optional=True,
        mark=("log", _LOADED),
    )
