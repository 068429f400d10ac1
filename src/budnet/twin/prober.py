"""Sends real packets from many namespaces and says what became of each, on positive evidence only.

A connection that opens and a name that comes back is an answer; a reset is an answer; a packet in a namespace's log is an
answer, because a rule put it there. Silence is none: it is reported as lost, never as denied.
"""

from __future__ import annotations

import errno
import select
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from typing import NamedTuple

from budnet.twin import syscall
from budnet.twin.nflog import Log, Logged

TCP, UDP = 6, 17
WINDOW = 1500
DEADLINE = 2.0
PATIENCE = 0.06
"""When an answer is seen to be dropped, this long is waited for its sender's own word that it was a refusal: two logs are
read in any order, and each is flushed after 10 ms."""
_LINGER = struct.pack("ii", 1, 0)
_PORTS = (20000, 60999)


class Question(NamedTuple):
    """One flow to try. `payload` is what a UDP client says, or a TCP client once connected; empty where it says nothing."""

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


class _Live:
    __slots__ = ("dropped", "number", "port", "question", "socket")

    def __init__(self, number: int, question: Question, sock: socket.socket, port: int) -> None:
        self.number, self.question, self.socket, self.port = number, question, sock, port
        self.dropped = -1
        """The mark of the rule that dropped its answer."""


Finish = Callable[[int, Observed], None]


def ask(questions: Sequence[Question], namespaces: Mapping[str, int], logged_in: Sequence[str], closed: Set[int], finish: Finish) -> None:
    """Asks everything; `closed` are the marks of answers that refuse.
 `finish(number, observed)` is called once for each question, in the order in which they end.

    What got lost is asked again, once, alone: a busy machine is no evidence of anything.
    """
    lost: list[int] = []

    def first(number: int, observed: Observed) -> None:
        if observed.kind == "lost":
            lost.append(number)
        else:
            finish(number, observed)

    numbered = list(enumerate(questions))
    _Round(namespaces, logged_in, closed, questions, first).run(numbered)
    if lost:
        _Round(namespaces, logged_in, closed, questions, finish).run([(n, questions[n]) for n in lost])


class _Round:
    def __init__(
        self, namespaces: Mapping[str, int], logged_in: Sequence[str], closed: Set[int], questions: Sequence[Question], finish: Finish
    ) -> None:
        self.namespaces, self.closed, self.finish = namespaces, closed, finish
        self.poll = select.epoll()
        self.logs: dict[int, Log] = {}
        for space in logged_in:
            syscall.setns(namespaces[space])
            log = Log()
            self.logs[log.fileno()] = log
            self.poll.register(log.fileno(), select.EPOLLIN)
        self.live: dict[int, _Live] = {}
        self.by_port: dict[tuple[int, int], _Live] = {}
        self.deadlines: deque[tuple[float, _Live]] = deque()
        self.waiting: deque[tuple[float, _Live]] = deque()
        self.ports = self._source_ports({q.port for q in questions})

    @staticmethod
    def _source_ports(used: set[int]) -> Iterator[int]:
        """Each question in flight has a source port of its own, over all namespaces, that is no destination port: so a
        logged packet is known by its port alone, whatever translation did to its addresses."""
        while True:
            yield from (p for p in range(_PORTS[0], _PORTS[1] + 1) if p not in used)

    def run(self, numbered: Sequence[tuple[int, Question]]) -> None:
        here = ""
        for number, question in sorted(numbered, key=lambda n: n[1].source):
            if question.source != here:
                here = question.source
                syscall.setns(self.namespaces[here])
            self._start(number, question)
            if not number % 64:
                self._pump(0)
            while len(self.live) >= WINDOW:
                self._pump(0.005)
        while self.live:
            self._pump(0.005)
        for log in self.logs.values():
            log.close()
        self.poll.close()

    def _start(self, number: int, question: Question) -> None:
        family = socket.AF_INET6 if ":" in question.destination else socket.AF_INET
        kind = socket.SOCK_STREAM if question.protocol == TCP else socket.SOCK_DGRAM
        sock = socket.socket(family, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        if question.protocol == TCP:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)  # no TIME_WAIT to run out of ports by
        port = self._bind(sock)
        live = _Live(number, question, sock, port)
        try:
            refused = sock.connect_ex((question.destination, question.port))
            if question.protocol == UDP and not refused:
                # a filter in the sender's own namespace is felt at once, but who it was is only in the log
                with suppress(PermissionError):
                    sock.send(question.payload or b"\n")
        except OSError as failure:
            refused = failure.errno or errno.EIO
        self.live[sock.fileno()] = live
        self.by_port[question.protocol, port] = live
        self.deadlines.append((time.monotonic() + DEADLINE, live))
        if refused not in (0, errno.EINPROGRESS):
            self._error(live, refused)
            return
        self.poll.register(sock.fileno(), select.EPOLLOUT if question.protocol == TCP else select.EPOLLIN)

    def _bind(self, sock: socket.socket) -> int:
        while True:
            port = next(self.ports)
            try:
                sock.bind(("", port))
            except OSError:
                continue
            return port

    def _pump(self, wait: float) -> None:
        for number, event in self.poll.poll(wait, 2048):
            log = self.logs.get(number)
            if log is not None:
                for packet in log.read():
                    self._logged(packet)
            elif number in self.live:
                self._ready(self.live[number], event)
        now = time.monotonic()
        while self.waiting and self.waiting[0][0] < now:
            _, live = self.waiting.popleft()
            if live.socket.fileno() >= 0:
                self._end(live, Observed("logged", live.dropped))
        while self.deadlines and (self.deadlines[0][0] < now or self.deadlines[0][1].socket.fileno() < 0):
            _, live = self.deadlines.popleft()
            if live.socket.fileno() >= 0:
                self._end(live, Observed("lost"))

    def _ready(self, live: _Live, event: int) -> None:
        failure = live.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failure:
            self._error(live, failure)
        elif event & select.EPOLLIN:
            try:
                said = live.socket.recv(2048)
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

    def _logged(self, packet: Logged) -> None:
        asked = self.by_port.get((packet.protocol, packet.source_port))
        if asked is not None:
            self._end(asked, Observed("logged", packet.mark))
            return
        answered = self.by_port.get((packet.protocol, packet.destination_port))
        if answered is None:
            return
        if packet.mark in self.closed:
            self._end(answered, Observed("logged", packet.mark))
        elif answered.dropped < 0:
            answered.dropped = packet.mark
            self.waiting.append((time.monotonic() + PATIENCE, answered))

    def _end(self, live: _Live, observed: Observed) -> None:
        number = live.socket.fileno()
        self.live.pop(number, None)
        self.by_port.pop((live.question.protocol, live.port), None)
        live.socket.close()
        self.finish(live.number, observed)
