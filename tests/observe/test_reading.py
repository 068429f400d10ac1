"""Manifests are read as `kubectl`, Helm and Kustomize read them: what a word of YAML is, which texts a file may hold, which files a
folder has. What has no one meaning, or cannot be looked at, is said, and may hold a policy."""

from __future__ import annotations

import codecs
import io
import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from budnet.observe.kubernetes import compose, sources, texts
from budnet.observe.kubernetes.cluster import Observed
from budnet.observe.kubernetes.fields import Problems
from budnet.observe.kubernetes.in_json import values as json_values
from budnet.observe.kubernetes.parsed import HANDWRITTEN, Unparsed
from budnet.observe.kubernetes.watched import Watched
from observe.reading import observed, pod, policy

DENY = policy("deny", "{podSelector: {}, ingress: []}")
NETWORKPOLICY = {"metadata": {"name": "deny", "namespace": "shop"}, "spec": {"podSelector": {}}}


def a_pod(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop"}}


def said(found: Observed) -> list[tuple[str, int]]:
    return [(d.code, d.span.line) for d in found.problems.found if d.span]


def pods(found: Observed) -> list[str]:
    return sorted(e.id for e in found.network.endpoints)


# ---- words --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "word, meant",
    [("2024-01-01", "2024-01-01"), ("2024-01-01T25:61:00Z", "2024-01-01T25:61:00Z"), ("2024-13-45", "2024-13-45"), ("=", "="),
     ("12:30:45", "12:30:45"), ("1:30", "1:30"), ("y", "y"), ("N", "N"), ("Yes", True), ("No", False), ("off", False), ("yEs", "yEs"), ("~", None), ("NULL", None), ("", None),
     ("80", 80), ("0600", 384), ("0o600", 384), ("0800", 800), ("0x1F", 31), ("0b101", 5), ("-0b101", -5), ("1_000", 1000), ("+7", 7),
     ("80.0", 80), ("1.5", 1.5), (".5", 0.5), ("1e3", 1000), ("12e3456", "12e3456"), ("1.2.3", "1.2.3"), ("v1", "v1"), (".", "."), ("-", "-"),
     ("99999999999999999999999", 99999999999999999999999), ("1e30", 1e30),
     ("!!str 80", "80"), ("!!int '80'", 80), ("!!float 80", 80), ("!!binary aGVsbG8=", "hello"), ("!Ref here", "here"), ("! 80", "80"), ("'80'", "80")],
)  # fmt: skip
def test_a_word_is_what_it_is_to_kubectl(word: str, meant: object) -> None:
    """By go-yaml v2, as sigs.k8s.io/yaml has it, and then by JSON."""
    found = compose.value(f"- {word}".encode())
    assert found == ([] if word == "-" else [meant]) or found == [[None]], word
    if word != "-":
        assert type(found[0]) is type(meant)


@pytest.mark.parametrize("word", [".inf", "-.INF", ".nan", "!!int x", "!!bool 1", "!!binary a"])
def test_a_word_that_json_has_not(word: str) -> None:
    with pytest.raises(Unparsed) as wrong:
        compose.value(f"a: 1\nb: {word}\n".encode())
    assert wrong.value.code == "K002" and wrong.value.line == 1


def test_a_date_as_a_label_is_a_text(tmp_path: Path) -> None:
    found = observed(tmp_path, a_yaml=pod("web", labels="{release: 2024-01-01}"))
    assert not found.problems.found and found.network.endpoints[0].labels == (("release", "2024-01-01"),)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(codec="utf-8", exclude_categories=["C"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc<=~10y."), inner),
)  # fmt: skip


@given(_JSON)
def test_json_is_yaml_and_means_the_same(of: Any) -> None:
    assert compose.value(json.dumps(of, ensure_ascii=False).encode()) == of
    # in quotes and with tags, as PyYAML takes other words for texts than go-yaml does
    assert compose.value(yaml.safe_dump(of, allow_unicode=True, default_style='"').encode()) == of


# ---- keys and aliases ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, meant",
    [("a: &x {p: 1}\nb: *x", {"a": {"p": 1}, "b": {"p": 1}}), ("x: &x {p: 1, q: 2}\nb: {<<: *x, p: 3}", {"x": {"p": 1, "q": 2}, "b": {"p": 3, "q": 2}}),
     ("b: {<<: [{p: 1}, {p: 2, q: 2}]}", {"b": {"p": 1, "q": 2}}), ("'<<': 1", {"<<": 1}), ("1: a\ntrue: b", {"1": "a", "true": "b"}), ("? a\n: b", {"a": "b"}),
     ("&k a: 1\nb: *k", {"a": 1, "b": "a"})],
)  # fmt: skip
def test_anchors_merges_and_keys(text: str, meant: object) -> None:
    assert compose.value(text.encode()) == meant


@pytest.mark.parametrize(
    "text, code, line",
    [("a: 1\nb: 2\na: 3", "K010", 2), ("a: 1\n'a': 3", "K010", 1), ("1: a\n'1': b", "K010", 1), ("{a: {b: 1, b: 2}}", "K010", 0), ("a: 1\n<<: {a: 2}", "K010", 1),
     ("a: 1\nb: *c", "K002", 1), ("&a {b: *a}", "K005", 0), ("? [a]\n: b", "K002", 0), ("1.5: a", "K002", 0), ("~: a", "K002", 0), ("<<: 1", "K002", 0),
     ("[" * 501 + "]" * 501, "K002", 0), ("a: [", "K002", 0), ("a: 1\rb: 2\r---\rc: 3", "K002", 2), ("a: \x07", "K002", 0),
     ("a: &a [" + "x," * 999 + "]\nb: &b [" + "*a," * 999 + "]\nc: [*b,*b]", "K005", 2)],
)  # fmt: skip
def test_what_has_no_one_meaning_is_refused(text: str, code: str, line: int) -> None:
    with pytest.raises(Unparsed) as wrong:
        compose.value(text.encode())
    assert (wrong.value.code, wrong.value.line) == (code, line)


def test_a_key_that_is_there_twice_in_a_policy_makes_it_unknown(tmp_path: Path) -> None:
    twice = policy("twice", "\n  podSelector: {}\n  ingress: []\n  ingress: [{}]")
    found = observed(tmp_path, a_yaml=pod("web") + twice)
    assert said(found) == [("K010", 13)] and len(found.network.unknown_policies) == 1 and not found.network.policies
    (tmp_path / "a.yaml").unlink()
    text = json.dumps({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", **NETWORKPOLICY})
    for spoilt in (
        text.replace('"podSelector"', '"ingress": [], "ingress": [{}], "podSelector"'),
        text.replace('{"podS', '{"podSelector": {"a\\u003a": 1}, "podS'),
    ):
        for whole in (
            spoilt,
            f'{{"kind": "List", "items": [{json.dumps(a_pod("web"))}, {spoilt}]}}',
            f"{json.dumps(a_pod('web'))}\n{spoilt}",
        ):
            found = observed(tmp_path, a_json=whole)
            assert [code for code, _ in said(found)] == ["K010"] and len(found.network.unknown_policies) == 1, whole
            assert not found.network.policies and len(pods(found)) == (whole != spoilt)


def test_a_key_that_is_there_twice_elsewhere_in_json(tmp_path: Path) -> None:
    web, db = (json.dumps(a_pod(n)) for n in ("web", "db"))
    named = web.replace('{"name"', '{"labels": {"a": "b"}, "labels": {"a": "c"}, "name"')
    for text in (named, f"[{named}]", f'{{"items": [{web}, {db}], "items": [{web}]}}', f'{{"items": [{web}], "items": [{web}, {db}]}}',
                 f'{{"items": [{db}], "kind": "List", "items": [{web}]}}', f'{{"kind": "List", "kind": "List", "items": [{web}]}}'):  # fmt: skip
        found = observed(tmp_path, a_json=text)
        assert [code for code, _ in said(found)] == ["K010"], text


def test_texts_that_look_like_keys_twice_are_read(tmp_path: Path) -> None:
    of = a_pod("web") | {"spec": {"containers": [{"name": "a:", "args": ['"a": 1, "a": 2', "\\u003a", ":\u2028"]}]}}
    for text in (json.dumps(of), json.dumps(of, indent=1), json.dumps({"items": [of], "metadata": {"items": [of]}})):
        assert not observed(tmp_path, a_json=text).problems.found


def test_json_that_only_a_part_of_is_looked_at(tmp_path: Path) -> None:
    """Of a pod some fields are decoded; what is wrong in the others ends no program."""
    of = json.dumps(a_pod("web") | {"spec": {"x": "?"}})
    for inner in ("\udcff", '", "x": "', "[" * 5000 + "]" * 5000):
        written = of.replace('"?"', inner) if "[" in inner else of.replace("?", inner)
        for text in (written, f"[{written}]", f"{written}\n{written}"):
            (tmp_path / "a.json").write_bytes(text.encode(errors="surrogateescape"))
            assert said(observed(tmp_path, b_yaml=pod("db"))), text[:99]


# ---- what a file may hold -----------------------------------------------------------------------------------------------


def test_values_one_behind_the_other(tmp_path: Path) -> None:
    web, db, box = (a_pod(n) for n in ("web", "db", "box"))
    lists = json.dumps({"kind": "List", "items": [web]}, indent=2) + json.dumps({"kind": "List", "items": [db, box]}, indent=2)
    for text in (
        "\n".join(map(json.dumps, (web, db, box))),
        "".join(json.dumps(o, indent=1) for o in (web, db, box)),
        lists,
        f" {lists}\n",
    ):
        found = observed(tmp_path, a_json=text)
        assert (not found.problems.found and pods(found) == sorted(f"shop/{n}[Pod]" for n in ("web", "db", "box"))) or pods(found) == [
            "box",
            "db",
            "web",
        ]
        lines = {
            e.id: text[: text.index('"' + e.id.removeprefix("shop/").removesuffix("[Pod]") + '"')].count("\n") + 1
            for e in found.network.endpoints
        }
        assert all(0 <= lines[e.id] - e.origin.line <= 5 for e in found.network.endpoints)


def test_what_came_before_a_broken_value_is_read(tmp_path: Path) -> None:
    found = observed(tmp_path, a_json=json.dumps(a_pod("web"), indent=1) + "\n" + json.dumps(a_pod("db"))[:-1])
    assert said(found) == [("K002", 9)] and len(pods(found)) == 1


@pytest.mark.parametrize("text", [
    "%YAML 1.2\n---\n" + pod("web"), "# why\n%YAML 1.2\n# more\n---\n" + pod("web"), pod("web") + "...\n" + pod("db").removeprefix("---\n"),
    pod("web") + "...\n%YAML 1.1\n---\n" + pod("db"), "\ufeff" + pod("web"), pod("web").replace("\n", "\r\n"), "--- # Source: a.yaml" + pod("web").removeprefix("---"),
    "---\n---\n\n# nothing\n---\nnull\n" + pod("web"), "--- " + json.dumps(a_pod("web")) + "\n", json.dumps(a_pod("web")) + "\n---\n" + pod("db"),
])  # fmt: skip
def test_streams_of_documents(text: str, tmp_path: Path) -> None:
    found = observed(tmp_path, a_yaml=text)
    assert not found.problems.found and len(pods(found)) == 1 + ("db" in text)


def test_a_file_as_windows_writes_it(tmp_path: Path) -> None:
    text = pod("web") + pod("db")
    for name, data in (
        ("a.yaml", text.encode("utf-16")),
        ("b.yaml", codecs.BOM_UTF16_BE + DENY.encode("utf-16-be")),
        ("c.json", json.dumps(a_pod("box")).encode("utf-16")),
    ):
        (tmp_path / name).write_bytes(data)
    found = observed(tmp_path)
    assert not found.problems.found and len(pods(found)) == 3 and len(found.network.policies) == 1


def test_flow_style_is_yaml(tmp_path: Path) -> None:
    flow = "{apiVersion: v1, kind: Pod, metadata: {name: db, namespace: shop}}\n"
    for text in (
        flow,
        "[" + flow.strip() + ",]",
        '{"apiVersion": v1, "kind": Pod, "metadata": {"name": db}, }',
        "{apiVersion: v1, kind: List, items: [" + flow.strip() + "]}",
    ):
        found = observed(tmp_path, a_yaml=pod("web") + "---\n" + text)
        assert not found.problems.found and len(pods(found)) == 2, text
    found = observed(tmp_path, a_yaml=pod("web") + "---\n\n" + flow.replace("v1", "[v1"))
    assert said(found)[0][0] == "K002" and said(found)[0][1] == 8, "the line of the file"


def test_a_template_that_was_not_filled_in(tmp_path: Path) -> None:
    for text in (
        "{{- if .Values.x }}\nkind: Pod\n{{- end }}\n",
        DENY.replace("deny", "{{ .Values.name }}"),
        "---\nkind: Pod\n{{- with .x }}\na: b\n{{- end }}\n",
    ):
        found = observed(tmp_path, a_yaml=pod("web") + "---\n" + text)
        (one,) = found.problems.found
        assert one.code == "K002" and "`helm template`" in one.help and len(found.network.unknown_policies) == ("kind: Pod" not in text), (
            text
        )


def test_a_broken_dump_is_not_tried_as_yaml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose, "value", lambda text: pytest.fail("nobody waits for that"))
    problems = Problems()
    assert list(texts.values(b'{"kind": "List", "x": ' + b'"' + b"x" * HANDWRITTEN + b'", items: 3}', "a.json", problems)) == []
    assert [d.code for d in problems.found] == ["K002"]


# ---- Lists --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "write",
    [
        json.dumps,
        lambda of: json.dumps(of, indent=2),
        yaml.safe_dump,
        lambda of: yaml.safe_dump({"items": of.pop("items")}) + yaml.safe_dump(of),
    ],
)  # type: ignore[no-any-return]
def test_items_of_a_typed_list_go_without_their_kind(write: Any, tmp_path: Path) -> None:
    """As the API server gives them to who asks it for a collection."""
    (tmp_path / "np.yaml").write_text(write({"kind": "NetworkPolicyList", "apiVersion": "networking.k8s.io/v1", "items": [NETWORKPOLICY]}))
    (tmp_path / "pods.yaml").write_text(write({"apiVersion": "v1", "kind": "PodList", "items": [{"metadata": {"name": n}} for n in "ab"]}))
    found = observed(tmp_path)
    assert not found.problems.found and len(pods(found)) == 2 and [p.id for p in found.network.policies] == ["shop/deny"]


def test_items_of_a_typed_list_that_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "np.json").write_text(
        json.dumps({"kind": "NetworkPolicyList", "apiVersion": "networking.k8s.io/v9", "items": [NETWORKPOLICY]})
    )
    found = observed(tmp_path)
    assert [code for code, _ in said(found)] == ["K103"] and len(found.network.unknown_policies) == 1


def test_what_a_server_says_instead_of_a_list(tmp_path: Path) -> None:
    (tmp_path / "np.json").write_text(
        json.dumps({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "networkpolicies is forbidden"})
    )
    found = observed(tmp_path, pods_yaml=pod("web"))
    (one,) = found.problems.found
    assert one.code == "K009" and "networkpolicies is forbidden" in one.summary and len(found.network.unknown_policies) == 1


def test_the_head_of_a_list_may_be_broken(tmp_path: Path) -> None:
    text = "apiVersion: v1\nkind: List\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: web}\nmetadata: {}\n"
    found = observed(tmp_path, a_yaml=text)
    assert said(found) == [("K010", 3)] and len(pods(found)) == 1 and len(found.network.unknown_policies) == 1
    found = observed(tmp_path, a_yaml=text.replace("kind: List\nkind", "kind") + "metadata: {}\n")
    assert said(found) == [("K010", 8)] and len(pods(found)) == 1


@pytest.mark.parametrize("cut", [0.5, 0.9])
def test_a_list_as_kubectl_writes_it_that_ends_too_soon(cut: float, tmp_path: Path) -> None:
    """It says only at its end that it is a List; what was behind the cut may be a policy."""
    text = json.dumps({"apiVersion": "v1", "items": [a_pod("a"), a_pod("b")], "kind": "List"}, indent=4)
    for spoilt in (text[: int(len(text) * cut)], text.replace('"b"', ":]")):
        found = observed(tmp_path, a_json=spoilt, b_yaml=pod("web"))
        assert [code for code, _ in said(found)] == ["K002"] and [p.subject.namespaces for p in found.network.unknown_policies] == [()]


# ---- folders ------------------------------------------------------------------------------------------------------------


def test_links_are_followed_and_files_read_once(tmp_path: Path) -> None:
    shared, here = tmp_path / "shared", tmp_path / "here"
    (shared / "policies").mkdir(parents=True)
    here.mkdir()
    (shared / "policies" / "np.yaml").write_text(DENY)
    (here / "policies").symlink_to("../shared/policies")
    (here / "again").symlink_to("../shared")
    (here / "round").symlink_to(".")
    (here / "a.yaml").write_text(pod("web"))
    (here / "link.yaml").symlink_to("a.yaml")
    found = observed(here)
    assert not found.problems.found and len(found.network.policies) == 1 and len(pods(found)) == 1


def test_what_cannot_be_looked_at_may_hold_a_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def alone(make: Any) -> None:
        folder = tmp_path / f"f{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        (folder / "a.yaml").write_text(pod("web"))
        make(folder)
        found = observed(folder)
        assert [code for code, _ in said(found)] == ["K001"] and len(found.network.unknown_policies) == 1 and len(pods(found)) == 1

    alone(lambda folder: (folder / "np.yaml").symlink_to("nowhere.yaml"))
    alone(lambda folder: (folder / "policies").symlink_to("../nowhere"))
    alone(lambda folder: (folder / "np.yaml.gz").write_bytes(b"\x1f\x8b"))
    alone(lambda folder: os.mkfifo(folder / "np.yaml"))
    scandir = os.scandir

    def refused(path: Any) -> Any:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    alone(lambda folder: (folder / "closed").mkdir())
    monkeypatch.setattr(os, "scandir", scandir)
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda file: read(file) if file.name != "np.yml" else os.listdir("/nowhere"))
    alone(lambda folder: (folder / "np.yml").write_text(DENY))


def test_what_is_no_manifest_by_its_name_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "NP.YAML").write_text(DENY)
    (tmp_path / ".#a.yaml").symlink_to("who@here.1:2")
    (tmp_path / "values.yaml.bak").write_text("{{")
    (tmp_path / "README").write_text("{{")
    found = observed(tmp_path, a_yaml=pod("web"))
    assert not found.problems.found and len(found.network.policies) == 1, "but case is nothing"


def test_a_folder_that_cannot_be_looked_at_any_more_is_news(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(pod("web"))
    watched = Watched(str(tmp_path))
    first = watched.read()
    assert first and not first.network.unknown_policies and watched.read() is None
    (tmp_path / "policies").symlink_to("nowhere")
    second = watched.read()
    assert second and len(second.network.unknown_policies) == 1 and watched.read() is None


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    data = json.dumps({"kind": "PodList", "apiVersion": "v1", "items": [{"metadata": {"name": "a"}}]}) + json.dumps(a_pod("b"))
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(data.encode())))
    assert len(list(sources.objects("-", Problems()))) == 2


def test_json_lines_are_read_in_one_go() -> None:
    """Each byte is looked at a few times, however many values there are."""
    lines = "\n".join(json.dumps(a_pod(f"p{i}")) for i in range(3000)).encode()
    found = list(json_values(lines, "a.json", 1, Problems()))
    assert [line for _, line, _ in found] == list(range(1, 3001))


def test_namespaces_that_upstream_s_tests_are_about(tmp_path: Path) -> None:
    """As PyYAML writes them: without quotes."""
    objects = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": n, "labels": {"ns": n}}} for n in "xyzn"]
    objects += [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "n", "namespace": n, "labels": {"pod": "y"}}, "spec": {}} for n in "xyzn"
    ]
    found = observed(tmp_path, all_yaml=yaml.safe_dump_all(objects))
    assert not found.problems.found
    assert {(e.namespace, e.labels) for e in found.network.endpoints} == {(n, (("pod", "y"),)) for n in "xyzn"}
