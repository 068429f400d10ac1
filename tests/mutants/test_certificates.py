"""A single fault in what one server presents shows up as a row that names the line of the certificate table.

Faults of different servers share a twin, since each must be found beside the others; what is sound must stay so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from budnet.errors import TwinError
from budnet.ir.network import Network
from budnet.pipeline import load
from budnet.pki import keys
from budnet.pki.authority import Authority
from budnet.pki.issuer import Issuer, Leaf, Template
from budnet.pki.store import Issued, Vault
from budnet.probe import certificates
from budnet.records import replace
from budnet.twin import reload, rotation, tools
from budnet.twin.build import plan
from budnet.twin.certificates import VAULT
from budnet.twin.consumers import pairs
from budnet.twin.process import Process
from budnet.twin.staging import Stage, stage
from helpers import twin_of

pytestmark = pytest.mark.live
FILE = Path(__file__).parent.parent / "live/certificates.yaml"
INDEX, SHELF, DOOR, LINE = "house/cellar/index", "house/cellar/shelf", "house/front/door", "certificates.yaml:19"
DAY = timedelta(days=1)
Make = Callable[[Vault, Issued], Leaf]
Spoil = Callable[[Stage], Stage]


def library() -> Network:
    loaded = load(str(FILE))
    assert loaded.network is not None
    return loaded.network


NETWORK = library()


@dataclass(frozen=True)
class Mutant:
    """Another leaf for one server, or something wrong with an order; `says` is in a row that differs, or in what is said of the order.

    `names` are the names whose rows may differ.
    """

    what: str
    make: Make | Spoil
    says: str
    names: tuple[str, ...] = ()


def issue(change: Callable[[Template], Template] = lambda t: t, layer: str = "", now: timedelta = timedelta(0)) -> Make:
    """From the right issuer, or another layer's, at another time, from a changed template."""

    def make(vault: Vault, one: Issued) -> Leaf:
        return vault.authority.issuers[layer or one.layer].issue(change(one.template()), now=datetime.now(UTC) + now)

    return make


def without(end: str) -> Callable[[Template], Template]:
    return lambda t: replace(t, names=[n for n in t.names if not n.endswith(end)])


def alone(vault: Vault, one: Issued) -> Leaf:
    leaf = issue()(vault, one)
    return Leaf(leaf.chain.split(b"-----END")[0] + b"-----END CERTIFICATE-----\n", leaf.key)


def stranger(vault: Vault, one: Issued) -> Leaf:
    return Authority(vault.authority.name).issuer(one.layer).issue(one.template())


def authority(vault: Vault, one: Issued) -> Leaf:
    """With the flag of an issuer, and all else as it was."""
    issuer: Issuer = vault.authority.issuers[one.layer]
    leaf = issue()(vault, one)
    old, key = leaf.certificate, keys.generate(one.key)
    builder = x509.CertificateBuilder(
        old.issuer, old.subject, key.public_key(), old.serial_number, old.not_valid_before_utc, old.not_valid_after_utc
    )
    for extension in old.extensions:
        value = extension.value
        if isinstance(value, x509.BasicConstraints):
            value = x509.BasicConstraints(ca=True, path_length=0)
        if isinstance(value, x509.KeyUsage):
            value = x509.KeyUsage(True, False, True, False, False, True, False, False, False)
        if isinstance(value, x509.SubjectKeyIdentifier):
            value = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = builder.add_extension(value, extension.critical)
    made = builder.sign(issuer.key, keys.signing_hash(issuer.key))
    from cryptography.hazmat.primitives.serialization import Encoding

    return Leaf(made.public_bytes(Encoding.PEM) + issuer.chain, keys.pem(key))


ROUNDS: Sequence[tuple[Mutant, Mutant]] = (
    (Mutant("expired", issue(lambda t: replace(t, lifetime=DAY), now=-2 * DAY), "certificate has expired"),
     Mutant("not yet valid", issue(now=DAY), "certificate is not yet valid")),
    (Mutant("another server's names", issue(lambda t: replace(t, names=["desk.rooms"])), "Hostname mismatch"),
     Mutant("chain without its issuer", alone, "unable to get local issuer certificate")),
    (Mutant("full form of the name missing", issue(without(".house.internal")), "Hostname mismatch", ("index.rooms.svc.house.internal",)),
     Mutant("addresses missing", issue(lambda t: replace(t, names=[n for n in t.names if "shelf" in n])), "IP address mismatch", ("10.60.3.131",))),
    (Mutant("issuer of another layer", issue(layer="site"), "permitted subtree violation"),
     Mutant("an authority of the same name", stranger, "refused: ")),
    (Mutant("flag of an issuer", authority, "it may sign certificates itself"),
     Mutant("only for clients", issue(lambda t: replace(t, server=False, client=True)), "purpose")),
    (Mutant("another kind of key", issue(lambda t: replace(t, kind="ec-p256")), "ec-p256, 36h"),
     Mutant("a longer life", issue(lambda t: replace(t, lifetime=20 * DAY)), "rsa-2048, 20d")),
    (Mutant("due long ago", issue(now=-DAY), "by the internal CA, due"),
     Mutant("half a kind of key", issue(lambda t: replace(t, kind="rsa-3072")), "rsa-3072")),
)  # fmt: skip


def present(staged: Stage, server: str, leaf: Leaf) -> Stage:
    """The stage with another certificate at one server."""
    return edit(staged, server, {"server.crt": lambda _: leaf.chain, "server.key": lambda _: leaf.key})


def edit(staged: Stage, server: str, files: dict[str, Callable[[bytes], bytes]]) -> Stage:
    def change(process: Process) -> Process:
        if process.name != server:
            return process
        changed = tuple(replace(f, content=files[f.path](f.content)) if f.path in files else f for f in process.files)
        assert changed != process.files
        return replace(process, files=changed)

    return replace(staged, processes=tuple(map(change, staged.processes)))


def sound() -> tuple[Stage, Vault]:
    """A stage without faults and without orders, which take their time."""
    staged = stage(NETWORK, plan(NETWORK), tools.find())
    vault = Vault.read(next(content for path, content, _ in staged.files if path == VAULT))
    return staged, vault


def quiet(staged: Stage) -> Stage:
    return replace(staged, orders=(), processes=tuple(p for p in staged.processes if p.name in (INDEX, SHELF)))


def of(vault: Vault, server: str) -> Issued:
    return next(i for i in vault.issued if i.server == server)


@pytest.mark.parametrize("pair", ROUNDS, ids=lambda pair: " and ".join(m.what for m in pair))
def test_a_fault_is_caught_and_named(pair: tuple[Mutant, Mutant]) -> None:
    staged, vault = sound()
    for mutant, server in zip(pair, (INDEX, SHELF), strict=True):
        staged = present(staged, server, mutant.make(vault, of(vault, server)))
    with twin_of(plan(NETWORK), quiet(staged)) as twin:
        table = certificates.truth(NETWORK, twin)
    for mutant, server in zip(pair, (INDEX, SHELF), strict=True):
        short = server.rpartition("/")[2]
        rows = [d for d in table.disagree if short in str(d.question.destination) or str(d.question.address) in _addresses(server)]
        assert rows, f"{mutant.what}: not caught"
        assert all(LINE in str(d) for d in rows), rows
        assert any(mutant.says in str(d) for d in rows), "\n".join(map(str, rows))
        asked = {d.question.destination.removeprefix("tls://") for d in rows}
        assert not mutant.names or set(mutant.names) <= asked
        assert not mutant.names or len(asked) <= 2, f"more than the fault: {asked}"


def _addresses(server: str) -> set[str]:
    return set(map(str, NETWORK.endpoint[server].addresses))


def test_a_key_of_another_certificate_starts_no_server() -> None:
    staged, _ = sound()
    other = keys.pem(keys.generate("rsa-2048"))
    with pytest.raises(TwinError, match=SHELF), twin_of(plan(NETWORK), quiet(edit(staged, SHELF, {"server.key": lambda _: other}))):
        pass


def wrong_answer(staged: Stage) -> Stage:
    return edit(staged, DOOR, {"haproxy.cfg": lambda text: text.replace(b"field(-1,/)].", b"field(-1,/)].x")})


def hidden_zone(staged: Stage) -> Stage:
    return edit(staged, "internet/name-server", {"dnsmasq.conf": lambda text: text.replace(b"server=/_acme", b"#server=/_acme")})


def by_http(staged: Stage) -> Stage:
    """The order for the wildcard, by another challenge."""
    orders = tuple(replace(o, request=replace(o.request, challenge="http-01")) if o.row == "site" else o for o in staged.orders)
    assert orders != staged.orders
    return replace(staged, orders=orders)


SITE, READERS = "www.library.example", "readers.rooms.library.example"
ORDERS = (
    (Mutant("an answer of another account", wrong_answer, "challenge failed for readers.rooms.library.example", (READERS,)),
     Mutant("a zone that the validator does not see", hidden_zone, "challenge failed for library.example", (SITE,))),
    (Mutant("a wildcard by http-01", by_http, "the server offers no http-01 for library.example, only dns-01", (SITE,)),),
)  # fmt: skip


@pytest.mark.parametrize("faults", ORDERS, ids=lambda faults: " and ".join(m.what for m in faults))
def test_an_order_that_fails_says_so_and_the_internal_ca_shows(faults: tuple[Mutant, ...]) -> None:
    staged, _ = sound()
    for mutant in faults:
        staged = mutant.make(staged)
    with twin_of(plan(NETWORK), staged) as twin:
        signed = {s["row"]: s for s in twin.status()["signed"]}
        rows = certificates.truth(NETWORK, twin).disagree
    asked = {SITE: ("site", "certificates.yaml:17"), READERS: ("readers", "certificates.yaml:18")}
    assert {d.question.destination.removeprefix("tls://") for d in rows} == {name for mutant in faults for name in mutant.names}
    for mutant in faults:
        for name in mutant.names:
            row, line = asked[name]
            assert mutant.says in signed[row]["error"] and line in signed[row]["origin"]
            (said,) = {str(d) for d in rows if name in d.question.destination}
            assert "by the internal CA" in said and line in said


def test_a_wildcard_two_labels_deep() -> None:
    """Where only the wildcard's certificate is presented, the name two labels below it is refused."""
    staged, _ = sound()
    staged = edit(staged, DOOR, {"certificates": lambda text: text.splitlines()[0] + b"\n"})
    kept = tuple(o for o in staged.orders if o.row == "site")
    with twin_of(plan(NETWORK), replace(staged, orders=kept)) as twin:
        table = certificates.truth(NETWORK, twin)
    assert [d.question.destination for d in table.disagree] == ["tls://readers.rooms.library.example"]
    assert "Hostname mismatch" in str(table.disagree[0]) and "certificates.yaml:18" in str(table.disagree[0])


def test_a_server_that_keeps_its_certificate_stops_the_rotation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reload, "take", lambda server, files, kernel: (server, 0.0))
    monkeypatch.setattr(rotation, "_PATIENCE", 1.0)
    staged, _ = sound()
    with twin_of(plan(NETWORK), quiet(staged)) as twin, pytest.raises(TwinError, match=f"at {INDEX} has not seen the new certificate"):
        list(twin.rotate("root", "", 60, pairs(NETWORK)))


def test_an_old_root_that_stays_trusted_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = rotation.Rotation.hand_out
    kept: list[Mapping[str, str]] = []

    def hand_out(self: rotation.Rotation, bundles: Mapping[str, str]) -> None:
        kept.append(bundles)
        whole(self, kept[0])  # what was handed out first: with the old root

    monkeypatch.setattr(rotation.Rotation, "hand_out", hand_out)
    staged, _ = sound()
    with twin_of(plan(NETWORK), quiet(staged)) as twin:
        result = list(twin.rotate("root", "", 60, pairs(NETWORK)))[-1]
    assert result["still_trusting"] == ["house/desk/search-0", "house/desk/search-1", "pki/internal.pem"]


def test_servers_that_present_the_old_alone_fail_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Taking the old root away before the switch is the mistake that rotation is about."""
    staged, _ = sound()
    whole = rotation.Rotation.hand_out
    old = next(content for path, content, _ in staged.files if path == "pki/internal.pem").decode()

    def hand_out(self: rotation.Rotation, bundles: Mapping[str, str]) -> None:
        whole(self, {authority: roots.replace(old, "") for authority, roots in bundles.items()})

    monkeypatch.setattr(rotation.Rotation, "hand_out", hand_out)
    with twin_of(plan(NETWORK), quiet(staged)) as twin:
        result = list(twin.rotate("root", "", 60, pairs(NETWORK)))[-1]
    assert result["failed"] > 0 and "certificate verify failed" in str(result["errors"])
