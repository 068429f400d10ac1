"""Start, await and stop the servers of the twin.

For one process with one thread that holds a descriptor of every network namespace: namespaces belong to threads, so
`start` enters one in a forked child, and a look at a namespace's sockets enters it and leaves it again.

`start` returns at once, before any preparation has run. Start all, then wait for all: they come up side by side.
"""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from budnet.records import replace
from budnet.twin.process import Process

LOG = "log"
"""The file in a process's directory with what it and its preparation printed."""
_PID = "again.pid"
"""There, too, once it was started again: its process id since then."""

_CLONE_NEWNS, _CLONE_NEWUSER, _CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
_MS_BIND, _MS_REC_PRIVATE = 0x1000, 0x44000
_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY, _NLMSG_ERROR, _NLMSG_DONE, _NLM_F_DUMP_REQUEST = 4, 20, 2, 3, 0x301
_LISTEN, _BEING_MADE, _UDP_BOUND = 1 << 10, 1 << 3 | 1 << 12, "07"
"""States of sockets: masks of TCP's (TCP_LISTEN; TCP_SYN_RECV and TCP_NEW_SYN_RECV), and a row's of UDP."""
_FAMILIES = (socket.AF_INET, socket.AF_INET6)
_ENV = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "{dir}"}

_libc = ctypes.CDLL(None, use_errno=True)


class ServerFailed(RuntimeError):
    """A server ended, or was not ready in time; the message has the end of its log."""


@dataclass(frozen=True, slots=True)
class Running:
    """A process that was started."""

    process: Process
    pid: int
    netns: int
    """A descriptor of its network namespace; who started the process keeps it open."""
    directory: Path
    elsewhere: Mapping[int, set[tuple[str, int]]] = field(default_factory=dict)
    """What it listens on in other namespaces, by their descriptors."""


def start(process: Process, netns: int, directory: Path, others: Mapping[str, int] | None = None) -> Running:
    """Start a process in `directory`, which is emptied first: the mark of an earlier run would be taken for its own.
    What goes wrong in the process from then on, `wait_ready` says. `others`: namespaces that it listens in beside its own."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for file in process.files:
        path = directory / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)  # a key is never readable to others, not even for a moment
        path.write_bytes(file.content.replace(b"{dir}", bytes(directory)))
        path.chmod(file.mode)
    pid = _spawn(process, netns, directory)
    elsewhere: dict[int, set[tuple[str, int]]] = {}
    for name, protocol, port in process.elsewhere:
        elsewhere.setdefault((others or {})[name], set()).add((protocol, port))
    return Running(process, pid, netns, directory, elsewhere)


def again(one: Running) -> Running:
    """Start a process that has ended once more: in its directory as it left it, and without what prepared it."""
    log = one.directory / LOG
    if log.exists():  # what it wrote in its last life must not be taken for a sign of this one
        log.rename(log.with_suffix(".before"))
    started = replace(one, pid=_spawn(replace(one.process, prepare=()), one.netns, one.directory))
    (one.directory / _PID).write_text(str(started.pid))
    return started


def current(running: Iterable[Running]) -> list[Running]:
    """With the process ids of those that were started again, by whichever process of the twin."""
    found = []
    for one in running:
        path = one.directory / _PID
        found.append(replace(one, pid=int(path.read_text())) if path.exists() else one)
    return found


def end(one: Running, seconds: float) -> None:
    """Ask a process to end, and wait until it has; then kill it. It need not be a child of this one."""
    try:
        process = os.pidfd_open(one.pid)
    except ProcessLookupError:
        return
    try:
        _signal(one, signal.SIGTERM)
        gone = select.poll()
        gone.register(process, select.POLLIN)
        if not gone.poll(seconds * 1000):
            _signal(one, signal.SIGKILL)
            gone.poll()
    finally:
        os.close(process)


def wait_ready(running: Iterable[Running], seconds: float = 30.0) -> dict[str, float]:
    """Wait until all are ready; returns by name after how many seconds each was.

    Ready is what the kernel says of the process's namespace: a socket listens on every port. So no server's log has a
    connection of ours, and it may listen on any address. Where listening is too early a sign, a process has a mark.
    """
    began = time.monotonic()
    pending = list(running)
    ready: dict[str, float] = {}
    while pending:
        for one in list(pending):
            if _ready(one):
                ready[one.process.name] = time.monotonic() - began
                pending.remove(one)
            elif _ended(one) and one.process.optional:
                pending.remove(one)
            elif _ended(one):
                raise ServerFailed(_complaint(one, "ended before it was ready"))
        if pending and time.monotonic() - began > seconds:
            raise ServerFailed("\n".join(_complaint(one, f"is not ready after {seconds:g} s") for one in pending))
        time.sleep(0.002 if pending else 0)
    return ready


def stop(running: Iterable[Running], seconds: float = 2.0) -> None:
    """Ask all to end, wait for them together, then kill what is left."""
    left = [one for one in running if not _ended(one)]
    for one in left:
        _signal(one, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while left and time.monotonic() < deadline:
        left = [one for one in left if not _ended(one)]
        time.sleep(0.002 if left else 0)
    for one in left:
        _signal(one, signal.SIGKILL)
        os.waitpid(one.pid, 0)


def listening(netns: int) -> set[tuple[str, int]]:
    """The (protocol, port) pairs on which anything listens in a network namespace, over IPv4 or IPv6."""
    with _inside(netns):
        tcp = {("tcp", port) for family in _FAMILIES for port, _ in _tcp_sockets(family, _LISTEN)}
        return tcp | {("udp", port) for table in ("udp", "udp6") for port in _udp_ports(table)}


def waiting(netns: int, ports: Collection[int]) -> bool:
    """Whether there are connections to these ports, made or being made, that nobody has accepted yet."""
    with _inside(netns):
        listeners = ((port, queued) for family in _FAMILIES for port, queued in _tcp_sockets(family, _LISTEN))
        return any(queued for port, queued in listeners if port in ports) or any(
            port in ports for family in _FAMILIES for port, _ in _tcp_sockets(family, _BEING_MADE)
        )


@contextmanager
def _inside(netns: int) -> Iterator[None]:
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        enter(netns)
        yield
    finally:
        enter(home)
        os.close(home)


def enter(netns: int) -> None:
    """Move this thread into a network namespace."""
    _check(_libc.setns(netns, _CLONE_NEWNET), "network namespace")


def become(uid: int) -> None:
    """Go on in a user namespace of one's own as `uid`, an ordinary user to every program that asks.

    Files of the account that runs the twin are this user's files, so nothing needs another owner and no subuid is used.
    """
    account, group = os.geteuid(), os.getegid()
    _check(_libc.unshare(_CLONE_NEWUSER), "user namespace")
    Path("/proc/self/setgroups").write_text("deny")  # the kernel wants this before it lets an ordinary user map a group
    Path("/proc/self/uid_map").write_text(f"{uid} {account} 1")
    Path("/proc/self/gid_map").write_text(f"{uid} {group} 1")


def _spawn(process: Process, netns: int, directory: Path) -> int:
    pid = os.fork()
    if pid == 0:
        _turn_into(process, netns, directory)
    return pid


def _turn_into(process: Process, netns: int, directory: Path) -> NoReturn:
    """In the child: become the process, from nothing to its program."""
    try:
        os.setsid()  # a group of its own, so that stop reaches the children of a server, too
        log = os.open(directory / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        null = os.open(os.devnull, os.O_RDONLY)
        for ours, standard in ((null, 0), (log, 1), (log, 2)):
            os.dup2(ours, standard)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and what is ignored stays so in a program
        enter(netns)
        if process.binds or process.overlay:
            _check(_libc.unshare(_CLONE_NEWNS), "mount namespace")
            _mount("none", "/", _MS_REC_PRIVATE)
            for name, over in process.binds:
                _mount(str(directory / name), over, _MS_BIND)
        if process.overlay:
            _lay_over(*process.overlay)
        if process.uid is not None:
            # The namespace belongs to the user we are about to leave, who alone may say that ports below 1024 are free.
            Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text("0")
            become(process.uid)
        os.chdir(directory)
        here = str(directory)
        env = {name: value.replace("{dir}", here) for name, value in {**_ENV, **dict(process.env)}.items()}
        for command in process.prepare:
            subprocess.run([word.replace("{dir}", here) for word in command], env=env, check=True)
        os.execvpe(process.argv[0], [word.replace("{dir}", here) for word in process.argv], env)
    except BaseException as failure:  # whatever it is, the parent's code must not go on in two processes
        os.write(2, f"{process.name} could not be started: {failure}\n".encode())
    os._exit(127)


def _ready(one: Running) -> bool:
    here = _marked(one) and listening(one.netns) >= set(one.process.listens)
    return here and all(listening(netns) >= ports for netns, ports in one.elsewhere.items())


def _marked(one: Running) -> bool:
    if one.process.mark is None:
        return True
    name, text = one.process.mark
    path = one.directory / name
    return path.exists() and text in path.read_text(errors="replace")


def _ended(one: Running) -> bool:
    try:
        return os.waitpid(one.pid, os.WNOHANG)[0] != 0
    except ChildProcessError:  # it was seen to end before
        return True


def _signal(one: Running, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(one.pid, number)


def _complaint(one: Running, what: str) -> str:
    log = one.directory / LOG
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n    ".join([f"{one.process.name} ({one.process.software}) {what}", *lines[-8:]])


def _tcp_sockets(family: int, states: int) -> Iterator[tuple[int, int]]:
    """The ports of sockets in these states in this namespace, and how much each has queued: a listening one connections that
    wait to be accepted. /proc/net/tcp has them, too, but to find them it walks the connections of the whole machine: 3.7 ms a
    look, where this takes 0.1."""
    request = struct.pack("=BBBxI48x", family, socket.IPPROTO_TCP, 0, states)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG) as kernel:
        kernel.send(struct.pack("=IHHII", 16 + len(request), _SOCK_DIAG_BY_FAMILY, _NLM_F_DUMP_REQUEST, 0, 0) + request)
        while True:
            answer = kernel.recv(1 << 16)
            at = 0
            while at < len(answer):
                length, kind = struct.unpack_from("=IH", answer, at)
                if kind == _NLMSG_DONE:
                    return
                if kind == _NLMSG_ERROR:
                    number = -struct.unpack_from("=i", answer, at + 16)[0]
                    raise OSError(number, f"{os.strerror(number)}: list of listening sockets")
                port, queued = struct.unpack_from(">H", answer, at + 20)[0], struct.unpack_from("=I", answer, at + 72)[0]
                yield port, queued  # inet_diag_msg.id.idiag_sport and .idiag_rqueue
                at += length + 3 & ~3


def _udp_ports(table: str) -> list[int]:
    """The ports of sockets in this namespace that are bound and have no peer."""
    path = Path(f"/proc/thread-self/net/{table}")
    if not path.exists():  # a kernel without IPv6
        return []
    rows = [line.split() for line in path.read_text().splitlines()[1:]]
    return [int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == _UDP_BOUND]


def _mount(source: str, target: str, flags: int) -> None:
    _check(_libc.mount(source.encode(), target.encode(), None, flags, None), f"mount over {target}")


def _lay_over(folder: str, over: str) -> None:
    """A read-only overlay needs no folder to write to, and an ordinary account may mount it since Linux 5.11."""
    options = f"lowerdir={folder}:{over}"
    _check(_libc.mount(b"overlay", over.encode(), b"overlay", 0, options.encode()), f"overlay over {over}")


def _check(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{os.strerror(number)}: {what}")
