"""Bytes: what we send is a ClientHello, and whatever comes back is read or refused, never taken for something else."""

from __future__ import annotations

import ssl
import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budnet.tls import groups, suites
from budnet.tls.wire import Flight, Malformed, Version, client_hello, read_flight

NUMBERS = [s.number for s in suites.SUITES_12]


def record(kind: int, payload: bytes) -> bytes:
    return struct.pack("!BHH", kind, 0x0303, len(payload)) + payload


def message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def server_hello(version: int = 0x0303, suite: int = 0xC030, extensions: bytes = b"") -> bytes:
    more = struct.pack("!H", len(extensions)) + extensions if extensions else b""
    return message(2, struct.pack("!H", version) + bytes(32) + b"\0" + struct.pack("!HB", suite, 0) + more)


def openssl_answers(hello: bytes, minimum: ssl.TLSVersion = ssl.TLSVersion.MINIMUM_SUPPORTED) -> bytes:
    """What OpenSSL's server side says to a ClientHello, without a certificate or a network."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = minimum
    context.set_ciphers("ADH:AECDH:@SECLEVEL=0")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(incoming, outgoing, server_side=True)
    incoming.write(hello)
    with suppress(ssl.SSLError):
        server.do_handshake()
    return outgoing.read()


def test_openssl_understands_the_offer_and_we_its_answer() -> None:
    anonymous = [s.number for s in suites.SUITES_12 if s.key_exchange == "ECDH" and s.authentication == "anon"]
    found = read_flight(openssl_answers(client_hello(Version.TLS12, anonymous, [23], "www.example.com")))
    assert (found.version, found.suite in anonymous, found.alert) == (Version.TLS12, True, None)
    refused = read_flight(openssl_answers(client_hello(Version.TLS12, [0xC030], [23])))
    assert refused.alert == 40
    old = read_flight(openssl_answers(client_hello(Version.TLS11, anonymous, [23]), ssl.TLSVersion.TLSv1_2))
    assert old.alert == 70


def test_a_flight_in_pieces() -> None:
    der = b"certificate"
    chain = message(11, (len(der) + 3).to_bytes(3, "big") + len(der).to_bytes(3, "big") + der)
    exchange = message(12, b"\3" + struct.pack("!H", 29) + bytes(40))
    whole = server_hello() + chain + exchange + message(13, b"\1\1\0\0\0\0") + message(14, b"")
    wire = b"".join(record(22, whole[i : i + 7]) for i in range(0, len(whole), 7))
    assert read_flight(wire) == Flight(0x0303, 0xC030, 29, der, done=True)
    for cut in range(len(wire)):
        assert read_flight(wire[:cut]).done is False


def test_a_retry_names_group_and_suite() -> None:
    extensions = struct.pack("!HHH", 43, 2, 0x0304) + struct.pack("!HHH", 51, 2, 24)
    assert read_flight(record(22, server_hello(suite=0x1302, extensions=extensions))) == Flight(0x0304, 0x1302, 24, done=True)


@pytest.mark.parametrize(
    "data",
    [b"HTTP/1.1 400 Bad Request\r\n", b"-ERR unknown", b"\x16\x02\x00\x00\x02", record(23, b"data"), record(22, message(1, b"")), record(21, b"\2"),
     record(22, message(2, b"\3\3")), record(22, server_hello() + server_hello()), b"\x16\x03\x03\xff\xff"],
)  # fmt: skip
def test_what_is_no_answer_is_said(data: bytes) -> None:
    with pytest.raises(Malformed):
        read_flight(data)


@given(st.binary(max_size=400))
def test_noise_is_read_or_refused(data: bytes) -> None:
    with suppress(Malformed):
        read_flight(data)


@given(st.data())
def test_a_spoilt_answer_is_read_or_refused(data: st.DataObject) -> None:
    whole = bytearray(
        record(22, server_hello(extensions=struct.pack("!HHH", 43, 2, 0x0304)) + message(11, b"\0\0\6\0\0\3abc") + message(14, b""))
    )
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with suppress(Malformed):
        read_flight(bytes(whole))


@given(
    st.sampled_from(list(Version)),
    st.lists(st.sampled_from(NUMBERS), min_size=1, unique=True),
    st.sampled_from(["", "a.example", "x" * 60 + ".example"]),
)
def test_lengths_of_a_hello_add_up(version: Version, offered: list[int], name: str) -> None:
    hello = client_hello(version, offered, list(groups.BY_NUMBER), name, bytes(32), bytes(32))
    assert struct.unpack("!H", hello[3:5])[0] == len(hello) - 5
    assert int.from_bytes(hello[6:9], "big") == len(hello) - 9
    at = 9 + 2 + 32 + 33
    assert struct.unpack_from("!H", hello, at)[0] == 2 * len(offered)
