"""Sends real packets from many namespaces and says what became of each, on positive evidence only.

A connection that opens and a name that comes back is an answer; a reset is an answer; a packet in a namespace's log is an
answer, because a rule put it there. Silence is none: it is reported as lost, never as denied.
"""

from __future__ import annotations

import errno
import json
import os
import select
import socket
import struct
import time
import traceback
from collections import deque
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import NamedTuple, NoReturn

from budnet.errors import TwinError
from budnet.twin import syscall
from budnet.twin.nflog import Log

ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
WINDOW = 1500
DEADLINE = 2.0
PATIENCE = 0.06
"""When an answer is seen to be dropped, this long is waited for its sender's own word that it was a refusal: two logs are
read in any order, and each is flushed after 10 ms."""
_LINGER = struct.pack("ii", 1, 0)
_PORTS = (20000, 61000)
_LOGGED = struct.Struct("=iHHH")
"""What one process tells the other of a logged packet: mark, protocol, source port, destination port."""
_ECHOED = {0, 129 << 8}
"""The answers to echo requests, as a log shows them."""
_ECHO = struct.Struct(">HHHH")
"""Type and code, checksum and identifier, which are the kernel's to fill in, sequence number."""
_NOBODY = -1
_DONE = _LOGGED.pack(_NOBODY, 0, 0, 0)


class Question(NamedTuple):
    """One flow to try. `payload` is what a UDP client says, or a TCP client once connected; empty where it says nothing.
    Of the ICMPs `port` is the number of a message (`ir/icmp.py`); a host answers an echo request."""

    source: str
    destination: str
    protocol: int
    port: int
    payload: bytes = b""


class Observed(NamedTuple):
    """What happened. `kind`: `open` (with what was answered), `closed`, `logged` (with the mark), `lost`."""

    kind: str
    mark: int = -1
    said: bytes = b""


def _said(question: Question) -> bytes:
    return _ECHO.pack(question.port, 0, 0, 0) if question.protocol in (ICMP, ICMP6) else question.payload or b"\n"


class _Live:
    __slots__ = ("dropped", "number", "port", "question", "socket")

    def __init__(self, number: int, question: Question, sock: socket.socket, port: int) -> None:
        self.number, self.question, self.socket, self.port = number, question, sock, port
        self.dropped = -1
        """The mark of the rule that dropped its answer."""


Finish = Callable[[int, Observed], None]


@dataclass(frozen=True)
class Field:
    """Where is asked: descriptors of the namespaces, those of them that log, and the marks by which an answer refuses."""

    namespaces: Mapping[str, int]
    logging: tuple[str, ...]
    closed: frozenset[int]


def ask(questions: Sequence[Question], field: Field, finish: Finish) -> None:
    """Asks everything in this process; `finish(number, observed)` is called once for each question, as they end."""
    _Asker(field, field.logging, _used(questions), finish).run(list(enumerate(questions)))


def ask_in_two(questions: Sequence[Question], field: Field, finish: Finish, exchange: Path) -> None:
    """The same by two processes, each with half of the sources. `exchange` is a file for the other one's answers.

    A namespace has one reader of its log. Each process reads those of its own sources, and this one all others; what one
    reads that the other one asked about goes over a socket between them.
    """
    sources = list(dict.fromkeys(q.source for q in questions))
    theirs = set(sources[1::2])
    used = _used(questions)
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    numbered = list(enumerate(questions))
    pid = os.fork()
    if pid == 0:
        _other_half([n for n in numbered if n[1].source in theirs], field, theirs, used, there, exchange)
    there.close()
    ours = tuple(s for s in field.logging if s not in theirs)
    _Asker(field, ours, used, finish, here, parity=0).run([n for n in numbered if n[1].source not in theirs])
    _, status = os.waitpid(pid, 0)
    if status:
        raise TwinError("the second half of the prober failed: " + exchange.read_text(errors="replace")[-2000:])
    for line in exchange.read_text().splitlines():
        number, kind, mark, said = json.loads(line)
        finish(number, Observed(kind, mark, bytes.fromhex(said)))
    exchange.unlink()


def _used(questions: Sequence[Question]) -> set[int]:
    """What a log may show as the other end's port: no question has it for its own."""
    return {q.port for q in questions} | _ECHOED


def _other_half(
    numbered: list[tuple[int, Question]], field: Field, sources: set[str], used: set[int], peer: socket.socket, exchange: Path
) -> NoReturn:
    code = 1
    try:
        answers: list[str] = []

        def finish(number: int, observed: Observed) -> None:
            answers.append(json.dumps([number, observed.kind, observed.mark, observed.said.hex()]))

        _Asker(field, tuple(s for s in field.logging if s in sources), used, finish, peer, parity=1).run(numbered)
        exchange.write_text("\n".join(answers))
        code = 0
    except Exception:  # the first half reports it
        exchange.write_text(traceback.format_exc())
    finally:
        os._exit(code)


class _Asker:
    """One process's share. With a peer, `parity` keeps the two's source ports apart."""

    def __init__(
        self,
        field: Field,
        logging: Sequence[str],
        used: Set[int],
        finish: Finish,
        peer: socket.socket | None = None,
        parity: int | None = None,
    ) -> None:
        self.namespaces, self.closed, self.finish, self.peer = field.namespaces, field.closed, finish, peer
        self.poll = select.epoll()
        self.logs: dict[int, Log] = {}
        for space in logging:
            syscall.setns(self.namespaces[space])
            log = Log()
            self.logs[log.fileno()] = log
            self.poll.register(log.fileno(), select.EPOLLIN)
        if peer is not None:
            peer.setblocking(False)
            self.poll.register(peer.fileno(), select.EPOLLIN)
        self.live: dict[int, _Live] = {}
        self.by_port: dict[tuple[int, int], _Live] = {}
        self.deadlines: deque[tuple[float, _Live]] = deque()
        self.waiting: deque[tuple[float, _Live]] = deque()
        self.foreign: list[bytes] = []
        self.lost: list[tuple[int, Question]] = []
        self.last_try = self.peer_done = False
        # Each question in flight has a source port of its own, over all namespaces, that is no destination port: so a
        # logged packet is known by its port alone, whatever translation did to its addresses.
        self.ports = cycle([p for p in range(*_PORTS) if p not in used and parity in (None, p % 2)])

    def run(self, numbered: Sequence[tuple[int, Question]]) -> None:
        """Asks; what got lost is asked again, once: a busy machine is no evidence of anything."""
        self._round(numbered)
        self.last_try, again = True, self.lost
        self._round(again)
        self._say([_DONE])
        while self.peer is not None and not self.peer_done:
            self._pump(0.005)
        for log in self.logs.values():
            log.close()
        self.poll.close()

    def _round(self, numbered: Sequence[tuple[int, Question]]) -> None:
        here = ""
        for count, (number, question) in enumerate(sorted(numbered, key=lambda n: n[1].source)):
            if question.source != here:
                here = question.source
                syscall.setns(self.namespaces[here])
            self._start(number, question)
            if not count % 64:
                self._pump(0)
            while len(self.live) >= WINDOW:
                self._pump(0.005)
        while self.live:
            self._pump(0.005)

    def _start(self, number: int, question: Question) -> None:
        family = socket.AF_INET6 if ":" in question.destination else socket.AF_INET
        kind = socket.SOCK_STREAM if question.protocol == TCP else socket.SOCK_DGRAM
        sock = socket.socket(family, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, question.protocol)
        live = _Live(number, question, sock, self._bind(sock))
        try:
            refused = sock.connect_ex((question.destination, question.port))
            if question.protocol != TCP and not refused:
                # a filter in the sender's own namespace is felt at once, but who it was is only in the log
                with suppress(PermissionError):
                    sock.send(_said(question))
        except OSError as failure:
            refused = failure.errno or errno.EIO
        self.live[sock.fileno()] = live
        self.by_port[question.protocol, live.port] = live
        self.deadlines.append((time.monotonic() + DEADLINE, live))
        if refused not in (0, errno.EINPROGRESS):
            self._error(live, refused)
            return
        self.poll.register(sock.fileno(), select.EPOLLOUT if question.protocol == TCP else select.EPOLLIN)

    def _bind(self, sock: socket.socket) -> int:
        for port in self.ports:
            try:
                sock.bind(("", port))
            except OSError:
                continue
            return port
        raise AssertionError("cycle() does not end")

    def _pump(self, wait: float) -> None:
        for number, event in self.poll.poll(wait, 2048):
            log = self.logs.get(number)
            if log is not None:
                for packet in log.read():
                    self._logged(packet.mark, packet.protocol, packet.source_port, packet.destination_port)
            elif number in self.live:
                self._ready(self.live[number], event)
            elif self.peer is not None and number == self.peer.fileno():
                self._heard()
        self._say(self.foreign)
        self.foreign.clear()
        self._overdue()

    def _overdue(self) -> None:
        now = time.monotonic()
        while self.waiting and self.waiting[0][0] < now:
            _, live = self.waiting.popleft()
            if live.socket.fileno() >= 0:
                self._end(live, Observed("logged", live.dropped))
        while self.deadlines and (self.deadlines[0][0] < now or self.deadlines[0][1].socket.fileno() < 0):
            _, live = self.deadlines.popleft()
            if live.socket.fileno() >= 0:
                self._end(live, Observed("lost"))

    # ---- the other process --------------------------------------------------------------------------------------------

    def _say(self, messages: Sequence[bytes]) -> None:
        """To the peer. If its socket is full it is busy reading the same; what it does not get it asks again."""
        for start in range(0, len(messages) if self.peer is not None else 0, 1000):
            assert self.peer is not None
            with suppress(BlockingIOError, BrokenPipeError):
                self.peer.send(b"".join(messages[start : start + 1000]))

    def _heard(self) -> None:
        assert self.peer is not None
        with suppress(BlockingIOError):
            while data := self.peer.recv(1 << 16):
                for mark, protocol, source_port, destination_port in _LOGGED.iter_unpack(data):
                    if mark == _NOBODY:
                        self.peer_done = True
                    else:
                        self._logged(mark, protocol, source_port, destination_port, forward=False)
            self.peer_done = True  # it has gone away

    # ---- evidence -------------------------------------------------------------------------------------------------------

    def _ready(self, live: _Live, event: int) -> None:
        failure = live.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failure:
            self._error(live, failure)
        elif event & select.EPOLLIN:
            try:
                said = live.socket.recv(1 << 16)
            except OSError as refused:
                self._error(live, refused.errno or errno.EIO)
                return
            self._end(live, Observed("open", said=said))
        elif live.question.payload:
            live.socket.send(live.question.payload)
            self.poll.modify(live.socket.fileno(), select.EPOLLIN)
        else:
            self._end(live, Observed("open"))

    def _error(self, live: _Live, failure: int) -> None:
        if failure == errno.ECONNREFUSED:
            self._end(live, Observed("closed"))
        else:
            # unreachable, reset, no address of this family: the kernel's word, but not a rule's
            self._end(live, Observed("lost", said=errno.errorcode.get(failure, "?").encode()))

    def _logged(self, mark: int, protocol: int, source_port: int, destination_port: int, forward: bool = True) -> None:
        asked = self.by_port.get((protocol, source_port))
        if asked is not None:
            self._end(asked, Observed("logged", mark))
            return
        answered = self.by_port.get((protocol, destination_port))
        if answered is None:
            if forward:
                self.foreign.append(_LOGGED.pack(mark, protocol, source_port, destination_port))
        elif mark in self.closed:
            self._end(answered, Observed("logged", mark))
        elif answered.dropped < 0:
            answered.dropped = mark
            self.waiting.append((time.monotonic() + PATIENCE, answered))

    def _end(self, live: _Live, observed: Observed) -> None:
        self.live.pop(live.socket.fileno(), None)
        self.by_port.pop((live.question.protocol, live.port), None)
        if observed.kind == "open" and live.question.protocol == TCP:
            live.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)  # no TIME_WAIT to run out of ports by
        live.socket.close()
        if observed.kind == "lost" and not self.last_try:
            self.lost.append((live.number, live.question))
        else:
            self.finish(live.number, observed)
