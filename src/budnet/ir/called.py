"""What users call things of a cluster: `shop/web`, `shop/*`, `shop?app=web,tier=front`, `*?app=web`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

from budnet.ir.endpoint import Endpoint

_LABEL = re.compile(r"([a-zA-Z0-9_.-]+/)?[a-zA-Z0-9_.-]+=[a-zA-Z0-9_.-]*")


class Called(Struct, frozen=True):
    """Pods by namespace, name (a workload's or a pod's own) and labels; `*` and the empty name are any."""

    namespace: str
    name: str
    labels: tuple[tuple[str, str], ...] = ()

    def __call__(self, endpoint: Endpoint) -> bool:
        if not endpoint.namespace or self.namespace not in ("*", endpoint.namespace):
            return False
        if self.name not in ("", "*", workload(endpoint.service), workload(endpoint.id)):
            return False
        return not self.labels or set(self.labels) <= set(endpoint.labels)


def read(text: str) -> Called | None:
    """None where a text does not have the form of such a name. ValueError where its labels are not KEY=VALUE."""
    place, mark, written = text.partition("?")
    labels = []
    for each in written.split(",") if mark else ():
        if not _LABEL.fullmatch(each):
            raise ValueError(f"'{each}' is not KEY=VALUE")
        key, _, value = each.partition("=")
        labels.append((key, value))
    namespace, slash, name = place.partition("/")
    if not namespace or "/" in name or not (slash or mark):
        return None
    return Called(namespace, workload(name), tuple(labels))


def workload(label: str) -> str:
    """The bare name in an endpoint's id or service: `web` of `shop/web[Deployment]`."""
    return label.rpartition("/")[2].partition("[")[0]


def named(endpoints: Iterable[Endpoint], text: str) -> list[Endpoint]:
    """Whom a name means: an id or a service as it is printed, or pods as above. ValueError as of `read`."""
    endpoints = list(endpoints)
    exactly = [e for e in endpoints if text in (e.id, e.service)]
    if exactly:
        return exactly
    called = read(text)
    return [e for e in endpoints if called(e)] if called else []
