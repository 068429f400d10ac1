"""The reference topology without a way out, as it is: nothing of it has to be changed by hand."""

from __future__ import annotations

import pytest

from budnet.pipeline import load
from budnet.probe import airgap
from budnet.probe.question import questions
from budnet.probe.truth import truth
from budnet.reach.engine import Engine
from budnet.reach.prove import Status, prove
from budnet.source.diagnostic import Severity
from budnet.twin import tools
from budnet.twin.build import plan
from budnet.twin.staging import stage
from helpers import twin_of


def test_foundry_airgapped_is_proved() -> None:
    found = load("catalog/foundry", airgapped=True)
    assert found.network is not None
    assert {d.severity for d in found.diagnostics} == {Severity.WARNING}
    proofs = prove(Engine(found.network))
    assert not [p.summary for p in proofs if p.status is not Status.PROVED]
    assert not (found.network.internet_gateways or found.network.nat_gateways or found.network.egress_only_gateways)
    assert not any(r.rules for r in found.network.egress_filters)


@pytest.mark.live
def test_foundry_airgapped_in_the_twin() -> None:
    network = load("catalog/foundry", airgapped=True).network
    assert network is not None
    with twin_of(plan(network), stage(network, plan(network), tools.find())) as twin:
        gap = airgap.truth(network, twin)
        from_outside = [q for q in questions(network) if q.source.startswith("internet/")]
        packets = truth(network, twin, from_outside)
    assert not gap.disagree, gap.disagree[:3]
    assert gap.questions > 500
    assert not packets.disagree
    assert set(packets.fates) == {"NO_ROUTE"}
