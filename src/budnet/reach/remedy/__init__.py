"""THE SMALLEST CHANGE that opens a flow: as few rules as there can be, each for this flow alone, as their author would write them.

edits.py     one rule more in a policy, and the Network with it
policies.py  which rules a cluster needs: the tiers that deny, one after the other, until the flow passes
written.py   a rule as the lines of a manifest
rows.py      of our own networks: the rows of the file from which everything is derived

A change is tried before it is shown: of a cluster on a copy of the Network, of a file by `questions/explain.py` on the file.
"""

from __future__ import annotations

from dataclasses import dataclass

from budnet.reach.engine import Engine
from budnet.reach.path import ANYHOW, Call
from budnet.reach.remedy.edits import Edit
from budnet.reach.remedy.policies import edits
from budnet.reach.remedy.rows import rows
from budnet.reach.remedy.written import summary, write
from budnet.reach.trace import Trace


@dataclass(frozen=True, slots=True)
class Remedy:
    """What to write, and where. All of a flow's are needed."""

    layer: str
    summary: str
    write: str
    edit: Edit | None = None
    """Of a cluster: the same for the Network."""


def remedies(engine: Engine, found: Trace, call: Call = ANYHOW) -> list[Remedy]:
    """None where nothing blocks the flow, or nothing that can be written opens it. `call`: how its client goes about it."""
    if not any(passed is False for _, passed in found.steps):
        return []
    if engine.network.vpcs:
        return [Remedy(layer, words, text) for layer, words, text in rows(engine.network, found, call)]
    return [Remedy(e.layer, summary(engine, e), write(e), e) for e in edits(engine, found)]
