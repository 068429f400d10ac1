"""Bringing a twin up and down, and talking to it. Nothing of it exists outside its own namespaces.

A twin is known by a name: an abstract socket that its agent holds. Such a socket has no file, two processes cannot hold
the same one, and it is gone with its process: it is the lock and the door at once.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

from budnet.errors import AlreadyUp, NotPermitted, NoTwin, TwinError
from budnet.twin import syscall
from budnet.twin.caller import Call, Said
from budnet.twin.drilling import Request
from budnet.twin.handshake import Look, Seen
from budnet.twin.handshakes import Door
from budnet.twin.load import Pair
from budnet.twin.prober import Observed, Question
from budnet.twin.staging import Stage
from budnet.twin.tools import Tools

DEFAULT_NAME = "default"
_UP = b"up"
_NO_PRIVILEGE = "this user may not create namespaces: allow user namespaces (`budnet doctor` says which setting keeps them off), or run as root or with sudo"


def door_name(name: str) -> str:
    """The address of a twin's socket, in the abstract namespace of unix sockets."""
    return f"\0budnet/{os.getuid()}/{name}"


def up(staged: Stage, tools: Tools, name: str = DEFAULT_NAME, attached: bool = False) -> None:
    """Brings a twin up and returns when everything listens.

    An attached twin ends with this process. Raises AlreadyUp, NotPermitted or TwinError; then nothing is left.
    """
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        door.bind(door_name(name))
    except OSError:
        raise AlreadyUp(f"a twin named {name} is up already: `budnet down` takes it down, `--name` brings up another") from None
    door.listen(64)
    ours, theirs = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        os.close(ours)
        _hold(staged, tools, door, theirs, attached)
    os.close(theirs)
    door.close()
    with os.fdopen(ours, "rb") as report:
        said = report.read(len(_UP))
        if said != _UP:
            said += report.read()
    if not attached or said != _UP:
        os.waitpid(pid, 0)
    if said != _UP:
        _fail(said)


def _fail(said: bytes) -> NoReturn:
    kind, _, text = said.decode(errors="replace").partition(":")
    if kind == "NotPermitted":
        raise NotPermitted(text)
    raise TwinError(text or "the twin ended before it was up")


def _hold(staged: Stage, tools: Tools, door: socket.socket, report: int, attached: bool) -> NoReturn:
    """In the first child: leaves for namespaces of its own and makes the agent, which is the first process there."""
    try:
        # until the twin is up nobody else knows of it, so it must not outlive who asked for it
        syscall.die_with_parent(signal.SIGKILL)
        own_namespaces()
        os.setsid()
        syscall.die_with_parent(signal.SIGKILL)
        released, release = os.pipe()
        pid = os.fork()
        if pid == 0:
            _be_agent(staged, tools, door, report, -1 if attached else release)
        for descriptor in (report, release):
            os.close(descriptor)
        door.close()
        _silence()
        if not attached and os.read(released, 1):
            os._exit(0)
        os.waitpid(pid, 0)
    except BaseException as failure:
        _tell(report, failure)
    os._exit(0)


def own_namespaces() -> None:
    """Leaves for new user, mount, process, network, IPC and host-name namespaces. Raises NotPermitted."""
    user, group = os.getuid(), os.getgid()
    rest = syscall.NEWNS | syscall.NEWPID | syscall.NEWNET | syscall.NEWIPC | syscall.NEWUTS
    try:
        try:
            syscall.unshare(syscall.NEWUSER | rest)
        except OSError:
            if user:
                raise
            syscall.unshare(rest)
        else:
            _map_ids(user, group)
        syscall.mount("none", "/", flags=syscall.MS_REC | syscall.MS_PRIVATE)
        syscall.mount("tmpfs", "/run", "tmpfs", data="mode=0755")
    except OSError as refused:
        raise NotPermitted(f"{_NO_PRIVILEGE} ({refused.strerror})") from refused


def _map_ids(user: int, group: int) -> None:
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1")


def _be_agent(staged: Stage, tools: Tools, door: socket.socket, report: int, release: int) -> NoReturn:
    """`release` is where a detached agent says that it no longer dies with its parent; -1 for an attached one."""
    try:
        syscall.die_with_parent(signal.SIGKILL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
        with suppress(OSError):  # some containers forbid it; our own /proc is a convenience for `exec`
            syscall.mount("proc", "/proc", "proc")
        _silence()
        from budnet.twin.agent import Agent

        agent = Agent(staged, tools)
        agent.build()
        if release >= 0:
            syscall.die_with_parent(0)
            os.write(release, b".")
        os.write(report, _UP)
        os.close(report)
        agent.serve(door)
    except BaseException as failure:
        _tell(report, failure)
    os._exit(1)


def _tell(report: int, failure: BaseException) -> None:
    """What went wrong, to the process that asked."""
    text = str(failure) if isinstance(failure, TwinError | RuntimeError) else "".join(traceback.format_exception(failure))
    with suppress(OSError):
        os.write(report, f"{type(failure).__name__}:{text}".encode()[:60000])
        os.close(report)


def _silence() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.close(null)


class Twin:
    """A twin that is up, from outside. Every call opens a connection of its own."""

    def __init__(self, name: str = DEFAULT_NAME) -> None:
        self.name = name

    def _connect(self) -> socket.socket:
        door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            door.connect(door_name(self.name))
        except OSError:
            door.close()
            raise NoTwin(f"no twin named {self.name} is up: `budnet up` brings one up") from None
        return door

    def _request(self, asked: Mapping[str, Any], descriptors: Sequence[int] = ()) -> Iterator[dict[str, Any]]:
        with self._connect() as door:
            data = json.dumps(asked).encode() + b"\n"
            sent = socket.send_fds(door, [data], list(descriptors)) if descriptors else 0
            door.sendall(data[sent:])
            with door.makefile("rb") as lines:
                for line in lines:
                    answer = json.loads(line)
                    if "error" in answer:
                        raise TwinError(answer["error"])
                    yield answer
                    if answer.get("end"):
                        return
        raise TwinError(f"the twin {self.name} ended in the middle of an answer")

    def status(self) -> dict[str, Any]:
        """What is up: spaces, servers, listeners, marks, timings."""
        return next(self._request({"do": "status"}))

    @cached_property
    def facts(self) -> dict[str, Any]:
        """The status when it was first asked for: spaces, listeners and marks of a twin do not change while it is up."""
        return self.status()

    def ask(self, questions: Iterable[Question]) -> Iterator[tuple[int, Observed]]:
        """Real packets: (number of the question, what happened), as they end."""
        rows = [[*q[:4], base64.b64encode(q.payload).decode()] for q in questions]
        for answer in self._request({"do": "ask", "questions": rows}):
            for number, kind, mark, said in answer["answers"]:
                yield number, Observed(kind, mark, base64.b64decode(said))

    def browse(self, pages: Sequence[tuple[str, str, int, str]]) -> Iterator[tuple[int, str]]:
        """HTTPS from (source, address, port, host): (number, the page's text, or why there is none)."""
        for answer in self._request({"do": "browse", "pages": [list(p) for p in pages]}):
            yield from ((number, text) for number, text in answer["answers"])

    def links(self, what: str, calls: Sequence[Mapping[str, Any]]) -> Any:
        """What goes over links (`twin/crossing.py`): `dial`, `tap` or `tunnels`."""
        if not calls and what != "tunnels":
            return []
        return next(self._request({"do": "links", "what": what, "calls": list(calls)}))["answers"]

    def handshakes(self, doors: Sequence[Door]) -> list[dict[str, Any]]:
        """TLS servers asked everything: `tls.scan.Seen` as JSON with `ports`, in order."""
        return list(next(self._request({"do": "handshakes", "doors": [list(d) for d in doors]}))["seen"])

    def looks(self, places: Sequence[Look]) -> tuple[list[Seen], str]:
        """Careful TLS handshakes: what each showed, and the internal CA's roots."""
        answer = next(self._request({"do": "looks", "places": [list(p) for p in places]}))
        return [Seen.read(a) for a in answer["answers"]], str(answer["internal"])

    def rotate(self, what: str, layer: str, rate: int, pairs: Sequence[Pair]) -> Iterator[dict[str, Any]]:
        """Rotates certificates under load: `{"phase": ...}` as each ends, then everything there is to say."""
        return self._request({"do": "rotate", "what": what, "layer": layer, "rate": rate, "pairs": [asdict(p) for p in pairs]})

    def call(self, calls: Sequence[Call], lies: Mapping[str, Mapping[str, str]] | None = None) -> list[Said]:
        """Calls to sidecars, all at once; meanwhile the sidecars' tables have the entries of `lies`."""
        answer = next(self._request({"do": "call", "calls": [list(c) for c in calls], "lies": lies or {}}))
        return [Said(*row) for row in answer["said"]]

    def drill(self, nodes: Sequence[str], requests: Sequence[Request], **how: float) -> Iterator[dict[str, Any]]:
        """Nodes lost together under load (`rate`, `deadline`, `away`, `patience`): `{"phase": ...}` as each begins, then the account."""
        return self._request({"do": "drill", "nodes": list(nodes), "requests": [asdict(r) for r in requests]} | how)

    def exec(self, node: str, command: Sequence[str], streams: Sequence[int] = (0, 1, 2)) -> int:
        """Runs a command at a node with its resolver and this process's standard streams; returns its exit code."""
        asked = {"do": "exec", "node": node, "command": list(command)}
        return int(list(self._request(asked, streams))[-1]["code"])

    def logs(self, node: str) -> str:
        """What the real server at a node wrote."""
        return str(next(self._request({"do": "logs", "node": node}))["log"])

    def down(self) -> None:
        """Ends it and waits until it is gone. Raises NoTwin."""
        list(self._request({"do": "down"}))
        self.gone()

    def gone(self, seconds: float = 10.0) -> None:
        """Waits until the name is free: the kernel gives it up when the last process of the twin has ended."""
        import time

        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                self._connect().close()
            except NoTwin:
                return
            time.sleep(0.005)
        raise TwinError(f"the twin {self.name} does not end")
