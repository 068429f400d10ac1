"""A kernel in a dictionary: keeps state, refuses what Linux would refuse, and prints itself."""

from __future__ import annotations

from collections.abc import Sequence

from budnet.errors import TwinError
from budnet.records import replace
from budnet.twin.kernel import Kernel
from budnet.twin.plan import LAST, Space, Wire
from budnet.twin.steps import Configure, Connect, Load, Make, Remove, Step, TwinState


class FakeKernel(Kernel):
    """For tests of plans and steps: no privileges, no packets."""

    def __init__(self) -> None:
        self._spaces: dict[str, Space] = {}
        self._wires: set[Wire] = set()

    def read(self) -> TwinState:
        return TwinState(dict(self._spaces), frozenset(self._wires))

    def apply(self, steps: Sequence[Step]) -> None:
        for step in steps:
            self._one(step)

    def _one(self, step: Step) -> None:
        match step:
            case Make(space):
                if space.id in self._spaces:
                    raise TwinError(f"namespace {space.id} is there already")
                self._spaces[space.id] = Space(space.id, space.kind, forwards=space.forwards)
            case Remove(space_id):
                del self._spaces[space_id]
                self._wires = {w for w in self._wires if space_id not in (w.a, w.b)}
            case Connect(wire):
                self._connect(wire)
            case Configure():
                self._configure(step)
            case Load(space_id, ruleset):
                self._spaces[space_id] = replace(self._spaces[space_id], ruleset=ruleset)

    def _connect(self, wire: Wire) -> None:
        for end, device in ((wire.a, wire.a_device), (wire.b, wire.b_device)):
            if end not in self._spaces:
                raise TwinError(f"no namespace {end} for a wire")
            if device in self._devices(end):
                raise TwinError(f"device {device} is in {end} already")
        self._wires.add(wire)

    def _configure(self, step: Configure) -> None:
        old = self._spaces[step.space.id]
        devices = {"", "rtmiss", "rthole", "lo"} | self._devices(old.id)
        for route in step.added_routes:
            if route.device not in devices:
                raise TwinError(f"route {route.prefix} in {old.id} names device {route.device}, which is not there")
        routes = tuple(r for r in old.routes if r not in step.removed_routes) + step.added_routes
        rules = tuple(r for r in old.rules if r not in step.removed_rules) + step.added_rules
        order = {r: i for i, r in enumerate((*step.space.routes, *step.space.rules))}
        self._spaces[old.id] = replace(
            old,
            addresses=step.space.addresses,
            routes=tuple(sorted(routes, key=order.__getitem__)),
            rules=tuple(sorted(rules, key=order.__getitem__)),
        )

    def _devices(self, space: str) -> set[str]:
        return {w.a_device for w in self._wires if w.a == space} | {w.b_device for w in self._wires if w.b == space}

    def __str__(self) -> str:
        """Sorted lines as `ip` and `nft` would print them."""
        lines = []
        for space in self._spaces.values():
            lines += [f"{space.id}: address {a}" for a in space.addresses]
            lines += [
                f"{space.id}: route {r.prefix} dev {r.device or 'throw'} table {r.table}{f' metric {r.metric}' if 0 < r.metric < LAST else ''}"
                for r in space.routes
            ]
            lines += [
                f"{space.id}: rule from {r.prefix} {f'to {r.to} ' if r.to else ''}{f'iif {r.device} ' if r.device else ''}{f'fwmark {r.mark} ' if r.mark else ''}lookup {r.table} priority {r.priority}"
                for r in space.rules
            ]
            lines += [f"{space.id}: {chain.name}: {rule.text}" for chain in space.ruleset.chains for rule in chain.rules]
        lines += [f"wire {w.a}:{w.a_device} {w.b}:{w.b_device}" for w in self._wires]
        return "\n".join(sorted(lines))
