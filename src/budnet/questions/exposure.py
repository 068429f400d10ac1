"""What the internet reaches, and what pods that are not there yet could."""

from __future__ import annotations

from typing import Any

from budnet.collector import paused
from budnet.ir.network import Network
from budnet.questions.answer import Answer
from budnet.questions.matrix import transports_json
from budnet.reach.exposure import clusters, networks
from budnet.reach.exposure.newcomers import Newcomer, newcomers
from budnet.reach.exposure.verdict import Exposure

Found = tuple[list[Exposure], list[Newcomer]]
COLUMNS = ("workload", "port", "exposure", "internet", "entry", "kind", "at", "ranges", "reason", "decided_by", "origin")


@paused()
def exposure(network: Network, new_pods: bool = True) -> Found:
    """Of either kind of network. Without `new_pods` the second part is empty."""
    found = networks.exposures(network) if network.vpcs else clusters.exposures(network)
    return found, newcomers(network) if new_pods else []


@paused()
def answer(found: Found) -> Answer:
    """A row for each way in; new pods are in the document."""
    rows = [exposure_json(x) for x in found[0]]
    return Answer("exposure", rows, COLUMNS, {"internet": rows, "new_pods": [newcomer_json(n) for n in found[1]]})


def place(x: Exposure) -> str:
    """Where what decided it is written."""
    return f"{x.origin.file}:{x.origin.line}" if x.origin.line else x.origin.file


def ranges(x: Exposure) -> str:
    """Who of the internet reaches it, in words."""
    if not x.prefixes:
        return x.word.value
    more = len(x.prefixes) - _SHOWN
    return f"from {', '.join(map(str, x.prefixes[:_SHOWN]))}" + (f" and {more} more" if more > 0 else "")


_SHOWN = 3


def exposure_json(x: Exposure) -> dict[str, Any]:
    """A row of `budnet exposure --format json`; `workload` and `port` are null where it is not known who stands behind the way in."""
    return {
        "workload": x.workload or None, "port": x.port or None, "exposure": x.word.value, "internet": x.word.open if x.word.value != "unknown" else None,
        "entry": x.entry, "kind": x.kind, "at": x.at, "ranges": [str(p) for p in x.prefixes], "reason": x.reason, "decided_by": list(x.by),
        "origin": place(x) or None,
    }  # fmt: skip


def newcomer_json(n: Newcomer) -> dict[str, Any]:
    """What new pods of one namespace could open to a workload."""
    return {
        "workload": n.workload, "namespace": n.namespace, "any_labels": transports_json(n.any_labels), "some_labels": transports_json(n.some_labels),
        "labels": dict(n.labels), "namespace_labels": dict(n.space), "unknown": transports_json(n.unknown), "complete": n.complete,
    }  # fmt: skip
