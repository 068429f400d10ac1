"""What the twin asks of a machine: two methods. `linux.py` does it, `tests/twin/fake.py` remembers it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from budnet.twin.steps import Step, TwinState


class Kernel(Protocol):
    """A place where namespaces can live."""

    def read(self) -> TwinState:
        """What is there."""

    def apply(self, steps: Sequence[Step]) -> None:
        """Does the steps in order. Raises TwinError, saying which step on which object was refused."""
