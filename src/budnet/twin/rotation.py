"""Rotation of leaves, issuers or roots of a twin that is up, while requests flow: the internal CA's, and those of the mesh's Sentry.

    distribute   every consumer and server gets the old and the new root, and says by using them that it has them
    switch       every server presents what the new one signed, and so does every client that shows a certificate
    wait         until every consumer has seen it at each of its servers
    remove       every consumer and server gets the new root alone, and says so

A step begins when the one before it is acknowledged and no request is under way that began before, never after a time: whoever has not
answered is named, and then the old root stays trusted. Leaves and issuers are sent in the handshake, so there is nothing to distribute
and nothing to remove. Nothing that a consumer holds is refused between two steps: that is what the load beside it shows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from budnet.errors import TwinError
from budnet.pki.authority import Authority
from budnet.pki.issuer import Leaf
from budnet.pki.store import ACME, CLIENTS, FILES, INTERNAL, MESH, Issued, Vault
from budnet.twin import mesh, old_and_new, reload, supervisor
from budnet.twin.certificates import EVERYONE, INTERNAL_ROOTS, PUBLIC, VAULT
from budnet.twin.linux import LinuxKernel
from budnet.twin.load import Load, Made, Pair, Trust, digest

LEAF, ISSUER, ROOT = "leaf", "issuer", "root"
ROOTS = {INTERNAL: INTERNAL_ROOTS, MESH: mesh.TRUSTED}
"""By authority: its roots, in the twin's directory, for clients that have no file of their own."""
SERVERS_ROOTS = {INTERNAL: ("roots.pem", "clients.pem"), MESH: ("trust.pem",)}
"""The same in directories of servers: of those they are clients of, and of their own clients."""
_CALM, _PATIENCE, _LOOK = 0.5, 20.0, 0.02
"""Seconds: of load before and after, until somebody is given up, and between two looks."""

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
class Rotation:
    """One rotation of `servers`: of what they present, and of the client certificates among them."""

    what: str
    vault: Vault
    servers: list[Issued]
    pairs: Sequence[Pair]
    running: dict[str, supervisor.Running]
    kernel: LinuxKernel
    home: Path
    rate: int
    renew: Callable[[str], str]
    """Orders a row of the certificate table anew from its ACME server, and switches; returns an error or nothing."""
    say: Say
    phases: list[Phase] = field(default_factory=list)
    fresh: dict[str, Authority] = field(default_factory=dict)
    """Authorities with new roots."""
    leaves: list[tuple[Issued, Leaf]] = field(default_factory=list)
    held: dict[str, float] = field(default_factory=dict)
    """By server that was started again: for how many seconds new connections had to wait, in all."""

    def __post_init__(self) -> None:
        self.trust = Trust(self.home)
        self.load = Load(self.pairs, self.kernel.spaces, self.trust, self.rate)
        self.judge = old_and_new.Judge(self.pairs, self.kernel.spaces, self.home, {LEAF: 0, ISSUER: 1, ROOT: -1}[self.what], ROOTS[MESH])

    def run(self) -> dict[str, Any]:
        """All phases under load. Raises TwinError where somebody does not follow; what was trusted stays trusted then."""
        self.prepare()
        for consumer in self.consumers:
            self.trust.hand_out(consumer, (self.home / EVERYONE).read_text())
        self.load.start()
        try:
            self.phase("before", "requests alone", lambda: time.sleep(_CALM))
            self.judge.before()
            serials = self.serials()
            if self.what == ROOT:
                both = {name: (self.home / ROOTS[name]).read_text() + new.root.decode() for name, new in self.fresh.items()}
                self.phase("distribute", "old and new root to every consumer and server", lambda: self.hand_out(both))
            self.phase("switch", "new certificates to every server", self.switch)
            self.phase("wait", "every consumer sees them at each of its servers", lambda: self.wait(serials))
            if self.what == ROOT:
                alone = {name: new.root.decode() for name, new in self.fresh.items()}
                self.phase("remove", "the new root alone to every consumer and server", lambda: self.hand_out(alone))
            self.phase("after", "requests alone", lambda: time.sleep(_CALM))
        finally:
            self.load.stop()
        self.count()
        return self.result()

    @property
    def consumers(self) -> list[str]:
        """Those that have a trust file of their own, each once; who has a sidecar has its trust there."""
        return list(dict.fromkeys(p.consumer for p in self.pairs if not p.app))

    @property
    def authorities(self) -> list[str]:
        """Of the vault's, those that signed what is rotated."""
        return [name for name in self.vault.authorities if any(s.signed == name for s in self.servers)]

    # ---- the steps ------------------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """All keys and certificates: what takes long is done before there is a load. Nobody has them yet."""
        if self.what == ROOT:
            self.fresh = {name: self.vault.authorities[name].successor() for name in self.authorities}
            self.vault.authorities |= self.fresh
        if self.what == ISSUER:
            for name, layer in dict.fromkeys((s.signed, s.layer) for s in self.servers if s.signed != ACME):
                self.vault.authorities[name].renew(layer)
        self.leaves = [(one, self.vault.sign(one)) for one in self.servers if one.signed != ACME]

    def phase(self, name: str, what: str, work: Callable[[], None]) -> None:
        """Does one step and keeps its time."""
        phase = Phase(name, what, time.monotonic())
        self.phases.append(phase)
        work()
        phase.seconds = time.monotonic() - phase.began
        self.count()
        self.say({"phase": self.row(phase)})

    def hand_out(self, bundles: Mapping[str, str]) -> None:
        """Roots, by authority, to everyone; returns when everyone has used them."""
        since = time.monotonic()
        for authority, roots in bundles.items():
            reload.replace(self.home / ROOTS[authority], roots.encode())
        everyone = (self.home / INTERNAL_ROOTS).read_text() + (self.home / PUBLIC).read_text()
        reload.replace(self.home / EVERYONE, everyone.encode())
        for consumer in self.consumers:
            self.trust.hand_out(consumer, everyone)
        for process, server in list(self.running.items()):
            files = {name: roots for authority, roots in bundles.items() for name in SERVERS_ROOTS[authority]}
            self.take(process, {name: roots.encode() for name, roots in files.items() if (server.directory / name).exists()})
        wanted = digest(everyone)
        self.until(lambda: [c for c in self.consumers if self.trust.acknowledged(c) != wanted], "does not take the new trust bundle")
        self.until(lambda: self.under_way(since), "has a request under way that began before")

    def take(self, process: str, files: Mapping[str, bytes]) -> None:
        """Other files for one server."""
        if files:
            self.running[process], held = reload.take(self.running[process], files, self.kernel)
            if held:
                self.held[process] = self.held.get(process, 0.0) + held

    def switch(self) -> None:
        """Every certificate; each process once. What signs them from now on is kept."""
        for row, origin in dict.fromkeys((s.layer, s.origin) for s in self.servers if s.signed == ACME):
            if error := self.renew(row):
                raise TwinError(f"{origin}: certificate '{row}' cannot be renewed: {error}")
        files: dict[str, dict[str, bytes]] = {}
        for one, leaf in self.leaves:
            if one.software == CLIENTS:
                reload.replace(self.home / one.server, leaf.chain + leaf.key)
            else:
                files.setdefault(one.process, {}).update(reload.files_of(one.files, leaf))
        for process, content in files.items():
            self.take(process, content)
        reload.replace(self.home / VAULT, self.vault.text())

    def wait(self, before: Mapping[tuple[str, int], set[str]]) -> None:
        """Until every pair has seen certificates that nobody saw before the switch, and only such are under way."""
        since = time.monotonic()

        def missing() -> list[str]:
            new = (m for m in list(self.load.made) if m.began > since and m.serials)
            seen = {m.pair for m in new if before.get(m.pair.key, set()).isdisjoint(m.serials)}
            return [f"{p.consumer} at {p.server}" for p in self.pairs if p not in seen]

        self.until(missing, "has not seen the new certificate")
        self.until(lambda: self.under_way(since), "has a request under way that began before")

    def under_way(self, since: float) -> list[str]:
        """Somebody, while a request is under way that began before."""
        return ["a consumer"] if self.load.oldest() < since else []

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

    def serials(self) -> dict[tuple[str, int], set[str]]:
        """What each server has shown so far."""
        out: dict[tuple[str, int], set[str]] = {}
        for made in list(self.load.made):
            out.setdefault(made.pair.key, set()).update(made.serials)
        return out

    def count(self) -> None:
        """Requests into the phases in which they began."""
        for phase, after in zip(self.phases, [*(p.began for p in self.phases[1:]), float("inf")], strict=True):
            mine = [m for m in list(self.load.made) if phase.began <= m.began < after]
            phase.requests, phase.failed = len(mine), sum(1 for m in mine if m.error)

    def still_trusting(self) -> list[str]:
        """Who still has a root that was taken away: a consumer, a server, or the twin's own clients."""
        old = set(self.judge.old.values()) if self.what == ROOT else set()
        files = {c: self.trust.path(c) for c in self.consumers} | {ROOTS[a]: self.home / ROOTS[a] for a in self.authorities}
        names = [name for a in self.authorities for name in SERVERS_ROOTS[a]]
        files |= {f"{p}: {n}": s.directory / n for p, s in self.running.items() for n in names if (s.directory / n).exists()}
        return [who for who, file in files.items() if old & _certificates(file)]

    def row(self, phase: Phase) -> dict[str, Any]:
        """A phase as it is printed; times from the first one."""
        return asdict(phase) | {"began": round(phase.began - self.phases[0].began, 3), "seconds": round(phase.seconds, 3)}

    def result(self) -> dict[str, Any]:
        """All there is to say."""
        made: list[Made] = self.load.made
        took = sorted(m.took for m in made)
        seconds = max((m.began for m in made), default=0) - min((m.began for m in made), default=0)
        servers = [i for i in self.servers if i.software != CLIENTS]
        return {
            "what": self.what, "phases": [self.row(p) for p in self.phases], "requests": len(made), "failed": sum(1 for m in made if m.error),
            "errors": sorted({f"{m.pair.consumer} -> {m.pair.server}: {m.error}" for m in made if m.error})[:10],
            "rate": {"wanted": self.rate, "reached": round(len(made) / seconds, 1) if seconds else 0.0, "late": round(1000 * max((m.late for m in made), default=0.0), 1)},
            "milliseconds": {"median": round(1000 * took[len(took) // 2], 1), "longest": round(1000 * took[-1], 1)} if took else {},
            "authorities": [{"authority": a, "name": self.vault.authorities[a].name, "servers": sum(s.signed == a for s in servers),
                             "clients": sum(s.signed == a for s in self.servers) - sum(s.signed == a for s in servers)} for a in self.authorities],
            "servers": [{"server": i.server, "software": self.running[i.process].process.software, "layer": i.layer} for i in servers],
            "restarted": [{"server": s, "held": round(seconds, 3)} for s, seconds in self.held.items()],
            "consumers": len({p.consumer for p in self.pairs}), "still_trusting": self.still_trusting(),
            "refused": [r.json() for r in self.judge.after(shown=self.what == ROOT)],
        }  # fmt: skip


def rotate(
    asked: Mapping[str, Any], running: dict[str, supervisor.Running], kernel: LinuxKernel, home: Path, renew: Callable[[str], str], say: Say
) -> dict[str, Any]:
    """A request of the agent's: `what`, `layer`, `rate`, and the `pairs` of consumers and servers that there are."""
    vault = Vault.read((home / VAULT).read_bytes())
    servers, left = chosen(vault, asked["what"], asked["layer"], running)
    keys = {(s.server, s.number) for s in servers}
    pairs = [p for p in (Pair(**p) for p in asked["pairs"]) if p.key in keys]
    if not pairs:
        layers = ", ".join(dict.fromkeys(i.layer for i in vault.issued)) or "none"
        raise TwinError(f"nothing to rotate: {'; '.join(left) or 'no server presents such a certificate'}; layers are {layers}")
    if asked["what"] == ROOT:
        for name in {s.signed for s in servers} & set(vault.authorities):
            if others := set(vault.authorities[name].issuers) - {i.layer for i in vault.issued}:
                raise TwinError(
                    f"the old root cannot be taken away: what issuer '{min(others)}' signed cannot be switched while the twin runs"
                )
    return Rotation(asked["what"], vault, servers, pairs, running, kernel, home, asked["rate"], renew, say).run() | {"left": left}


def chosen(vault: Vault, what: str, layer: str, running: Mapping[str, supervisor.Running]) -> tuple[list[Issued], list[str]]:
    """The certificates that a rotation of a layer (all of them, where it is empty) is about, and what is left, with the reason."""
    servers, left = [], list(vault.others)
    for one in vault.issued:
        if layer and one.layer != layer:
            continue
        if one.signed == FILES:
            left.append(f"{one.server}: its certificate is a file of yours ({one.origin})")
        elif one.signed == ACME and what != LEAF:
            left.append(f"{one.server}: who signs certificate '{one.layer}' is not ours to rotate ({one.origin})")
        elif one.software != CLIENTS and one.process not in running:
            left.append(f"{one.server}: no real server runs there")
        else:
            servers.append(one)
    return servers, left


def _certificates(file: Path) -> set[bytes]:
    return {c.public_bytes(Encoding.DER) for c in x509.load_pem_x509_certificates(file.read_bytes())}
