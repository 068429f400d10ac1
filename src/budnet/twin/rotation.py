"""Rotation of a leaf, an issuer or the root of a twin that is up, while requests flow.

    distribute   every consumer gets the old and the new root, and says by using them that it has them
    switch       every server presents what the new one signed
    wait         until every consumer has seen it at each of its servers
    remove       every consumer gets the new root alone, and says so

A step begins when the one before it is acknowledged, never after a time: whoever has not answered is named, and then the old
root stays trusted. Leaves and issuers are sent in the handshake, so there is nothing to distribute and nothing to remove.
Nothing that a consumer holds is refused between two steps: that is what the load beside it shows.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from budnet.errors import TwinError
from budnet.pki.authority import Authority
from budnet.pki.issuer import SKEW, Issuer
from budnet.pki.store import ACME, CLIENTS, INTERNAL, Issued, Vault
from budnet.twin import handshake, reload, supervisor, syscall
from budnet.twin.certificates import EVERYONE, INTERNAL_ROOTS, PUBLIC, VAULT
from budnet.twin.load import Load, Made, Pair, Trust, digest, request

LEAF, ISSUER, ROOT = "leaf", "issuer", "root"
_CALM, _PATIENCE, _LOOK = 0.5, 20.0, 0.02
"""Seconds: of load before and after, until somebody is given up, and between two looks."""

Key = tuple[str, int]
Say = Callable[[dict[str, Any]], None]


@dataclass
class Phase:
    """One step, with the requests that began in it."""

    name: str
    what: str
    began: float
    seconds: float = 0.0
    requests: int = 0
    failed: int = 0


@dataclass
class Refusal:
    """What became of a client that trusts only the old, and of one that trusts only the new."""

    consumer: str
    server: str
    old: str
    new: str

    @property
    def good(self) -> bool:
        """The old one is refused for its trust, and the new one is not refused at all."""
        return "certificate verify failed" in self.old and not self.new


@dataclass
class Rotation:
    """One rotation. `servers` are what can be switched; `left` is what cannot, with the reason."""

    what: str
    vault: Vault
    servers: list[Issued]
    pairs: Sequence[Pair]
    running: Mapping[str, supervisor.Running]
    spaces: Mapping[str, int]
    home: Path
    rate: int
    renew: Callable[[str], str]
    """Orders a row of the certificate table anew from its ACME server, and switches; returns an error or nothing."""
    say: Say
    phases: list[Phase] = field(default_factory=list)
    old: dict[Key, bytes] = field(default_factory=dict)
    """Per server the certificate (DER) that is rotated: its leaf, its issuer or its root."""
    new: dict[Key, bytes] = field(default_factory=dict)

    def run(self) -> dict[str, Any]:
        """All phases under load. Raises TwinError where somebody does not follow; what was trusted stays trusted then."""
        trust = Trust(self.home)
        self.load = Load(self.pairs, self.spaces, trust, self.rate)
        self.trust = trust
        before = (self.home / EVERYONE).read_text()
        for consumer in self.consumers:
            trust.hand_out(consumer, before)
        self.load.start()
        try:
            self.phase("before", "requests alone", lambda: time.sleep(_CALM))
            self.old = self.shown()
            serials = self.serials()
            old_root = self.vault.authority.root.decode()
            if self.what == ROOT:
                fresh = Authority(self.vault.authority.name)
                self.phase("distribute", "old and new root to every consumer", lambda: self.hand_out(before + fresh.root.decode()))
                self.vault.authority.top = fresh.top
            self.phase("switch", "new certificates to every server", self.switch)
            self.phase("wait", "every consumer sees them at each of its servers", lambda: self.wait(serials))
            if self.what == ROOT:
                new_root = self.vault.authority.root.decode()
                self.phase("remove", "the new root alone to every consumer", lambda: self.hand_out(before.replace(old_root, new_root)))
            (self.home / VAULT).write_bytes(self.vault.text())
            self.phase("after", "requests alone", lambda: time.sleep(_CALM))
        finally:
            self.load.stop()
        self.count()
        self.new = self.shown()
        return self.result()

    @property
    def consumers(self) -> list[str]:
        """Each once."""
        return list(dict.fromkeys(p.consumer for p in self.pairs))

    # ---- the steps ------------------------------------------------------------------------------------------------------

    def phase(self, name: str, what: str, work: Callable[[], None]) -> None:
        """Does one step and keeps its time."""
        phase = Phase(name, what, time.monotonic())
        self.phases.append(phase)
        work()
        phase.seconds = time.monotonic() - phase.began
        self.count()
        self.say({"phase": self.row(phase)})

    def hand_out(self, bundle: str) -> None:
        """A bundle to everyone; returns when everyone has used it."""
        for consumer in self.consumers:
            self.trust.hand_out(consumer, bundle)
        ours = "".join(c for c in _certificates(bundle) if c not in (self.home / PUBLIC).read_text())
        (self.home / EVERYONE).write_text(bundle)
        (self.home / INTERNAL_ROOTS).write_text(ours)
        for server in self.running.values():
            reload.trust(server, ours)
        wanted = digest(bundle)
        self.until(lambda: [c for c in self.consumers if self.trust.acknowledged(c) != wanted], "does not take the new trust bundle")

    def switch(self) -> None:
        """Every server, one after the other."""
        authority = self.vault.authority
        again = {LEAF: [], ISSUER: [s.layer for s in self.servers], ROOT: list(authority.issuers)}[self.what]
        authority.issuers |= {layer: _again(authority, layer) for layer in dict.fromkeys(again)}
        for one in self.servers:
            if one.signed == ACME:
                if error := self.renew(one.layer):
                    raise TwinError(f"{one.origin}: certificate '{one.layer}' cannot be renewed: {error}")
                continue
            leaf = authority.issuers[one.layer].issue(one.template())
            if one.software == CLIENTS:
                reload.replace(self.home / one.server, leaf.chain + leaf.key, 0o600)
            for number in one.files:
                reload.switch(one.software, self.running[one.process], leaf, number)

    def wait(self, before: Mapping[Key, set[str]]) -> None:
        """Until every pair has seen a certificate that nobody saw before the switch."""
        since = time.monotonic()

        def missing() -> list[str]:
            seen = {m.pair for m in self.load.made if m.began > since and m.serial and m.serial not in before.get(m.pair.key, set())}
            return [f"{p.consumer} at {p.server}" for p in self.pairs if p not in seen]

        self.until(missing, "has not seen the new certificate")

    def until(self, missing: Callable[[], list[str]], what: str) -> None:
        """Waits until nobody is missing."""
        deadline = time.monotonic() + _PATIENCE + len(self.pairs) / self.rate
        while left := missing():
            if time.monotonic() > deadline:
                errors = {m.error for m in self.load.made[-200:] if m.error}
                why = f": {'; '.join(sorted(errors)[:3])}" if errors else ""
                raise TwinError(f"rotation stopped, and what was trusted still is: {left[0]} {what}{why}")
            time.sleep(_LOOK)

    # ---- what was seen --------------------------------------------------------------------------------------------------

    def serials(self) -> dict[Key, set[str]]:
        """What each server has shown so far."""
        out: dict[Key, set[str]] = {}
        for made in list(self.load.made):
            out.setdefault(made.pair.key, set()).add(made.serial)
        return out

    def shown(self) -> dict[Key, bytes]:
        """Per server: the certificate in its chain that this rotation is about."""
        out: dict[Key, bytes] = {}
        for pair in {p.key: p for p in self.pairs}.values():
            chain = _verified(pair, self.spaces[pair.consumer], self.home)
            out[pair.key] = chain[{LEAF: 0, ISSUER: 1, ROOT: -1}[self.what]]
        return out

    def count(self) -> None:
        """Requests into the phases in which they began."""
        for phase, after in zip(self.phases, [*(p.began for p in self.phases[1:]), float("inf")], strict=True):
            mine = [m for m in list(self.load.made) if phase.began <= m.began < after]
            phase.requests, phase.failed = len(mine), sum(1 for m in mine if m.error)

    def refusals(self) -> list[Refusal]:
        """Every consumer of every server, once with the old alone and once with the new alone."""
        out = []
        for pair in self.pairs:
            tried = []
            for anchor in (self.old[pair.key], self.new[pair.key]):
                try:
                    request(pair, self.spaces[pair.consumer], _only(anchor, self.home / pair.certificate))
                    tried.append("")
                except OSError as refused:
                    tried.append(str(refused))
            out.append(Refusal(pair.consumer, pair.server, *tried))
        return out

    def still_trusting(self) -> list[str]:
        """Consumers whose bundle still has a root that was taken away."""
        old = {ssl.DER_cert_to_PEM_cert(c) for c in self.old.values()} if self.what == ROOT else set()
        return [c for c in self.consumers if old & set(_certificates(self.trust.path(c).read_text()))]

    def row(self, phase: Phase) -> dict[str, Any]:
        """A phase as it is printed; times from the first one."""
        return asdict(phase) | {"began": round(phase.began - self.phases[0].began, 3), "seconds": round(phase.seconds, 3)}

    def result(self) -> dict[str, Any]:
        """All there is to say."""
        made: list[Made] = self.load.made
        refusals = self.refusals()
        took = sorted(m.took for m in made)
        seconds = max((m.began for m in made), default=0) - min((m.began for m in made), default=0)
        return {
            "what": self.what, "phases": [self.row(p) for p in self.phases], "requests": len(made), "failed": sum(1 for m in made if m.error),
            "errors": sorted({f"{m.pair.consumer} -> {m.pair.server}: {m.error}" for m in made if m.error})[:10],
            "rate": {"wanted": self.rate, "reached": round(len(made) / seconds, 1) if seconds else 0.0, "late": round(1000 * max((m.late for m in made), default=0.0), 1)},
            "milliseconds": {"median": round(1000 * took[len(took) // 2], 1), "longest": round(1000 * took[-1], 1)} if took else {},
            "servers": [{"server": i.server, "software": self.running[i.process].process.software, "layer": i.layer} for i in self.servers if i.software != CLIENTS],
            "consumers": len(self.consumers), "still_trusting": self.still_trusting(),
            "refused": [{"consumer": r.consumer, "server": r.server, "refused": r.good, "old": r.old, "new": r.new} for r in refusals],
        }  # fmt: skip


def rotate(
    asked: Mapping[str, Any],
    running: Mapping[str, supervisor.Running],
    spaces: Mapping[str, int],
    home: Path,
    renew: Callable[[str], str],
    say: Say,
) -> dict[str, Any]:
    """A request of the agent's: `what`, `layer`, `rate`, and the `pairs` of consumers and servers that there are."""
    vault = Vault.read((home / VAULT).read_bytes())
    servers, left = chosen(vault, asked["what"], asked["layer"])
    keys = {(s.server, s.number) for s in servers if s.process in running}
    pairs = [p for p in (Pair(**p) for p in asked["pairs"]) if p.key in keys]
    if not pairs:
        layers = ", ".join(dict.fromkeys(i.layer for i in vault.issued)) or "none"
        raise TwinError(f"nothing to rotate: {'; '.join(left) or 'no server presents such a certificate'}; layers are {layers}")
    if left and asked["what"] == ROOT and any("only when it starts" in reason for reason in left):
        raise TwinError(f"the old root cannot be taken away while a server keeps its certificate: {'; '.join(left)}")
    if asked["what"] == ROOT and (others := set(vault.authority.issuers) - {i.layer for i in vault.issued}):
        raise TwinError(f"the old root cannot be taken away: what issuer '{min(others)}' signed cannot be switched while the twin runs")
    mine = [s for s in servers if s.software == CLIENTS or (s.server, s.number) in {p.key for p in pairs}]
    return Rotation(asked["what"], vault, mine, pairs, running, spaces, home, asked["rate"], renew, say).run() | {"left": left}


def chosen(vault: Vault, what: str, layer: str) -> tuple[list[Issued], list[str]]:
    """The certificates that a rotation of a layer (all of them, where it is empty) is about, and what is left, with the reason."""
    servers, left = [], []
    for one in vault.issued:
        if layer and one.layer != layer:
            continue
        if one.signed not in (INTERNAL, ACME):
            left.append(f"{one.server}: its certificate is a file of yours ({one.origin})")
        elif one.signed == ACME and what != LEAF:
            left.append(f"{one.server}: who signs certificate '{one.layer}' is not ours to rotate ({one.origin})")
        elif one.software not in (*reload.SOFTWARE, CLIENTS):
            left.append(f"{one.server}: {one.software} reads its certificate only when it starts")
        else:
            servers.append(one)
    return servers, left


def _again(authority: Authority, layer: str) -> Issuer:
    """A layer's issuer with a new key, and the same name, scope and lifetime, below the root that is there now."""
    old = authority.issuers[layer]
    start, end = old.certificate.not_valid_before_utc, old.certificate.not_valid_after_utc
    return authority.top.subordinate(f"{authority.name} {layer} CA", end - start - SKEW, old.kind, old.scope)


def _verified(pair: Pair, space: int, home: Path) -> tuple[bytes, ...]:
    """What a server presents, up to the root. Raises TwinError where who trusts what everyone does not accept it."""
    syscall.setns(space)
    context = ssl.create_default_context(cafile=str(home / EVERYONE))
    reload.show(context, home / pair.certificate)
    starttls = handshake.POSTGRESQL if pair.software == "postgresql" else ""
    try:
        return handshake.chain(handshake.connect(pair.address, pair.port, pair.name, starttls, context), "get_verified_chain")
    except OSError as refused:
        raise TwinError(f"{pair.server} is not accepted as {pair.name}: {refused}") from refused


def _only(anchor: bytes, shown: Path) -> ssl.SSLContext:
    """A client that trusts one certificate and nothing else: a root, or (RFC 5280 allows any) an issuer or a leaf."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=anchor)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    reload.show(context, shown)
    return context


def _certificates(bundle: str) -> list[str]:
    return [c.public_bytes(Encoding.PEM).decode() for c in x509.load_pem_x509_certificates(bundle.encode())]
