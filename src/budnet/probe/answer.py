"""An answer, in words that both sides use, so that they can be compared as they are."""

from __future__ import annotations

from typing import NamedTuple

from budnet.ir.origin import Origin


class Answer(NamedTuple):
    """`disposition` in the prover's words, or LOST; `layer` and `object` say who decided: the endpoint that answered, or
    the filter or table that did not let it pass."""

    disposition: str
    layer: str = ""
    object: str = ""
    origin: Origin | None = None

    def __str__(self) -> str:
        return " ".join(p for p in (self.disposition, self.layer, self.object) if p)

    def agrees(self, other: Answer) -> bool:
        """The same fate, decided by the same object. Origins are for people."""
        return self[:3] == other[:3]
