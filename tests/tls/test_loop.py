"""Conversations on one thread: nobody waits longer than he said, nor for others, and what goes wrong is heard."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from budnet.tls.loop import AT_ONCE, READ, Loop, ready


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


async def times_out(seconds: float, log: list[float]) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        try:
            await ready(ours, READ, seconds)
        except TimeoutError:
            log.append(seconds)


@pytest.mark.parametrize("order", [(0.05, 0.6, 0.1), (0.6, 0.1, 0.05)])
def test_deadlines_in_whatever_order(order: tuple[float, ...]) -> None:
    log: list[float] = []
    loop, begun = Loop(), time.monotonic()
    for seconds in order:
        loop.start(times_out(seconds, log))

    async def looks() -> None:
        await times_out(0.3, log)
        assert log[:2] == [0.05, 0.1]

    loop.start(looks())
    loop.run()
    assert log == [0.05, 0.1, 0.3, 0.6]
    assert time.monotonic() - begun >= 0.6


def test_a_conversation_starts_others_and_more_than_run_at_once_take_turns() -> None:
    log: list[float] = []
    loop, begun = Loop(), time.monotonic()

    async def first() -> None:
        for _ in range(AT_ONCE + 1):
            loop.start(times_out(0.05, log))

    loop.start(first())
    loop.run()
    assert len(log) == AT_ONCE + 1
    assert time.monotonic() - begun >= 0.1


def test_what_is_written_wakes_who_reads_and_again(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    heard = []

    async def reads() -> None:
        for _ in range(2):
            await ready(ours, READ, 5)
            heard.append(ours.recv(1))

    async def writes() -> None:
        theirs.send(b"ab")

    loop = Loop()
    loop.start(reads())
    loop.start(writes())
    loop.run()
    assert heard == [b"a", b"b"]


def test_what_a_conversation_raises_is_raised() -> None:
    async def fails() -> None:
        raise ZeroDivisionError

    loop = Loop()
    loop.start(fails())
    with pytest.raises(ZeroDivisionError):
        loop.run()
