"""What names decide on the way out: a resolver's list, and the filter that reads the first bytes of a connection.

An address is let through under a name when a rule for the sender means that name and the VPC's resolver gives that address
for it: an allowed name on another address is a lie, and an allowed address under another name is somebody else's.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from ipaddress import ip_address
from typing import TYPE_CHECKING

from budnet.ir.address import Address, single
from budnet.ir.filters import SniRule
from budnet.ir.names import PUBLIC_VIEW
from budnet.reach import semantics

if TYPE_CHECKING:
    from budnet.reach.engine import Engine, Row
    from budnet.reach.points import Point

Views = dict[str, dict[str, list[Address]]]


class Names:
    """Names of one Network as its resolvers and SNI filters see them. Rows are made when asked, as the engine's are."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.network = engine, engine.network
        self._rows: dict[tuple[str, str, str | None], Row] = {}

    @cached_property
    def views(self) -> Views:
        """The addresses of every name, by view."""
        out: Views = defaultdict(lambda: defaultdict(list))
        for record in self.network.records:
            if record.kind in ("A", "AAAA"):
                out[record.view][record.name].append(ip_address(record.data))
        return out

    def modelled(self, name: str) -> str:
        """The name itself where it has addresses; else one that a rule means as well, whose addresses stand for its; else empty."""
        name = name.lower().rstrip(".")
        known = {n: None for view in self.views.values() for n in view}
        meant = (n for f in self.network.dns_filters for rule in f.rules for n in rule.names if semantics.covers(n, name))
        return name if name in known else next((k for n in meant for k in known if semantics.covers(n, k)), "")

    def points(self, name: str, view: str) -> list[Point]:
        """Where a modelled name leads, by a view; a name that the view does not have, by what the public one says."""
        found = self.views[view].get(name) or self.views[PUBLIC_VIEW].get(name, [])
        return [self.engine.points[i] for a in found for i in self.engine.covered(single(a))]

    def looked_up(self, vpc: str, name: str) -> bool:
        """Whether the list of a VPC's resolver lets a name through. Names of our own zones are not its business."""
        found, name = self.network.dns_filter.get(vpc), name.lower().rstrip(".")
        ours = (z.name for z in self.network.zones if z.view == vpc)
        if found is None or any(f".{name}".endswith(f".{zone}") for zone in ours):
            return True
        return any(semantics.covers(n, name) for rule in found.rules for n in rule.names)

    def passes(self, vpc: str, source: str, says: str | None) -> Row:
        """What the SNI filter of a VPC lets out from an endpoint, by destination. `says` is the name in the handshake, empty
        for none; None is whichever lets it pass, because a sender may say what it likes."""
        row = self._rows.get((vpc, source, says))
        if row is None:
            read = self.engine.alphabet.mask(semantics.SAID_IN_TLS)
            row = self._rows[vpc, source, says] = [self.engine.alphabet.all & ~read] * len(self.engine.points)
            for rule in self.network.sni_filter[vpc].rules:
                if source in rule.sources:
                    for index in self.allowed(vpc, rule, says):
                        row[index] |= read
        return row

    def allowed(self, vpc: str, rule: SniRule, says: str | None) -> set[int]:
        """The points that one rule lets through to under a name."""
        known = self.views[vpc]
        names = known if says is None else [says]
        stand_for = [a for name in names if any(semantics.covers(n, name) for n in rule.names) for a in known.get(name, ())]
        return {index for prefix in (*rule.prefixes, *map(single, stand_for)) for index in self.engine.covered(prefix)}
