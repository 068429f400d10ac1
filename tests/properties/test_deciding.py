"""What `explain` says of tiers is what passes: on random clusters, policies of every kind."""

from __future__ import annotations

from random import Random

import pytest

from budnet.ir.address import Protocol
from budnet.observe.kubernetes import cluster
from budnet.observe.kubernetes.fields import Place, Problems
from budnet.reach.deciding import UNKNOWN, deciding, tiers
from budnet.reach.engine import Engine
from properties.clusters import PORTS, random_cluster


@pytest.mark.parametrize("seed", range(12))
def test_the_tier_that_decides_says_what_passes(seed: int) -> None:
    dice, engine = Random(seed), Engine(cluster.network([(o, Place("random.json", 0)) for o in random_cluster(seed)], Problems()).network)
    pods = [p for p in engine.points if p.endpoint is not None and engine.admissions.is_selectable(p.endpoint)]
    for _ in range(400):
        pod, peer, ingress = dice.choice(pods), dice.choice(engine.points), dice.random() < 0.5
        bit = engine.alphabet.bit(dice.choice((Protocol.TCP, Protocol.UDP)), dice.choice(PORTS))
        if peer.address.version != pod.address.version or peer.endpoint is pod.endpoint:
            continue
        assert pod.endpoint is not None
        found = engine.admissions.between(pod.endpoint, peer, ingress)
        tier = deciding(tiers(engine, pod.endpoint, peer, ingress, bit))
        word = tier.word if tier is not None else "nobody"
        if word == "Deny":
            assert not (found.passes | found.perhaps) & bit
        elif word != UNKNOWN:
            assert found.passes & bit and not found.perhaps & bit
