"""Single faults put into a twin's plan. Each names the object whose rule, route or listener it spoils."""

from __future__ import annotations

import re
from collections.abc import Callable

from budnet.records import replace
from budnet.twin.plan import Chain, KernelRoute, Rule, Space, TwinPlan

Edit = Callable[[TwinPlan], TwinPlan]


def space(plan: TwinPlan, space_id: str, change: Callable[[Space], Space]) -> TwinPlan:
    """One namespace changed; it must really change."""
    after = tuple(change(s) if s.id == space_id else s for s in plan.spaces)
    assert after != plan.spaces, f"nothing changed in {space_id}"
    return replace(plan, spaces=after)


def rules(space_id: str, chosen: Callable[[Chain, Rule], bool], change: Callable[[str], str] | None = None) -> Edit:
    """Rules of a namespace gone, or their text changed."""

    def edit(found: Space) -> Space:
        chains = []
        for chain in found.ruleset.chains:
            kept = []
            for rule in chain.rules:
                if not chosen(chain, rule):
                    kept.append(rule)
                elif change:
                    kept.append(replace(rule, text=change(rule.text)))
            chains.append(replace(chain, rules=tuple(kept)))
        return replace(found, ruleset=replace(found.ruleset, chains=tuple(chains)))

    return lambda plan: space(plan, space_id, edit)


def about(name: str, text: str = "") -> Callable[[Chain, Rule], bool]:
    """Rules that stand for an object whose id begins so."""
    return lambda _, rule: rule.about.startswith(name) and text in rule.text


def saying(text: str, chain: str = "") -> Callable[[Chain, Rule], bool]:
    """Rules with this in their text."""
    return lambda found, rule: text in rule.text and chain in found.name


def first_in(chain: str, text: str) -> Edit:
    """A rule put at the head of every chain of this name, in every namespace that has one."""

    def edit(found: Space) -> Space:
        chains = tuple(replace(c, rules=(Rule(text), *c.rules)) if c.name == chain else c for c in found.ruleset.chains)
        return replace(found, ruleset=replace(found.ruleset, chains=chains))

    return lambda plan: replace(plan, spaces=tuple(edit(s) for s in plan.spaces))


def sets(space_id: str, pattern: str, by: str) -> Edit:
    """The text of a namespace's sets and maps changed."""

    def edit(found: Space) -> Space:
        return replace(found, ruleset=replace(found.ruleset, sets=tuple(re.sub(pattern, by, s) for s in found.ruleset.sets)))

    return lambda plan: space(plan, space_id, edit)


def routes(space_id: str, chosen: Callable[[KernelRoute], bool], device: str | None = None) -> Edit:
    """Routes of a namespace gone, or sent out of another device."""

    def edit(found: Space) -> Space:
        changed = tuple(
            replace(r, device=device) if chosen(r) and device is not None else r
            for r in found.routes
            if device is not None or not chosen(r)
        )
        return replace(found, routes=changed)

    return lambda plan: space(plan, space_id, edit)


def no_rule(space_id: str, number: int) -> Edit:
    """A subnet that does not look into its route table."""
    return lambda plan: space(plan, space_id, lambda s: replace(s, rules=tuple(r for r in s.rules if r.table != number)))


def listeners(endpoint: str, port: int, to: int | None = None, name: str = "") -> Edit:
    """A listener gone, at another port, or answering under another name (that of another namespace)."""

    def edit(plan: TwinPlan) -> TwinPlan:
        out = []
        for x in plan.listeners:
            hit = x.endpoint == endpoint and x.port == port
            if not hit:
                out.append(x)
            elif to:
                out.append(replace(x, port=to))
        assert tuple(out) != plan.listeners
        return replace(plan, listeners=tuple(out))

    return edit
