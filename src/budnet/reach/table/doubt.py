"""Why it is not known what passes between two columns."""

from __future__ import annotations

from budnet.ir.filters import NamePeer
from budnet.reach import cuts
from budnet.reach.nodes import SOMEWHERE
from budnet.reach.table.peers import Peers
from budnet.reach.table.table import Table


class Doubt:
    """Answers for one table."""

    def __init__(self, table: Table) -> None:
        network, peers = table.network, Peers(table.network, table.columns)
        self._columns = table.columns
        self._out: dict[int, list[str]] = {}
        self._in: dict[int, list[str]] = {}
        for policy in network.unknown_policies:
            for shape in peers.subjects(policy.subject, policy.cluster).tolist():
                for side, asked in ((self._out, policy.egress), (self._in, policy.ingress)):
                    if asked:
                        side.setdefault(shape, []).append(policy.why)
        asked_ = [(p.tier, p.priority) for p in network.admin_policies]
        causes = {
            "the order of policies of one priority is not defined": len(set(asked_)) < len(asked_),
            "the addresses of names are not known": any(isinstance(p, NamePeer) for p in cuts.policy_peers(network)),
            "the addresses of pods are not known": not all(e.addresses for e in network.endpoints),
        }
        self._else = ", or ".join(text for text, holds in causes.items() if holds) or "what decides is not modelled"

    def why(self, source: int, destination: int) -> str:
        """The policies about either end, each with what is wrong with it; else what of the network is not known."""
        found = [*self._out.get(self._shape(source), ()), *self._in.get(self._shape(destination), ())]
        return "; ".join(dict.fromkeys(found)) or self._near(source, destination) or self._else

    def _near(self, source: int, destination: int) -> str:
        """Of a pod and a node that may be its own."""
        ends = [self._columns.shapes[s] for s in (self._shape(source), self._shape(destination)) if s >= 0]
        if len(ends) < 2 or not all(e.on for e in ends) or ends[0].pod is ends[1].pod:
            return ""
        if SOMEWHERE in (ends[0].on, ends[1].on):
            return "which node the pods are on is not known"
        return "what a cluster-wide policy does to a pod's own node is not defined" if ends[0].on == ends[1].on else ""

    def _shape(self, column: int) -> int:
        return int(self._columns.shape[column]) if column < self._columns.inside else -1
