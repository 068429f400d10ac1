"""WireGuard's daemon: makes a tunnel device and waits on a socket to be told keys and peers (`twin/tunnels.py`)."""

from __future__ import annotations

from budnet.twin.process import Process
from budnet.twin.tools import Tools


def daemon(tools: Tools, *, name: str, namespace: str, device: str) -> Process:
    """Makes `device`, a name that no other daemon of this twin has: their sockets lie in one folder."""
    program = tools.need("wireguard-go")
    return Process(
        name=name,
        namespace=namespace,
        software=program.called("wireguard-go"),
        argv=(*program.argv, "-f", device),
        # it refuses to start where the kernel might do better, and a namespace of an ordinary account's kernel does not
        env=(*program.env, ("WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD", "1"), ("LOG_LEVEL", "error")),
        optional=True,
    )


def control_socket(device: str) -> str:
    """Where the daemon of a device takes orders (its path is built in)."""
    return f"/var/run/wireguard/{device}.sock"
