"""What a change opens and what it closes."""

from __future__ import annotations

from budnet.ir.network import Network
from budnet.packets.addresses import AddressSet
from budnet.packets.transports import Transports
from budnet.reach import diff_ways
from budnet.reach.diff_traced import CLOSED, OPENED, Traced, labelled
from budnet.reach.difference import Change, Difference, GuaranteeChange, Matched
from budnet.reach.engine import Engine
from budnet.reach.exposure import networks
from budnet.reach.matrix import matrix, pairs
from budnet.reach.points import PointKind
from budnet.reach.proof import Proof
from budnet.reach.prove import prove


def diff(old: Network, new: Network) -> Difference:
    """Compares what is delivered, endpoint by endpoint (by id), and what is guaranteed.

    Each side's outside is cut at the other side's prefixes too, so that the pieces have the same names.
    """
    before, after = _Side(Engine(old, cut_like=new)), _Side(Engine(new, cut_like=old))
    opened, closed = Traced(after.engine, before.engine, OPENED, labelled), Traced(before.engine, after.engine, CLOSED, labelled)
    points = (p for side in (before, after) for p in side.engine.points)
    parts = {p.label: p.members for p in points if p.kind is PointKind.OUTSIDE and p.endpoint is None}
    return Difference(
        _more(after.rows, before.rows, opened, parts), _more(before.rows, after.rows, closed, parts),
        _guarantees(before.proofs, after.proofs), (), _matched(old, new), diff_ways.of_ours(before.exposures, after.exposures),
    )  # fmt: skip


class _Side:
    """One of the two, and what is asked of it: all of the same pairs, which take the longest to find."""

    def __init__(self, engine: Engine) -> None:
        found = list(pairs(engine))
        self.engine = engine
        self.rows = {(r.src, r.dst): r.allowed for r in matrix(engine, found)}
        self.proofs = prove(engine, found)
        self.exposures = networks.of_pairs(engine, found)


def _matched(old: Network, new: Network) -> Matched:
    was, now = ([e.id for e in n.inside] for n in (old, new))
    gone, come = (tuple(e for e in one if e not in other) for one, other in ((was, {*now}), (now, {*was})))
    return Matched("id", len(was) - len(gone), gone, come)


def _more(
    rows: dict[tuple[str, str], Transports], than: dict[tuple[str, str], Transports], why: Traced, parts: dict[str, AddressSet]
) -> tuple[Change, ...]:
    out = []
    for (src, dst), allowed in rows.items():
        before = than.get((src, dst), Transports())
        extra = allowed - before
        if extra:
            outside = parts.get(src) or parts.get(dst) or AddressSet()
            out.append(Change(src, dst, extra, "changed" if before else "new", why.causes(src, dst, extra), outside.prefixes()))
    return tuple(out)


def _guarantees(before: list[Proof], after: list[Proof]) -> tuple[GuaranteeChange, ...]:
    old, new = {p.name: p for p in before}, {p.name: p for p in after}
    out = []
    for name in dict.fromkeys([*old, *new]):
        was, now = old.get(name), new.get(name)
        if (was and was.status) != (now and now.status):
            out.append(GuaranteeChange(name, was.status if was else None, now.status if now else None, now or was))
    return tuple(out)
