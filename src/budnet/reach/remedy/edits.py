"""One rule more in a policy, and the Network with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from budnet.ir.filters import AdminPolicy, AdminRule, NetworkPolicy, PolicyRule
from budnet.ir.network import Network
from budnet.records import replace

Rule = TypeVar("Rule", PolicyRule, AdminRule)


@dataclass(frozen=True, slots=True)
class Edit:
    """`rule` goes into `policy` at the place `at` of one direction; or the whole policy is `new`, with this rule alone."""

    policy: NetworkPolicy | AdminPolicy
    ingress: bool
    rule: PolicyRule | AdminRule
    at: int
    new: bool = False

    @property
    def layer(self) -> str:
        """What `explain` calls it."""
        return "admin-policy" if isinstance(self.policy, AdminPolicy) else "network-policy"


def applied(network: Network, edits: Iterable[Edit]) -> Network:
    """The Network with all of them. Policies keep their places, a new one is behind the others."""
    for edit in edits:
        if isinstance(edit.policy, NetworkPolicy):
            own = (*network.policies, edit.policy) if edit.new else tuple(_with(p, edit) for p in network.policies)
            network = replace(network, policies=own)
        else:
            network = replace(network, admin_policies=tuple(_with_admin(p, edit) for p in network.admin_policies))
    return network


def _with(policy: NetworkPolicy, edit: Edit) -> NetworkPolicy:
    if (policy.id, policy.cluster) != (edit.policy.id, edit.policy.cluster):
        return policy
    assert isinstance(edit.rule, PolicyRule)
    if edit.ingress:
        return replace(policy, ingress=_put(policy.ingress or (), edit.rule, edit.at))
    return replace(policy, egress=_put(policy.egress or (), edit.rule, edit.at))


def _with_admin(policy: AdminPolicy, edit: Edit) -> AdminPolicy:
    """Policies of different kinds may have one name."""
    assert isinstance(edit.policy, AdminPolicy) and isinstance(edit.rule, AdminRule)
    if (policy.id, policy.cluster, policy.kind, policy.tier) != (edit.policy.id, edit.policy.cluster, edit.policy.kind, edit.policy.tier):
        return policy
    if edit.ingress:
        return replace(policy, ingress=_put(policy.ingress, edit.rule, edit.at))
    return replace(policy, egress=_put(policy.egress, edit.rule, edit.at))


def _put(rules: tuple[Rule, ...], rule: Rule, at: int) -> tuple[Rule, ...]:
    return rules[:at] + (rule,) + rules[at:]
