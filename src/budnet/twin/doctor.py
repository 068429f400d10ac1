"""Whether a twin can come up here: each thing it needs is tried in a child process, not guessed from versions."""

from __future__ import annotations

import fcntl
import os
import resource
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from budnet.errors import NotPermitted
from budnet.twin import lab, nflog, nftables, tools
from budnet.twin.supervisor import become

_RULES = 'table inet doctor {\n chain f {\n  type filter hook forward priority 0;\n  ct state new log group 5 prefix "x" drop\n }\n}\n'
_FILES_WANTED = 4096
_TUNSETIFF, _IFF_TUN = 0x400454CA, 1
_SERVERS = (
    "haproxy",
    "dnsmasq",
    "sshd",
    "postgres",
    "redis-server",
    "chronyd",
    "docker-registry",
    "prometheus",
    "charon-systemd",
    "wireguard-go",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `needed`: without it no twin comes up; otherwise something stands in."""

    name: str
    ok: bool
    needed: bool
    found: str
    advice: str = ""


def examine() -> list[Finding]:
    """Everything, in the order in which a twin needs it."""
    found = tools.find()
    names = [_namespaces(), _filters(found), _nested()]
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = Finding(
        "open files",
        hard >= _FILES_WANTED,
        False,
        f"at most {hard}",
        f"raise the hard limit to {_FILES_WANTED}: every namespace and listener is one",
    )
    return [*names, files, _tunnels(), *(_server(found, name) for name in _SERVERS)]


def _server(found: tools.Tools, name: str) -> Finding:
    program = found.program(name)
    if program is None:
        return Finding(name, False, False, "not here", "a listener of budnet's own stands in; `make setup` unpacks it on Debian and Ubuntu")
    return Finding(name, True, False, f"{program.version or 'of this machine'} at {program.path}")


def _namespaces() -> Finding:
    way = "in a user namespace" if os.getuid() else "as root"
    error = _try(lab.own_namespaces)
    return Finding("namespaces", error is None, True, way if error is None else error, _advice())


def _advice() -> str:
    """The setting that is in the way, where one is."""
    for name, bad, what in (
        ("kernel/unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=15000"),
        (
            "kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "sysctl kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile for this Python",
        ),
    ):
        path = Path("/proc/sys") / name
        if path.exists() and path.read_text().strip() == bad:
            return f"{what}; or run budnet as root or with sudo"
    return "run budnet as root or with sudo; in a container, give it the right to create namespaces"


def _filters(found: tools.Tools) -> Finding:
    paths = found.libnftables()
    if not paths:
        return Finding(
            "nftables", False, True, "libnftables is not here", "`make setup` unpacks it on Debian and Ubuntu; elsewhere install nftables"
        )

    def load() -> None:
        lab.own_namespaces()
        nftables.run(nftables.library(paths), _RULES)
        nflog.Log().close()

    error = _try(load)
    return Finding(
        "nftables",
        error is None,
        True,
        str(paths[-1]) if error is None else error,
        "the kernel needs nf_tables, connection tracking, NAT and nfnetlink_log",
    )


def _nested() -> Finding:
    def nest() -> None:
        lab.own_namespaces()
        become(1000)

    error = _try(nest)
    advice = "PostgreSQL and sshd refuse to run as root: without this they are replaced by listeners of budnet's own"
    return Finding("nested user namespace", error is None, False, "yes" if error is None else error, advice)


def _tunnels() -> Finding:
    """tun(4): a device of kind TUN, made in a namespace of one's own."""

    def make() -> None:
        lab.own_namespaces()
        with open("/dev/net/tun", "r+b", buffering=0) as tun:
            fcntl.ioctl(tun, _TUNSETIFF, struct.pack("16sH22x", b"doctor", _IFF_TUN))

    error = _try(make)
    return Finding(
        "tunnels", error is None, False, "yes" if error is None else error, "a VPN needs /dev/net/tun: without it nothing passes over one"
    )


def _try(work: Callable[[], None]) -> str | None:
    """Runs something in a child; returns None, or the kernel's complaint."""
    here, there = socket.socketpair()
    if (pid := os.fork()) == 0:
        try:
            work()
            there.send(b"\0")
        except (OSError, NotPermitted, nftables.RulesRefused) as refused:
            there.send(str(refused).encode()[:500] or b"refused")
        finally:
            os._exit(0)
    there.close()
    said = here.recv(600)
    os.waitpid(pid, 0)
    here.close()
    return None if said == b"\0" else (said.decode(errors="replace") or "ended without a word")
