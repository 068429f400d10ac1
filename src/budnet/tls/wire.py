"""ClientHello to bytes, and what a server sends back to values. Pure: no sockets, no randomness but what it is given.

RFC 8446 (TLS 1.3) sections 4 and 5, RFC 5246 (TLS 1.2) section 7, RFC 6101 (SSL 3.0). Nothing is decrypted and no key is
exchanged: which version, suite and group a server picks, and which certificate it shows below TLS 1.3, is said in clear.
In TLS 1.3 the ClientHello has no key share, so a server says its suite and group in a HelloRetryRequest and computes nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from budnet.records import replace
from budnet.tls.suites import BY_NUMBER


class Version(IntEnum):
    """Protocol versions by their number on the wire."""

    SSL3 = 0x0300
    TLS10 = 0x0301
    TLS11 = 0x0302
    TLS12 = 0x0303
    TLS13 = 0x0304

    @property
    def text(self) -> str:
        """`SSL 3.0`, `TLS 1.2`."""
        return "SSL 3.0" if self is Version.SSL3 else f"TLS 1.{self.value - 0x0301}"


ALERT, HANDSHAKE = 21, 22
PROTOCOL_VERSION = 70
_SERVER_NAME, _GROUPS, _POINTS, _SIGNATURES, _MASTER_SECRET, _VERSIONS, _MODES, _KEY_SHARE = 0, 10, 11, 13, 23, 43, 45, 51
_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""The random of a ServerHello that is a HelloRetryRequest (RFC 8446, section 4.1.3)."""
_SIGNATURE_SCHEMES = (
    0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x080A, 0x080B, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201,
)  # fmt: skip
_NAMED_CURVE = 3
_LARGEST = 1 << 18
"""No flight of a server that we read is longer."""

ALERTS = {
    0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 22: "record_overflow", 40: "handshake_failure", 42: "bad_certificate",
    43: "unsupported_certificate", 44: "certificate_revoked", 45: "certificate_expired", 46: "certificate_unknown", 47: "illegal_parameter",
    48: "unknown_ca", 49: "access_denied", 50: "decode_error", 51: "decrypt_error", 70: "protocol_version", 71: "insufficient_security",
    80: "internal_error", 86: "inappropriate_fallback", 90: "user_canceled", 109: "missing_extension", 110: "unsupported_extension",
    112: "unrecognized_name", 116: "certificate_required", 120: "no_application_protocol",
}  # fmt: skip
"""RFC 8446, section 6."""


class _Message(IntEnum):
    SERVER_HELLO = 2
    CERTIFICATE = 11
    SERVER_KEY_EXCHANGE = 12
    SERVER_HELLO_DONE = 14


class Malformed(Exception):
    """What came back is no TLS that a server may send."""


def client_hello(
    version: Version, suites: Sequence[int], groups: Sequence[int], name: str = "", random: bytes = bytes(32), session: bytes = b""
) -> bytes:
    """A ClientHello that offers this version and no other, as one record."""
    body = struct.pack("!H", min(version, Version.TLS12)) + random + _vector(1, session) + _vector(2, _numbers(suites)) + _vector(1, b"\0")
    if version > Version.SSL3:
        body += _vector(2, _extensions(version, tuple(groups), name))
    message = b"\1" + len(body).to_bytes(3, "big") + body
    return struct.pack("!BHH", HANDSHAKE, min(version, Version.TLS10), len(message)) + message


@lru_cache(256)
def _extensions(version: Version, groups: tuple[int, ...], name: str) -> bytes:
    """All of a hello that is the same in most questions to a server."""
    extensions = _extension(_SERVER_NAME, _vector(2, b"\0" + _vector(2, name.encode("idna")))) if name else b""
    extensions += _extension(_GROUPS, _vector(2, _numbers(groups)))
    extensions += _extension(_POINTS, _vector(1, b"\0"))
    extensions += _extension(_SIGNATURES, _vector(2, _numbers(_SIGNATURE_SCHEMES)))
    extensions += _extension(_MASTER_SECRET, b"")
    if version == Version.TLS13:
        extensions += _extension(_VERSIONS, _vector(1, _numbers([version])))
        extensions += _extension(_MODES, _vector(1, b"\1"))
        extensions += _extension(_KEY_SHARE, _vector(2, b""))
    return extensions


def _numbers(values: Sequence[int]) -> bytes:
    return struct.pack(f"!{len(values)}H", *values)


def _vector(size: int, data: bytes) -> bytes:
    return len(data).to_bytes(size, "big") + data


def _extension(kind: int, data: bytes) -> bytes:
    return struct.pack("!H", kind) + _vector(2, data)


@dataclass(frozen=True, slots=True)
class Flight:
    """What a server said until now. `version` is 0 before its ServerHello."""

    version: int = 0
    suite: int = 0
    group: int | None = None
    """The group that it picked; None where the suite needs none, or it was not said yet."""
    certificate: bytes = b""
    """Its own certificate in DER, of versions before TLS 1.3."""
    done: bool = False
    """Nothing more comes in clear."""
    alert: int | None = None


def read_flight(data: bytes) -> Flight:
    """Everything whole that is in `data`; what is cut off is left for the next call with more. Raises Malformed."""
    if len(data) > _LARGEST:
        raise Malformed("the answer does not end")
    found, handshake = Flight(), b""
    for kind, payload in _records(data):
        if kind == ALERT:
            if len(payload) < 2:
                raise Malformed("an alert without its two bytes")
            return replace(found, alert=payload[1], done=True)
        if kind != HANDSHAKE or found.done:
            # what comes behind a ServerHello of TLS 1.3 is encrypted
            return replace(found, done=True) if found.version else _not_a_hello(kind)
        handshake += payload
        found = _messages(handshake)
    return found


def _not_a_hello(kind: int) -> Flight:
    raise Malformed(f"a record of type {kind} where a ServerHello is due")


def _records(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 5 <= len(data):
        kind, version, length = struct.unpack_from("!BHH", data, at)
        if not 20 <= kind <= 24 or version >> 8 != 3 or length > 1 << 14 | 2048:
            raise Malformed("this is no TLS record")
        if at + 5 + length > len(data):
            return
        yield kind, data[at + 5 : at + 5 + length]
        at += 5 + length
    if data and at == 0 and (not 20 <= data[0] <= 24 or (len(data) > 1 and data[1] != 3)):
        raise Malformed("this is no TLS record")


def _messages(data: bytes) -> Flight:
    found, at = Flight(), 0
    while at + 4 <= len(data) and not found.done:
        kind, length = data[at], int.from_bytes(data[at + 1 : at + 4], "big")
        if length > _LARGEST:
            raise Malformed("a handshake message that does not end")
        if at + 4 + length > len(data):
            break
        found = _message(found, kind, _Reader(data[at + 4 : at + 4 + length]))
        at += 4 + length
    if data and data[0] != _Message.SERVER_HELLO:
        raise Malformed(f"a handshake message of type {data[0]} where a ServerHello is due")
    return found


def _message(found: Flight, kind: int, body: _Reader) -> Flight:
    match kind:
        case _Message.SERVER_HELLO:
            if found.version:
                raise Malformed("two ServerHellos")
            return _server_hello(body)
        case _Message.CERTIFICATE:
            chain = _Reader(body.vector(3))
            return replace(found, certificate=chain.vector(3) if chain.left else b"")
        case _Message.SERVER_KEY_EXCHANGE:
            if body.left >= 3 and body.peek() == _NAMED_CURVE and _uses_curve(found.suite):
                body.take(1)
                return replace(found, group=body.number(2))
            return found
        case _Message.SERVER_HELLO_DONE:
            return replace(found, done=True)
        case _:
            return found


def _uses_curve(suite: int) -> bool:
    """Of a ServerKeyExchange nothing but the suite says whether curves or numbers follow (RFC 8422, section 5.4)."""
    return suite in BY_NUMBER and BY_NUMBER[suite].key_exchange in ("ECDHE", "ECDH")


def _server_hello(body: _Reader) -> Flight:
    version, random = body.number(2), body.take(32)
    body.vector(1)
    suite, compression = body.number(2), body.number(1)
    if compression:
        raise Malformed("a compression that nobody offered")
    group = None
    extensions = _Reader(body.vector(2)) if body.left else _Reader(b"")
    while extensions.left:
        kind, data = extensions.number(2), _Reader(extensions.vector(2))
        if kind == _VERSIONS:
            version = data.number(2)
        elif kind == _KEY_SHARE:
            group = data.number(2)
    # behind a ServerHello of TLS 1.3 everything is encrypted; behind a retry there is nothing
    return Flight(version, suite, group, done=version >= Version.TLS13 or random == _RETRY)


class _Reader:
    """Takes bytes from the front; Malformed where there are too few."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def peek(self) -> int:
        return self._data[self._at]

    def take(self, count: int) -> bytes:
        if count > self.left:
            raise Malformed("a message that is cut off")
        self._at += count
        return self._data[self._at - count : self._at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> bytes:
        return self.take(self.number(size))
