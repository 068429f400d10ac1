"""What differs between two networks of any kind."""

from __future__ import annotations

from typing import Any

from budnet.ir.network import Network
from budnet.questions.answer import Answer
from budnet.questions.matrix import transports_json
from budnet.reach.diff import Change, Difference, GuaranteeChange, diff
from budnet.reach.diff_table import diff_table

COLUMNS = ("is", "src", "dst", "allowed", "one_way", "unknown", "change", "causes")


def between(old: Network, new: Network) -> Difference:
    """Address by address where both are ours; else by workload."""
    return diff(old, new) if old.vpcs and new.vpcs else diff_table(old, new)


def answer(found: Difference) -> Answer:
    """A row for each flow that is opened, closed, or no longer known, which of them it `is` in front."""
    document: dict[str, Any] = {what: [change_json(c) for c in changes] for what, changes in listed(found)}
    rows = [{"is": what, **row} for what, each in document.items() for row in each]
    return Answer("diff", rows, COLUMNS, document | {"guarantees": [_guarantee(g) for g in found.guarantees]})


def listed(found: Difference) -> tuple[tuple[str, tuple[Change, ...]], ...]:
    """The three kinds of change."""
    return ("opened", found.opened), ("closed", found.closed), ("unknown", found.unknown)


def change_json(change: Change) -> dict[str, Any]:
    """A row of `budnet diff --format json`."""
    return {"src": change.src, "dst": change.dst, "allowed": transports_json(change.allowed), "one_way": False, "unknown": None,
            "change": change.kind, "causes": list(change.causes)}  # fmt: skip


def _guarantee(change: GuaranteeChange) -> dict[str, Any]:
    return {
        "name": change.name,
        "before": change.before.value if change.before else None,
        "after": change.after.value if change.after else None,
    }
