"""What differs between two networks of any kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from budnet.errors import WrongQuestion
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
    """Address by address where both are ours; else by workload. Raises WrongQuestion where they have nothing in common."""
    if old.vpcs and new.vpcs:
        return diff(old, new)
    found = diff_table(old, new)
    if bool(old.vpcs) != bool(new.vpcs) and not found.matched.both:
        names = [min(some, default="nobody") for some in (found.matched.only_old, found.matched.only_new)]
        raise WrongQuestion(
            f"no workload of the one is one of the other, so there is nothing to compare: they meet by {found.matched.by}, and the old"
            f" one has {names[0]}, the new one {names[1]}"
        )
    return found


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


@dataclass(frozen=True, slots=True)
class Together:
    """Changes that differ in their source alone, or in their destination alone, as people read them."""

    src: str
    dst: str
    change: Change


def together(changes: Iterable[Change]) -> list[Together]:
    """First those to one destination, then of what is left those from one source; the outside comes in many parts."""
    out: dict[tuple[object, ...], list[Change]] = {}
    for change in changes:
        out.setdefault((change.dst, change.allowed, change.kind, change.causes), []).append(change)
    by_source: dict[tuple[object, ...], list[list[Change]]] = {}
    for group in out.values():
        one = group[0]
        by_source.setdefault((tuple(c.src for c in group), one.allowed, one.kind, one.causes), []).append(group)
    return [Together(_some([c.src for c in groups[0]]), _some([g[0].dst for g in groups]), groups[0][0]) for groups in by_source.values()]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


_SHOWN = 3


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
