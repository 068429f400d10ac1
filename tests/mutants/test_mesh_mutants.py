"""A single fault in the mesh shows up, and the row names whose sidecar is wrong.

In the twin the fault is in what HAProxy is given; in the Network it is in the access control that the prover reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import pytest

from budnet.ir.mesh import AccessControl, CallerRule, Identity
from budnet.ir.network import Network
from budnet.pki.identity import Sentry, encoded_names
from budnet.probe import mesh as probe
from budnet.reach.engine import Engine
from budnet.reach.prove import Status, prove
from budnet.records import replace
from budnet.twin import mesh, tools
from budnet.twin.build import plan
from budnet.twin.lab import Twin
from budnet.twin.process import File, Process
from budnet.twin.staging import Stage
from helpers import network_of, twin_of

pytestmark = pytest.mark.live
CASE = "two-meshes"
Edit = Callable[[Process], Process]


@dataclass(frozen=True)
class Mutant:
    """`names` must be in a row of the disagreement."""

    what: str
    edit: Edit
    names: str


def file(path: str, change: Callable[[bytes], bytes]) -> Edit:
    """One file changed; it must really change."""

    def edit(process: Process) -> Process:
        files = tuple(File(f.path, change(f.content), f.mode) if f.path == path else f for f in process.files)
        assert files != process.files, f"nothing changed in {path}"
        return replace(process, files=files)

    return edit


def config(chosen: str, old: str, new: str, count: int = 0) -> Edit:
    """In lines of the configuration with this text: `count` of them, all if 0."""

    def change(content: bytes) -> bytes:
        lines, done = content.decode().splitlines(), 0
        for i, line in enumerate(lines):
            if chosen in line and old in line and (not count or done < count):
                lines[i], done = line.replace(old, new), done + 1
        return "\n".join([*lines, ""]).encode()

    return file("haproxy.cfg", change)


def add(text: str) -> Callable[[bytes], bytes]:
    return lambda content: content + text.encode()


def drop(text: str) -> Callable[[bytes], bytes]:
    return lambda content: b"".join(line for line in content.splitlines(keepends=True) if text.encode() not in line)


def swapped(one: str, other: str) -> Edit:
    """Two files with each other's content."""

    def edit(process: Process) -> Process:
        content = {f.path: f.content for f in process.files}
        turned = {one: content[other], other: content[one]}
        return replace(process, files=tuple(File(f.path, turned.get(f.path, f.content), f.mode) for f in process.files))

    return edit


def one_of(app: str) -> Identity:
    """The identity of an app of the case."""
    return next(c.callee for c in network_of(CASE).access_controls if c.callee.app == app)


def taken_for(stranger: Identity, app: str) -> Edit:
    """The table of identities says that a stranger's certificate is an app's."""
    return file("identities", add(f"{encoded_names(stranger).hex().upper()} {one_of(app).uri}\n"))


BIND, SERVER = "bind [::]:50002", "server callee"
DESK = one_of("desk")
MUTANTS = (
    Mutant("rule added", file("hub.back.price.allowed", add(f"{one_of('ledger').uri}\n")), "hub/pods/ledger-0 -> hub/pods/price mesh"),
    Mutant("rule removed", file("hub.back.ledger.allowed", drop("/night")), "hub/pods/night -> hub/pods/ledger-0 mesh"),
    Mutant("rule names another app", file("hub.back.ledger.allowed", lambda c: c.replace(b"/night", b"/shelf")), "depot/pods/shelf -> hub/pods/ledger-0 mesh"),
    Mutant("default action allow", config("hub.back.price.allowed", "http-request return", "# "), "predicted DENIED_IN mesh-access hub/back/price"),
    Mutant("client certificate optional", config(BIND, "verify required", "verify optional"), "no certificate"),
    Mutant("client certificate not asked for", config(BIND, "verify required", "verify none", 1), "no certificate -> hub/pods/desk-0"),
    Mutant("TLS 1.2 accepted", config(BIND, "TLSv1.3", "TLSv1.2", 1), "TLS 1.2 -> hub/pods/desk-0"),
    Mutant("expired certificates accepted", config(BIND, "verify required", "verify required ca-ignore-err 10 crt-ignore-err 10"), "an expired certificate"),
    Mutant("any issuer accepted", config(BIND, "verify required", "verify required ca-ignore-err all crt-ignore-err all"), "another issuer"),
    Mutant("another trust bundle", file("trust.pem", lambda _: Sentry("wrong").trust), "unknown ca"),
    Mutant("two apps have each other's identity", swapped("hub.back.price.pem", "hub.back.ledger.pem"), "hub/pods/price shows spiffe://parcels.example/ns/back/ledger"),
    Mutant("a caller goes out as another app", config("namespace hub/pods/night", "/hub.back.night.pem", "/hub.front.desk.pem", 3), "hub/pods/night -> invoke"),
    Mutant("a caller does not check whom it speaks to", config(SERVER, "verify required", "verify none"), "impostor-of"),
    Mutant("a caller takes any name", config(SERVER, "sni var(txn.host)", ""), "impostor-of"),
    Mutant("namespace ignored", taken_for(mesh.in_other_namespace(DESK), "desk"), "desk.front of another namespace"),
    Mutant("trust domain ignored", taken_for(mesh.in_other_domain(DESK), "desk"), "desk.front of another trust domain"),
    Mutant("request handed to another pod", config("server app", "namespace hub/pods/price", "namespace hub/pods/ledger-0"), "observed LOST mesh-access HTTP 503 hub/pods/price"),
    Mutant("callee's address is another app's", file("callees-hub-v4v6", lambda c: c.replace(b"price.back/0", b"price.old/0")), "hub/pods/desk-0 -> invoke price.back"),
)  # fmt: skip


@cache
def staged() -> tuple[Stage, Process]:
    """The mesh alone: the other servers have tests of their own."""
    network = network_of(CASE)
    found = mesh.stage(network, tools.find())
    (process,) = found.processes
    wanted = plan(network)
    ours = {(process.namespace, *at) for at in process.listens} | set(process.elsewhere)
    listeners = tuple(x for x in wanted.listeners if (x.endpoint, x.protocol.name.lower(), x.port) not in ours)
    return Stage(replace(wanted, listeners=listeners), (process,), (), found.files, mesh=found), process


@pytest.fixture(scope="module")
def sound() -> Iterator[Twin]:
    without_fault, _ = staged()
    with twin_of(without_fault.plan, without_fault) as twin:
        yield twin


def test_there_are_enough() -> None:
    assert len(MUTANTS) >= 15
    assert len({m.what for m in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.what)
def test_mutant_is_seen_and_named(mutant: Mutant) -> None:
    without_fault, process = staged()
    with twin_of(without_fault.plan, replace(without_fault, processes=(mutant.edit(process),))) as twin:
        table = probe.truth(network_of(CASE), twin)
    assert table.disagree, "nobody noticed"
    assert any(mutant.names in str(d) for d in table.disagree), "\n".join(map(str, table.disagree[:5]))


def test_without_a_sidecar_clear_text_is_answered_and_seen() -> None:
    without_fault, _ = staged()
    bare = replace(without_fault, plan=plan(network_of(CASE)), processes=())
    with twin_of(bare.plan, bare) as twin:
        table = probe.truth(network_of(CASE), twin)
    assert any("clear text -> hub/pods/price" in str(d) and "topology.yaml:24" in str(d) for d in table.disagree)
    assert "DELIVERED" in table.fates


# ---- the same in what the prover reads ---------------------------------------------------------------------------------------


def control(name: str, change: Callable[[AccessControl], AccessControl]) -> Network:
    """The case with one app's access control changed."""
    network = network_of(CASE)
    controls = tuple(change(c) if c.id == name else c for c in network.access_controls)
    assert controls != network.access_controls
    return replace(network, access_controls=controls)


def rules(change: Callable[[CallerRule], CallerRule | None]) -> Callable[[AccessControl], AccessControl]:
    return lambda c: replace(c, rules=tuple(r for rule in c.rules if (r := change(rule)) is not None))


def other(caller: Identity) -> Callable[[CallerRule], CallerRule]:
    return lambda rule: replace(rule, caller=caller)


IN_THE_NETWORK = (
    ("rule removed", "hub/back/ledger", rules(lambda r: None if r.caller.app == "night" else r), "all-declared-over-mesh"),
    ("rule that denies", "hub/back/price", rules(lambda r: replace(r, allow=False)), "all-declared-over-mesh"),
    ("rule for another namespace", "hub/back/price", rules(other(replace(DESK, namespace="back"))), "all-declared-over-mesh"),
    ("rule for another trust domain", "hub/back/price", rules(other(replace(DESK, trust_domain="public"))), "all-declared-over-mesh"),
    ("rule for another app", "hub/back/price", rules(other(one_of("ledger"))), "nothing-undeclared-over-mesh"),
    ("default allows", "hub/back/price", lambda c: replace(c, default_allow=True), "nothing-undeclared-over-mesh"),
)


@pytest.mark.parametrize(("what", "name", "change", "refuted"), IN_THE_NETWORK, ids=lambda v: v if isinstance(v, str) else "")
def test_the_proof_sees_it_and_so_does_the_probe(
    what: str, name: str, change: Callable[[AccessControl], AccessControl], refuted: str, sound: Twin
) -> None:
    network = control(name, change)
    proofs = {p.name: p for p in prove(Engine(network)) if p.status is Status.REFUTED}
    assert refuted in proofs
    assert proofs[refuted].origin.line in (24, 25, 31, 32)
    table = probe.truth(network, sound)
    assert any(name in str(d) or name.replace("/back/", "/pods/") in str(d) for d in table.disagree)


def test_the_sound_one_agrees(sound: Twin) -> None:
    table = probe.truth(network_of(CASE), sound)
    assert not table.disagree, "\n".join(map(str, table.disagree[:5]))
    assert table.questions > 100


def test_of_a_large_mesh_a_part_is_asked_and_it_is_said(sound: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = probe.truth(network_of(CASE), sound)
    monkeypatch.setattr(probe, "MOST", 20)
    part = probe.truth(network_of(CASE), sound)
    (note,) = part.notes
    assert int(note.split()[0]) == everything.questions - part.questions > 20
    assert part.fates["DELIVERED"] == everything.fates["DELIVERED"]
    assert not part.disagree
