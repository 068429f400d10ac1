"""Packets that a rule logged: the positive evidence of a drop. Written against linux/netfilter/nfnetlink_log.h."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

GROUP = 5
PREFIX = "budnet:"
SNAPLEN = 96
"""Enough for an IPv6 header, an ICMPv6 error and the ports of the packet inside it."""
_CONFIG, _PACKET = (4 << 8) | 1, 4 << 8
_BUFFER = 4 << 20
_ICMP, _ICMP6 = 1, 58
_UNREACHABLE = {_ICMP: 3, _ICMP6: 1}
_QUERIES, _ANSWERS = {(_ICMP, 8), (_ICMP, 13), (_ICMP6, 128)}, {(_ICMP, 0), (_ICMP, 14), (_ICMP6, 129)}
_NETFILTER = 12


class Logged(NamedTuple):
    """One logged packet: the mark in the rule's prefix and the packet's five-tuple (addresses packed, ports in host order).
    An ICMP query has its identifier for a source port and its message's number (`ir/icmp.py`) for a destination port, its
    answer the other way round."""

    mark: int
    protocol: int
    source: bytes
    source_port: int
    destination: bytes
    destination_port: int


def _attr(kind: int, data: bytes) -> bytes:
    size = len(data) + 4
    return struct.pack("=HH", size, kind) + data + b"\0" * (-size % 4)


class Log:
    """The log of the namespace it was opened in."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETFILTER)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self.socket.bind((0, 0))
        # bind to the group; copy the first bytes of each packet; hand over 32 at a time, or after 10 ms
        for option in (
            _attr(1, b"\x01"),
            _attr(2, struct.pack(">IBx", SNAPLEN, 2)),
            _attr(5, struct.pack(">I", 32)),
            _attr(4, struct.pack(">I", 1)),
        ):
            body = struct.pack(">BBH", 0, 0, GROUP) + option
            self.socket.send(struct.pack("=IHHII", 16 + len(body), _CONFIG, 5, 0, 0) + body)
            (code,) = struct.unpack_from("=i", self.socket.recv(65536), 16)
            if code:
                raise OSError(-code, "nflog")
        self.socket.setblocking(False)

    def fileno(self) -> int:
        return self.socket.fileno()

    def close(self) -> None:
        self.socket.close()

    def read(self) -> Iterator[Logged]:
        """Everything that has arrived."""
        while True:
            try:
                data = self.socket.recv(1 << 20)
            except BlockingIOError:
                return
            except OSError:  # ENOBUFS: the kernel had more than the buffer; those questions are asked again
                continue
            yield from parse(data)


def parse(data: bytes) -> Iterator[Logged]:
    """The packets in one datagram of the log."""
    at = 0
    while at + 16 <= len(data):
        size, kind = struct.unpack_from("=IH", data, at)
        if kind == _PACKET:
            found = _one(data, at + 20, at + size)
            if found is not None:
                yield found
        at += (size + 3) & ~3


def _one(data: bytes, at: int, end: int) -> Logged | None:
    mark, payload = None, b""
    while at + 4 <= end:
        size, kind = struct.unpack_from("=HH", data, at)
        if kind == 9:
            payload = data[at + 4 : at + size]
        elif kind == 10:
            prefix = data[at + 4 : at + size - 1]
            if prefix.startswith(PREFIX.encode()):
                mark = int(prefix[len(PREFIX) :])
        at += (size + 3) & ~3
    return None if mark is None else _tuple(mark, payload)


def _tuple(mark: int, packet: bytes) -> Logged | None:
    """Addresses and ports. Of an ICMP error it is the packet that it answers, turned around, as its answer would be."""
    try:
        version = packet[0] >> 4
        if version == 4:
            protocol, source, destination, payload = (
                packet[9],
                packet[12:16],
                packet[16:20],
                packet[(packet[0] & 15) * 4 :],
            )
        else:
            protocol, source, destination, payload = packet[6], packet[8:24], packet[24:40], packet[40:]
        if payload[0] == _UNREACHABLE.get(protocol):
            inner = _tuple(mark, payload[8:])
            if inner is None:
                return None
            return Logged(mark, inner.protocol, inner.destination, inner.destination_port, inner.source, inner.source_port)
        source_port, destination_port = _message(protocol, payload) if protocol in _UNREACHABLE else struct.unpack_from(">HH", payload)
    except (IndexError, struct.error):
        return None
    return Logged(mark, protocol, source, source_port, destination, destination_port)


def _message(protocol: int, payload: bytes) -> tuple[int, int]:
    number, identifier = struct.unpack_from(">H2xH", payload)
    kind = protocol, payload[0]
    return (identifier, number) if kind in _QUERIES else (number, identifier) if kind in _ANSWERS else (0, 0)
