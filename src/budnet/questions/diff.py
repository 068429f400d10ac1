"""What differs between two networks of any kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from budnet.errors import WrongQuestion
from budnet.ir.network import Network
from budnet.ir.origin import NOWHERE, Origin
from budnet.packets.transports import Transports
from budnet.questions.answer import Answer
from budnet.questions.exposure import exposure_json, ranges
from budnet.questions.focus import ports
from budnet.questions.matrix import transports_json
from budnet.questions.outside import spelt
from budnet.questions.place import span
from budnet.reach.diff import diff
from budnet.reach.diff_table import diff_table
from budnet.reach.diff_ways import compared
from budnet.reach.difference import WAS_UNKNOWN, Cause, Change, Difference, GuaranteeChange, WayIn
from budnet.reach.exposure.verdict import Exposure
from budnet.reach.points import outside_label
from budnet.reach.proof import Status
from budnet.source.diagnostic import Diagnostic, Severity

COLUMNS = ("is", "src", "dst", "allowed", "one_way", "unknown", "change", "causes", "outside", "what", "before", "after")


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
    """A row for each flow that is opened, closed, or no longer known, which of them it `is` in front; then one for each way in and
    each guarantee, which `what` names."""
    document: dict[str, Any] = {what: [change_json(c) for c in changes] for what, changes in listed(found)}
    rows = [{"is": what, **row} for what, each in document.items() for row in each]
    rows += [_way_row(w) for w in found.ways]
    guarantees = [_guarantee(g) for g in found.guarantees]
    rows += [{"is": "guarantee", "what": g["name"], "before": g["before"], "after": g["after"]} for g in guarantees]
    return Answer("diff", [dict.fromkeys(COLUMNS) | row for row in rows], COLUMNS, document | {
        "ways_in": [_way_json(w) for w in found.ways],
        "guarantees": guarantees,
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
        out.setdefault((ends(change)[1], change.allowed, change.kind, change.causes), []).append(change)
    by_source: dict[tuple[object, ...], list[list[Change]]] = {}
    for group in out.values():
        one = group[0]
        by_source.setdefault((tuple(ends(c)[0] for c in group), one.allowed, one.kind, one.causes), []).append(group)
    return [
        Together(_some([ends(c)[0] for c in groups[0]]), _some([ends(g[0])[1] for g in groups]), groups[0][0])
        for groups in by_source.values()
    ]


def ends(change: Change) -> tuple[str, str]:
    """Source and destination as people read them: a part of the outside by what it is."""
    part = outside_label(change.outside) if change.outside else ""
    src, dst = (spelt(change.outside) if part and end == part else end for end in (change.src, change.dst))
    return src, dst


def passes(change: Change) -> str:
    """What is opened or closed, for people."""
    return f"{change.allowed}" + (f" ({WAS_UNKNOWN})" if change.kind == WAS_UNKNOWN else "")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


_SHOWN = 3


def change_json(change: Change) -> dict[str, Any]:
    """A row of `budnet diff --format json`."""
    return {"src": change.src, "dst": change.dst, "allowed": transports_json(change.allowed), "one_way": False, "unknown": None,
            "change": change.kind, "causes": [str(c) for c in change.causes], "outside": [str(p) for p in change.outside] or None}  # fmt: skip


def is_now(way: WayIn) -> str:
    """`opened`, `closed`, `unknown` or `changed`."""
    return compared(way.before, way.after)


def one_of(way: WayIn) -> Exposure:
    """The newer side of it that there is."""
    one = way.after or way.before
    assert one is not None
    return one


def through(way: WayIn) -> str:
    """What leads in, in words."""
    one = one_of(way)
    return f"{one.entry} ({one.kind}) {one.at}".rstrip()


def reached(x: Exposure | None) -> str:
    """Who of the internet gets in, in words."""
    return "no way in" if x is None else ranges(x)


def _way_json(way: WayIn) -> dict[str, Any]:
    one = one_of(way)
    ends = {name: exposure_json(x) if x else None for name, x in (("before", way.before), ("after", way.after))}
    return {"is": is_now(way), "workload": one.workload or None, "port": one.port or None, **ends, "causes": [str(c) for c in way.causes]}


def _way_row(way: WayIn) -> dict[str, Any]:
    one = one_of(way)
    there = ports(one.port.removeprefix("any/")) if one.port else Transports(())
    return {"is": is_now(way), "src": "internet", "dst": one.called, "allowed": transports_json(there), "change": "way in",
            "causes": [str(c) for c in way.causes], "what": through(way), "before": reached(way.before),
            "after": reached(way.after)}  # fmt: skip


def _guarantee(change: GuaranteeChange) -> dict[str, Any]:
    return {
        "name": change.name,
        "before": change.before.value if change.before else None,
        "after": change.after.value if change.after else None,
    }


OPENED, CLOSED, NOT_KNOWN, GUARANTEE, WAY_IN = "R911", "R912", "R913", "R914", "R915"
_SEVERITY = {"opened": (OPENED, Severity.WARNING), "closed": (CLOSED, Severity.INFO), "unknown": (NOT_KNOWN, Severity.WARNING),
             "changed": (WAY_IN, Severity.INFO)}  # fmt: skip


def said(found: Difference) -> list[Diagnostic]:
    """For code scanning: each change at the first cause that has a line, and each guarantee that changed at its own."""
    out = []
    for what, changes in listed(found):
        out += [_said(what, f"{' to '.join(ends(c))} {passes(c)}", c.causes) for c in changes]
    for way in found.ways:
        one = one_of(way)
        summary = f"internet to {one.called} {one.port} by {through(way)}: {reached(way.after)}; was: {reached(way.before)}"
        out.append(_said(is_now(way), summary, way.causes, one.origin))
    for each in found.guarantees:
        worse = each.after is not Status.PROVED
        summary = f"the guarantee '{each.name}' is {each.after.value if each.after else 'not there'} and was {each.before.value if each.before else 'not there'}"
        out.append(
            Diagnostic(GUARANTEE, Severity.ERROR if worse else Severity.INFO, summary, span(each.proof.origin) if each.proof else None)
        )
    return out


def _said(what: str, summary: str, causes: tuple[Cause, ...], otherwise: Origin = NOWHERE) -> Diagnostic:
    code, severity = _SEVERITY[what]
    at = next((c.origin for c in causes if c.origin.line), otherwise)
    why = f" because of {'; '.join(map(str, causes))}" if causes else ""
    return Diagnostic(code, severity, f"{what}: {summary}{why}", span(at))
