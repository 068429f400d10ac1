"""What a sidecar says to a caller: the rules of Dapr's access control, one row each."""

from __future__ import annotations

import pytest

from budnet.ir.address import Protocol
from budnet.ir.mesh import AccessControl, CallerRule, Identity
from budnet.ir.origin import Origin
from budnet.reach.disposition import Disposition
from budnet.reach.engine import Engine
from budnet.reach.invoke import invoke
from budnet.reach.mesh_access import allows, decide
from budnet.reach.trace import trace
from budnet.records import replace
from helpers import network_of

LINE = Origin("x.yaml", 7)
A = Identity("public", "shop", "a")
CONTROL = AccessControl(
    "c/shop/b", replace(A, app="b"), ("n/t/b",), 50002, 80, False, (CallerRule("r", A, True, LINE),), "ec-p256", 86400, LINE
)
DENIES = replace(CONTROL, default_allow=True, rules=(CallerRule("r", A, False, LINE),))


@pytest.mark.parametrize(
    ("control", "caller", "answer"),
    [
        (CONTROL, A, True),
        (CONTROL, replace(A, app="c"), False),
        (CONTROL, replace(A, namespace="other"), False),
        (CONTROL, replace(A, trust_domain="other"), False),  # the rule is found by app and namespace, and is not for it
        (CONTROL, None, False),
        (DENIES, A, False),
        (DENIES, replace(A, trust_domain="other"), True),  # so a rule that denies does not deny it, either
        (DENIES, replace(A, app="c"), True),
        (DENIES, None, True),
    ],
)
def test_who_is_let_in(control: AccessControl, caller: Identity | None, answer: bool) -> None:
    assert allows(control, caller) is answer
    assert decide(control, caller).reachable is answer


@pytest.mark.parametrize(
    ("caller", "callee", "disposition", "line"),
    [
        ("hub/pods/night", "hub/pods/ledger-0", Disposition.DELIVERED, 25),
        ("hub/pods/night", "hub/pods/price", Disposition.DENIED_IN, 24),  # packets arrive by line 36, and the sidecar refuses
        ("hub/pods/printer", "hub/pods/price", Disposition.DENIED_OUT, 29),  # no packet arrives at all
    ],
)
def test_packets_first_then_identity(caller: str, callee: str, disposition: Disposition, line: int) -> None:
    engine = Engine(network_of("two-meshes"))
    source, destination = engine.interfaces[caller][0], engine.interfaces[callee][0]
    found = invoke(engine, trace(engine, source, destination, Protocol.TCP, 50002))
    assert (found.verdict.disposition, found.verdict.reason.origin.line) == (disposition, line)
    assert found.steps[-1][0].layer == "mesh-access"


def test_what_is_no_invocation_stays_as_it_is() -> None:
    engine = Engine(network_of("two-meshes"))
    source, destination = engine.interfaces["hub/pods/desk-0"][0], engine.interfaces["hub/pods/printer"][0]
    found = trace(engine, source, destination, Protocol.TCP, 9100)
    assert invoke(engine, found) == found
