"""The order in which Kubernetes asks its policies: cluster-wide ones, NetworkPolicies, the baseline.

KEP-2091 and https://network-policy-api.sigs.k8s.io/: rules of a policy in their order, policies by priority, the lowest
number first; the first rule that matches decides. `Pass` goes on to NetworkPolicies. Where some NetworkPolicy selects a pod,
what none of them allows is denied; where none does, the baseline is asked, and what it does not decide is allowed.

Two policies of one priority may be asked in either order. What depends on the order is not known: see `Lanes`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

from msgspec import Struct

from budnet.ir.filters import Action


class Lanes(Struct, frozen=True, dict=True):
    """Masks that hold one set several times over, each in whole words, because not all of them shrink alike.

    What passes in any case and what may pass are two lanes where a network leaves something unknown; requests and answered
    requests are two where it has filters that ask answers, too. All lanes of a set that is certain are equal, and to
    intersect masks intersects every lane.
    """

    one: int
    """Everything, in one lane."""
    unknown: bool = False
    answers: bool = False

    @cached_property
    def bits(self) -> int:
        """From one lane to the next."""
        return max(1, -(-self.one.bit_length() // 64)) * 64

    @cached_property
    def count(self) -> int:
        """How many there are."""
        return (1 + self.unknown) * (1 + self.answers)

    def spread(self, bits: Sequence[int], coarser: Lanes) -> list[int]:
        """For every bit of all lanes what it was in `coarser`, by what the bits of one lane were; -1 between the lanes."""
        padding = [-1] * (self.bits - len(bits))
        return [at for lane in range(self.count) for at in (*(lane * coarser.bits + bit for bit in bits), *padding)]

    @cached_property
    def all(self) -> int:
        """Everything, in all lanes."""
        return self.known(self.one)

    @cached_property
    def low(self) -> int:
        """The lanes of what passes in any case."""
        return self.one | (self.one << self._answered if self.answers else 0)

    @cached_property
    def high(self) -> int:
        """The lanes of what may pass; those of `low` where nothing is unknown."""
        return self.low << self.bits if self.unknown else self.low

    @property
    def _answered(self) -> int:
        return self.bits * (1 + self.unknown)

    def known(self, mask: int) -> int:
        """A set that is certain."""
        both = mask | mask << self.bits if self.unknown else mask
        return both | both << self._answered if self.answers else both

    def perhaps(self, mask: int) -> int:
        """A set that may be, and may not."""
        return self.known(mask) & ~self.low

    def surely(self, mask: int) -> int:
        """A set as far as what passes in any case is concerned."""
        return self.known(mask) & self.low

    def doubting(self, action: Action) -> tuple[Action | None, Callable[[int], int]]:
        """What a rule does, and to which lanes, where it may match and may not: it lets through perhaps, denies perhaps."""
        if action is Action.PASS:
            return None, self.known
        return action, self.perhaps if action is Action.ACCEPT else self.surely

    def asked(self, requests: int, answered: int) -> int:
        """A set that is certain, and the part of it whose answers come back."""
        low = requests | (answered << self._answered if self.answers else 0)
        return low | low << self.bits if self.unknown else low

    def certain(self, mask: int) -> int:
        """Requests that arrive in any case."""
        return mask & self.one

    def answered(self, mask: int) -> int:
        """Requests that arrive, and whose answers come back, in any case."""
        return mask >> (self._answered if self.answers else 0) & self.one

    def doubtful(self, mask: int) -> int:
        """Requests that may arrive and may not, or whose answers may come back and may not."""
        perhaps = mask >> (self.bits if self.unknown else 0)
        return (perhaps >> (self._answered if self.answers else 0) & self.one) & ~self.answered(mask)


Rules = Sequence[tuple[Action | None, int]]
"""The rules of one policy that fit a peer, in their order, each with what it matches; None where it may pass on and may not."""


def doubted(lanes: Lanes, rules: Rules) -> list[tuple[Action | None, int]]:
    """The rules of a policy of which it is not known whether it is about a pod: what each decides if it is, and so perhaps. Rules
    behind one that decides first decide nothing of it either way."""
    open_, out = lanes.all, list[tuple[Action | None, int]]()
    for action, mask in rules:
        hit = open_ & mask
        if action is Action.ACCEPT:
            out.append((action, hit & ~lanes.low))
        elif action is Action.DENY:
            out.append((action, hit & lanes.low))
        else:
            out.append((None, hit))
        if action is not None:
            open_ &= ~hit
    return out


def decide(lanes: Lanes, admin: Iterable[Sequence[Rules]], isolated: bool, allowed: int, baseline: Iterable[Sequence[Rules]]) -> int:
    """What passes between a pod and a peer in one direction.

    `admin` and `baseline`: groups of equal priority, the lowest first, each with its policies. `isolated`: some
    NetworkPolicy selects the pod in this direction; `allowed`: what they let through together.
    """
    passing, open_, passed, perhaps = 0, lanes.all, 0, 0
    for group in admin:
        accept, deny, hand_on = _of_group(lanes, group)
        perhaps |= open_ & _may_pass(lanes, group)
        passing |= open_ & accept
        passed |= open_ & hand_on
        open_ &= ~(accept | deny | hand_on)
    behind = allowed if isolated else _baseline(lanes, baseline)
    found = passing | ((open_ | passed) & behind)
    # what was passed on, perhaps, passes in any case if it does both ways, and may pass if it does one way
    return (found & ~(perhaps & lanes.low & ~behind)) | (perhaps & lanes.high & behind if lanes.unknown else 0)


def _baseline(lanes: Lanes, groups: Iterable[Sequence[Rules]]) -> int:
    """What the last tier does not deny."""
    passing, rest = 0, lanes.all
    for group in groups:
        accept, deny, hand_on = _of_group(lanes, group)
        # behind it everything passes: to pass on, perhaps, is to accept, perhaps
        accept |= _may_pass(lanes, group) & (lanes.high if lanes.unknown else 0)
        passing |= rest & (accept | hand_on)
        rest &= ~(accept | deny | hand_on)
    return passing | rest


def _may_pass(lanes: Lanes, group: Sequence[Rules]) -> int:
    """What some policy of a group passes on, perhaps."""
    found = 0
    for rules in group:
        open_ = lanes.all
        for action, mask in rules:
            if action is None:
                found |= open_ & mask
            else:
                open_ &= ~mask
    return found


def _of_group(lanes: Lanes, group: Sequence[Rules]) -> tuple[int, int, int]:
    """What policies of one priority accept, deny and pass on: where they differ, in any case the least and at most the most."""
    sums = {Action.ACCEPT: 0, Action.DENY: 0, Action.PASS: 0}
    for rules in group:
        open_ = lanes.all
        for action, mask in rules:
            if action is not None:
                sums[action] |= open_ & mask
                open_ &= ~mask
    accept, deny, hand_on = sums[Action.ACCEPT], sums[Action.DENY], sums[Action.PASS]
    if len(group) > 1 and (accept & deny | accept & hand_on | deny & hand_on):
        assert lanes.unknown, "what depends on the order of two policies is not known"
        low, high = lanes.low, lanes.high
        surely = (accept & ~(deny | hand_on) & low) | (accept & high)
        onward = (hand_on & ~deny & low) | (hand_on & ~accept & high)
        return surely, (deny & low) | (deny & ~(accept | hand_on) & high), onward
    return accept, deny, hand_on
