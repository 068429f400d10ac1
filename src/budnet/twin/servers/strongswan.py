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

DPD = 1
"""Seconds without a word from the other gateway until it is asked whether it is there (RFC 7296, 2.4)."""
_AGAIN, _TIMES = 0.4, 4
"""Seconds until a request is repeated, and how often: a peer is given up 2 s after the first, where strongSwan's own values
make it 165 s."""
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
    says so to one of them, when both are there. From then on who loses the other begins anew, until there is an answer."""
    daemon, loader = tools.need("charon-systemd"), tools.need("swanctl")
    encryption, _, exchange = proposal.split("-")
    conf = lines(
        "charon-systemd {",
        f" load = {_PLUGINS}",
        f" retransmit_timeout = {_AGAIN}",
        f" retransmit_tries = {_TIMES}",
        " retransmit_base = 1",
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
        f"  dpd_delay = {DPD}s",
        "  keyingtries = 0",
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
        "    dpd_action = restart",
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
