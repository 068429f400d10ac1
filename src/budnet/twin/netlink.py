"""rtnetlink messages, packed by hand and sent many at a time.

Written against linux/rtnetlink.h, linux/if_link.h and linux/neighbour.h. A library was measured and left out: importing
it takes longer than the whole twin does (docs/decisions/0003-raw-netlink.md).
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable
from types import TracebackType

from budnet.ir.address import Address, Prefix

_REQUEST, _ACK, _EXCL, _CREATE = 0x1, 0x4, 0x200, 0x400
_NEWLINK, _NEWADDR, _NEWROUTE, _NEWNEIGH, _NEWRULE = 16, 20, 24, 28, 32
_UP = 1
_ERROR = 2
_NETLINK_CAP_ACK, _SOL_NETLINK = 10, 270
_BATCH = 48
_FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
_ROUTE_UNICAST, _ROUTE_LOCAL, _ROUTE_THROW = 1, 2, 9
_SCOPE_HOST, _SCOPE_LINK = 254, 253
_ONLINK = 4
_PERMANENT = 0x80


def _attr(kind: int, data: bytes = b"") -> bytes:
    size = len(data) + 4
    return struct.pack("=HH", size, kind) + data + b"\0" * (-size % 4)


def _u32(value: int) -> bytes:
    return struct.pack("=I", value)


def _text(value: str) -> bytes:
    return value.encode() + b"\0"


def _message(kind: int, flags: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, flags | _REQUEST | _ACK, 0, 0) + body


def _link(index: int = 0, flags: int = 0, change: int = 0) -> bytes:
    return struct.pack("=BxHiII", 0, 0, index, flags, change)


def veth(index: int, name: str, mac: bytes, peer_index: int, peer_name: str, peer_mac: bytes, peer_namespace: int) -> bytes:
    """A veth pair: this end here and up; the other in `peer_namespace` (a descriptor), down, as only its own side may raise it."""
    peer = _link(peer_index) + _attr(3, _text(peer_name)) + _attr(1, peer_mac) + _attr(28, _u32(peer_namespace))
    info = _attr(1, b"veth") + _attr(2, _attr(1, peer))
    return _message(_NEWLINK, _CREATE | _EXCL, _link(index, _UP, _UP) + _attr(3, _text(name)) + _attr(1, mac) + _attr(18, info))


def sentinel(index: int, name: str) -> bytes:
    """A bridge without ports: a device that is up and leads nowhere. (Kernels may lack the dummy device.)"""
    return _message(_NEWLINK, _CREATE | _EXCL, _link(index, _UP, _UP) + _attr(3, _text(name)) + _attr(18, _attr(1, b"bridge")))


def up(index: int) -> bytes:
    """Raises a device."""
    return _message(_NEWLINK, 0, _link(index, _UP, _UP))


def address(index: int, ip: Address) -> bytes:
    """A host address. IPv6 without duplicate address detection, which would make us wait (IFA_F_NODAD)."""
    body = struct.pack("=BBBBi", _FAMILY[ip.version], ip.max_prefixlen, 0x02 if ip.version == 6 else 0, 0, index)
    return _message(_NEWADDR, _CREATE, body + _attr(2, ip.packed) + _attr(1, ip.packed))


def neighbour(index: int, ip: Address, mac: bytes) -> bytes:
    """A permanent neighbour entry: never asked for, never aged, not counted against the table's limit."""
    body = struct.pack("=BxxxiHBB", _FAMILY[ip.version], index, _PERMANENT, 0, 0)
    return _message(_NEWNEIGH, _CREATE, body + _attr(1, ip.packed) + _attr(2, mac))


def route(prefix: Prefix, table: int, index: int, gateway: Address | None, metric: int = 0, here: bool = False) -> bytes:
    """A route through a device; with a gateway it is taken as on-link. `index=0` is a throw route. `here`: the packet is for
    this machine, whatever its address."""
    kind = _ROUTE_LOCAL if here else _ROUTE_UNICAST if index else _ROUTE_THROW
    scope = _SCOPE_HOST if here else 0 if gateway or not index else _SCOPE_LINK
    flags = _ONLINK if gateway else 0
    body = struct.pack(
        "=BBBBBBBBI",
        _FAMILY[prefix.version],
        prefix.prefixlen,
        0,
        0,
        table if table < 256 else 0,
        4,
        scope,
        kind,
        flags,
    )
    body += _attr(1, prefix.network_address.packed) if prefix.prefixlen else b""
    body += _attr(5, gateway.packed) if gateway else b""
    body += _attr(4, _u32(index)) if index else b""
    body += _attr(6, _u32(metric)) if metric else b""
    return _message(_NEWROUTE, _CREATE, body + _attr(15, _u32(table)))


def rule(prefix: Prefix, table: int, priority: int, to: Prefix | None = None, device: str = "", mark: int = 0) -> bytes:
    """`ip rule add from prefix [to there] [iif device] [fwmark mark] lookup table priority N`."""
    body = struct.pack("=BBBBBBBBI", _FAMILY[prefix.version], to.prefixlen if to else 0, prefix.prefixlen, 0, 0, 0, 0, 1, 0)
    body += _attr(1, to.network_address.packed) if to and to.prefixlen else b""
    body += _attr(2, prefix.network_address.packed) if prefix.prefixlen else b""
    body += _attr(3, _text(device)) if device else b""
    body += _attr(10, _u32(mark)) if mark else b""
    return _message(_NEWRULE, _CREATE | _EXCL, body + _attr(15, _u32(table)) + _attr(6, _u32(priority)))


def gone(message: bytes) -> bytes:
    """The message that undoes a `route` or `rule` message: the kernel's DEL kinds are one above its NEW kinds."""
    (kind,) = struct.unpack_from("=H", message, 4)
    return message[:4] + struct.pack("=HH", kind + 1, _REQUEST | _ACK) + message[8:]


class Netlink:
    """A route netlink socket of the namespace it was opened in."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._socket.bind((0, 0))
        self._socket.setsockopt(_SOL_NETLINK, _NETLINK_CAP_ACK, 1)

    def __enter__(self) -> Netlink:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._socket.close()

    def send(self, messages: Iterable[bytes]) -> None:
        """Sends all and waits for every acknowledgement. OSError with the kernel's reason for the first that failed."""
        waiting = list(messages)
        for start in range(0, len(waiting), _BATCH):
            part = waiting[start : start + _BATCH]
            self._socket.send(b"".join(part))
            self._acknowledged(len(part))

    def _acknowledged(self, needed: int) -> None:
        while needed:
            data, at = self._socket.recv(65536), 0
            while at < len(data):
                size, kind = struct.unpack_from("=IH", data, at)
                if kind == _ERROR:
                    (code,) = struct.unpack_from("=i", data, at + 16)
                    if code:
                        raise OSError(-code, os.strerror(-code))
                    needed -= 1
                at += (size + 3) & ~3
