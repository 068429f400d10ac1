"""The system calls on namespaces that Python 3.11 does not have. Linux only."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = 0x00020000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000
MS_REC, MS_PRIVATE, MS_BIND = 0x4000, 1 << 18, 0x1000
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    """unshare(2). OSError with the kernel's reason."""
    _check(_libc.unshare(flags), "unshare")


def setns(fd: int, kind: int = NEWNET) -> None:
    """setns(2): moves this thread into a namespace."""
    _check(_libc.setns(fd, kind), "setns")


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """mount(2)."""
    _check(
        _libc.mount(source.encode(), target.encode(), kind.encode() or None, flags, data.encode() or None),
        f"mount {target}",
    )


def die_with_parent(signal: int) -> None:
    """The kernel sends us `signal` when the thread that made us ends. prctl(2), PR_SET_PDEATHSIG."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, signal, 0, 0, 0), "prctl")


def name_namespace(name: str, fd: int) -> None:
    """What `ip netns add` leaves behind: /run/netns/NAME, by which programs find a namespace."""
    path = Path("/run/netns", name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    mount(f"/proc/self/fd/{fd}", str(path), flags=MS_BIND)


def network_namespace() -> int:
    """A file descriptor of this thread's network namespace; it keeps the namespace alive."""
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
