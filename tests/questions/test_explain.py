"""The smallest change, where there is a choice."""

from __future__ import annotations

from pathlib import Path

import budnet
from observe.reading import observed, pod, policy
from observe.test_review import admin

A, B = pod("a", labels="{app: db}"), pod("b", labels='{app: db, public: "yes"}')
CLIENT = pod("client", labels="{app: client}")


def explained(folder: Path, text: str, source: str, target: str) -> dict[str, object]:
    observed(folder, all_yaml=text)
    document: dict[str, object] = budnet.load(f"kubernetes:{folder}").explain(source, target, "80/tcp").document
    return document


def test_a_policy_of_its_own_must_not_close_others(tmp_path: Path) -> None:
    """b has all labels of a, and no policy is about it: one by these labels would isolate it."""
    only_a = policy(
        "p", "{podSelector: {matchLabels: {app: db}, matchExpressions: [{key: public, operator: DoesNotExist}]}, policyTypes: [Ingress]}"
    )
    (change,) = explained(tmp_path, A + B + CLIENT + only_a, "shop/client", "shop/a")["changes"]  # type: ignore[misc]
    assert change["summary"].startswith("in NetworkPolicy shop/p (") and change["write"].startswith("- from:")
    both = policy("p", "{podSelector: {}, policyTypes: [Ingress]}")
    (change,) = explained(tmp_path, A + B + CLIENT + both, "shop/client", "shop/a")["changes"]  # type: ignore[misc]
    assert change["summary"].startswith("in namespace shop, one NetworkPolicy more") and "kind: NetworkPolicy" in change["write"]


def test_of_equal_priorities_one_rule_before_both(tmp_path: Path) -> None:
    """Two policies deny at one priority; in one that is asked before them a single rule does it."""
    two = admin("b", 2, "Deny") + admin("c", 2, "Deny")
    (change,) = explained(tmp_path, A + CLIENT + admin("a", 1, "Deny", port=81) + two, "shop/client", "shop/a")["changes"]  # type: ignore[misc]
    assert change["summary"].startswith("in AdminNetworkPolicy a (") and change["write"].startswith("- action: Allow")
    assert len(explained(tmp_path, A + CLIENT + two, "shop/client", "shop/a")["changes"]) == 2  # type: ignore[arg-type]


def test_a_tier_that_accepts_needs_no_policy_behind_it(tmp_path: Path) -> None:
    text = A + CLIENT + admin("b", 2, "Deny") + policy("p", "{podSelector: {}, policyTypes: [Ingress]}")
    changes = explained(tmp_path, text, "shop/client", "shop/a")["changes"]
    assert [c["layer"] for c in changes] == ["admin-policy"]  # type: ignore[attr-defined]


def test_the_address_that_is_asked_about_is_the_one_that_is_opened(tmp_path: Path) -> None:
    (change,) = explained(tmp_path, A + policy("p", "{podSelector: {}, policyTypes: [Ingress]}"), "203.0.113.9", "shop/a")["changes"]  # type: ignore[misc]
    assert "cidr: 203.0.113.9/32" in change["write"]


def test_what_no_rule_opens_is_said(tmp_path: Path) -> None:
    """A pod with its node's address, which is not known, can be named by nothing."""
    host = CLIENT.replace("spec: {", "spec: {hostNetwork: true, ")
    document = explained(tmp_path, A + host + policy("p", "{podSelector: {}, policyTypes: [Ingress]}"), "shop/client", "shop/a")
    assert document["reachable"] is not True
    if document["reachable"] is False:
        assert not document["changes"] and document["no_change"]


def test_each_tier_says_what_it_does_and_by_which_rule(tmp_path: Path) -> None:
    """The denial of a cluster-wide rule is named with its line; the tiers behind it say what they would do."""
    text = A + CLIENT + admin("b", 2, "Deny") + policy("p", "{podSelector: {}, policyTypes: [Ingress]}")
    (gate,) = explained(tmp_path, text, "shop/client", "shop/a")["gates"]  # type: ignore[misc]
    tiers = [(t["tier"], t["verdict"], [(r["rule"], r["action"]) for r in t["rules"]]) for t in gate["tiers"]]
    assert tiers == [("admin", "Deny", [("b:ingress[0]", "Deny")]), ("network-policy", "Deny", [])]
    assert gate["passes"] is False and gate["origin"] == gate["tiers"][0]["rules"][0]["origin"]


def test_tiers_of_what_passes(tmp_path: Path) -> None:
    text = A + CLIENT + admin("b", 2, "Pass") + policy("p", "{podSelector: {}, ingress: [{}]}")
    (gate,) = explained(tmp_path, text, "shop/client", "shop/a")["gates"]  # type: ignore[misc]
    assert [(t["tier"], t["verdict"]) for t in gate["tiers"]] == [("admin", "Pass"), ("network-policy", "Accept")]
    assert [r["rule"] for r in gate["rules"]] == ["shop/p:ingress[0]"]
    (gate,) = explained(tmp_path, A + CLIENT + admin("b", 2, "Allow"), "shop/client", "shop/a")["gates"]  # type: ignore[misc]
    assert [r["rule"] for r in gate["rules"]] == ["b:ingress[0]"]


def test_two_policies_of_one_priority_that_differ_are_not_known(tmp_path: Path) -> None:
    document = explained(tmp_path, A + CLIENT + admin("b", 2, "Deny") + admin("c", 2, "Allow"), "shop/client", "shop/a")
    (tier,) = document["gates"][0]["tiers"]  # type: ignore[index]
    assert tier["verdict"] == "unknown" and {r["action"] for r in tier["rules"]} == {"Deny", "Accept"}


def test_a_part_of_the_internet_is_said_to_be_one(tmp_path: Path) -> None:
    block = policy("p", "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 9.0.0.0/8}}], ports: [{port: 81}]}]}")
    (change,) = explained(tmp_path, A + block, "internet", "shop/a")["changes"]  # type: ignore[misc]
    assert "0.0.0.0/0 in its place all of the internet" in change["summary"]


def test_a_rule_is_for_all_pods_of_a_stateful_set(tmp_path: Path) -> None:
    db = """\
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec: {replicas: 2, template: {metadata: {labels: {app: db}}, spec: {containers: [{name: main}]}}}
"""
    closed = policy("p", "{podSelector: {}, policyTypes: [Ingress]}")
    (change,) = explained(tmp_path, db + CLIENT + closed, "shop/client", "shop/db")["changes"]  # type: ignore[misc]
    assert 'podSelector: {matchLabels: {app: "db"}}\n' in change["write"]


def test_the_side_of_a_policy_is_said(tmp_path: Path) -> None:
    both = policy("p", "{podSelector: {}, policyTypes: [Ingress, Egress]}")
    gates = explained(tmp_path, A + CLIENT + both, "shop/client", "shop/a")["gates"]
    assert [g["direction"] for g in gates] == ["egress", "ingress"]  # type: ignore[attr-defined]


DUAL = """\
---
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: shop, labels: {{app: {name}}}}}
spec: {{containers: [{{name: c}}]}}
status: {{podIP: 10.1.0.{number}, podIPs: [{{ip: 10.1.0.{number}}}, {{ip: "fd00::{number}"}}]}}
"""


def test_families_that_do_not_fare_alike_are_said(tmp_path: Path) -> None:
    """A rule for IPv4 alone: what is delivered over it is not over IPv6."""
    pods = DUAL.format(name="near", number=1) + DUAL.format(name="far", number=2)
    block = policy("p", "{podSelector: {matchLabels: {app: far}}, ingress: [{from: [{ipBlock: {cidr: 10.1.0.0/24}}]}]}")
    document = explained(tmp_path, pods + block, "shop/near", "shop/far")
    assert document["reachable"] is True
    assert document["note"] == "of 2 pairs of addresses 1 pass; fd00::1 -> fd00::2 is DENIED_IN"
    found = budnet.load(f"kubernetes:{tmp_path}").matrix().document
    assert "shop/near[Pod]" in found["both_families"]
    free = observed(tmp_path, all_yaml=pods)
    assert free is not None and budnet.load(f"kubernetes:{tmp_path}").matrix().document["both_families"] == []
