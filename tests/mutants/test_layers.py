"""Prover against kernel, layer by layer: where one layer alone decides, both must say the same of every flow."""

from __future__ import annotations

import pytest

from budnet.probe.truth import truth
from budnet.twin.build import plan
from helpers import network_of, twin_of
from mutants.layers import only

pytestmark = pytest.mark.live
LAYERS = ("groups-in", "groups-out", "acls", "policies", "egress", "nothing")


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("case", ["one-vpc", "dual-stack", "no-kubernetes"])
def test_one_layer_alone(case: str, layer: str) -> None:
    network = only(network_of(case), layer)
    with twin_of(plan(network)) as twin:
        table = truth(network, twin)
    assert not table.disagree, "\n".join(map(str, table.disagree[:5]))
    assert table.questions > 300
