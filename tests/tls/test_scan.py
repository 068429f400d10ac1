"""A scan finds exactly what a server takes, whatever that is, and does not ask what it was told."""

from __future__ import annotations

import random
import socket
import time
from contextlib import ExitStack

import pytest

from budnet.tls import groups, suites
from budnet.tls.loop import AT_ONCE
from budnet.tls.scan import Seen, scan, scan_all
from budnet.tls.talk import Place
from budnet.tls.wire import Version
from tls.pretender import Pretender, listening

OLD = [s.number for s in suites.SUITES_12 if not s.since_12]
CURVES = [g.number for g in groups.GROUPS if g.elliptic]
EXCHANGED = (Version.TLS12, Version.TLS13)


def at_random(seed: int) -> Pretender:
    """Versions with holes between them; few suites and groups, or all; polite and rude refusals."""
    chance = random.Random(seed)
    takes = {}
    for version in chance.sample(list(Version), chance.randint(1, len(Version))):
        pool = [s.number for s in suites.SUITES_13] if version == Version.TLS13 else OLD
        if version == Version.TLS12:
            pool = [s.number for s in suites.SUITES_12]
        takes[int(version)] = chance.sample(pool, min(len(pool), chance.choice((1, 2, 5, len(pool)))))
    known = list(groups.BY_NUMBER)
    some = chance.sample(known, chance.choice((1, 2, 3, len(known))))
    # SSL 3.0 has no extension for groups; every server that has curves has this one
    return Pretender(takes, [29, *(g for g in some if g != 29)], chance.choice((40, 47, 80)), chance.random() < 0.7)


def expected(server: Pretender) -> tuple[dict[str, list[str]], dict[str, set[str]]]:
    listed = {v.text: [suites.called(n) for n in server.takes[v]] for v in Version if v in server.takes}
    exchanged = {}
    for version in EXCHANGED:
        if version in server.takes:
            needed = any(suites.BY_NUMBER[n].key_exchange in ("any", "ECDHE") for n in server.takes[version])
            usable = server.groups if version == Version.TLS13 else [g for g in server.groups if g in CURVES]
            exchanged[version.text] = {groups.called(g) for g in usable} if needed else set()
    return listed, exchanged


def compare(server: Pretender, seen: Seen) -> None:
    listed, exchanged = expected(server)
    assert seen.suites == listed, server
    assert {v: set(found) for v, found in seen.groups.items()} == exchanged, server
    assert all(len(set(found)) == len(found) for found in seen.groups.values())


@pytest.mark.parametrize("seed", range(40))
def test_what_is_taken_is_found_and_nothing_else(seed: int) -> None:
    server = at_random(seed)
    with listening(server) as port:
        compare(server, scan(Place("127.0.0.1", port)))


def test_a_version_that_is_refused_speaks_for_those_before_it() -> None:
    server = Pretender({Version.TLS13: [0x1301]}, [29])
    with listening(server) as port:
        seen = scan(Place("127.0.0.1", port))
    assert {v: seen.refusals[v] for v in ("SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2")} == dict.fromkeys(
        ("SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2"), "alert 70 protocol_version"
    )
    # TLS 1.2; two of suites and one more of groups; the stranger's handshake
    assert server.asked == 5


def test_no_other_refusal_does() -> None:
    by_shared_key = 0x00A8
    server = Pretender({Version.TLS12: [by_shared_key], Version.TLS10: OLD[:2]}, [29])
    with listening(server) as port:
        seen = scan(Place("127.0.0.1", port))
    assert seen.suites == {"TLS 1.0": [suites.called(n) for n in OLD[:2]]}


def test_groups_are_found_where_the_server_prefers_a_suite_without_one() -> None:
    server = Pretender({Version.TLS12: [0x009C, 0xC02F, 0xC030]}, [23, 24, 29, 30, 25])
    with listening(server) as port:
        compare(server, scan(Place("127.0.0.1", port)))


def test_silence_is_heard_out_once_and_again_for_all_that_is_older() -> None:
    begun = time.monotonic()
    with listening(None) as port:
        seen = scan(Place("127.0.0.1", port, seconds=0.4))
    assert seen.trouble == "no TLS: silence"
    assert 0.8 <= time.monotonic() - begun < 1.5, "not twice, but once for each version"


def test_many_servers_at_once_do_not_wait_for_a_silent_one() -> None:
    servers = [at_random(seed) for seed in range(100, 100 + AT_ONCE)]
    with ExitStack() as open_:
        ports = [open_.enter_context(listening(server)) for server in (None, *servers)]
        seen = scan_all([Place("127.0.0.1", port, seconds=0.3) for port in ports])
    assert seen[0].trouble == "no TLS: silence"
    for server, found in zip(servers, seen[1:], strict=True):
        compare(server, found)


def test_who_is_not_there_is_asked_no_further() -> None:
    with listening(None) as port:
        pass
    seen = scan(Place("127.0.0.1", port))
    assert (seen.trouble, seen.plaintext, seen.questions) == ("refused", "refused: refused", 4)


def test_a_name_leads_to_the_first_address_that_answers() -> None:
    server = Pretender({Version.TLS13: [0x1301]}, [29])
    with listening(server) as port:
        compare(server, scan(Place("localhost", port, "localhost")))


def test_a_name_that_nobody_has_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def unknown(host: str, *_: object, **__: object) -> object:
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert scan(Place("nobody.example", 443)).trouble == "unreachable"
    assert asked == ["nobody.example"]
