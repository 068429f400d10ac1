"""Claim: at least 30,000 flows a second are tried with real packets, each answer has evidence, and none is wrong.

Subject: every question that the reference topology raises, asked of its twin with all real servers; the clock runs from
the first request to the agent until the last answer is back here, so it includes what goes over the agent's socket. Beside it, what
the prediction of the same answers takes: the share of it in both is printed. Floor: as many plain non-blocking connects
over loopback in a namespace without filters, routes or logs, to a port that accepts (as many as the twin answered) and
one that refuses (the rest), from two processes as the prober has, each with as many in flight as one of the prober's.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

from common import in_namespaces, machine, median, seconds, table, take_turns

from budnet.ir.network import Network
from budnet.pipeline import load
from budnet.probe.predicted import Predicted
from budnet.probe.question import Question, questions
from budnet.probe.truth import Truth, truth
from budnet.twin import lab, netlink, tools
from budnet.twin.build import plan
from budnet.twin.prober import WINDOW
from budnet.twin.staging import stage

REPETITIONS = 5
GOAL = 30_000


@contextmanager
def twin_of(network: Network) -> Iterator[lab.Twin]:
    """A twin that ends with this process."""
    name, found = f"bench-{os.getpid()}", tools.find()
    lab.up(stage(network, plan(network), found), found, name, attached=True)
    twin = lab.Twin(name)
    try:
        yield twin
    finally:
        twin.down()


def predict(network: Network, asked: list[Question]) -> float:
    def work() -> None:
        predicted = Predicted(network)
        for question in asked:
            predicted(question)

    return seconds(work)


def floor(accepted: int, refused: int) -> float:
    """Seconds for that many connects; in a namespace of its own."""
    with netlink.Netlink() as link:
        link.send([netlink.up(1)])
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(4096)
    good, bad = listener.getsockname()[1], 1
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            while True:
                listener.accept()[0].close()
        os._exit(0)
    # spread evenly, as the questions are
    total = accepted + refused
    ports = [good if (i + 1) * accepted // total > i * accepted // total else bad for i in range(total)]
    found = seconds(lambda: connect_in_two(ports))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return found


def connect_in_two(ports: list[int]) -> None:
    other = os.fork()
    if other == 0:
        with suppress(BaseException):
            connect(ports[1::2])
        os._exit(0)
    connect(ports[::2])
    os.waitpid(other, 0)


def connect(ports: list[int]) -> None:
    poll, live, linger = select.epoll(), dict[int, socket.socket](), struct.pack("ii", 1, 0)

    def pump(wait: float) -> None:
        for number, _ in poll.poll(wait, 2048):
            with live.pop(number) as sock:
                sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    for i, port in enumerate(ports):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        sock.connect_ex(("127.0.0.1", port))
        live[sock.fileno()] = sock
        poll.register(sock.fileno(), select.EPOLLOUT)
        if not i % 64:
            pump(0)
        while len(live) >= WINDOW:
            pump(0.005)
    while live:
        pump(0.005)


def main() -> None:
    machine()
    network = load("catalog/foundry").network
    assert network is not None
    asked = list(questions(network))
    with twin_of(network) as twin:
        first = truth(network, twin, asked)
        accepted = first.fates["DELIVERED"]
        runs = take_turns(
            REPETITIONS,
            probe=lambda: truth(network, twin, asked),
            predict=lambda: predict(network, asked),
            floor=partial(in_namespaces, partial(floor, accepted, len(asked) - accepted)),
        )
    probes: list[Truth] = [first, *runs["probe"]]
    wrong = sum(len(found.disagree) for found in probes)
    for row in [d for found in probes for d in found.disagree][:5]:
        print(row)
    packets, predicted, bare = [t.seconds for t in runs["probe"]], runs["predict"], runs["floor"]
    print(f"{len(asked)} flows: " + ", ".join(f"{count} {fate}" for fate, count in sorted(first.fates.items())))
    rows = [
        [name, median(found), min(found), f"{len(asked) / median(found):,.0f}"]
        for name, found in (("packets in the twin", packets), ("prediction", predicted), ("plain connects (floor)", bare))
    ]
    table(["seconds", "median", "best", "a second"], rows)
    share = median(predicted) / (median(predicted) + median(packets))
    print(f"prediction is {100 * share:.0f} % of both; packets take {median(packets) / median(bare):.1f} times the floor")
    rate = len(asked) / median(packets)
    print(f"{rate:,.0f} flows a second, {wrong} of {len(asked) * len(probes)} wrong (goal at least {GOAL:,}, none wrong)")


if __name__ == "__main__":
    main()
