"""A cluster that runs is read as the folder of its manifests is; what its server does not show is unknown."""

from __future__ import annotations

import json
import os
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec import Struct

from budnet.ir.entry import EntryKind
from budnet.ir.network import Network
from budnet.ir.origin import NOWHERE, Origin
from budnet.observe.kubernetes import cluster, live, sources
from budnet.observe.kubernetes.cluster import NO_LABELS, Observed
from budnet.observe.kubernetes.fields import NOT_SHOWN, Problems
from budnet.records import replace
from observe.api_server import TOKEN, Api, served
from properties.clusters import random_cluster

pytest.importorskip("kubernetes", reason="the extra `kubernetes` is in requirements-dev.txt")
BOOKSHOP = Path(__file__).parents[2] / "examples" / "bookshop"
CORE, POLICIES = "/api/v1", "/apis/networking.k8s.io/v1/networkpolicies"


def bookshop() -> list[dict[str, Any]]:
    return [o for path in sorted(BOOKSHOP.glob("*.yaml")) for o in yaml.safe_load_all(path.read_text())]


def asked(api: Api, folder: Path, patch: pytest.MonkeyPatch, where: str = "live", **how: Any) -> Observed:
    with served(api, folder, **how) as config:
        patch.setenv("KUBECONFIG", str(config))
        problems = Problems()
        return cluster.network(live.objects(where, problems), problems)


def from_folder(objects: list[dict[str, Any]], folder: Path) -> Observed:
    (folder / "all").mkdir()
    (folder / "all" / "dump.json").write_text(json.dumps({"kind": "List", "items": objects}))
    problems = Problems()
    return cluster.network(sources.objects(str(folder / "all"), problems), problems)


def without_places(value: Any) -> Any:
    if isinstance(value, Origin):
        return NOWHERE
    if isinstance(value, tuple):
        return tuple(without_places(v) for v in value)
    if isinstance(value, Struct):
        return replace(value, **{name: without_places(getattr(value, name)) for name in value.__struct_fields__})
    if isinstance(value, Network):
        return replace(value, **{f.name: without_places(getattr(value, f.name)) for f in fields(value)})
    return value


@pytest.mark.parametrize("page", [1, 3, 500])
def test_the_bookshop_is_the_same(page: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api(bookshop(), page=page)
    found = asked(api, tmp_path, monkeypatch)
    assert not found.problems.found
    assert without_places(found.network) == without_places(from_folder(api.objects, tmp_path).network)
    assert {method for method, *_ in api.calls} == {"GET"} and {token for *_, token in api.calls} == {f"Bearer {TOKEN}"}
    assert max(len([c for c in api.calls if c[1] == POLICIES]), 1) == (5 if page == 1 else 2 if page == 3 else 1)


@pytest.mark.parametrize("seed", range(6))
def test_random_clusters_are_the_same(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = random_cluster(seed)
    versions = {"NetworkPolicy": "networking.k8s.io/v1", "Pod": "v1"}
    objects = [{"apiVersion": versions.get(o["kind"], "v1"), **o} for o in objects]
    found = asked(Api(objects), tmp_path, monkeypatch)
    assert all(p.code == NO_LABELS for p in found.problems.found)
    assert without_places(found.network) == without_places(from_folder(objects, tmp_path).network)


def test_the_context_is_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_CONNECT", 0.5)
    assert not asked(Api(bookshop()), tmp_path, monkeypatch, "live?context=shop").problems.found
    (one,) = asked(Api(bookshop()), tmp_path, monkeypatch, "live?context=nowhere").problems.found
    assert one.code == live.NO_ANSWER and "127.0.0.1:1 cannot be reached" in one.summary
    (one,) = asked(Api(bookshop()), tmp_path, monkeypatch, "live?context=shopp").problems.found
    assert one.code == live.NO_CONFIG and "shopp" in one.summary and "known contexts are shop, nowhere" in one.help


# ---- what is not shown ----------------------------------------------------------------------------------------------------


def unknown(network: Network) -> list[tuple[str, bool, bool]]:
    return [(p.why, p.ingress, p.egress) for p in network.unknown_policies]


def test_policies_that_are_not_shown_are_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = asked(Api(bookshop(), status={POLICIES: 403}), tmp_path, monkeypatch)
    (one,) = found.problems.found
    assert one.code == NOT_SHOWN and "forbidden to reader" in one.summary and "networkpolicies of networking.k8s.io" in one.help
    assert unknown(found.network) == [(one.summary, True, True)]


def test_kinds_that_the_server_does_not_have_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = asked(Api(bookshop(), more=(("cilium.io", "v2", "CiliumNetworkPolicy"),)), tmp_path, monkeypatch)
    assert not found.problems.found and not found.network.unknown_policies


@pytest.mark.parametrize("code", [403, 404, 500])
def test_policies_of_other_makers_that_are_not_shown(code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = "/apis/cilium.io/v2/ciliumnetworkpolicys"
    api = Api(bookshop(), status={path: code}, more=(("cilium.io", "v2", "CiliumNetworkPolicy"),))
    assert len(unknown(asked(api, tmp_path, monkeypatch).network)) == 1


def test_a_group_of_which_the_kinds_are_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    more = (("projectcalico.org", "v3", "GlobalNetworkPolicy"), ("apps", "v1", "Deployment"))
    found = asked(Api(bookshop(), status={"/apis/projectcalico.org/v3": 500}, more=more), tmp_path, monkeypatch)
    assert [d.code for d in found.problems.found] == [NOT_SHOWN] and len(found.network.unknown_policies) == 1
    found = asked(Api(bookshop(), status={"/apis/apps/v1": 500}), tmp_path, monkeypatch)
    assert [d.code for d in found.problems.found] == [NOT_SHOWN] and not found.network.unknown_policies


def test_a_kind_of_a_newer_version_is_asked_for_in_the_one_that_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = "policy.networking.k8s.io"
    spec = {"tier": "Admin", "priority": 1, "subject": {"namespaces": {}}, "ingress": [{"action": "Deny", "from": [{"namespaces": {}}]}]}
    one = {"apiVersion": f"{version}/v1alpha2", "kind": "ClusterNetworkPolicy", "metadata": {"name": "deny"}, "spec": spec}
    found = asked(Api([*bookshop(), one], more=((version, "v1", "ClusterNetworkPolicy"),)), tmp_path, monkeypatch)
    assert not found.problems.found and [p.id for p in found.network.admin_policies] == ["deny"]
    newer = {**one, "apiVersion": f"{version}/v1"}
    found = asked(Api([*bookshop(), newer]), tmp_path, monkeypatch)
    assert [d.code for d in found.problems.found] == ["K103"] and len(found.network.unknown_policies) == 1


def test_namespaces_that_are_not_shown_make_their_labels_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = asked(Api(bookshop(), status={f"{CORE}/namespaces": 403}), tmp_path, monkeypatch)
    assert not any(n.known for c in found.network.clusters for n in c.namespaces) and not found.network.unknown_policies
    assert [d.code for d in found.problems.found] == [NOT_SHOWN]


def test_ways_in_that_are_not_shown_may_lead_to_anybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = asked(Api(bookshop(), status={f"{CORE}/services": 403}), tmp_path, monkeypatch)
    (one,) = [e for e in found.network.entries if e.kind is EntryKind.OTHER]
    assert one.id == "Service" and one.unseen == (found.problems.found[0].summary,)


def test_ways_in_of_makers_that_nobody_has_heard_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meta = {"name": "edge", "namespace": "shop"}
    others = [{"apiVersion": "gateways.example.org/v7", "kind": kind, "metadata": meta} for kind in ("WonderGateway", "Wonder")]
    found = asked(
        Api([*bookshop(), *others], status={"/apis/metrics.k8s.io/v1": 503}, more=(("metrics.k8s.io", "v1", "PodMetrics"),)),
        tmp_path,
        monkeypatch,
    )
    assert not found.problems.found
    assert [e.id for e in found.network.entries if e.kind is EntryKind.OTHER] == ["WonderGateway shop/edge"]


def test_pieces_that_are_too_old_are_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api(bookshop(), expired={POLICIES: 1})
    assert not asked(api, tmp_path, monkeypatch).problems.found
    found = asked(Api(bookshop(), expired={POLICIES: 99}), tmp_path, monkeypatch)
    assert [d.code for d in found.problems.found] == [NOT_SHOWN] and len(found.network.policies) == 0
    assert len(found.network.unknown_policies) == 1


# ---- nobody, or somebody else -----------------------------------------------------------------------------------------------


def test_a_certificate_that_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api(bookshop())
    (one,) = asked(api, tmp_path, monkeypatch, trusted=False).problems.found
    assert one.code == live.NO_ANSWER and "not one that the kubeconfig trusts" in one.summary
    assert not api.calls, "the token was shown to somebody who is not trusted"


def test_a_wrong_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (one,) = asked(Api(bookshop()), tmp_path, monkeypatch, token="another").problems.found
    assert one.code == live.NO_ANSWER and "Unauthorized" in one.summary and "kubectl" in one.help


def test_a_server_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_READ", 0.2)
    found = asked(Api(bookshop(), hang=3), tmp_path, monkeypatch)
    assert [d.code for d in found.problems.found] == [live.NO_ANSWER] and "in time" in found.problems.found[0].summary


def test_somebody_who_is_no_api_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Api, "answer", lambda *_: (200, b"<html>"))
    (one,) = asked(Api(bookshop()), tmp_path, monkeypatch).problems.found
    assert "is it an API server?" in one.summary
    monkeypatch.setattr(Api, "answer", lambda *_: (200, ["no", "object"]))
    assert [d.code for d in asked(Api(bookshop()), tmp_path, monkeypatch).problems.found] == [live.NO_ANSWER]


@pytest.mark.parametrize("text", ["", "{", "clusters: 5", "apiVersion: v1\nkind: Config\n", None])
def test_a_kubeconfig_that_is_none(text: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if text is not None:
        (tmp_path / "config").write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    monkeypatch.setattr(os.path, "expanduser", lambda path: path.replace("~", str(tmp_path / "nobody")))
    problems = Problems()
    assert list(live.objects("live", problems)) == []
    assert [d.code for d in problems.found] == [live.NO_CONFIG]


def test_without_the_client_the_way_to_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "kubernetes", None)
    problems = Problems()
    assert list(live.objects("live", problems)) == []
    assert [d.code for d in problems.found] == [live.NO_CLIENT] and "budnet[kubernetes]" in problems.found[0].help
