"""A server that answers ClientHellos as it is told and knows no cryptography: what it takes is known, so it is the judge of a scan."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from budnet.tls.suites import BY_NUMBER

TLS13 = 0x0304
_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


@dataclass
class Pretender:
    """`takes` has, by version, the suites in the order of its preference; `refusal` of what it has no suite for is an alert."""

    takes: dict[int, list[int]]
    groups: list[int] = field(default_factory=list)
    refusal: int = 40
    names_old_versions: bool = True
    """Whether it says `protocol_version` to who is too old for it, as RFC 5246 has it, or anything else."""
    asked: int = 0

    def answer(self, hello: bytes) -> bytes:
        """What goes back to a ClientHello, which is one record."""
        newest, offered, groups, versions = read_hello(hello)
        possible = [v for v in self.takes if (v in versions if versions else v <= min(newest, 0x0303))]
        if not possible:
            return alert(70 if self.names_old_versions else self.refusal)
        version = max(possible)
        group = next((g for g in self.groups if g in groups), None)
        for suite in (s for s in self.takes[version] if s in offered):
            needs = BY_NUMBER[suite].key_exchange in ("ECDHE", "any")
            if group or not needs:
                return server_hello(version, suite, group if needs else None)
        return alert(self.refusal)


def read_hello(hello: bytes) -> tuple[int, list[int], list[int], list[int]]:
    """Version, suites, groups and the versions of the extension; groups are all where the hello names none."""
    newest = struct.unpack_from("!H", hello, 9)[0]
    at = 9 + 2 + 32
    at += 1 + hello[at]
    length = struct.unpack_from("!H", hello, at)[0]
    offered = list(struct.unpack_from(f"!{length // 2}H", hello, at + 2))
    at += 2 + length + 2
    groups, versions = [29], list[int]()
    end = at + 2 + (struct.unpack_from("!H", hello, at)[0] if at < len(hello) else 0)
    at += 2
    while at < end:
        kind, size = struct.unpack_from("!HH", hello, at)
        if kind == 10:
            groups = list(struct.unpack_from(f"!{(size - 2) // 2}H", hello, at + 6))
        if kind == 43:
            versions = list(struct.unpack_from(f"!{(size - 1) // 2}H", hello, at + 5))
        at += 4 + size
    return newest, offered, groups, versions


def record(kind: int, payload: bytes) -> bytes:
    return struct.pack("!BHH", kind, 0x0303, len(payload)) + payload


def message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def alert(number: int) -> bytes:
    return record(21, bytes([2, number]))


def server_hello(version: int, suite: int, group: int | None) -> bytes:
    """TLS 1.3 as a HelloRetryRequest; before that, with the group in a ServerKeyExchange."""
    if version == TLS13:
        extensions = struct.pack("!HHH", 43, 2, TLS13) + struct.pack("!HHH", 51, 2, group or 0)
        body = struct.pack("!H", 0x0303) + _RETRY + b"\0" + struct.pack("!HB", suite, 0)
        return record(22, message(2, body + len(extensions).to_bytes(2, "big") + extensions))
    flight = message(2, struct.pack("!H", version) + bytes(32) + b"\0" + struct.pack("!HB", suite, 0))
    if group:
        flight += message(12, b"\3" + struct.pack("!H", group) + bytes(40))
    return record(22, flight + message(14, b""))


@contextmanager
def listening(pretender: Pretender | None) -> Iterator[int]:
    """The port at which it answers on 127.0.0.1; None takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as door:
        held: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    connection, _ = door.accept()
                except OSError:
                    return
                if pretender is None:
                    held.append(connection)
                    continue
                with connection:
                    data = connection.recv(16384)
                    if data[:1] == b"\x16":
                        pretender.asked += 1
                        connection.sendall(pretender.answer(data))

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield door.getsockname()[1]
        finally:
            door.shutdown(socket.SHUT_RDWR)
            for connection in held:
                connection.close()
