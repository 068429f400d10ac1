"""Odd policies, each by its code; and the same cluster without the fault says nothing of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from budnet.observe.kubernetes.cluster import Observed
from budnet.reach.review import review
from observe.reading import observed, pod, policy, service

WEB = pod("web", labels="{app: web}")
ALL = "{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}"


def admin(name: str, priority: int, action: str, chosen: str = "{}", port: int = 80) -> str:
    row = f"{{action: {action}, from: [{{namespaces: {{}}}}], ports: [{{portNumber: {{protocol: TCP, port: {port}}}}}]}}"
    return f"""\
---
apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {{name: {name}}}
spec: {{priority: {priority}, subject: {{pods: {{namespaceSelector: {{}}, podSelector: {chosen}}}}}, ingress: [{row}]}}
"""


def codes(found: Observed) -> set[str]:
    return {d.code for d in review(found.network, found.annotations) + found.entrances.problems(found.network.endpoints).found}


def one(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new)


RULE = policy("p", "{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]}")
BLOCK = policy("p", "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.1.0.0/16}}]}]}")
NAMED = policy("p", "{podSelector: {}, ingress: [{ports: [{port: http}]}]}")
PLACED = one(WEB, "spec:", "status: {podIP: 10.1.0.5}\nspec:")
CASES = {
    "K201": (service("web", "type: ClusterIP"), service("wbe", "type: ClusterIP")),
    "K203": (service("web", "type: ClusterIP"), one(service("web", "type: ClusterIP"), "targetPort: http", "targetPort: htpp")),
    "K211": (policy("p", "{podSelector: {matchLabels: {app: web}}}"), policy("p", "{podSelector: {matchLabels: {app: wbe}}}")),
    "K212": (RULE, one(RULE, "app: web", "app: wbe")),
    "K213": (
        RULE,
        one(RULE, "matchLabels: {app: web}", "matchExpressions: [{key: a, operator: Exists}, {key: a, operator: DoesNotExist}]"),
    ),
    "K214": (RULE, RULE + policy("q", ALL)),
    "K215": (admin("a", 1, "Allow") + admin("b", 2, "Deny", port=81), admin("a", 1, "Allow") + admin("b", 2, "Deny")),
    "K216": (admin("a", 1, "Allow") + admin("b", 2, "Deny"), admin("a", 1, "Allow") + admin("b", 1, "Deny")),
    "K217": (policy("p", ALL), ""),
    "K218": (PLACED + one(BLOCK, "10.1", "10.2"), PLACED + BLOCK),
    "K219": (NAMED, one(NAMED, "port: http", "port: https")),
}


@pytest.mark.parametrize("code", CASES)
def test_each_fault_has_its_code(tmp_path: Path, code: str) -> None:
    for text, wanted in zip(CASES[code], (False, True), strict=True):
        (tmp_path / "all.yaml").unlink(missing_ok=True)
        whole = text if "name: web," in text and "kind: Pod" in text else WEB + text
        assert (code in codes(observed(tmp_path, all_yaml=whole))) is wanted, text


def test_an_ingress_to_nobody_and_a_policy_of_another_maker(tmp_path: Path) -> None:
    ingress = """\
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {defaultBackend: {service: {name: web, port: {number: 81}}}}
"""
    cilium = (
        "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: c, namespace: shop}\nspec: {endpointSelector: {}}\n"
    )
    found = codes(observed(tmp_path, all_yaml=WEB + service("web", "type: ClusterIP") + ingress + cilium))
    assert {"K202", "K220"} <= found


def test_a_label_written_as_an_annotation_is_named(tmp_path: Path) -> None:
    web = WEB.replace("labels: {app: web}", "labels: {app: web}, annotations: {tier: front}")
    seen = observed(tmp_path, all_yaml=web + policy("p", "{podSelector: {matchLabels: {tier: front}}}"))
    (found,) = [d for d in review(seen.network, seen.annotations) if d.code == "K211"]
    assert "shop/web[Pod] has tier=front as an annotation" in found.summary


# ---- what cannot be read --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "broken, code",
    [
        (policy("p", "{podSelector: {}, policyTypes: [Ingres]}"), "K101"),
        (policy("p", "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0}}]}]}"), "K101"),
        (one(policy("p", "{podSelector: {}}"), "networking.k8s.io/v1", "networking.k8s.io/v2"), "K103"),
        (one(policy("p", "{podSelector: {}, ingress: [}"), "{name: p, namespace: shop}", "\n  name: p\n  namespace: shop"), "K002"),
        (policy("p", "{podSelector: {}}") + policy("p", ALL), "K102"),
    ],
)
def test_a_policy_that_cannot_be_read_neither_opens_nor_closes(tmp_path: Path, broken: str, code: str) -> None:
    from budnet.reach.table.table import Table

    found = observed(tmp_path, all_yaml=WEB + pod("other", "other") + broken)
    assert [d.code for d in found.problems.found] == [code]
    assert {p.subject.namespaces is not None for p in found.network.unknown_policies} == {True}
    table = Table(found.network)
    fate = {}
    for sources, there, block in table.blocks():
        for row, source in zip(block, sources.tolist(), strict=True):
            for at, column in enumerate(there.tolist()):
                if max(source, column) < table.columns.inside:
                    fate[table.columns.members[source][0].namespace, table.columns.members[column][0].namespace] = table.sets(int(row[at]))
    allowed, unknown, _ = fate["other", "shop"]
    assert not allowed
    assert unknown
    assert fate["other", "other"][0], "others are judged as ever"


def test_lists_of_aliases_are_refused(tmp_path: Path) -> None:
    bomb = "a0: &a0 [{kind: Pod}]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))
    found = observed(tmp_path, all_yaml=bomb + "kind: List\napiVersion: v1\nitems: *a11\n")
    assert "K005" in {d.code for d in found.problems.found}
    assert len(found.problems.found) < 20


@pytest.mark.parametrize(
    "text, code",
    [
        ('{"kind": "List", "items": [{"kind": "Pod"', "K002"),
        ("[" * 100_000, "K002"),
        ("{a: " * 3000, "K002"),
        ("kind: [Pod", "K002"),
        ("just a word", "K003"),
    ],
)
def test_bad_input_is_said_and_never_raised(tmp_path: Path, text: str, code: str) -> None:
    found = observed(tmp_path, all_yaml=text)
    assert [d.code for d in found.problems.found] == [code]
