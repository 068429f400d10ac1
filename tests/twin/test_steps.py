"""Laws of steps: from any state they lead to the plan, and then there is nothing left to do."""

from __future__ import annotations

from itertools import product

import pytest

from budnet.errors import TwinError
from budnet.records import replace
from budnet.twin.build import plan
from budnet.twin.plan import KernelRoute, Wire
from budnet.twin.steps import Configure, Connect, Load, Make, Remove, steps
from helpers import CASES, network_of
from twin.fake import FakeKernel


@pytest.mark.parametrize(("first", "then"), list(product(["one-vpc", "dual-stack", "no-kubernetes"], repeat=2)))
def test_from_any_state_to_the_plan(first: str, then: str) -> None:
    kernel = FakeKernel()
    kernel.apply(steps(plan(network_of(first)), kernel.read()))
    wanted = plan(network_of(then))
    kernel.apply(steps(wanted, kernel.read()))
    fresh = FakeKernel()
    fresh.apply(steps(wanted, fresh.read()))
    assert str(kernel) == str(fresh)
    assert steps(wanted, kernel.read()) == ()


def test_one_rule_less_is_one_step() -> None:
    kernel, wanted = FakeKernel(), plan(network_of("one-vpc"))
    kernel.apply(steps(wanted, kernel.read()))
    space = wanted.space["shop"]
    chains = tuple(replace(c, rules=c.rules[1:]) if c.name == "sgi0" else c for c in space.ruleset.chains)
    changed = replace(
        wanted, spaces=tuple(replace(s, ruleset=replace(s.ruleset, chains=chains)) if s is space else s for s in wanted.spaces)
    )
    (only,) = steps(changed, kernel.read())
    assert isinstance(only, Load)
    assert only.space == "shop"


def test_one_route_less_is_one_step() -> None:
    kernel, wanted = FakeKernel(), plan(network_of("one-vpc"))
    kernel.apply(steps(wanted, kernel.read()))
    space = wanted.space["internet"]
    changed = replace(wanted, spaces=tuple(replace(s, routes=s.routes[1:]) if s is space else s for s in wanted.spaces))
    (only,) = steps(changed, kernel.read())
    assert isinstance(only, Configure)
    assert only.removed_routes == space.routes[:1]


@pytest.mark.parametrize("case", CASES)
def test_what_forwards_comes_before_what_hangs_on_it(case: str) -> None:
    kinds = [type(s) for s in steps(plan(network_of(case)), FakeKernel().read())]
    order = [Remove, Make, Connect, Configure, Load]
    assert kinds == sorted(kinds, key=order.index)


def test_the_fake_refuses_what_linux_would_refuse() -> None:
    kernel, wanted = FakeKernel(), plan(network_of("ipv6-only"))
    with pytest.raises(TwinError, match="no namespace nowhere"):
        kernel.apply([Connect(Wire("nowhere", "a", "six", "b"))])
    kernel.apply(steps(wanted, kernel.read()))
    with pytest.raises(TwinError, match="is there already"):
        kernel.apply([Make(wanted.spaces[0])])
    route = KernelRoute(wanted.spaces[0].routes[0].prefix, "nosuch")
    with pytest.raises(TwinError, match="which is not there"):
        kernel.apply([Configure(wanted.spaces[0], False, (route,), (), (), ())])
