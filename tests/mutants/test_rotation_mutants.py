"""A rotation with a step left out or turned round fails somebody, or leaves somebody behind; and says so.

The agent of a twin is a fork of this process: what is changed here before it comes up is changed there.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from budnet.errors import TwinError
from budnet.ir.network import Network
from budnet.pipeline import load
from budnet.pki.issuer import Leaf
from budnet.pki.store import CLIENTS, SIDECAR
from budnet.twin import haproxy_master, reload, rotation, tools
from budnet.twin.build import plan
from budnet.twin.consumers import pairs
from budnet.twin.load import Pair, Trust
from budnet.twin.rotation import Rotation
from budnet.twin.staging import Stage, stage
from helpers import twin_of

pytestmark = [pytest.mark.live, pytest.mark.slow]
SLOW, DOOR = "yard/bench/tool-1", "yard/gate/door"


@dataclass(frozen=True)
class Mutant:
    """A step done otherwise. `says` is in what stops the rotation, or a figure of it that is not 0."""

    what: str
    change: Callable[[pytest.MonkeyPatch], None]
    says: str


@cache
def network() -> Network:
    loaded = load(str(Path(__file__).parents[1] / "live/rotation.yaml"))
    assert loaded.network is not None
    return loaded.network


@cache
def staged() -> Stage:
    return stage(network(), plan(network()), tools.find())


def rotated(what: str = "root", rate: int = 60, only: str = "") -> dict[str, Any]:
    with twin_of(plan(network()), staged()) as twin:
        return list(twin.rotate(what, "", rate, [p for p in pairs(network()) if only in p.server]))[-1]


def remove_first(patch: pytest.MonkeyPatch) -> None:
    hand_out = Rotation.hand_out

    def new_alone(self: Rotation, bundles: Mapping[str, str]) -> None:
        hand_out(self, {a: self.fresh[a].root.decode() for a in bundles})

    patch.setattr(Rotation, "hand_out", new_alone)


def never_remove(patch: pytest.MonkeyPatch) -> None:
    hand_out = Rotation.hand_out
    patch.setattr(Rotation, "hand_out", lambda self, bundles: None if removing(self) else hand_out(self, bundles))


def doors_stay_open(patch: pytest.MonkeyPatch) -> None:
    """Servers trust the new root alone as clients, and go on to let in whoever the old one signed."""
    hand_out, every = Rotation.hand_out, rotation.SERVERS_ROOTS

    def partly(self: Rotation, bundles: Mapping[str, str]) -> None:
        patch.setattr(rotation, "SERVERS_ROOTS", {"internal": ("roots.pem",), "mesh": ("trust.pem",)} if removing(self) else every)
        hand_out(self, bundles)

    patch.setattr(Rotation, "hand_out", partly)


def removing(self: Rotation) -> bool:
    return self.phases[-1].name == "remove"


def servers_keep_roots(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rotation, "SERVERS_ROOTS", {"internal": (), "mesh": ()})


def balancers_keep_roots(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rotation, "SERVERS_ROOTS", rotation.SERVERS_ROOTS | {"internal": ("clients.pem",)})


def sidecars_keep_roots(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rotation, "SERVERS_ROOTS", rotation.SERVERS_ROOTS | {"mesh": ()})


def masters_do_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(haproxy_master, "reload", lambda server: None)


def one_never_looks(patch: pytest.MonkeyPatch) -> None:
    found: dict[str, ssl.SSLContext] = {}
    context = Trust.context

    def stale(self: Trust, pair: Pair) -> ssl.SSLContext:
        if pair.consumer != SLOW or SLOW not in found:
            found[pair.consumer] = context(self, pair)
        return found[pair.consumer]

    patch.setattr(Trust, "context", stale)


def without(kind: str) -> Callable[[pytest.MonkeyPatch], None]:
    """One kind of certificates is not made anew."""

    def change(patch: pytest.MonkeyPatch) -> None:
        prepare = Rotation.prepare

        def less(self: Rotation) -> None:
            prepare(self)
            self.leaves = [(one, leaf) for one, leaf in self.leaves if one.software != kind]

        patch.setattr(Rotation, "prepare", less)

    return change


def keys_mixed_up(patch: pytest.MonkeyPatch) -> None:
    """The door gets a certificate with somebody else's key."""
    prepare = Rotation.prepare

    def mixed(self: Rotation) -> None:
        prepare(self)
        other = self.leaves[-1][1].key
        self.leaves = [(one, Leaf(leaf.chain, other) if one.server == DOOR else leaf) for one, leaf in self.leaves]

    patch.setattr(Rotation, "prepare", mixed)


FAILED, BEHIND = "failed", "not refused"
MUTANTS = (
    Mutant("the old root is removed before the new one is anywhere", remove_first, FAILED),
    Mutant("the old root is never removed", never_remove, BEHIND),
    Mutant("servers let in clients whom the old root vouches for", doors_stay_open, BEHIND),
    Mutant("servers keep the old root", servers_keep_roots, FAILED),
    Mutant("a load balancer keeps the old root for servers behind it", balancers_keep_roots, FAILED),
    Mutant("sidecars keep the old root", sidecars_keep_roots, FAILED),
    Mutant("clients go on to show what the old root signed", without(CLIENTS), FAILED),
    Mutant("sidecars keep the identities that the old root signed", without(SIDECAR), "has not seen the new certificate"),
    Mutant("a server gets the key of another certificate", keys_mixed_up, f"{DOOR} does not take its new files"),
    Mutant("a master says that it has reloaded and has not", masters_do_nothing, "has not seen the new certificate"),
    Mutant("a consumer never reads its trust again", one_never_looks, f"{SLOW} does not take the new trust bundle"),
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.what)
def test_a_wrong_rotation_is_seen(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant.change(monkeypatch)
    monkeypatch.setattr(rotation, "_PATIENCE", 3.0)
    try:
        result = rotated()
    except TwinError as stopped:
        assert mutant.says == FAILED or mutant.says in str(stopped), stopped
        return
    behind = result["still_trusting"] or [r for r in result["refused"] if not r["refused"]]
    assert {FAILED: result["failed"], BEHIND: behind}.get(mutant.says), result["phases"]


def test_a_server_that_does_not_come_back_has_its_old_files_again(monkeypatch: pytest.MonkeyPatch) -> None:
    crate, good = "yard/bench/crate", Rotation.prepare

    def bad(self: Rotation) -> None:
        good(self)
        self.leaves = [(one, Leaf(leaf.chain, b"no key") if one.server == crate else leaf) for one, leaf in self.leaves]

    monkeypatch.setattr(Rotation, "prepare", bad)
    with twin_of(plan(network()), staged()) as twin:
        only = [p for p in pairs(network()) if p.server == crate]
        for _ in range(2):  # it is there again to be asked the second time
            with pytest.raises(TwinError, match=f"{crate} does not take its new files"):
                list(twin.rotate("leaf", "", 20, only))


def test_a_restart_refuses_nobody_only_behind_a_closed_door(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rotated("leaf", 200, "crate")["failed"] == 0
    monkeypatch.setattr(reload, "_closed", lambda server, kernel: nullcontext())
    assert rotated("leaf", 200, "crate")["failed"] > 0
