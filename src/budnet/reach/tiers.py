"""The order in which Kubernetes asks its policies: cluster-wide ones, NetworkPolicies, the baseline.

KEP-2091 and https://network-policy-api.sigs.k8s.io/: rules of a policy in their order, policies by priority, the lowest
number first; the first rule that matches decides. `Pass` goes on to NetworkPolicies. Where some NetworkPolicy selects a pod,
what none of them allows is denied; where none does, the baseline is asked, and what it does not decide is allowed.

Two policies of one priority may be asked in either order. What depends on the order is not known, so every set has two
halves: what passes in any case, and what may pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from budnet.ir.filters import Action


@dataclass(frozen=True, slots=True)
class Halves:
    """Masks of two halves, `shift` bits apart: below what passes in any case, above what may pass. Where a network leaves
    nothing unknown, `shift` is 0 and the halves are one."""

    bits: int
    shift: int

    @property
    def all(self) -> int:
        """Everything, in both halves."""
        return (1 << self.bits + self.shift) - 1

    def known(self, mask: int) -> int:
        """A set that is certain."""
        return mask | mask << self.shift

    def perhaps(self, mask: int) -> int:
        """A set that may be, and may not."""
        return mask << self.shift

    def certain(self, both: int) -> int:
        """What passes in any case."""
        return both & ((1 << self.bits) - 1)

    def unknown(self, both: int) -> int:
        """What may pass and may not."""
        return both >> self.shift & ~self.certain(both)


Rules = Sequence[tuple[Action, int]]
"""The rules of one policy that fit a peer, in their order, each with what it matches."""


def decide(halves: Halves, admin: Iterable[Sequence[Rules]], isolated: bool, allowed: int, baseline: Iterable[Sequence[Rules]]) -> int:
    """What passes between a pod and a peer in one direction.

    `admin` and `baseline`: groups of equal priority, the lowest first, each with its policies. `isolated`: some
    NetworkPolicy selects the pod in this direction; `allowed`: what they let through together.
    """
    passing, open_, passed = 0, halves.all, 0
    for group in admin:
        accept, deny, hand_on = _of_group(halves, group)
        passing |= open_ & accept
        passed |= open_ & hand_on
        open_ &= ~(accept | deny | hand_on)
    rest = open_ | passed
    if isolated:
        return passing | (rest & allowed)
    for group in baseline:
        accept, deny, hand_on = _of_group(halves, group)
        passing |= rest & (accept | hand_on)
        rest &= ~(accept | deny | hand_on)
    return passing | rest


def _of_group(halves: Halves, group: Sequence[Rules]) -> tuple[int, int, int]:
    """What policies of one priority accept, deny and pass on: where they differ, in any case the least and at most the most."""
    sums = {Action.ACCEPT: 0, Action.DENY: 0, Action.PASS: 0}
    for rules in group:
        open_ = halves.all
        for action, mask in rules:
            sums[action] |= open_ & mask
            open_ &= ~mask
    accept, deny, hand_on = sums[Action.ACCEPT], sums[Action.DENY], sums[Action.PASS]
    if len(group) > 1 and (accept & deny | accept & hand_on | deny & hand_on):
        assert halves.shift, "what depends on the order of two policies needs two halves"
        low = (1 << halves.bits) - 1
        high = low << halves.shift
        surely = (accept & ~(deny | hand_on) & low) | (accept & high)
        onward = (hand_on & ~deny & low) | (hand_on & ~accept & high)
        return surely, (deny & low) | (deny & ~(accept | hand_on) & high), onward
    return accept, deny, hand_on
