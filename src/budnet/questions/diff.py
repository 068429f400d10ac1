"""What differs between two networks of any kind."""

from __future__ import annotations

from typing import Any

from budnet.ir.network import Network
from budnet.ir.origin import NOWHERE
from budnet.questions.answer import Answer
from budnet.questions.matrix import transports_json
from budnet.questions.place import span
from budnet.reach.diff import diff
from budnet.reach.diff_table import diff_table
from budnet.reach.difference import Change, Difference, GuaranteeChange
from budnet.reach.proof import Status
from budnet.source.diagnostic import Diagnostic, Severity

COLUMNS = ("is", "src", "dst", "allowed", "one_way", "unknown", "change", "causes")


def between(old: Network, new: Network) -> Difference:
    """Address by address where both are ours; else by workload."""
    return diff(old, new) if old.vpcs and new.vpcs else diff_table(old, new)


def answer(found: Difference) -> Answer:
    """A row for each flow that is opened, closed, or no longer known, which of them it `is` in front."""
    document: dict[str, Any] = {what: [change_json(c) for c in changes] for what, changes in listed(found)}
    rows = [{"is": what, **row} for what, each in document.items() for row in each]
    return Answer("diff", rows, COLUMNS, document | {
        "guarantees": [_guarantee(g) for g in found.guarantees],
        "matched": {"by": found.matched.by, "both": found.matched.both,
                    "only_old": list(found.matched.only_old), "only_new": list(found.matched.only_new)},
    })  # fmt: skip


def listed(found: Difference) -> tuple[tuple[str, tuple[Change, ...]], ...]:
    """The three kinds of change."""
    return ("opened", found.opened), ("closed", found.closed), ("unknown", found.unknown)


def change_json(change: Change) -> dict[str, Any]:
    """A row of `budnet diff --format json`."""
    return {"src": change.src, "dst": change.dst, "allowed": transports_json(change.allowed), "one_way": False, "unknown": None,
            "change": change.kind, "causes": [str(c) for c in change.causes]}  # fmt: skip


def _guarantee(change: GuaranteeChange) -> dict[str, Any]:
    return {
        "name": change.name,
        "before": change.before.value if change.before else None,
        "after": change.after.value if change.after else None,
    }


OPENED, CLOSED, NOT_KNOWN, GUARANTEE = "R911", "R912", "R913", "R914"


def said(found: Difference) -> list[Diagnostic]:
    """For code scanning: each change at the first cause that has a line, and each guarantee that changed at its own."""
    out = []
    kinds = zip(listed(found), (OPENED, CLOSED, NOT_KNOWN), (Severity.WARNING, Severity.INFO, Severity.WARNING), strict=True)
    for (what, changes), code, severity in kinds:
        for change in changes:
            at = next((c.origin for c in change.causes if c.origin.line), NOWHERE)
            why = f" because of {'; '.join(map(str, change.causes))}" if change.causes else ""
            out.append(Diagnostic(code, severity, f"{what}: {change.src} to {change.dst} {change.allowed}{why}", span(at)))
    for each in found.guarantees:
        worse = each.after is not Status.PROVED
        summary = f"the guarantee '{each.name}' is {each.after.value if each.after else 'not there'} and was {each.before.value if each.before else 'not there'}"
        out.append(
            Diagnostic(GUARANTEE, Severity.ERROR if worse else Severity.INFO, summary, span(each.proof.origin) if each.proof else None)
        )
    return out
