"""What tests share: the topologies, and twins that never outlive a test."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from budnet.ir.network import Network
from budnet.pipeline import load
from budnet.twin import lab, tools
from budnet.twin.plan import TwinPlan
from budnet.twin.staging import Stage

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(p.parent.name for p in GOLDEN.glob("*/topology.yaml"))
_numbers = itertools.count()


@cache
def network_of(case: str) -> Network:
    """The Network of a golden case, or of an embedded topology."""
    path = GOLDEN / case / "topology.yaml"
    loaded = load(str(path) if path.exists() else f"catalog/{case}")
    assert loaded.network is not None, loaded.diagnostics
    return loaded.network


@contextmanager
def twin_of(plan: TwinPlan, staged: Stage | None = None) -> Iterator[lab.Twin]:
    """A twin of its own name, attached: it ends with this process even if this process is killed."""
    name = f"test-{os.getpid()}-{next(_numbers)}"
    lab.up(staged or Stage(plan, (), (), ()), tools.find(), name, attached=True)
    twin = lab.Twin(name)
    try:
        yield twin
    finally:
        twin.down()
