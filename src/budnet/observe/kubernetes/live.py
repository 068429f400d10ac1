"""A cluster that runs, by its API server, read only: every request is a GET of a list.

The official client (https://github.com/kubernetes-client/python, Apache-2.0) reads the user's kubeconfig, gets credentials and knows
whom to trust; lists are asked for in pieces as https://kubernetes.io/docs/reference/using-api/api-concepts/ says (`limit`,
`continue`, 410 Gone where a list took too long). Which kinds there are is asked first (`/apis`): what a server does not serve is
not there, what it does not show is unknown.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

from budnet.observe.kubernetes.fields import NOT_SHOWN, Object, Place, Problems
from budnet.observe.kubernetes.kinds import KNOWN_GROUPS, is_known, is_read, may_have_any
from budnet.source.diagnostic import Severity
from budnet.source.text import quoted

NO_CLIENT, NO_CONFIG, NO_ANSWER = "K006", "K007", "K008"
PAGE = 500
"""Objects asked for at a time, as `kubectl` does."""
_CONNECT, _READ = 5.0, 60.0
"""Seconds."""
_AGAIN = 3
"""Times a list is begun anew, because its pieces were too old."""

Kind = tuple[str, str]
"""(group, kind)."""
Get = Callable[[str, dict[str, str]], tuple[int, Any]]
"""(path, query) -> (status, JSON)."""


class Unreachable(Exception):
    """Nobody answered, or not as an API server does."""


def means(where: str) -> bool:
    """Whether WHERE of `kubernetes:WHERE` is a cluster that runs: `live`, or `live?context=NAME`."""
    return where == "live" or where.startswith("live?")


def objects(where: str, problems: Problems) -> Iterator[tuple[Object, Place]]:
    """Every object that means something for reachability, in the order in which the server lists them."""
    from urllib.parse import parse_qsl

    context = dict(parse_qsl(where.partition("?")[2])).get("context", "")
    place = Place(f"live?context={context}" if context else "live")
    get = _client(context, place, problems)
    if get is None:
        return
    try:
        resources = _resources(get, place, problems)
        for resource in resources:
            yield from _listed(get, resource, Place(f"{place.file} {resource.path}"), problems)
    except Unreachable as failed:
        problems.say(Severity.ERROR, NO_ANSWER, str(failed), place, _HELP)
        problems.refuse("", "", place, "the API server did not answer")


_HELP = "does `kubectl --request-timeout=5s get namespaces` work with the same kubeconfig and context?"


# ---- the client ---------------------------------------------------------------------------------------------------------


def _client(context: str, place: Place, problems: Problems) -> Get | None:
    try:
        from kubernetes import client, config
    except ImportError:
        help = "install it with `pip install 'budnet[kubernetes]'`, or give a folder of what `kubectl get -o json` prints"
        problems.say(Severity.ERROR, NO_CLIENT, "the client for Kubernetes is not installed", place, help)
        return None

    import yaml

    settings, file = client.Configuration(), os.environ.get("KUBECONFIG") or None
    try:
        # credentials that are renewed on the way are not written back: nothing of the user's is changed
        config.load_kube_config(file, context or None, client_configuration=settings, persist_config=False)  # type: ignore[no-untyped-call]
    except (config.ConfigException, yaml.YAMLError, OSError, ValueError, TypeError, AttributeError, KeyError) as wrong:
        said = str(wrong).strip().partition("\n")[0]
        known = (
            f"known contexts are {', '.join(names)}"
            if (names := _contexts(config, file))
            else "KUBECONFIG names the file, ~/.kube/config is the default"
        )
        problems.say(Severity.ERROR, NO_CONFIG, f"the kubeconfig cannot be used: {said}", place, known)
        return None
    return _getter(client.ApiClient(settings), settings)


def _contexts(config: Any, file: str | None) -> list[str]:
    try:
        return [str(c["name"]) for c in config.list_kube_config_contexts(file)[0]]
    except Exception:  # whatever is wrong with the file was said already
        return []


def _getter(api: Any, settings: Any) -> Get:
    import logging

    import msgspec
    import urllib3

    logging.getLogger("urllib3").setLevel(logging.ERROR)  # what is tried again is nobody's concern until it fails
    pool = api.rest_client.pool_manager
    retries = urllib3.Retry(
        total=3,
        other=0,
        connect=1,
        read=1,
        redirect=0,
        status_forcelist=(429, 503),
        backoff_factor=0.2,
        raise_on_redirect=False,
        raise_on_status=False,
    )
    timeout = urllib3.Timeout(connect=_CONNECT, read=_READ)

    def get(path: str, query: dict[str, str]) -> tuple[int, Any]:
        headers = {"accept": "application/json", "user-agent": "budnet"}
        headers |= {a["key"]: a["value"] for a in settings.auth_settings().values() if a and a.get("in") == "header"}
        try:
            answer = pool.request("GET", settings.host.rstrip("/") + path, fields=query, headers=headers, retries=retries, timeout=timeout)
        except (urllib3.exceptions.HTTPError, OSError) as failed:
            raise Unreachable(_why(settings.host, failed)) from None
        try:
            return answer.status, msgspec.json.decode(answer.data)
        except (msgspec.DecodeError, ValueError, RecursionError):
            if answer.status == 200:
                raise Unreachable(f"{settings.host}{path} does not answer with JSON: is it an API server?") from None
            return answer.status, {}

    return get


def _why(host: str, failed: Exception) -> str:
    import urllib3

    cause = failed.reason if isinstance(failed, urllib3.exceptions.MaxRetryError) and failed.reason else failed
    if isinstance(cause, urllib3.exceptions.SSLError):
        return f"the certificate of {host} is not one that the kubeconfig trusts: {cause}"
    if isinstance(cause, urllib3.exceptions.TimeoutError) and not isinstance(cause, urllib3.exceptions.NewConnectionError):
        return f"{host} did not answer in time"
    return f"{host} cannot be reached: {cause}"


# ---- what there is ------------------------------------------------------------------------------------------------------


class _Resource(Struct, frozen=True):
    """A kind as the server serves it. `path` lists it over all namespaces."""

    group: str
    version: str
    kind: str
    path: str


def _resources(get: Get, place: Place, problems: Problems) -> list[_Resource]:
    """The kinds that are read, each in a version that is known, or else in that which the server prefers."""
    found: dict[Kind, _Resource] = {}
    for group, version in _versions(get):
        root = f"/apis/{group}/{version}" if group else f"/api/{version}"
        status, said = get(root, {})
        rows = said.get("resources") if isinstance(said, dict) else None
        if status != 200 or not isinstance(rows, list):
            summary = f"the kinds of {group or 'the core'} are not known: {_message(status, said)}"
            if group in KNOWN_GROUPS:
                problems.say(Severity.ERROR, NOT_SHOWN, summary, place, _HELP)
                problems.refuse(group, "", place, summary)
            else:  # an API that is served by somebody else and is out of order is no rare sight
                problems.say(Severity.WARNING, NOT_SHOWN, summary, place, "if there are policies or ways in among them, they are not seen")
            continue
        for each in (r for r in rows if isinstance(r, dict)):
            kind, name = str(each.get("kind")), str(each.get("name"))
            if "/" not in name and is_read(group, kind) and "list" in (each.get("verbs") or ["list"]):
                before = found.get((group, kind))
                if before is None or (not is_known(group, kind, before.version) and is_known(group, kind, version)):
                    found[group, kind] = _Resource(group, version, kind, f"{root}/{name}")
    if ("discovery.k8s.io", "EndpointSlice") in found:
        found.pop(("", "Endpoints"), None)  # the same once more, older
    return list(found.values())


def _versions(get: Get) -> Iterator[tuple[str, str]]:
    """(group, version) of the groups that have kinds that are read, or may have, the version that the server prefers first."""
    status, said = get("/apis", {})
    rows = said.get("groups") if isinstance(said, dict) else None
    if status != 200 or not isinstance(rows, list):
        raise Unreachable(f"the API server does not say what it serves: {_message(status, said)}")
    yield "", "v1"
    for group in (r for r in rows if isinstance(r, dict) and may_have_any(str(r.get("name")))):
        first = (group.get("preferredVersion") or {}).get("version")
        versions = [str(v.get("version")) for v in group.get("versions") or ()]
        yield from ((str(group["name"]), v) for v in sorted(versions, key=lambda v: v != first))


def _message(status: int, said: Any) -> str:
    return str(said.get("message") or status) if isinstance(said, dict) else str(status)


# ---- lists --------------------------------------------------------------------------------------------------------------


def _listed(get: Get, of: _Resource, place: Place, problems: Problems) -> Iterator[tuple[Object, Place]]:
    """All objects of a kind. Nothing is handed on before the last piece is there: half a list says nothing."""
    for _ in range(_AGAIN):
        items, status, why = _pieces(get, of.path)
        if status != 410:
            break
    if status != 200:
        summary = f"{of.kind}s cannot be listed: {why}"
        help = (
            f"grant `list` on {of.path.rpartition('/')[2]}" + (f" of {of.group}" if of.group else "")
            if status in (401, 403)
            else "try again"
        )
        problems.say(Severity.ERROR, NOT_SHOWN, summary, place, help)
        problems.refuse(of.group, of.kind, place, summary)
        return
    version = f"{of.group}/{of.version}" if of.group else of.version
    for item in items:  # in a list they go without
        if isinstance(item, dict):
            yield {"apiVersion": version, "kind": of.kind, **item}, place
        else:
            problems.say(Severity.ERROR, NO_ANSWER, f"the list has {quoted(str(item)[:40])}, which is no object", place)


def _pieces(get: Get, path: str) -> tuple[list[Any], int, str]:
    items: list[Any] = []
    query = {"limit": str(PAGE)}
    while True:
        status, said = get(path, query)
        if status != 200 or not isinstance(said, dict) or not isinstance(said.get("items") or [], list):
            return items, status if status != 200 else 0, _message(status, said)
        items += said.get("items") or []
        more = (said.get("metadata") or {}).get("continue")
        if not more:
            return items, 200, ""
        query = {"limit": str(PAGE), "continue": str(more)}
