"""The catalogue is data that others act on: well formed, dated, with a source, and without anything left out of it by rule."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from budnet.catalog.age import stale
from budnet.catalog.egress import REGION, Entry, catalogue, hosts
from budnet.ir.filters import ANY_DEPTH
from budnet.model.values import HOST_NAME, read_match
from budnet.source.report import to_text
from helpers import network_of

ENTRIES = {(group.name, entry.name): entry for group in catalogue().groups.values() for entry in group.entries}
LAST = max(date.fromisoformat(e.date) for e in ENTRIES.values())


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=lambda e: e.name)
def test_entry(entry: Entry) -> None:
    host, modelled = entry.at("eu-west-1")
    assert HOST_NAME.fullmatch(host.name) and host.name == host.name.lower() and "*" not in host.name
    assert entry.depth in (0, 1, ANY_DEPTH) and (entry.apex or entry.depth)
    assert not isinstance(read_match(entry.port), str)
    assert entry.role and entry.source
    assert date(2025, 1, 1) < date.fromisoformat(entry.date)
    assert all(k.endswith(f".{entry.name}") for k in entry.known)
    assert modelled and all(HOST_NAME.fullmatch(h) for h in modelled)


def test_groups() -> None:
    for group in catalogue().groups.values():
        names = [e.name for e in group.entries]
        assert names and len(set(names)) == len(names), group.name
        assert group.provider or not any(REGION in n for n in names), f"{group.name}: whose regions?"


def test_what_the_document_asks_for_is_there() -> None:
    wanted = {"aws", "azure", "container-registries", "huggingface", "ai-providers", "identity", "ntp", "acme", "bud", "cloudflare-dns"}
    assert wanted <= set(catalogue().groups)


def test_hosts_for_each_depth() -> None:
    assert hosts("hf.co", 0) == ("hf.co",)
    assert hosts("hf.co", 1) == ("hf.co", "one.hf.co")
    assert hosts("hf.co", ANY_DEPTH, False, ["cas.xethub.hf.co", "cdn.hf.co"]) == ("cdn.hf.co", "cas.xethub.hf.co")


def test_stale_names_are_said_and_fresh_ones_are_not() -> None:
    network = network_of("foundry")
    assert stale(network, LAST) == []
    found = stale(network, LAST + catalogue().stale_after + timedelta(days=1))
    assert {d.code for d in found} == {"R307"}
    assert len(found) == 7
    assert "catalog/foundry:" in to_text(found, {}, colour=False)
