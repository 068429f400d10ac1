"""Many conversations with servers on one thread: coroutines that wait for sockets, and the epoll that resumes them.

A thread for each cost nearly twice the processor time for a question; asyncio takes longer to import than a scan takes.
"""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from collections.abc import Coroutine, Generator
from types import coroutine
from typing import Final, NamedTuple

READ, WRITE = select.EPOLLIN, select.EPOLLOUT
AT_ONCE: Final = 32
"""Conversations; the next begin when one ends. Servers of one machine are not to refuse us, nor be slow, for our number."""
Conversation = Coroutine["_Wait", None, None]


class _Wait(NamedTuple):
    """What a conversation needs before it can go on."""

    descriptor: int
    event: int
    seconds: float


@coroutine
def ready(connection: socket.socket, event: int, seconds: float) -> Generator[_Wait, None, None]:
    """Until the connection can be read (or written). Raises TimeoutError."""
    yield _Wait(connection.fileno(), event, seconds)


class Loop:
    """Conversations that are started run until all have ended; one may start others. What one raises, `run` raises."""

    def __init__(self) -> None:
        self._backlog: deque[Conversation] = deque()
        self._waiting: dict[int, tuple[Conversation, float]] = {}
        """By descriptor: who waits, and until when."""
        self._wake = float("inf")
        """No deadline is earlier."""

    def start(self, conversation: Conversation) -> None:
        """Takes its turn as soon as fewer than AT_ONCE wait."""
        self._backlog.append(conversation)

    def run(self) -> None:
        """Until the last conversation has ended."""
        with select.epoll() as epoll:
            while self._backlog or self._waiting:
                while self._backlog and len(self._waiting) < AT_ONCE:
                    self._go_on(epoll, self._backlog.popleft())
                if self._waiting:
                    for descriptor, _ in epoll.poll(max(0.0, self._wake - time.monotonic())):
                        self._go_on(epoll, self._waiting.pop(descriptor)[0])
                    self._time_out(epoll)

    def _time_out(self, epoll: select.epoll) -> None:
        now = time.monotonic()
        if now < self._wake:
            return
        late = sorted((deadline, descriptor) for descriptor, (_, deadline) in self._waiting.items() if deadline <= now)
        for _, descriptor in late:
            self._go_on(epoll, self._waiting.pop(descriptor)[0], TimeoutError())
        self._wake = min((deadline for _, deadline in self._waiting.values()), default=float("inf"))

    def _go_on(self, epoll: select.epoll, conversation: Conversation, failure: BaseException | None = None) -> None:
        try:
            wait = conversation.throw(failure) if failure else conversation.send(None)
        except StopIteration:
            return
        try:
            epoll.register(wait.descriptor, wait.event | select.EPOLLONESHOT)
        except FileExistsError:
            epoll.modify(wait.descriptor, wait.event | select.EPOLLONESHOT)
        deadline = time.monotonic() + wait.seconds
        self._waiting[wait.descriptor] = conversation, deadline
        self._wake = min(self._wake, deadline)
