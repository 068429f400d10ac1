"""Addresses stay where they are, whatever is edited around them."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budnet.pipeline import load_text

HEAD = """\
budnet: 1
name: edits
networks:
  net:
    cidr: [10.7.0.0/16, "2001:db8:7::/56"]
    cloud: {zones: 2}
    cluster: {services: 172.20.0.0/20}
    subnets:
      front: {cidr: [10.7.1.0/24, "2001:db8:7:10::/63"], access: public}
      back:  {cidr: [10.7.2.0/24, "2001:db8:7:20::/63"], access: private}
services:
"""


def addresses(services: list[str], locked: dict[str, str] | None = None) -> dict[str, str]:
    lines = [f"  {s}: {{subnet: net/back, namespace: app, replicas: 2, ports: {{http: 80/tcp}}}}" for s in services]
    loaded = load_text((HEAD + "\n".join(lines) + "\n").encode(), "edits.yaml", locked or {})
    assert loaded.network is not None, loaded.diagnostics
    given_ = [a for e in loaded.network.endpoints for a in e.addresses if e.filtered]
    assert len(set(given_)) == len(given_), "two endpoints share an address"
    return loaded.addresses


@given(
    st.lists(st.from_regex(r"svc-[a-z0-9]{1,8}", fullmatch=True), min_size=2, max_size=30, unique=True), st.randoms(use_true_random=False)
)
@settings(max_examples=25, deadline=None)
def test_with_a_lock_no_edit_moves_anything(names: list[str], chance: random.Random) -> None:
    before = addresses(names[: len(names) // 2])
    shuffled = names[:]
    chance.shuffle(shuffled)
    after = addresses(shuffled, locked=before)
    assert {n: after[n] for n in before} == before


def test_without_a_lock_the_order_of_the_file_does_not_matter_where_nothing_collides() -> None:
    assert addresses(["alpha", "beta", "gamma"]) == addresses(["gamma", "alpha", "beta"])


def test_a_lock_with_an_address_outside_its_subnet_is_not_followed() -> None:
    name = "net/back/alpha-0/v4"
    assert addresses(["alpha"], {name: "10.7.1.77"})[name] != "10.7.1.77"


@pytest.mark.parametrize("zones", [1, 2, 3, 4, 6])
def test_zones_split_a_tier_and_replicas_spread_over_them(zones: int) -> None:
    text = (
        HEAD.replace("zones: 2", f"zones: {zones}")
        .replace("/63", "/60")
        .replace(":10::", ":10::")
        .replace("10.7.1.0/24", "10.7.16.0/21")
        .replace("10.7.2.0/24", "10.7.32.0/21")
    )
    text += "  app: {subnet: net/back, namespace: app, replicas: 6}\n"
    loaded = load_text(text.encode(), "zones.yaml", {})
    assert loaded.network is not None, loaded.diagnostics
    used = {e.subnet for e in loaded.network.endpoints if e.service == "app"}
    assert len(used) == zones
