"""WHAT IS ODD about filters: selects nobody, never matches, never decides, says again what others say, disagrees with another.

alone.py     one policy by itself, and namespaces without any
beside.py    policies beside each other: redundant, shadowed, ambiguous, crossing
rows.py      rows of a file in our language: flows, egress, guarantees
within.py    what lies within what, as it is written
say.py       codes, and how a finding is made

What is called redundant, shadowed or never asked is so whatever pods there will be: selectors, prefixes and ports lie within others as
they are written, and all that is called redundant can go at once. What is called idle, or speaks of nobody, is so with the pods that
are there. The kinds of anomaly are those of Al-Shaer and Hamed, "Discovery of Policy Anomalies in Distributed Firewalls" (INFOCOM 2004).
"""

from __future__ import annotations

from collections.abc import Mapping

from budnet.ir.network import Network
from budnet.reach.review.alone import Alone
from budnet.reach.review.beside import Beside
from budnet.reach.review.rows import odd_rows
from budnet.source.diagnostic import Diagnostic


def review(network: Network, annotations: Mapping[str, Mapping[str, object]] | None = None) -> list[Diagnostic]:
    """Everything that is odd. `annotations` are those of pods, by endpoint id, for those who mixed them up with labels."""
    alone = Alone(network, annotations or {})
    return [*alone.findings(), *Beside(network, alone.peers, alone.pods).findings(), *odd_rows(network)]
