"""Laws of clusters that need no judge: what may be written in another way without changing who reaches whom."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from ipaddress import ip_address, ip_network
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from properties.cluster_flows import Tabled, name
from properties.clusters import OUTSIDE, Object, random_cluster
from properties.kubernetes_judge import End, Judge, Pod

LAWS = settings(max_examples=12, deadline=None, derandomize=True, database=None)
SEEDS = st.integers(min_value=0, max_value=2**32 - 1)
Verdict = tuple[str, str]
"""What may be opened, and what may be and may not."""
Matrix = dict[tuple[str, str, int], Verdict]
ALL = {4: "icmp, tcp, udp, sctp", 6: "tcp, udp, icmpv6, sctp"}
BASE = ip_network("64:ff9b:1::/96")
"""Where the law of families puts all of IPv4."""


def matrix(objects: list[Object], outside: tuple[str, ...] = OUTSIDE) -> Matrix:
    """Who reaches whom: by name, by name, by family."""
    tabled, judge = Tabled(objects), Judge(objects)
    nodes = {a["address"] for n in judge.nodes for a in n["status"]["addresses"]}
    ends: list[End] = [*judge.pods, *(ip_address(a) for a in outside if a not in nodes)]
    words: dict[int, Verdict] = {0: ("nothing", "nothing")}
    out: Matrix = {}
    for here in ends:
        for there in ends:
            if here == there or not (isinstance(here, Pod) or isinstance(there, Pod)):
                continue
            for family in (4, 6):
                if family in judge.families(here) and family in judge.families(there):
                    cell = int(tabled.cells[tabled.column(here, family), tabled.column(there, family)])
                    if cell not in words:
                        answered, doubtful, _ = tabled.table.sets(cell)
                        words[cell] = str(answered), str(doubtful)
                    out[name(here), name(there), family] = words[cell]
    return out


def _rewritten(of: Any, change: Callable[[Any], Any]) -> Any:
    """A copy in which `change` was asked about every part, the innermost first."""
    if isinstance(of, dict):
        return change({k: _rewritten(v, change) for k, v in of.items()})
    return change([_rewritten(v, change) for v in of]) if isinstance(of, list) else change(of)


# ---- nothing changes ----------------------------------------------------------------------------------------------------


@LAWS
@given(SEEDS)
def test_order_changes_nothing(seed: int) -> None:
    """Of objects, of a NetworkPolicy's rules, of peers and of ports. Rules of cluster-wide policies have an order."""
    objects, dice = random_cluster(seed), Random(seed)

    def shuffled(part: Any) -> Any:
        if isinstance(part, dict):
            ordered = "action" in "".join(map(str, part.get("ingress", []) + part.get("egress", [])))
            for key in ("from", "to", "ports", "protocols", "matchExpressions", "values", "except", "networks", "podIPs", "policyTypes"):
                if isinstance(part.get(key), list):
                    part[key] = dice.sample(part[key], len(part[key]))
            for key in () if ordered else ("ingress", "egress"):
                if isinstance(part.get(key), list):
                    part[key] = dice.sample(part[key], len(part[key]))
        return part

    changed = [_rewritten(o, shuffled) for o in dice.sample(objects, len(objects))]
    assert matrix(changed) == matrix(objects)


@LAWS
@given(SEEDS)
def test_other_names_change_nothing(seed: int) -> None:
    """Of namespaces, labels, their values, and ports."""
    words = (
        "red",
        "green",
        "blue",
        "app",
        "beta",
        "web",
        "db",
        "job",
        "front",
        "back",
        "env",
        "team",
        "prod",
        "test",
        "http",
        "sql",
        "dns",
    )
    other = {w: f"x{i}" for i, w in enumerate(sorted(words, key=lambda w: w[::-1]))}

    def renamed(part: Any) -> Any:
        if isinstance(part, dict):
            return {other.get(k, k): v for k, v in part.items()}
        return other.get(part, part) if isinstance(part, str) else part

    def end(text: str) -> str:
        space, slash, rest = text.partition("/")
        return f"{other[space]}/{rest}" if slash else text

    objects = random_cluster(seed)
    wanted = {(end(a), end(b), family): verdict for (a, b, family), verdict in matrix(objects).items()}
    assert matrix([_rewritten(o, renamed) for o in objects]) == wanted


@LAWS
@given(SEEDS)
def test_a_range_in_two_parts_changes_nothing(seed: int) -> None:
    """Of ports, and of addresses with what is left out of each. Where a pod's address is not known, half a range says less."""

    def split(part: Any) -> Any:
        return [half for each in part for half in _halves(each)] if isinstance(part, list) else part

    objects = [o for o in random_cluster(seed) if _placed(o)]
    assert matrix([_rewritten(o, split) for o in objects]) == matrix(objects)


def _halves(of: Any) -> Iterator[Any]:
    if isinstance(of, dict) and "endPort" in of and of["endPort"] > of["port"]:
        yield {**of, "endPort": of["port"]}
        yield {**of, "port": of["port"] + 1}
    elif isinstance(of, dict) and "portRange" in of:
        whole = of["portRange"]
        yield {"portRange": {**whole, "end": whole["start"]}}
        yield {"portRange": {**whole, "start": whole["start"] + 1}}
    elif isinstance(of, dict) and "ipBlock" in of:
        holes = [ip_network(e) for e in of["ipBlock"].get("except", [])]
        for half in _both(of["ipBlock"]["cidr"]):
            if half not in holes:
                yield {"ipBlock": {"cidr": str(half), "except": [str(h) for h in holes if h.subnet_of(half)]}}
    elif isinstance(of, dict) and "networks" in of:
        yield {"networks": [str(half) for cidr in of["networks"] for half in _both(cidr)]}
    else:
        yield of


def _both(cidr: str) -> list[Any]:
    whole = ip_network(cidr)
    return [whole] if whole.prefixlen == whole.max_prefixlen else list(whole.subnets())


def _placed(of: Object) -> bool:
    return of["kind"] not in ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicaSet") and (
        of["kind"] != "Pod" or "podIP" in of["status"]
    )


@LAWS
@given(SEEDS)
def test_a_replica_more_changes_nothing_for_others(seed: int) -> None:
    objects, dice = random_cluster(seed), Random(seed)
    pods = [o for o in objects if o["kind"] == "Pod" and not o["spec"].get("hostNetwork") and "podIP" in o["status"]]
    if not pods:
        return
    twin = deepcopy(dice.choice(pods))
    twin["metadata"] |= {"name": "replica", "uid": "replica"}
    four = [{"ip": "10.1.1.99" if "." in ip["ip"] else "fd00:1::99"} for ip in twin["status"]["podIPs"]]
    twin["status"] |= {"podIP": four[0]["ip"], "podIPs": four}
    more = {key: v for key, v in matrix([*objects, twin]).items() if not any("/replica[" in end for end in key[:2])}
    assert more == {key: v for key, v in matrix(objects).items() if key in more}


@LAWS
@given(SEEDS)
def test_the_law_of_ipv4_is_the_law_of_ipv6(seed: int) -> None:
    """Every address and prefix of a cluster of IPv4, moved into one /96."""

    def only_four(part: Any) -> Any:
        if isinstance(part, dict) and ":" in str(part.get("cidr", "")):
            return {"cidr": "10.1.0.0/16"}
        if isinstance(part, dict) and "networks" in part:
            return {"networks": [c for c in part["networks"] if ":" not in c] or ["10.1.0.0/16"]}
        return part

    def moved(part: Any) -> Any:
        if not isinstance(part, str) or part.count(".") != 3 or not part[0].isdigit():
            return part
        at, _, length = part.partition("/")
        return f"{_moved(at)}/{96 + int(length)}" if length else _moved(at)

    objects = [_rewritten(o, only_four) for o in random_cluster(seed, families=(4,)) if _placed(o)]
    outside = tuple(a for a in OUTSIDE if ":" not in a)
    there = tuple(map(_moved, outside))
    wanted = {tuple(_moved(e) if e in outside else e for e in (a, b)): _words(v) for (a, b, family), v in matrix(objects, outside).items()}
    assert {(a, b): _words(v) for (a, b, family), v in matrix([_rewritten(o, moved) for o in objects], there).items()} == wanted


def _words(verdict: Verdict) -> tuple[set[str], ...]:
    """Each family has an ICMP of its own."""
    return tuple({word.replace("icmpv6", "icmp") for word in each.split(", ")} for each in verdict)


def _moved(address: str) -> str:
    return str(BASE[int(ip_address(address))])


# ---- one way only -------------------------------------------------------------------------------------------------------


@LAWS
@given(SEEDS)
def test_one_more_rule_of_a_network_policy_takes_nothing_away(seed: int) -> None:
    objects, dice = random_cluster(seed), Random(seed)
    before = Tabled(objects)
    rules = [
        r
        for o in random_cluster(seed + 1)
        if o["kind"] == "NetworkPolicy"
        for r in o["spec"].get("ingress", []) + o["spec"].get("egress", [])
    ]
    more = deepcopy(objects)
    for policy in (o for o in more if o["kind"] == "NetworkPolicy" and o["apiVersion"] == "networking.k8s.io/v1"):
        spec = policy["spec"]
        types = spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]
        direction, side = dice.choice([("ingress", "from"), ("egress", "to")])
        if direction.capitalize() in types and rules:
            rule = deepcopy(dice.choice(rules))
            peers = [p for key in ("from", "to") for p in rule.pop(key, [])]
            spec[direction] = [*spec.get(direction, []), {**rule, side: peers}]
    after, judge = Tabled(more), Judge(objects)
    for here in judge.pods:
        for there in judge.pods:
            for family in judge.families(here) & judge.families(there) if here != there else ():
                sure, may = _sets(before, here, there, family)
                sure_now, may_now = _sets(after, here, there, family)
                assert not sure - sure_now, f"{name(here)} -> {name(there)}"
                assert not (may - may_now) - sure_now, f"{name(here)} -> {name(there)}"


def _sets(tabled: Tabled, here: Pod, there: Pod, family: int) -> tuple[Any, Any]:
    return tabled.table.sets(int(tabled.cells[tabled.column(here, family), tabled.column(there, family)]))[:2]


@LAWS
@given(SEEDS)
def test_deny_all_isolates(seed: int) -> None:
    objects = [o for o in random_cluster(seed) if o["kind"] in ("Pod", "Namespace", "Node", "Deployment", "StatefulSet")]
    for space in ("red", "green", "blue"):
        meta = {"name": "none", "namespace": space}
        spec = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
        objects.append({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": spec})
    judge = Judge(objects)
    own, hosts = ({name(p): p for p in judge.pods if p.on_host is on_host} for on_host in (False, True))
    for (a, b, family), verdict in matrix(objects).items():
        if a in own or b in own:
            ends = (own[a], hosts[b]) if b in hosts else (own[b], hosts[a]) if a in hosts else None
            together = ends and judge.together(*ends)  # a pod and its node: nothing keeps them apart
            assert (
                verdict == {True: (ALL[family], "nothing"), None: ("nothing", ALL[family])}.get(together, ("nothing", "nothing"))
                if ends
                else ("nothing", "nothing")
            )


# ---- the same bytes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [3, 8])
def test_two_runs_write_the_same_bytes(seed: int, tmp_path: Path) -> None:
    """Whatever order the files and their objects have, and however texts are hashed."""
    objects = random_cluster(seed)
    written = []
    for hashing, order in (("1", objects), ("2", objects[::-1])):
        folder = tmp_path / hashing
        folder.mkdir()
        for i, of in enumerate(order):
            (folder / f"{i:03}.json").write_text(json.dumps(of))
        command = [Path(sys.prefix) / "bin/budnet", "matrix", "--from", f"kubernetes:{folder}", "--format", "json"]
        run = subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": hashing}, capture_output=True, check=True)
        written.append(run.stdout)
    assert written[0] == written[1] and len(written[0]) > 200
