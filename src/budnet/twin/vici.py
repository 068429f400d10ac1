"""strongSwan's control protocol, as far as a twin needs it: begin a tunnel, and list what is established.

Packets of the Versatile IKE Control Interface, https://github.com/strongswan/strongswan/blob/master/src/libcharon/plugins/vici/README.md
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Mapping
from typing import Any

_REQUEST, _RESPONSE, _REGISTER, _CONFIRM, _EVENT = 0, 1, 3, 5, 7
_SECTION, _SECTION_END, _VALUE, _LIST, _ITEM, _LIST_END = 1, 2, 3, 4, 5, 6


class Vici:
    """A connection to one daemon."""

    def __init__(self, path: str, seconds: float) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(seconds)
        self._socket.connect(path)

    def fileno(self) -> int:
        """For polls."""
        return self._socket.fileno()

    def close(self) -> None:
        """Ends the connection, and with it what was asked and is not answered."""
        self._socket.close()

    def send(self, command: str, arguments: Mapping[str, str]) -> None:
        """Asks; the answer is read by `answer`."""
        self._send(_REQUEST, command, b"".join(_pair(k, v) for k, v in arguments.items()))

    def answer(self) -> dict[str, Any]:
        """What the last request came to. Raises TimeoutError or OSError."""
        while True:
            kind, body = self._receive()
            if kind == _RESPONSE:
                return decode(body)

    def established(self) -> list[dict[str, Any]]:
        """Every IKE SA with its children, as `swanctl --list-sas` shows them."""
        return list(self._list("list-sa"))

    def configured(self) -> list[dict[str, Any]]:
        """Every connection with its children, as `swanctl --list-conns` shows them."""
        return list(self._list("list-conn"))

    def _list(self, event: str) -> Iterator[dict[str, Any]]:
        """A command that is answered by events of almost its name."""
        self._send(_REGISTER, event, b"")
        if self._receive()[0] != _CONFIRM:
            raise OSError(f"the daemon knows no event {event}")
        self._send(_REQUEST, f"{event}s", b"")
        return self._events()

    def _events(self) -> Iterator[dict[str, Any]]:
        while True:
            kind, body = self._receive()
            if kind != _EVENT:
                return
            yield decode(body[1 + body[0] :])

    def _send(self, kind: int, name: str, body: bytes) -> None:
        packet = bytes([kind, len(name)]) + name.encode() + body
        self._socket.sendall(struct.pack(">I", len(packet)) + packet)

    def _receive(self) -> tuple[int, bytes]:
        (size,) = struct.unpack(">I", self._exactly(4))
        packet = self._exactly(size)
        return packet[0], packet[1:]

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self._socket.recv(size - len(data))
            if not part:
                raise OSError("the daemon closed its control socket")
            data += part
        return data


def _pair(key: str, value: str) -> bytes:
    return bytes([_VALUE, len(key)]) + key.encode() + struct.pack(">H", len(value)) + value.encode()


def decode(body: bytes) -> dict[str, Any]:
    """A message: sections are mappings, lists are lists, values are text."""
    root: dict[str, Any] = {}
    stack: list[Any] = [root]
    at = 0
    while at < len(body):
        kind = body[at]
        at += 1
        name = value = ""
        if kind in (_SECTION, _VALUE, _LIST):
            size = body[at]
            name = body[at + 1 : at + 1 + size].decode()
            at += 1 + size
        if kind in (_VALUE, _ITEM):
            (size,) = struct.unpack_from(">H", body, at)
            value = body[at + 2 : at + 2 + size].decode(errors="replace")
            at += 2 + size
        if kind in (_SECTION, _LIST):
            made: Any = {} if kind == _SECTION else []
            stack[-1][name] = made
            stack.append(made)
        elif kind in (_SECTION_END, _LIST_END):
            stack.pop()
        elif kind == _VALUE:
            stack[-1][name] = value
        else:
            stack[-1].append(value)
    return root
