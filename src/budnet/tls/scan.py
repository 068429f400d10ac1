"""All questions to one server: which versions, suites and groups it takes, what it proves itself with, whether it wants a
client to do the same, and whether it also speaks without TLS.

A list is found by offering everything, taking what the server picks out of the offer, and offering the rest, until it
refuses: one connection more than the list is long, which no other way can beat, as an answer names one member. What an answer
says besides is not asked again: the first of a version names a group as well, and `protocol_version` speaks for all versions
before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from budnet.tls import groups, suites, talk
from budnet.tls.admission import Admission, handshake, plaintext
from budnet.tls.loop import Loop
from budnet.tls.talk import ALERT, HELLO, NOBODY, Outcome, Place, ask
from budnet.tls.wire import Version

_BY_HELLO = (Version.TLS12, Version.TLS11, Version.TLS10, Version.SSL3)
"""The versions that a ClientHello offers by its number; TLS 1.3 is offered by an extension."""
_SUITES = {v: tuple(s.number for s in suites.SUITES_12 if v == Version.TLS12 or not s.since_12) for v in _BY_HELLO} | {
    Version.TLS13: tuple(s.number for s in suites.SUITES_13)
}
_CURVES = tuple(g.number for g in groups.GROUPS if g.elliptic)
_GROUPS = dict.fromkeys(_BY_HELLO, _CURVES) | {Version.TLS13: tuple(groups.BY_NUMBER)}
"""Both by version: everything there is to offer."""
_EXCHANGES = {
    version: tuple(n for n in numbers if suites.BY_NUMBER[n].key_exchange in ("any", "ECDHE")) for version, numbers in _SUITES.items()
}
"""The suites that need a group."""


@dataclass
class Seen:
    """What a server showed. Names of suites are OpenSSL's, in the order of the server's choice."""

    trouble: str = ""
    """Why there is nothing below: nobody is there, or it is no TLS."""
    suites: dict[str, list[str]] = field(default_factory=dict)
    """By version from the oldest, such as `TLS 1.2`; only versions that it takes."""
    refusals: dict[str, str] = field(default_factory=dict)
    """By version, how the first offer of it, or the last, was refused."""
    groups: dict[str, list[str]] = field(default_factory=dict)
    """By version, TLS 1.2 (ECDHE) and 1.3."""
    key: str = ""
    """Of its certificate, such as `rsa-2048`, `ec-p256`, `ed25519`."""
    names: list[str] = field(default_factory=list)
    """DNS names, addresses and URIs of its certificate."""
    clients: str = ""
    """Who has no certificate is `admitted`, or how it is refused."""
    plaintext: str = ""
    """`refused` and how, or `answered` and what."""
    with_certificate: str = ""
    """The same as `clients` with the certificate that was given; empty where none was."""
    questions: int = 0

    def json(self) -> dict[str, Any]:
        """As it goes over a socket."""
        return asdict(self)


def scan(place: Place, identity: Path | None = None) -> Seen:
    """Asks everything of one server; see `scan_all`."""
    return scan_all([place], identity)[0]


def scan_all(places: Iterable[Place], identity: Path | None = None) -> list[Seen]:
    """Asks everything of each, all at once; `identity` is a PEM file with a client's certificate and key.

    Never raises for what a server does.
    """
    loop = Loop()
    scans = [_Scan(loop, place, identity) for place in places]
    for each in scans:
        each.start()
    loop.run()
    return [each.seen() for each in scans]


class _Scan:
    """What is asked of one server, and what was answered so far."""

    def __init__(self, loop: Loop, place: Place, identity: Path | None) -> None:
        self._loop, self._place, self._identity = loop, place, identity
        self._suites: dict[Version, list[int]] = {version: [] for version in Version}
        self._refusals: dict[Version, Outcome] = {}
        self._groups: dict[Version, list[int]] = {Version.TLS12: [], Version.TLS13: []}
        self._stranger, self._known, self._plaintext = Admission(), Admission(fate=""), ""
        self._questions = 0

    def start(self) -> None:
        """The longest lists first."""
        self._loop.start(self._ask_suites(Version.TLS13))
        self._loop.start(self._ask_suites(Version.TLS12))
        self._loop.start(self._ask_stranger())
        if self._identity:
            self._loop.start(self._ask_known())
        self._loop.start(self._ask_plaintext())

    async def _ask_suites(self, version: Version, alone: bool = False) -> None:
        """What it picks, one after the other, and how it refused in the end. `alone`: versions before it are asked already."""
        pool, found = list(_SUITES[version]), self._suites[version]
        outcome = await self._ask(version, pool, _GROUPS[version], whole=True)
        if version in self._groups and _fits(outcome, version):
            self._loop.start(self._ask_groups(version, list(_GROUPS[version]), outcome.flight.group))
        if version in _BY_HELLO and not alone:
            self._go_back([v for v in _BY_HELLO if v < version], outcome)
        while _fits(outcome, version) and outcome.flight.suite in pool:
            found.append(outcome.flight.suite)
            pool.remove(outcome.flight.suite)
            if not pool:
                break
            outcome = await self._ask(version, pool, _GROUPS[version])
        self._refusals[version] = _odd(outcome, version) if pool else outcome

    def _go_back(self, older: list[Version], first: Outcome) -> None:
        """What the first answer of a version leaves to be asked of those before it.

        A server picks the newest of its versions that is not newer than what is offered; who answers that there is none takes
        nothing older either (RFC 5246, appendix E.1). Any other refusal may be about suites.
        """
        if first.wrong_version or first.kind in NOBODY:
            self._refusals.update(dict.fromkeys(older, first))
        elif first.kind in (HELLO, ALERT):
            for version in older[:1]:
                self._loop.start(self._ask_suites(version))
        else:
            for version in older:  # it may take a while to hear nothing: all at once
                self._loop.start(self._ask_suites(version, alone=True))

    async def _ask_groups(self, version: Version, pool: list[int], named: int | None = None) -> None:
        """`named` is the group that the first ServerHello of this version came with; none where its suite needs none.

        Who takes a second group often takes ten: from there on, curves and the others are asked for beside each other.
        """
        found = self._groups[version]
        group = named or await self._group(version, pool)
        while group in pool:
            found.append(group)
            pool.remove(group)
            if len(found) == 2:
                others = [n for n in pool if n not in _CURVES]
                pool = [n for n in pool if n in _CURVES]
                if others:
                    self._loop.start(self._ask_groups(version, others))
            group = await self._group(version, pool) if pool else None

    async def _group(self, version: Version, pool: Sequence[int]) -> int | None:
        outcome = await self._ask(version, _EXCHANGES[version], pool, whole=True)
        return outcome.flight.group if _fits(outcome, version) else None

    async def _ask(self, version: Version, offered: Sequence[int], among: Sequence[int], whole: bool = False) -> Outcome:
        self._questions += 1
        return await ask(self._place, version, offered, among, whole)

    async def _ask_stranger(self) -> None:
        self._questions += 1
        self._stranger = await handshake(self._place, None)

    async def _ask_known(self) -> None:
        self._questions += 1
        self._known = await handshake(self._place, self._identity)

    async def _ask_plaintext(self) -> None:
        self._questions += 1
        self._plaintext = await plaintext(self._place)

    def seen(self) -> Seen:
        """What all answers say together."""
        seen = Seen(plaintext=self._plaintext, questions=self._questions)
        seen.refusals = {version.text: self._refusals[version].text for version in Version}
        seen.suites = {version.text: [suites.called(n) for n in found] for version, found in self._suites.items() if found}
        if not seen.suites:
            seen.trouble = _trouble([self._refusals[version] for version in Version])
            return seen
        seen.groups = {version.text: [groups.called(n) for n in found] for version, found in self._groups.items() if self._suites[version]}
        seen.key, seen.names, seen.clients = self._stranger.key, self._stranger.names, self._stranger.fate
        seen.with_certificate = self._known.fate
        return seen


def _fits(outcome: Outcome, version: Version) -> bool:
    return outcome.kind == HELLO and outcome.flight.version == version


def _odd(outcome: Outcome, version: Version) -> Outcome:
    """A ServerHello that does not fit the offer is a refusal, too: of old, of the version (RFC 5246, appendix E.1)."""
    if outcome.kind != HELLO:
        return outcome
    what = "another version" if outcome.flight.version != version else "a suite that was not offered"
    return Outcome(talk.NO_TLS, more=f"ServerHello with {what}")


def _trouble(refusals: list[Outcome]) -> str:
    """Nobody being there says more than any version's refusal, and today's versions more than those of old."""
    absent = next((o for o in refusals if o.kind in NOBODY), None)
    return (absent or refusals[-1]).text
