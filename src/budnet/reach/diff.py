"""What a change opens and what it closes."""

from __future__ import annotations

from dataclasses import dataclass

from budnet.ir.network import Network
from budnet.packets.transports import Transports
from budnet.reach.engine import Engine
from budnet.reach.matrix import matrix
from budnet.reach.prove import Proof, Status, prove


@dataclass(frozen=True, slots=True)
class Change:
    """What from `src` to `dst` is delivered in one Network and not in the other."""

    src: str
    dst: str
    allowed: Transports
    kind: str = "new"
    """`changed` where there is something else from `src` to `dst` in the other Network as well."""
    causes: tuple[str, ...] = ()
    """The objects that differ and are about the two, where that can be told."""


@dataclass(frozen=True, slots=True)
class GuaranteeChange:
    """A guarantee with its answer before and after; None where it was not there."""

    name: str
    before: Status | None
    after: Status | None
    proof: Proof | None


@dataclass(frozen=True, slots=True)
class Difference:
    """All of it. Falsy where nothing differs."""

    opened: tuple[Change, ...]
    closed: tuple[Change, ...]
    guarantees: tuple[GuaranteeChange, ...]
    unknown: tuple[Change, ...] = ()
    """What may pass and may not in the new one, and was known in the old one."""

    def __bool__(self) -> bool:
        return bool(self.opened or self.closed or self.guarantees or self.unknown)


def diff(old: Network, new: Network) -> Difference:
    """Compares what is delivered, endpoint by endpoint (by id), and what is guaranteed.

    Each side's outside is cut at the other side's prefixes too, so that the pieces have the same names.
    """
    before, after = Engine(old, cut_like=new), Engine(new, cut_like=old)
    rows_before = {(r.src, r.dst): r.allowed for r in matrix(before)}
    rows_after = {(r.src, r.dst): r.allowed for r in matrix(after)}
    return Difference(_more(rows_after, rows_before), _more(rows_before, rows_after), _guarantees(prove(before), prove(after)))


def _more(rows: dict[tuple[str, str], Transports], than: dict[tuple[str, str], Transports]) -> tuple[Change, ...]:
    out = []
    for (src, dst), allowed in rows.items():
        extra = allowed - than.get((src, dst), Transports())
        if extra:
            out.append(Change(src, dst, extra))
    return tuple(out)


def _guarantees(before: list[Proof], after: list[Proof]) -> tuple[GuaranteeChange, ...]:
    old, new = {p.name: p for p in before}, {p.name: p for p in after}
    out = []
    for name in dict.fromkeys([*old, *new]):
        was, now = old.get(name), new.get(name)
        if (was and was.status) != (now and now.status):
            out.append(GuaranteeChange(name, was.status if was else None, now.status if now else None, now or was))
    return tuple(out)
