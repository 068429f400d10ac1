"""Addresses by logical name: those of `budnet.lock` first, then a place that the name itself suggests.

An address is chosen by a hash of its name, so that what is added or removed elsewhere hardly ever moves it; the lock
file makes that a certainty.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address

from budnet.ir.address import Address, Prefix

# The first four addresses and the last of a subnet are AWS's own; Azure takes the first four as well.
_RESERVED_HEAD, _RESERVED_TAIL = 4, 1


class Exhausted(Exception):
    """A prefix has no address left."""


@dataclass
class Pins:
    """`locked`: what the lock file says. `given`: everything handed out in this run, name to address; ranges (`fleets.py`), too."""

    locked: Mapping[str, str] = field(default_factory=dict)
    given: dict[str, str] = field(default_factory=dict)
    _taken: dict[tuple[str, Address], str] = field(default_factory=dict)
    """By realm: the VPC that an address is of, since VPCs may have the same ranges; empty for everything else."""
    _reserved: dict[Address, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._reserved = {ip_address(a): name for name, a in self.locked.items() if "/" not in a}

    def fix(self, name: str, address: Address, realm: str = "") -> str | None:
        """Takes an address that the user gave; returns who has it already, or None."""
        holder = self._taken.get((realm, address))
        if holder is None:
            self._taken[realm, address] = name
        return holder

    def place(self, name: str, prefix: Prefix, realm: str = "") -> Address:
        """An address inside `prefix` for `name`, the same one every time. Raises Exhausted."""
        pinned = self.locked.get(name)
        if pinned is not None and ip_address(pinned) in prefix and (realm, ip_address(pinned)) not in self._taken:
            return self._give(name, ip_address(pinned), realm)
        size = prefix.num_addresses - _RESERVED_HEAD - _RESERVED_TAIL
        if size <= 0:
            raise Exhausted(str(prefix))
        start = number_of(name) % size
        for step in range(min(size, 1 << 16)):
            candidate = prefix.network_address + _RESERVED_HEAD + (start + step) % size
            if (realm, candidate) not in self._taken and self._reserved.get(candidate, name) == name:
                return self._give(name, candidate, realm)
        raise Exhausted(str(prefix))

    def _give(self, name: str, address: Address, realm: str) -> Address:
        self._taken[realm, address] = name
        self.given[name] = str(address)
        return address


def is_kept(address: Address, prefix: Prefix) -> bool:
    """One that `place` would not give away, though it lies in `prefix`."""
    at = int(address) - int(prefix.network_address)
    return at < _RESERVED_HEAD or at >= prefix.num_addresses - _RESERVED_TAIL


def number_of(name: str) -> int:
    """A large number that depends on the name alone."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")


def choose(name: str, count: int) -> int:
    """A number below `count` that depends on the name alone: which zone a single replica lives in."""
    return hashlib.sha256(name.encode()).digest()[0] % count
