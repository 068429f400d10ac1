"""What to do so that a twin becomes what a plan says: the difference between the plan and what is there. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from budnet.twin.plan import KernelRoute, KernelRule, Ruleset, Space, TwinPlan, Wire


@dataclass(frozen=True, slots=True)
class TwinState:
    """What is there: spaces by id, and wires."""

    spaces: Mapping[str, Space] = field(default_factory=dict)
    wires: frozenset[Wire] = frozenset()


@dataclass(frozen=True, slots=True)
class Remove:
    """A namespace goes, with every wire that ends in it."""

    space: str


@dataclass(frozen=True, slots=True)
class Make:
    """A namespace comes, empty."""

    space: Space


@dataclass(frozen=True, slots=True)
class Connect:
    """A wire comes."""

    wire: Wire


@dataclass(frozen=True, slots=True)
class Configure:
    """Routes and rules of a namespace go and come; its addresses come when it is new."""

    space: Space
    new: bool
    added_routes: tuple[KernelRoute, ...]
    removed_routes: tuple[KernelRoute, ...]
    added_rules: tuple[KernelRule, ...]
    removed_rules: tuple[KernelRule, ...]


@dataclass(frozen=True, slots=True)
class Load:
    """A namespace's filter is replaced, in one transaction."""

    space: str
    ruleset: Ruleset


Step = Remove | Make | Connect | Configure | Load


def steps(plan: TwinPlan, state: TwinState) -> tuple[Step, ...]:
    """From `state` to `plan`; nothing where they agree. Filters are loaded last, when all that they name is there.

    Routes, rules and filters change in place. Where the wires differ everything is made anew: the kernel takes a removed
    namespace's devices away in its own time, and until then their names are taken at the other end.
    """
    rewired = state.wires != frozenset(plan.wires) or set(state.spaces) != set(plan.space)
    kept: Mapping[str, Space] = {} if rewired else state.spaces
    out: list[Step] = [Remove(s) for s in state.spaces if s not in kept]
    out += [Make(s) for s in plan.spaces if s.id not in kept]
    out += [Connect(w) for w in plan.wires] if rewired else []
    out += [c for s in plan.spaces if (c := _configure(s, kept.get(s.id))) is not None]
    out += [Load(s.id, s.ruleset) for s in plan.spaces if s.ruleset != (kept[s.id].ruleset if s.id in kept else Ruleset())]
    return tuple(out)


def _configure(wanted: Space, there: Space | None) -> Configure | None:
    old_routes, old_rules = (there.routes, there.rules) if there else ((), ())
    step = Configure(
        wanted, there is None,
        tuple(r for r in wanted.routes if r not in old_routes), tuple(r for r in old_routes if r not in wanted.routes),
        tuple(r for r in wanted.rules if r not in old_rules), tuple(r for r in old_rules if r not in wanted.rules),
    )  # fmt: skip
    changed = step.new or step.added_routes or step.removed_routes or step.added_rules or step.removed_rules
    return step if changed else None
