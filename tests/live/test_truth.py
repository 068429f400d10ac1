"""Every topology, up for real: each flow behaves as proved, each name answers as written, each call ends as it may."""

from __future__ import annotations

import pytest

from budnet.probe import layers
from budnet.probe.truth import truth
from budnet.twin import tools
from budnet.twin.build import plan
from budnet.twin.staging import stage
from helpers import CASES, network_of, twin_of

pytestmark = pytest.mark.live


@pytest.mark.parametrize("case", [*CASES, "foundry", "everything"])
def test_packets_and_all_layers_agree(case: str) -> None:
    network = network_of(case)
    wanted = plan(network)
    staged = stage(network, wanted, tools.find())
    assert not staged.missing
    with twin_of(wanted, staged) as twin:
        table = truth(network, twin)
        table.join(layers.truth(network, twin))
    assert not table.disagree, "\n".join(map(str, table.disagree[:10]))
    assert set(table.fates) <= {"DELIVERED", "DENIED_OUT", "DENIED_IN", "NO_ROUTE", "NOT_LISTENING"}
    assert table.questions > (30_000 if case == "foundry" else 25_000 if case == "everything" else 300)
