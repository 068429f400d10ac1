"""Listeners of our own: sockets in every namespace, in one process, that answer with the name of their endpoint.

A TCP client that speaks first gets the name: as an HTTP response where it speaks HTTP, else as a line. A UDP datagram
gets the name back. So an answer is evidence of who gave it, behind whatever translation.
"""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress

from budnet.ir.address import Protocol
from budnet.twin import nameserver, syscall
from budnet.twin.nameserver import Zone
from budnet.twin.plan import OwnListener

_BACKLOG = 4096
_IP_PKTINFO = 8  # not in the socket module before Python 3.12
_HTTP = (b"GET ", b"HEAD", b"POST", b"PUT ")


def open_all(listeners: Iterable[OwnListener], namespaces: Mapping[str, int], has_v6: Iterable[str]) -> dict[socket.socket, str]:
    """Binds every listener in its namespace; the thread is left in the last one. 15 us each."""
    sockets: dict[socket.socket, str] = {}
    v6, here = set(has_v6), ""
    for listener in sorted(listeners, key=lambda x: x.endpoint):
        if listener.endpoint != here:
            here = listener.endpoint
            syscall.setns(namespaces[here])
        if listener.protocol in (Protocol.TCP, Protocol.UDP):
            sockets[_open(listener, here in v6)] = here
    return sockets


def _open(listener: OwnListener, v6: bool) -> socket.socket:
    kind = socket.SOCK_STREAM if listener.protocol is Protocol.TCP else socket.SOCK_DGRAM
    found = socket.socket(socket.AF_INET6 if v6 and not listener.loopback else socket.AF_INET, kind | socket.SOCK_NONBLOCK)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if found.family == socket.AF_INET6:
        found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    if kind == socket.SOCK_DGRAM:
        level, option = (
            (socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO) if found.family == socket.AF_INET6 else (socket.IPPROTO_IP, _IP_PKTINFO)
        )
        found.setsockopt(level, option, 1)
    host = "127.0.0.1" if listener.loopback else "::" if found.family == socket.AF_INET6 else "0.0.0.0"
    found.bind((host, listener.port))
    if kind == socket.SOCK_STREAM:
        found.listen(_BACKLOG)
    return found


def serve(sockets: Mapping[socket.socket, str], zones: Mapping[str, Zone]) -> None:
    """Answers until the process ends; at a name server (by endpoint) DNS queries from its zone."""
    poll = select.epoll()
    bound = {s.fileno(): (s, name) for s, name in sockets.items()}
    waiting: dict[int, tuple[socket.socket, str]] = {}
    for number in bound:
        poll.register(number, select.EPOLLIN)
    while True:
        for number, _ in poll.poll():
            if number in waiting:
                poll.unregister(number)
                _answer(*waiting.pop(number), zones)
            elif bound[number][0].type == socket.SOCK_DGRAM:
                _echo(*bound[number], zones)
            else:
                _accept(*bound[number], poll, waiting)


def _accept(listener: socket.socket, name: str, poll: select.epoll, waiting: dict[int, tuple[socket.socket, str]]) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            connection.setblocking(False)
            waiting[connection.fileno()] = connection, name
            poll.register(connection.fileno(), select.EPOLLIN)


def _answer(connection: socket.socket, name: str, zones: Mapping[str, Zone]) -> None:
    with connection, suppress(OSError):
        said = connection.recv(4096)
        reply = nameserver.answer_stream(zones[name], said) if name in zones else None
        if said:
            connection.send(reply or (http(name) if said.startswith(_HTTP) else name.encode() + b"\n"))


def _echo(listener: socket.socket, name: str, zones: Mapping[str, Zone]) -> None:
    with suppress(OSError):
        while True:
            said, about, _, peer = listener.recvmsg(2048, 128)
            reply = nameserver.answer(zones[name], said) if name in zones else None
            listener.sendmsg([reply or name.encode()], [_from_there(*each) for each in about], 0, peer)


def _from_there(level: int, kind: int, data: bytes) -> tuple[int, int, bytes]:
    """The address a datagram came to, as the one to answer from: an endpoint may have several (ip(7), ipv6(7))."""
    if level == socket.IPPROTO_IPV6:
        return level, kind, data[:16] + bytes(4)
    return level, kind, bytes(4) + data[8:12] + data[8:12]


def http(name: str) -> bytes:
    """A complete HTTP/1.1 response with the name as its text."""
    head = f"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {len(name) + 1}\r\nconnection: close\r\n\r\n"
    return f"{head}{name}\n".encode()


def run(listeners: Iterable[OwnListener], namespaces: Mapping[str, int], has_v6: Iterable[str], zones: Mapping[str, Zone]) -> int:
    """Forks the process that serves; returns its pid once every socket is bound, so that nothing has to be waited for."""
    sockets = open_all(listeners, namespaces, has_v6)
    pid = os.fork()
    if pid == 0:
        try:
            serve(sockets, zones)
        finally:
            os._exit(1)
    for each in sockets:
        each.close()
    return pid
