"""What goes over links, seen from inside a twin: connections with and without credentials, frames on the internet, tunnels.

For the agent's children: each enters other namespaces and does not come back.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from budnet.twin import syscall, tunnels, watcher
from budnet.twin.servers.wireguard import control_socket

Send = Callable[[dict[str, Any]], None]
REFUSED, NOBODY = "refused", "nobody listens"
_SECONDS, _AT_ONCE = 2.0, 8
_ALL_FRAMES = 0x0003
_PART = 24
"""So many bytes of the text in one frame are the text."""
_NAT_TRAVERSAL = (4500).to_bytes(2, "big")
_QUIET = 0.05
"""So long nothing more of that size arrives: then all frames of an exchange have been seen."""


def answer(asked: Mapping[str, Any], home: Path, spaces: Mapping[str, int], ends: Sequence[tunnels.End], send: Send) -> None:
    """One request: `dial` (who is let in), `tap` (what is seen on the internet meanwhile), `tunnels` (what is established)."""
    match asked["what"]:
        case "dial":
            with ThreadPoolExecutor(_AT_ONCE) as threads:  # a namespace belongs to a thread
                send({"answers": list(threads.map(lambda call: dial(call, home, spaces), asked["calls"])), "end": True})
        case "tap":
            send({"answers": list(tap(asked["calls"], home, spaces)), "end": True})
        case "tunnels":
            seen = watcher.health(home)
            send({"answers": {e.space: [*_established(e), *_answered(e, seen)] for e in ends}, "end": True})


def dial(call: Mapping[str, Any], home: Path, spaces: Mapping[str, int]) -> str:
    """The text that comes back over a connection, REFUSED, NOBODY, or why there is none.

    `source`, `address`, `port`; with `name` over TLS, with `tls` over TLS of whoever is behind a front, with `certificate` and `key` (paths below the twin's directory) where
    they are given; `text` is what is said.
    """
    syscall.setns(spaces[call["source"]])
    key = (home / call["key"]).read_text() if call.get("key") else ""
    head = f"GET /{call.get('text', '')} HTTP/1.1\r\nHost: {call.get('name') or 'there'}\r\nConnection: close\r\n"
    request = head + (f"Authorization: Bearer {key}\r\n" if key else "") + "\r\n"
    try:
        plain = socket.create_connection((call["address"], call["port"]), timeout=_SECONDS)
    except ConnectionRefusedError:
        return NOBODY
    except OSError as refused:
        return f"no connection: {refused}"
    with plain:
        try:
            with _secured(plain, call, home) as connection:
                connection.sendall(request.encode())
                data = b""
                while part := connection.recv(65536):
                    data += part
        except ssl.SSLCertVerificationError as refused:
            return f"certificate refused: {refused.verify_message}"
        except TimeoutError:
            return "no answer"
        except OSError:  # an alert, a reset, an end in the middle: the connection was there, and we were not let in
            return REFUSED
    return _page(data)


def _page(data: bytes) -> str:
    head, _, body = data.partition(b"\r\n\r\n")
    status = head.partition(b"\r\n")[0].decode(errors="replace")
    if " 200 " in f"{status} ":
        return body.decode(errors="replace").strip()
    return REFUSED if not data or " 401 " in status or " 400 " in status else status


def _secured(plain: socket.socket, call: Mapping[str, Any], home: Path) -> socket.socket:
    if not call.get("name") and not call.get("tls"):
        return plain
    context = ssl.create_default_context(cafile=str(home / "ca.pem"))
    if call.get("tls"):
        context.check_hostname = False  # who is asked through a front has another address than the one in its certificate
    if call.get("certificate"):
        context.load_cert_chain(home / call["certificate"])
    return context.wrap_socket(plain, server_hostname=call.get("name"))


# ---- frames -------------------------------------------------------------------------------------------------------------


def tap(calls: Sequence[Mapping[str, Any]], home: Path, spaces: Mapping[str, int]) -> Iterator[list[Any]]:
    """For each call what it came to, and the kinds of frames that crossed the internet meanwhile.

    With `over` that tunnel carries it, as far as it can, and frames between other addresses than `ends` are `elsewhere`.
    """
    syscall.setns(spaces["internet"])
    with closing(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL_FRAMES))) as wire:
        for call in calls:
            with watcher.prefer(home, call["over"]) if call.get("over") else nullcontext():
                text = str(call["text"]).encode()
                list(frames(wire, 0.0))
                said = dial(call, home, spaces)
                seen = frames(wire, _QUIET, len(text))
                yield [said, sorted(kinds(seen, text, {ip_address(e).packed for e in call.get("ends", ())}))]


def frames(wire: socket.socket, quiet: float, size: int = 0) -> Iterator[bytes]:
    """Frames until none of this size has come for so long: tunnels that watch each other are never silent."""
    until = time.monotonic() + quiet
    while select.select([wire], [], [], max(until - time.monotonic(), 0))[0]:
        frame = wire.recv(65536)
        yield frame
        if len(frame) >= size:
            until = time.monotonic() + quiet
        elif time.monotonic() > until:
            return


def kinds(frames: Iterable[bytes], text: bytes, between: Collection[bytes] = ()) -> set[str]:
    """What the frames are that are as long as a text: `clear` where one has a part of it, else what protects them; `elsewhere`
    where they are not between two addresses that are named.

    ESP in UDP (RFC 3948): port 4500 and a security index that is not zero. WireGuard: a transport data message, type 4
    (https://www.wireguard.com/protocol/). TLS: a TCP stream that begins with a record of TLS (RFC 8446, 5.1).
    """
    found: set[str] = set()
    secure: set[bytes] = set()
    for frame in frames:
        protocol, ends, body = _parts(frame)
        if text[:_PART] in frame:
            found.add("clear")
            continue
        if protocol == socket.IPPROTO_TCP and body[:1] in (b"\x16", b"\x17") and body[1:2] == b"\x03":
            secure.add(ends)
        if len(body) < len(text):
            continue
        if protocol == socket.IPPROTO_UDP:
            esp = _NAT_TRAVERSAL in (ends[-4:-2], ends[-2:]) and body[:4] != bytes(4)
            where = " elsewhere" if between and {*_addresses(ends)} != {*between} else ""
            found.add(("ESP" if esp else "WireGuard" if body[:4] == b"\x04\0\0\0" else "UDP") + where)
        else:
            found.add("TLS" if ends in secure else f"IP protocol {protocol}")
    return found


def _addresses(ends: bytes) -> tuple[bytes, bytes]:
    size = (len(ends) - 4) // 2
    return ends[:size], ends[size : 2 * size]


def _parts(frame: bytes) -> tuple[int, bytes, bytes]:
    """(IP protocol, addresses and ports, what is in it) of an Ethernet frame; protocol -1 for what is no IP."""
    if frame[12:14] == b"\x08\x00":
        protocol, addresses, at = frame[23], frame[26:34], 14 + 4 * (frame[14] & 15)
    elif frame[12:14] == b"\x86\xdd":
        protocol, addresses, at = frame[20], frame[22:54], 54
    else:
        return -1, b"", b""
    head = 4 * (frame[at + 12] >> 4) if protocol == socket.IPPROTO_TCP else 8
    return protocol, addresses + frame[at : at + 4], frame[at + head :]


# ---- tunnels ------------------------------------------------------------------------------------------------------------


def _established(end: tunnels.End) -> list[str]:
    """The algorithms of an IPsec tunnel, and its DPD; of WireGuard, whose algorithms are fixed, that there was a handshake."""
    try:
        return tunnels.established(end) if isinstance(end, tunnels.IkeEnd) else _handshakes(end)
    except OSError as refused:
        return [str(refused)]


def _answered(end: tunnels.End, seen: Mapping[str, watcher.Health]) -> list[str]:
    """Whether its other end is heard, where somebody listens."""
    return [f"BFD {'up' if seen[end.space].up else 'down'}"] if end.space in seen else []


def _handshakes(end: tunnels.WireGuardEnd) -> list[str]:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as daemon:
        daemon.settimeout(_SECONDS)
        daemon.connect(control_socket(end.device))
        daemon.sendall(b"get=1\n\n")
        data = b""
        deadline = time.monotonic() + _SECONDS
        while not data.endswith(b"\n\n") and time.monotonic() < deadline:
            data += daemon.recv(65536)
    seen = [line for line in data.decode().splitlines() if line.startswith("last_handshake_time_sec=") and not line.endswith("=0")]
    return ["handshake"] * bool(seen)
