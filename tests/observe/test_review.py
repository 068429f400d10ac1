"""Odd policies, each by its code; and the same cluster without the fault says nothing of it."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import pytest

from budnet.ir.filters import AdminRule, PolicyRule
from budnet.ir.network import Network
from budnet.observe.kubernetes import cluster
from budnet.observe.kubernetes.cluster import Observed
from budnet.observe.kubernetes.fields import Place, Problems
from budnet.pipeline import load_text
from budnet.reach import relay
from budnet.reach.engine import Engine
from budnet.reach.matrix import receivers, senders
from budnet.reach.points import Point
from budnet.reach.review import review
from budnet.records import replace
from observe.reading import observed, pod, policy, service
from properties.clusters import random_cluster

WEB = pod("web", labels="{app: web}")
ALL = "{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}"


def admin(name: str, priority: int, action: str, chosen: str = "{}", port: int = 80, rules: str = "") -> str:
    """`rules`: a pod selector of its peers; everybody otherwise."""
    peers = f"pods: {{namespaceSelector: {{}}, podSelector: {rules}}}" if rules else "namespaces: {}"
    row = f"{{action: {action}, from: [{{{peers}}}], ports: [{{portNumber: {{protocol: TCP, port: {port}}}}}]}}"
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
RULE_80 = RULE.replace("[{podSelector: {matchLabels: {app: web}}}]", "[{podSelector: {matchLabels: {app: web}}}], ports: [{port: 80}]")
BLOCK = policy("p", "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.1.0.0/16}}]}]}")
NAMED = policy("p", "{podSelector: {}, ingress: [{ports: [{port: http}]}]}")
PLACED = one(WEB, "spec:", "status: {podIP: 10.1.0.5}\nspec:")
CLASS = """\
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {ingressClassName: nginx}
"""
PORTS = (
    service("web", "type: NodePort") + one(service("web", "type: NodePort", "other"), "30080", "30081") + pod("web", "other", "{app: web}")
)
CASES = {
    "K206": (PORTS, one(PORTS, "30081", "30080")),
    "K207": (CLASS, one(CLASS, "ingressClassName: nginx", "ingressClassName: ngnix")),
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
    "K221": (RULE + admin("a", 1, "Deny", port=81), RULE_80 + admin("a", 1, "Deny")),
    "K222": (
        admin("a", 1, "Deny")
        .replace("AdminNetworkPolicy", "BaselineAdminNetworkPolicy")
        .replace("name: a", "name: default")
        .replace("priority: 1, ", ""),
        policy("p", ALL)
        + admin("a", 1, "Deny")
        .replace("AdminNetworkPolicy", "BaselineAdminNetworkPolicy")
        .replace("name: a", "name: default")
        .replace("priority: 1, ", ""),
    ),
    "K223": (
        admin("a", 1, "Allow") + admin("b", 2, "Deny", port=81),
        admin("a", 1, "Allow", "{matchLabels: {app: web}}") + admin("b", 2, "Deny", rules="{matchLabels: {app: web}}"),
    ),
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
        (policy("p", "{podSelector: {matchLabels: {app@web: a}}}"), "K101"),
        (policy("p", "{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: $APP}}}]}]}"), "K101"),
        (policy("p", "{podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [a b]}]}}"), "K101"),
        (policy("p", "{podSelector: {matchExpressions: [{key: a/b/c, operator: Exists}]}}"), "K101"),
        (policy("p", "{podSelector: {}, ingress: [{ports: [{port: '80'}]}]}"), "K101"),
        (policy("p", "{podSelector: {}, ingress: [{ports: [{port: Http}]}]}"), "K101"),
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


# ---- several together ------------------------------------------------------------------------------------------------------

PARTS = policy("p", "{podSelector: {}, ingress: [{from: [{podSelector: {}}], ports: [{port: 1, endPort: 50}]}, "
                    "{from: [{podSelector: {}}], ports: [{port: 51, endPort: 99}]}, {from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 40, endPort: 60}]}]}")  # fmt: skip


def test_two_rules_together_make_a_third_one_redundant(tmp_path: Path) -> None:
    (found,) = [d for d in review(observed(tmp_path, all_yaml=WEB + PARTS).network) if d.code == "K214"]
    assert "shop/p:ingress[2] adds nothing to shop/p:ingress[0] and shop/p:ingress[1]" in found.summary
    gap = PARTS.replace("port: 51", "port: 52")
    assert not [d for d in review(observed(tmp_path, all_yaml=WEB + gap).network) if d.code == "K214"]


def test_equal_priorities_name_both_policies(tmp_path: Path) -> None:
    seen = observed(tmp_path, all_yaml=WEB + admin("one", 1, "Allow") + admin("other", 1, "Deny"))
    (found,) = [d for d in review(seen.network) if d.code == "K216"]
    assert "one and other have priority 1" in found.summary and "one:ingress[0] and other:ingress[0]" in found.summary
    assert [label for label, _ in found.related] == ["the other policy"]


def test_behind_a_pass_nothing_is_certain(tmp_path: Path) -> None:
    passing = RULE_80 + admin("a", 1, "Pass") + admin("b", 2, "Deny")
    assert "K221" not in codes(observed(tmp_path, all_yaml=WEB + passing))


@pytest.mark.parametrize("first", range(0, 120, 20))
def test_what_is_called_superfluous_can_go(first: int) -> None:
    """All of it at once, and no pair of any random cluster has another connection."""
    gone = 0
    for seed in range(first, first + 20):
        problems = Problems()
        network = cluster.network(((o, Place("x.json")) for o in random_cluster(seed)), problems).network
        names = {d.summary.split(" ")[0] for d in review(network) if d.code in ("K214", "K215", "K221")}
        gone += len(names)
        if names:
            assert cells(without(network, names)) == cells(network), (seed, names)
    assert gone > 5


def without(network: Network, names: set[str]) -> Network:
    def left(rules: tuple[R, ...] | None) -> tuple[R, ...] | None:
        return None if rules is None else tuple(r for r in rules if r.id not in names)

    policies = tuple(replace(p, ingress=left(p.ingress), egress=left(p.egress)) for p in network.policies)
    wide = tuple(replace(p, ingress=left(p.ingress) or (), egress=left(p.egress) or ()) for p in network.admin_policies)
    return replace(network, policies=policies, admin_policies=wide)


R = TypeVar("R", PolicyRule, AdminRule)


def cells(network: Network) -> set[tuple[str, str, str, str, int, int]]:
    """What every two endpoints, and every address of interest outside, may open to each other."""
    engine = Engine(network)
    out = set()
    for source in senders(engine):
        for target in receivers(engine):
            if source.endpoint is not target.endpoint and source.address.version == target.address.version:
                way = relay.way(engine, source, target)
                out |= {
                    (source.label, str(source.address), target.label, p.name, r.first, r.last)
                    for sure in (way.forward, way.possible) for p, r in engine.alphabet.decode(sure)
                } if (source.endpoint or target.endpoint) and not outside(source) and not outside(target) else set()  # fmt: skip
    return out


def outside(point: Point) -> bool:
    """Parts of the outside are cut otherwise where a prefix is gone."""
    return point.endpoint is None


OWN = """\
budnet: 1
name: rows
addresses: {partner: [198.51.100.0/24]}
groups: {both: [a, b]}
networks:
  net:
    cidr: 10.7.0.0/16
    cloud: {provider: aws, region: eu-west-1, zones: 1}
    subnets: {front: {cidr: 10.7.1.0/24, access: public}, back: {cidr: 10.7.2.0/24, access: private}, spare: {cidr: 10.7.3.0/24, access: isolated}}
services:
  a: {subnet: net/back, ports: {http: 80/tcp}}
  b: {subnet: net/back, ports: {http: 80/tcp}}
  c: {subnet: net/back, ports: {http: 80/tcp, more: 81/tcp}}
flows:
- {from: both, to: c, port: http}
- {from: c, to: a, port: http}
egress:
  partner: {from: [a, b], to: partner, port: 443/tcp}
guarantees:
- {never: {from: a, to: b}}
"""
OWN_CASES = {
    "K231": ("- {from: c, to: a, port: http}", "- {from: c, to: a, port: http}\n- {from: [a, b], to: c, port: http}"),
    "K232": ("egress:\n", "egress:\n  again: {from: [b], to: partner, port: 443/tcp}\n"),
    "K233": ("- {never: {from: a, to: b}}", "- {never: {from: a, to: net/spare}}"),
}


@pytest.mark.parametrize("code", OWN_CASES)
def test_rows_of_a_file(code: str) -> None:
    def found(text: str) -> set[str]:
        loaded = load_text(text.encode(), "rows.yaml", {})
        assert loaded.network is not None, loaded.diagnostics
        return {d.code for d in review(loaded.network)}

    assert found(OWN) == set()
    assert found(one(OWN, *OWN_CASES[code])) == {code}


def test_two_rows_together_cover_a_third_and_half_of_one_does_not() -> None:
    both = one(OWN, "- {from: c, to: a, port: http}", "- {from: c, to: a, port: http}\n- {from: [a, b], to: c, ports: [http, more]}")
    loaded = load_text(both.encode(), "rows.yaml", {})
    assert loaded.network is not None
    (found,) = review(loaded.network)
    assert found.span is not None and found.span.line == 15 and "line 17" in found.summary, "the narrower one goes"
