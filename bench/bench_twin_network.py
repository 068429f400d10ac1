"""Claim: making the twin's network costs hardly more than the kernel's own work.

Subject: `LinuxKernel.apply` of every Make, Connect and Configure step of a topology of N hosts in one subnet. Floor: a
loop of struct-packed netlink messages, the fewest that give the same state (namespace, point-to-point veth, /32 address,
default route, permanent neighbours, host route in the router), acknowledged once a batch, for as many wires: a VPC brings
its resolver, its metadata address and the internet with it. Each run is a fresh process in namespaces of its own. Not
counted but shown: the steps, loading the filters, and taking it apart (from closing the descriptors until the router has
no wire left). `by turns` is the median of the ratios of neighbouring runs.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from common import flat, in_namespaces, machine, median, middle, network, table, take_turns

from budnet.twin import nftables, syscall, tools
from budnet.twin.build import plan
from budnet.twin.linux import LinuxKernel
from budnet.twin.plan import TwinPlan
from budnet.twin.steps import Load, TwinState, steps

SIZES = {50: 9, 200: 7, 1000: 3}
"""How many hosts, and how often each is measured."""
GOAL = 1.3
BATCH = 64


# ---- the subject ----------------------------------------------------------------------------------------------------


def ours(wanted: TwinPlan) -> dict[str, float]:
    kernel = LinuxKernel(nftables.library(tools.find().libnftables()))
    start = time.perf_counter()
    todo = steps(wanted, TwinState())
    planned = time.perf_counter()
    kernel.apply([s for s in todo if not isinstance(s, Load)])
    made = time.perf_counter()
    kernel.apply([s for s in todo if isinstance(s, Load)])
    loaded = time.perf_counter()
    routers = [s.id for s in wanted.spaces if s.kind == "router"]
    ends = [fd for space, fd in kernel.spaces.items() if space not in routers]
    gone = taken_apart(kernel.spaces[routers[0]], ends)
    return {"steps": planned - start, "network": made - planned, "filters": loaded - made, "down": gone}


# ---- the floor ------------------------------------------------------------------------------------------------------


def attr(kind: int, data: bytes) -> bytes:
    return struct.pack("=HH", len(data) + 4, kind) + data + bytes(-len(data) % 4)


def message(kind: int, body: bytes) -> bytes:
    """NLM_F_REQUEST | NLM_F_CREATE; the last message of a batch also asks for an answer."""
    return struct.pack("=IHHII", 16 + len(body), kind, 0x401, 0, 0) + body


def send(link: socket.socket, messages: list[bytes]) -> None:
    last = bytearray(messages[-1])
    last[6] |= 0x4  # NLM_F_ACK
    link.send(b"".join(messages[:-1]) + last)
    (code,) = struct.unpack_from("=i", link.recv(4096), 16)
    assert code == 0, os.strerror(-code)


def route_socket() -> socket.socket:
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)


def floor(size: int) -> dict[str, float]:
    start = time.perf_counter()
    next_hop, up = socket.inet_aton("169.254.1.1"), 1
    syscall.unshare(syscall.NEWNET)
    router = syscall.network_namespace()
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    ends = []
    for _ in range(size):
        syscall.unshare(syscall.NEWNET)
        ends.append(syscall.network_namespace())

    def mac(number: int, side: int) -> bytes:
        return struct.pack(">BIB", 2, number, side)

    def link(index: int) -> bytes:
        return struct.pack("=BxHiII", 0, 0, index, up, up)

    def neighbour(index: int, address: bytes) -> bytes:
        return message(28, struct.pack("=BxxxiHBB", 2, index, 0x80, 0, 0) + attr(1, next_hop) + attr(2, address))

    def route(index: int, prefix: bytes) -> bytes:
        head = struct.pack("=BBBBBBBBI", 2, 8 * len(prefix), 0, 0, 254, 4, 0, 1, 4)
        return message(24, head + (attr(1, prefix) if prefix else b"") + attr(5, next_hop) + attr(4, struct.pack("=I", index)))

    syscall.setns(router)
    wires = []
    for i, end in enumerate(ends):
        peer = struct.pack("=BxHiII", 0, 0, 10, 0, 0) + attr(3, b"eth0\0") + attr(1, mac(i, 11)) + attr(28, struct.pack("=I", end))
        info = attr(1, b"veth") + attr(2, attr(1, peer))
        wires.append([
            message(16, link(10 + i) + attr(3, b"e%d\0" % i) + attr(1, mac(i, 10)) + attr(18, info)),
            neighbour(10 + i, mac(i, 11)), route(10 + i, host(i)),
        ])  # fmt: skip
    with route_socket() as here:
        send(here, [message(16, link(1))])  # without its loopback up a namespace takes no gateway
        for at in range(0, size, BATCH // 3):
            send(here, [m for wire in wires[at : at + BATCH // 3] for m in wire])
    for i, end in enumerate(ends):
        syscall.setns(end)
        address = message(20, struct.pack("=BBBBi", 2, 32, 0, 0, 10) + attr(2, host(i)) + attr(1, host(i)))
        with route_socket() as there:
            send(there, [message(16, link(10)), address, neighbour(10, mac(i, 10)), route(10, b"")])
    made = time.perf_counter()
    return {"network": made - start, "down": taken_apart(router, ends)}


def host(number: int) -> bytes:
    return struct.pack(">I", 0x0A000000 + 10 + number)


# ---- both -----------------------------------------------------------------------------------------------------------


def taken_apart(router: int, ends: list[int]) -> float:
    """Seconds from closing every descriptor but the router's until it has no wire left."""
    syscall.setns(router)
    start = time.perf_counter()
    for end in ends:
        os.close(end)
    while any(name[1:].isdigit() for _, name in socket.if_nameindex()):
        time.sleep(0.002)
    return time.perf_counter() - start


def measure(work: Callable[[], dict[str, float]]) -> Callable[[], dict[str, float]]:
    return partial(in_namespaces, work)


def main() -> None:
    machine()
    rows, ratios = [], []
    for size, repetitions in SIZES.items():
        wanted = plan(network(flat(size)))
        runs = take_turns(repetitions, ours=measure(partial(ours, wanted)), floor=measure(partial(floor, len(wanted.wires))))
        mine, bare = middle(runs["ours"]), middle(runs["floor"])
        ratios.append(mine["network"] / bare["network"])
        rows.append([
            f"{size} hosts", len(wanted.spaces), mine["steps"], mine["network"], bare["network"], f"{ratios[-1]:.2f}",
            f"{median([a['network'] / b['network'] for a, b in zip(runs['ours'], runs['floor'], strict=True)]):.2f}",
            mine["filters"], mine["down"], bare["down"],
        ])  # fmt: skip
    columns = ["seconds", "spaces", "steps", "network", "floor", "ratio", "by turns", "filters", "down", "floor down"]
    table(columns, rows)
    print(f"ratio {max(ratios):.2f} (goal at most {GOAL})")


if __name__ == "__main__":
    main()
