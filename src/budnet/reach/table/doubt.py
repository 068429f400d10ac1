"""Why it is not known what passes between two columns."""

from __future__ import annotations

from budnet.ir.endpoint import Endpoint
from budnet.reach.doubt import NO_NODE, UNSAID, Doubts
from budnet.reach.nodes import SOMEWHERE
from budnet.reach.table.table import Table


class Doubt:
    """Answers for one table."""

    def __init__(self, table: Table) -> None:
        self.table, self._doubts = table, Doubts(table.network)

    def why(self, source: int, destination: int) -> str:
        """Of either end, where it is not certain what its policies let through."""
        found: list[str] = []
        for own, other, ingress in ((source, destination, False), (destination, source, True)):
            rows = self.table.ingress if ingress else self.table.egress
            mask = self.table.connections.masks[int(rows.ids[rows.of_column[own], other])]
            if self.table.lanes.doubtful(mask):
                found += self._doubts.about(self._one(own), self._one(other), ingress)
        return "; ".join(dict.fromkeys(found)) or (NO_NODE if self._somewhere(source, destination) else UNSAID)

    def _somewhere(self, *columns: int) -> bool:
        """Whether a column joins pods on several nodes, as it does where there are too many to tell apart."""
        here = (int(self.table.columns.shape[c]) for c in columns if c < self.table.columns.inside)
        return any(self.table.columns.shapes[shape].on == SOMEWHERE for shape in here)

    def _one(self, column: int) -> Endpoint | None:
        """Somebody in a column: they differ in nothing that a policy asks for."""
        return self.table.columns.members[column][0] if column < self.table.columns.inside else None
