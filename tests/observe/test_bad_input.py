"""What is wrong in manifests is said, with the object and its line, and never taken for leave: the program ends with 3, and says
of what it could not read that it is unknown."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from budnet.observe.kubernetes import cluster, sources
from budnet.observe.kubernetes.cluster import Observed
from budnet.observe.kubernetes.fields import Place, Problems
from budnet.reach.table.table import Table
from budnet.source.diagnostic import Severity
from conformance.kubernetes.cases import VERSIONS
from observe.reading import observed, pod, policy

BIN = Path(sys.executable).parent / "budnet"
RULES = {
    "NetworkPolicy": ("shop", """
        podSelector: {matchLabels: {app: web}, matchExpressions: [{key: app, operator: In, values: [web]}]}
        policyTypes: [Ingress, Egress]
        ingress: [{from: [{podSelector: {matchLabels: {app: a}}, namespaceSelector: {matchLabels: {a: b}}}], ports: [{protocol: TCP, port: 80, endPort: 90}]}]
        egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}], ports: [{port: http}]}]"""),
    "AdminNetworkPolicy": ("", """
        priority: 5
        subject: {pods: {namespaceSelector: {matchLabels: {}}, podSelector: {matchLabels: {app: web}}}}
        ingress: [{action: Deny, from: [{namespaces: {matchLabels: {a: b}}}], ports: [{portNumber: {protocol: TCP, port: 80}}, {portRange: {start: 1, end: 5}}, {namedPort: http}]}]
        egress: [{action: Pass, to: [{networks: [10.0.0.0/8]}, {nodes: {matchLabels: {a: b}}}]}]"""),
    "BaselineAdminNetworkPolicy": ("", """
        subject: {namespaces: {matchLabels: {}}}
        ingress: [{action: Deny, from: [{pods: {podSelector: {matchLabels: {a: b}}, namespaceSelector: {}}}]}]"""),
    "ClusterNetworkPolicy": ("", """
        tier: Admin
        priority: 5
        subject: {namespaces: {matchLabels: {}}}
        ingress: [{action: Deny, from: [{namespaces: {}}], protocols: [{tcp: {destinationPort: {number: 80}}}, {udp: {destinationPort: {range: {start: 1, end: 5}}}}, {destinationNamedPort: http}]}]
        egress: [{action: Accept, to: [{domainNames: [a.example]}, {networks: ['fd00::/8']}]}]"""),
}  # fmt: skip
FREE = {"AdminNetworkPolicy": "name", "BaselineAdminNetworkPolicy": "name", "ClusterNetworkPolicy": "name"}


def sound(kind: str) -> dict[str, Any]:
    space, text = RULES[kind]
    meta = {"name": "default"} | ({"namespace": space} if space else {})
    return {"apiVersion": VERSIONS[kind], "kind": kind, "metadata": meta, "spec": yaml.safe_load(text)}


def paths(of: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every part of an object, the whole first."""
    yield at
    for key, value in of.items() if isinstance(of, dict) else enumerate(of) if isinstance(of, list) else ():
        yield from paths(value, (*at, key))


def put(of: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = deepcopy(of)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return changed


def spoilt(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The policy with one field of another type, or with one field more, at every place."""
    good = sound(kind)
    for path in paths(good["spec"], ("spec",)):
        inner: Any = good
        for key in path:
            inner = inner[key]
        for value in (7, True, "x", ["x"], {"x": 1}):
            if type(value) is not type(inner):
                yield f"{path}: {value!r}", put(good, path, value)
        if isinstance(inner, dict) and "matchLabels" not in path:
            yield f"{path}: a field more", put(good, (*path, "newer"), {})


def read(*objects: dict[str, Any]) -> Observed:
    problems = Problems()
    pods = [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": n, "namespace": "shop", "labels": {"app": n}}} for n in ("web", "db")]
    written = {str(o["metadata"].get("name")) for o in objects if o.get("kind") == "Namespace"}
    spaces = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": n}} for n in ("shop", "default") if n not in written]
    return cluster.network([(o, Place("made.json", i)) for i, o in enumerate([*pods, *objects, *spaces], 1)], problems)


@pytest.mark.parametrize("kind", RULES)
def test_a_policy_with_a_wrong_field_is_unknown_about_whom_it_may_select(kind: str) -> None:
    good = read(sound(kind))
    assert not good.problems.found and not good.network.unknown_policies
    seen = 0
    for what, one in spoilt(kind):
        found = read(one)
        written = [*found.network.policies, *found.network.admin_policies]
        if not found.problems.found:  # a port may be a number or a name
            assert "'port'): 'x'" in what or "'port'): 7" in what, what
            continue
        seen += 1
        assert [d.severity.value for d in found.problems.found] == ["error"] and not written, what
        assert "default" in found.problems.found[0].summary and found.problems.found[0].span.line == 3, what  # type: ignore[union-attr]
        table = Table(found.network)
        web, db = (
            next(c for e, c in ((e, table.columns.unplaced[e.id, 4]) for e in found.network.endpoints) if f"/{n}[" in e.id)
            for n in ("web", "db")
        )
        for _, there, block in table.blocks([db]):
            allowed, unknown, _ = table.sets(int(block[0, there.tolist().index(web)]))
            assert not allowed and unknown, what
    assert seen > 20


@pytest.mark.parametrize("kind", RULES)
@pytest.mark.parametrize("version", ["networking.k8s.io/v7", "policy.networking.k8s.io/v7", "extensions/v1beta1", "v1"])
def test_a_policy_of_an_api_that_is_not_known(kind: str, version: str) -> None:
    found = read({**sound(kind), "apiVersion": version})
    assert [d.code for d in found.problems.found] == ["K103"] and len(found.network.unknown_policies) == 1


@pytest.mark.parametrize(
    "version, kind", [("apps/v3", "Deployment"), ("extensions/v1beta1", "Deployment"), ("v2", "Pod"), ("networking.k8s.io/v1beta1", "Ingress"),
                      ("extensions/v1beta1", "Ingress"), ("batch/v2", "Job"), ("gateway.networking.k8s.io/v9", "Gateway")],
)  # fmt: skip
def test_other_kinds_of_an_api_that_is_not_known_are_said(version: str, kind: str) -> None:
    found = read({"apiVersion": version, "kind": kind, "metadata": {"name": "one"}})
    assert [d.code for d in found.problems.found] == ["K103"] and not found.network.unknown_policies
    assert len(found.network.endpoints) == 2


def test_kinds_that_mean_nothing_here_are_passed_over() -> None:
    found = read(
        {"apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry", "metadata": {"name": "a"}},
        {"apiVersion": "ec2.aws.upbound.io/v1beta1", "kind": "InternetGateway", "metadata": {"name": "a"}},
        {"apiVersion": "policy.linkerd.io/v1beta3", "kind": "HTTPRoute", "metadata": {"name": "a"}},
        {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}},
    )
    assert not found.problems.found and found.skipped == dict.fromkeys(
        ("ServiceEntry", "InternetGateway", "HTTPRoute", "Kustomization", "Secret"), 1
    )
    assert not found.network.entries
    assert [d.code for d in read({"replicas": 3}).problems.found] == ["K104"]


@pytest.mark.parametrize(
    ("version", "kind"), [("v1", "Pdo"), ("apps/v1", "Deploymnet"), ("batch/v1", "CornJob"), ("networking.k8s.io/v1", "Ingres")]
)
def test_a_kind_that_nobody_has_heard_of(version: str, kind: str) -> None:
    found = read({"apiVersion": version, "kind": kind, "metadata": {"name": "one", "namespace": "shop"}})
    (said,) = found.problems.found
    assert said.severity is Severity.WARNING and f"{kind} shop/one" in said.summary


@pytest.mark.parametrize("kind", ["NetworkPolices", "Networkpolicy", "NetworkPolicyy"])
def test_a_policy_whose_kind_is_misspelt_is_unknown(kind: str) -> None:
    found = read({"apiVersion": "networking.k8s.io/v1", "kind": kind, "metadata": {"name": "one", "namespace": "shop"}, "spec": {}})
    assert [d.code for d in found.problems.found] == ["K103"] and len(found.network.unknown_policies) == 1


def test_a_policy_of_another_maker_with_a_wrong_field_is_unknown() -> None:
    found = read({"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": {"name": "c", "namespace": "shop"}, "spec": 5})
    assert [d.code for d in found.problems.found] == ["K101"] and len(found.network.unknown_policies) == 1
    newer = {"apiVersion": "policy.networking.k8s.io/v1", "kind": "TenantNetworkPolicy", "metadata": {"name": "t"}, "spec": {}}
    assert [p.subject.pods for p in read(newer).network.unknown_policies] == [()]


@pytest.mark.parametrize(
    ("kind", "rules", "where"),
    [
        ("AdminNetworkPolicy", "ingress: [{action: Deny, from: [{networks: [10.0.0.0/8]}]}]", "ingress[0].from[0].networks"),
        ("AdminNetworkPolicy", "ingress: [{action: Deny, from: [{nodes: {}}]}]", "ingress[0].from[0].nodes"),
        ("AdminNetworkPolicy", "egress: [{action: Pass, to: [{domainNames: [a.example]}]}]", "egress[0].to"),
        ("ClusterNetworkPolicy", "ingress: [{action: Accept, from: [{domainNames: [a.example]}]}]", "ingress[0].from[0].domainNames"),
        ("ClusterNetworkPolicy", "egress: [{action: Deny, to: [{domainNames: [a.example]}]}]", "egress[0].to"),
        ("ClusterNetworkPolicy", "egress: [{action: Accept, to: [{domainNames: ['a*.example']}]}]", "egress[0].to[0].domainNames"),
        ("ClusterNetworkPolicy", "egress: [{action: Accept, to: [{domainNames: [7]}]}]", "egress[0].to[0].domainNames"),
        ("ClusterNetworkPolicy", "egress: [{action: Deny, to: [{networks: []}]}]", "egress[0].to[0].networks"),
        ("ClusterNetworkPolicy", "egress: [{action: Accept, to: [{namespaces: {}}], protocols: []}]", "egress[0].protocols"),
    ],
)
def test_what_the_schema_of_an_admin_s_policy_refuses(kind: str, rules: str, where: str) -> None:
    spec = {"priority": 1, "subject": {"namespaces": {}}, **({"tier": "Admin"} if kind == "ClusterNetworkPolicy" else {})}
    found = read({**sound(kind), "spec": spec | yaml.safe_load(rules)})
    (said,) = found.problems.found
    assert f"spec.{where}: " in said.summary and not found.network.admin_policies and len(found.network.unknown_policies) == 1


def test_a_namespace_with_wrong_labels_makes_them_unknown() -> None:
    asks = {"podSelector": {}, "ingress": [{"from": [{"namespaceSelector": {"matchLabels": {"team": "a"}}}]}]}
    one = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "n", "namespace": "shop"}, "spec": asks}
    found = read(one, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": ["team"]}})
    assert [d.code for d in found.problems.found] == ["K101", cluster.NO_LABELS]
    assert [(n.name, n.known) for n in found.network.clusters[0].namespaces] == [("default", True), ("shop", False)]


def test_a_namespace_that_is_there_twice_with_other_labels_is_neither() -> None:
    def space(**labels: str) -> dict[str, Any]:
        return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": labels}}

    assert {n.name: n.known for n in read(space(team="a"), space(team="b")).network.clusters[0].namespaces}["shop"] is False
    again = {**space(team="a"), "status": {"phase": "Active"}}
    assert {n.name: n.known for n in read(space(team="a"), again).network.clusters[0].namespaces}["shop"] is True


def test_makers_in_a_ring_are_each_for_itself() -> None:
    def of(name: str, by: str) -> dict[str, Any]:
        meta = {"name": name, "namespace": "shop", "ownerReferences": [{"kind": "Deployment", "name": by, "controller": True}]}
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": {"template": {"spec": {"containers": []}}}}

    found = read(of("a", "b"), of("b", "c"), of("c", "a"))
    assert [d.code for d in found.problems.found] == ["K105"] * 3 and len(found.network.endpoints) == 5


def test_yaml_that_holds_itself(tmp_path: Path) -> None:
    found = observed(tmp_path, a_yaml=pod("web") + "---\n&a {apiVersion: v1, kind: Pod, metadata: *a}\n---\n&b [*b]\n")
    assert {d.code for d in found.problems.found} <= {"K101", "K005"} and len(found.problems.found) >= 1
    assert len(found.network.endpoints) <= 2


# ---- texts, and their lines -------------------------------------------------------------------------------------------------


def dump(*extra: dict[str, Any]) -> str:
    pods = [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"p{i}", "namespace": "shop"}} for i in range(3)]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [*pods, *extra]}, indent=1)


def test_a_wrong_object_inside_a_list_has_its_own_line(tmp_path: Path) -> None:
    wrong = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"type": "Ingress"}}
    for name, text in (("a_json", dump(wrong)), ("a_yaml", yaml.safe_dump(json.loads(dump(wrong))))):
        found = observed(tmp_path, **{name: text})
        (one,) = found.problems.found
        marker = '"kind": "Service"' if name == "a_json" else "kind: Service"
        lines = text.splitlines()
        named = next(i for i, line in enumerate(lines, 1) if marker in line)
        assert one.code == "K101" and "Service s: spec.type" in one.summary and 0 <= named - one.span.line <= 2  # type: ignore[union-attr]
        assert [e.origin.line for e in found.network.endpoints] == sorted({e.origin.line for e in found.network.endpoints})
        (tmp_path / name.replace("_", ".")).unlink()


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.9, 0.999])
def test_a_list_that_ends_too_soon(cut: float, tmp_path: Path) -> None:
    text = dump()
    found = observed(tmp_path, a_json=text[: int(len(text) * cut)], b_yaml=pod("web") + policy("open", "{podSelector: {}, ingress: [{}]}"))
    (one,) = found.problems.found
    assert one.code == "K002" and "it ends too soon" in one.summary
    assert one.span.line == text[: int(len(text) * cut)].rstrip().count("\n") + 1  # type: ignore[union-attr]
    assert len(found.network.unknown_policies) == 1 and len(found.network.endpoints) == 1


@pytest.mark.parametrize(
    "text", ['{"kind": "PodList", "apiVersion": "v1", "items": null}', "kind: NetworkPolicyList\napiVersion: v1\nitems:\n"]
)
def test_a_list_of_nothing_is_empty(tmp_path: Path, text: str) -> None:
    found = observed(tmp_path, all_yaml=text)
    assert not found.problems.found and not found.skipped and not found.network.endpoints


def test_a_slip_inside_a_list_has_its_line(tmp_path: Path) -> None:
    text = dump()
    at = text.index('"p1"')
    found = observed(tmp_path, a_json=text[:at] + ":]" + text[at + 4 :])
    (one,) = found.problems.found
    assert one.code == "K002" and one.span.line == text[:at].count("\n") + 1  # type: ignore[union-attr]


def test_one_wrong_item_of_a_list_in_yaml_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    text = yaml.safe_dump(json.loads(dump())).replace("name: p1", "name: [p1")
    found = observed(tmp_path, a_yaml=text)
    assert [d.code for d in found.problems.found] == ["K002"] and len(found.network.endpoints) == 2
    assert len(found.network.unknown_policies) == 0, "the text says that it is a Pod"


def test_items_that_share_parts_by_alias_are_read(tmp_path: Path) -> None:
    text = "kind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: a, labels: &l {app: a}}\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: b, labels: *l}\n"
    found = observed(tmp_path, a_yaml=text)
    assert not found.problems.found and {e.labels for e in found.network.endpoints} == {(("app", "a"),)}


def test_memory_goes_by_the_largest_object(tmp_path: Path) -> None:
    """40 MB of pods with what `kubectl` and servers write beside the network: less than three times the file at the peak."""
    rest = {f"f:{i}": {f"f:x{j}": {} for j in range(8)} for i in range(60)}
    items = [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"p{i}", "managedFields": [rest]}} for i in range(6000)]
    file = tmp_path / "dump.json"
    file.write_text(json.dumps({"kind": "List", "items": items}))
    size = file.stat().st_size
    script = "import resource, sys; from budnet.observe.kubernetes import cluster, sources; from budnet.observe.kubernetes.fields import Problems; import msgspec\n"
    script += "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; p = Problems()\n"
    script += "n = cluster.network(sources.objects(sys.argv[1], p), p).network; assert len(n.endpoints) == 6000\n"
    script += "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)"
    peak = int(subprocess.run([sys.executable, "-c", script, str(file)], capture_output=True, text=True, check=True).stdout)
    assert size > 30_000_000 and peak < 3 * size


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    bookshop = Path(__file__).parents[2] / "examples" / "bookshop"
    count = len(list(sources.objects(str(bookshop), Problems(), lambda done, total: told.append((done, total)))))
    assert count > 20 and told and all(done <= total for done, total in told) and told == sorted(told)


def test_the_answer_is_given_and_the_program_ends_with_3(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(pod("web") + pod("db") + policy("p", "{podSelector: {}, policyTypes: [Ingres]}"))
    for verb in (["matrix"], ["exposure", "--fail-on", "internet"], ["lint"], ["reach", "shop/web", "shop/db", "80"]):
        run = subprocess.run([BIN, *verb, "--from", f"kubernetes:{tmp_path}"], capture_output=True, text=True)
        assert run.returncode == 3 and "NetworkPolicy shop/p: spec.policyTypes[0]" in run.stderr and "Traceback" not in run.stderr
        assert run.stdout or verb[0] == "lint", verb


def test_a_port_with_a_field_of_ones_own_is_nobody_elses(tmp_path: Path) -> None:
    """What is remembered of one pod's ports is not taken for that of pods without any."""
    bare = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: bare, namespace: shop}\nspec: {containers: [{name: main}]}\n"
    found = observed(tmp_path, all_yaml=pod("odd", extra=", note: [1, 2]") + bare)
    listening = {e.id: [x.port for x in e.listeners] for e in found.network.endpoints}
    assert listening == {"shop/odd[Pod]": [8080], "shop/bare[Pod]": []}


# ---- pods, which are read by their type -------------------------------------------------------------------------------------

POD = yaml.safe_load("""
    apiVersion: v1
    kind: Pod
    metadata:
      name: one
      namespace: shop
      labels: {app: web}
      annotations: {note: any}
      ownerReferences: [{kind: StatefulSet, name: web, controller: true}]
    spec:
      nodeName: node-1
      hostNetwork: false
      containers: [{name: main, ports: [{name: http, containerPort: 80, protocol: TCP, hostPort: 8080, hostIP: 192.0.2.1}]}]
      initContainers: [{restartPolicy: Always, ports: [{containerPort: 81}]}]
    status: {phase: Running, podIP: 10.0.0.1, podIPs: [{ip: 10.0.0.1}]}
""")
READ_BY_NOBODY = {("spec", "containers", 0, "name")}
"""And so are the values of annotations."""


def spoilt_pods() -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """A pod with one field of another type, at every place that is read, each by another name."""
    out = []
    for path in paths(POD):
        inner: Any = POD
        for key in path:
            inner = inner[key]
        for value in (7, True, "x", ["x"], {"x": 1}) if len(path) > 1 and path not in READ_BY_NOBODY and "note" not in path else ():
            if type(value) is not type(inner) and not (path[-1] == "annotations" and isinstance(value, dict)):
                bad = deepcopy(POD)
                bad["metadata"]["name"] = f"pod-{len(out)}"
                out.append((path, put(bad, path, value)))
    return out


def test_a_pod_with_a_wrong_field_is_said_with_its_place_and_left_out_unless_it_is_in_a_port() -> None:
    assert not read(POD).problems.found
    for path, bad in spoilt_pods():
        found = read(bad)
        (one,) = found.problems.found
        assert one.code == "K101" and f"{path[0]}.{path[1]}" in one.summary, (path, one)
        assert len(found.network.endpoints) == (3 if "ports" in path else 2), (path, one)


def test_json_and_mappings_say_the_same_of_pods(tmp_path: Path) -> None:
    bad = [one for _, one in spoilt_pods()]
    as_mappings = [d.summary for one in bad for d in read(one).problems.found]
    found = observed(tmp_path, a_json=json.dumps({"kind": "List", "items": [POD, *bad]}))
    assert [d.summary for d in found.problems.found] == as_mappings and len(as_mappings) == len(bad) > 50
    left = [of["metadata"]["name"] for path, of in spoilt_pods() if "ports" in path]
    assert {e.id for e in found.network.endpoints} == {f"shop/{name}[Pod]" for name in ["one", *left]}


@pytest.mark.parametrize(
    "field, value, said",
    [
        ("labels", {"app": 7}, "Pod shop/one: metadata.labels: the label 'app' is no text"),
        ("labels", {7: "app"}, "Pod shop/one: metadata.labels: the key 7 is no text"),
        ("ownerReferences", [{"name": "web"}], "Pod shop/one: metadata.ownerReferences[0].kind: 'kind' is missing"),
        ("namespace", ["shop"], "metadata.namespace: expected a text, found a list"),
    ],
)
def test_what_is_wrong_with_a_pod_is_said_in_our_words(field: str, value: Any, said: str) -> None:
    (one,) = read(put(POD, ("metadata", field), value)).problems.found
    assert said in one.summary


def unknown_between(found: Observed, name: str) -> set[str]:
    """Who can reach others and be reached in ways that are not known, besides a pod itself."""
    table = Table(found.network)
    columns = {table.columns.unplaced[e.id, 4]: e.id for e in found.network.endpoints}
    seen = set()
    for _, there, block in table.blocks(list(columns)):
        for row in block:
            seen |= {columns[c] for c, cell in zip(there.tolist(), row.tolist(), strict=True) if c in columns and table.sets(int(cell))[1]}
    assert name in {i.partition("/")[2].partition("[")[0] for i in columns.values()}
    return {i.partition("/")[2] for i in seen}


@pytest.mark.parametrize("form", [json.dumps, yaml.safe_dump])
def test_two_workloads_of_one_name(form: Any, tmp_path: Path) -> None:
    """A base and its overlay: which of the two runs is not known, and so whom policies are about."""

    def made(labels: dict[str, str], status: int, port: int = 80) -> dict[str, Any]:
        spec = {"containers": [{"name": "main", "ports": [{"name": "http", "containerPort": port}]}]}
        inner = {"replicas": status, "template": {"metadata": {"labels": labels}, "spec": spec}}
        meta = {"name": "web", "namespace": "shop", "generation": status}
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": inner, "status": {"replicas": status}}

    def asked(*objects: dict[str, Any]) -> Observed:
        for i, of in enumerate(objects):
            (tmp_path / f"f{i}.yaml").write_text(form(of))
        return observed(tmp_path, pods_yaml=pod("db", labels="{app: db}"))

    same = asked(made({"app": "web"}, 1), made({"app": "web"}, 2))
    assert [d.code for d in same.problems.found] == ["K102"] and not same.network.unknown_policies
    assert "`kustomize build`" in same.problems.found[0].help
    for other in (made({"app": "web", "tier": "x"}, 1), made({"app": "web"}, 1, port=81)):
        found = asked(made({"app": "web"}, 1), other)
        assert [d.code for d in found.problems.found] == ["K102"]
        assert {p.why for p in found.network.unknown_policies} == {"Deployment shop/web is there twice, and the two differ"}
        assert unknown_between(found, "web") == {"web[Deployment]", "db[Pod]"}, "from it, and to it"


def test_two_pods_of_one_name(tmp_path: Path) -> None:
    one, other = ({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "shop", "labels": {"app": a}}} for a in "ab")
    for second, unknown in ((one, 0), (other, 2)):
        found = observed(tmp_path, a_json=json.dumps(one), b_yaml=yaml.safe_dump(second))
        assert [d.code for d in found.problems.found] == ["K102"] and len(found.network.unknown_policies) == unknown
