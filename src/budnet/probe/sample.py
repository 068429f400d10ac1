"""Which questions of a large fleet are asked: all but most of those from one member of a fleet to another.

Members of a fleet are alike but for their addresses, and between two that have no link there is nothing to find a hundred times
over. So each member asks the next one of its fleet, the last one the first: every endpoint still asks and is asked about another
member's. Everything inside a member, and between a member and any other network, is asked of every member. What was left out is
counted and said, and `budnet probe --all` asks it, too.
"""

from __future__ import annotations

from collections import Counter

from budnet.ir.endpoint import Endpoint
from budnet.ir.network import Network
from budnet.ir.origin import Origin
from budnet.probe.question import Question, cost, is_asker, questions

WORTH_IT = 50_000
"""So many questions are left out at least, about two seconds of packets; fewer are simply asked."""


class Sample:
    """Calling it says whether a source is asked about a destination. `left_out`: how many questions that saves."""

    def __init__(self, network: Network) -> None:
        fleets: dict[Origin, list[str]] = {}
        for vpc in network.vpcs:
            fleets.setdefault(vpc.origin, []).append(vpc.id)  # members were written on one line
        self._place = {vpc: (i, members) for members in fleets.values() if len(members) > 1 for i, vpc in enumerate(members)}
        self._linked = {frozenset(p.between) for p in network.links}
        self.left_out = self._count(network)

    def __call__(self, source: Endpoint, destination: Endpoint) -> bool:
        return self._asked(source.vpc, destination.vpc)

    def _asked(self, here: str, there: str) -> bool:
        if here == there or here not in self._place or there not in self._place or frozenset((here, there)) in self._linked:
            return True
        (i, ours), (j, theirs) = self._place[here], self._place[there]
        # of two fleets the longer one goes round the shorter one more than once
        return j == (i + 1) % len(ours) if ours is theirs else j == i % len(theirs) or i == j % len(ours)

    def _count(self, network: Network) -> int:
        """Exactly, without making the questions: it depends on a source only by its address families."""
        askers: dict[str, Counter[frozenset[int]]] = {vpc: Counter() for vpc in self._place}
        targets: dict[str, list[Endpoint]] = {vpc: [] for vpc in self._place}
        for endpoint in network.inside:
            if endpoint.vpc in self._place:
                targets[endpoint.vpc].append(endpoint)
                if is_asker(network, endpoint):
                    askers[endpoint.vpc][frozenset(a.version for a in endpoint.addresses)] += 1
        kinds = {families for counts in askers.values() for families in counts}
        costs = {(vpc, families): sum(cost(families, e) for e in targets[vpc]) for vpc in self._place for families in kinds}
        return sum(
            count * costs[there, families]
            for here in self._place for there in self._place if not self._asked(here, there)
            for families, count in askers[here].items()
        )  # fmt: skip


def chosen(network: Network, everything: bool = False) -> tuple[list[Question], int]:
    """The questions to ask, and how many are left out."""
    sample = Sample(network)
    if everything or sample.left_out < WORTH_IT:
        return list(questions(network)), 0
    return list(questions(network, sample)), sample.left_out
