"""What a finding is made of: a rule that every file is held against, and the hits of it in one file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from budnet.lint.design import Design
from budnet.model.topology import Topology
from budnet.source.diagnostic import Severity
from budnet.source.document import Path

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.INFO
AS_WRITTEN = "as written"

Repair = Callable[[Topology], Topology]


@dataclass(frozen=True)
class Hit:
    """One place where a rule is broken."""

    path: Path
    subject: str
    """The names that it is about, with ", " between them: by these it can be accepted."""
    summary: str
    written: str
    effective: str = AS_WRITTEN
    repair: Repair | None = None
    """Makes `effective` true of a Topology that earlier repairs may have changed. None where what is written takes effect."""
    help: str = ""
    """More to the point than the rule's own, where there is more to say."""
    key: bool = False
    """Show the key, not the value."""


@dataclass(frozen=True)
class Rule:
    """A fault of a design. `error`: it breaks or opens something for certain; `warning`: likely; `info`: worth knowing."""

    code: str
    severity: Severity
    title: str
    why: str
    source: str
    url: str
    help: str
    """How to repair it in the file."""
    hits: Callable[[Design], Iterable[Hit]]

    @property
    def what(self) -> str:
        """When it is found: the docstring of the function that looks for it."""
        return " ".join((self.hits.__doc__ or "").split())


def rule(
    code: str, severity: Severity, title: str, *, why: str, source: str, url: str, help: str
) -> Callable[[Callable[[Design], Iterator[Hit]]], Rule]:
    """Makes a Rule of the function that finds its hits."""
    return lambda hits: Rule(code, severity, title, why, source, url, help, hits)


def setting(*path: str | int, **values: Any) -> Repair:
    """The repair that gives the mapping at `path` other values."""
    return partial(changed, path=path, **values)


def of_row(section: str, name: str, key: str, summary: str, written: str, effective: str = AS_WRITTEN, **repaired: Any) -> Hit:
    """A hit at a key of a named row, which is what it is about; the repair gives the row these other values."""
    return Hit((section, name, key), name, summary, written, effective, setting(section, name, **repaired) if repaired else None)


def few(names: Iterable[str], limit: int = 6) -> str:
    """`a, b, c and 4 more`: a summary is one line."""
    found = list(names)
    return ", ".join(found[:limit]) + f" and {len(found) - limit} more" * (len(found) > limit)


def changed(part: Any, *, path: Path, **values: Any) -> Any:
    """`part` with other values in the mapping at `path`; everything beside the way there is shared."""
    if not path:
        return part.model_copy(update=values)
    step, rest = path[0], path[1:]
    if isinstance(part, dict):
        return part | {step: changed(part[step], path=rest, **values)}
    if isinstance(part, list):
        return [changed(item, path=rest, **values) if i == step else item for i, item in enumerate(part)]
    return part.model_copy(update={step: changed(getattr(part, str(step)), path=rest, **values)})
