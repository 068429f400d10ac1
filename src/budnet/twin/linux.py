"""The twin on this machine's kernel: the only code that makes namespaces and sends netlink. Needs a user namespace, or root."""

from __future__ import annotations

import itertools
import os
import resource
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from ctypes import CDLL
from ipaddress import ip_address

from budnet.errors import TwinError
from budnet.ir.address import Address
from budnet.records import replace
from budnet.twin import netlink, nftables, syscall
from budnet.twin.kernel import Kernel
from budnet.twin.plan import HERE, HOLE, MISS, KernelRoute, KernelRule, Space, Wire
from budnet.twin.steps import Configure, Connect, Load, Make, Remove, Step, TwinState

# The other end of every wire answers to these, by permanent neighbour entries; no packet ever carries them.
PEER: dict[int, Address] = {4: ip_address("169.254.1.1"), 6: ip_address("fe80::1")}
_MISS_INDEX, _HOLE_INDEX, _FIRST_INDEX, _LOOPBACK = 2, 3, 10, 1
_FORWARD_SYSCTLS = {
    "net/ipv4/ip_forward": "1",
    "net/ipv4/conf/all/rp_filter": "0",
    "net/ipv4/conf/default/rp_filter": "0",
    "net/ipv4/conf/all/send_redirects": "0",
    "net/ipv4/conf/default/send_redirects": "0",
    "net/ipv6/conf/all/forwarding": "1",
    # an answer whose request was not seen here is no connection: without this a one-way route would go unnoticed
    "net/netfilter/nf_conntrack_tcp_loose": "0",
}
_PING = {"net/ipv4/ping_group_range": "0 0"}  # of both families: who runs here may send echo requests
_QUIET_V6 = {"net/ipv6/conf/default/accept_dad": "0", "net/ipv6/conf/default/accept_ra": "0", "net/ipv6/conf/default/addr_gen_mode": "1"}
_NO_V6 = {"net/ipv6/conf/default/disable_ipv6": "1"}  # of the wire that is to come; loopback may keep it


class LinuxKernel(Kernel):
    """Holds a descriptor for each namespace: when this process ends, however it ends, the kernel removes everything."""

    def __init__(self, library: CDLL) -> None:
        self._library = library
        self._home = syscall.network_namespace()
        self.spaces: dict[str, int] = {}
        self._state: dict[str, Space] = {}
        self._wires: set[Wire] = set()
        self._index: dict[tuple[str, str], int] = {}
        self._next_index: Counter[str] = Counter()
        self._generation: Counter[str] = Counter()
        self._speaks_v6: set[str] = set()
        self._next_mac = itertools.count(1)
        self._pending: dict[str, list[bytes]] = defaultdict(list)
        # every namespace is a descriptor, and so is every socket of a probe
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def read(self) -> TwinState:
        """What was applied. (`tests/live` compares it with what the kernel lists.)"""
        return TwinState(dict(self._state), frozenset(self._wires))

    def apply(self, steps: Sequence[Step]) -> None:
        """Namespaces, then wires from their first ends, then each namespace's own settings in one go, then filters."""
        self._make([s.space for s in steps if isinstance(s, Make)], [s.space for s in steps if isinstance(s, Remove)])
        self._connect([s.wire for s in steps if isinstance(s, Connect)])
        for step in steps:
            if isinstance(step, Configure):
                self._configure(step)
        for step in steps:
            if isinstance(step, Load):
                self._load(step)
        syscall.setns(self._home)

    def inside(self, space: str, work: Callable[[], object]) -> object:
        """Runs something with this thread in a namespace, and comes back."""
        syscall.setns(self.spaces[space])
        try:
            return work()
        finally:
            syscall.setns(self._home)

    def rules(self, space: str, text: str) -> None:
        """Runs nftables commands in a namespace, beside the filters that it has."""
        self.inside(space, lambda: nftables.run(self._library, text))

    def route(self, space: str, route: KernelRoute) -> bytes:
        """The netlink message that makes a route of a namespace that is there."""
        fixed = {"": 0, MISS: _MISS_INDEX, HOLE: _HOLE_INDEX, HERE: _LOOPBACK}
        index = fixed[route.device] if route.device in fixed else self._index[space, route.device]
        gateway = None if route.device in fixed else PEER[route.prefix.version]
        return netlink.route(route.prefix, route.table, index, gateway, route.metric, route.device == HERE)

    # ---- steps ----------------------------------------------------------------------------------------------------------

    def _make(self, new: list[Space], gone: list[str]) -> None:
        for space_id in gone:
            os.close(self.spaces.pop(space_id))
            del self._state[space_id], self._next_index[space_id], self._generation[space_id]
            self._wires = {w for w in self._wires if space_id not in (w.a, w.b)}
        for space in new:
            try:
                syscall.unshare(syscall.NEWNET)
            except OSError as refused:
                raise TwinError(f"the kernel refused a namespace for {space.id}: {refused.strerror}") from refused
            self.spaces[space.id] = syscall.network_namespace()
            self._state[space.id] = Space(space.id, space.kind, forwards=space.forwards)
            if _speaks_v6(space):
                self._speaks_v6.add(space.id)
            _sysctls(space)
        syscall.setns(self._home)

    def _connect(self, wires: list[Wire]) -> None:
        first: dict[str, list[bytes]] = defaultdict(list)
        for wire in wires:
            number = next(self._next_mac)
            macs = [b"\x02" + number.to_bytes(4, "big") + side for side in (b"\x0a", b"\x0b")]
            a, b = self._new_index(wire.a, wire.a_device), self._new_index(wire.b, wire.b_device)
            first[wire.a].append(netlink.veth(a, wire.a_device, macs[0], b, wire.b_device, macs[1], self.spaces[wire.b]))
            self._pending[wire.a] += self._neighbours(wire.a, a, macs[1])
            self._pending[wire.b] += [netlink.up(b), *self._neighbours(wire.b, b, macs[0])]
            self._wires.add(wire)
        for space, messages in first.items():
            self._send(space, messages, "wires")

    def _neighbours(self, space: str, index: int, mac: bytes) -> list[bytes]:
        families = (4, 6) if space in self._speaks_v6 else (4,)
        return [netlink.neighbour(index, PEER[version], mac) for version in families]

    def _new_index(self, space: str, device: str) -> int:
        index = self._index[space, device] = _FIRST_INDEX + self._next_index[space]
        self._next_index[space] += 1
        return index

    def _configure(self, step: Configure) -> None:
        space, messages = step.space, list[bytes]()
        if step.new:
            messages.append(netlink.up(_LOOPBACK))
            if space.forwards:
                messages += [netlink.sentinel(_MISS_INDEX, MISS), netlink.sentinel(_HOLE_INDEX, HOLE)]
        messages += self._pending.pop(space.id, [])
        if step.new and space.addresses:
            messages += [netlink.address(self._index[space.id, "eth0"], a) for a in space.addresses]
        messages += [netlink.gone(self.route(space.id, r)) for r in step.removed_routes]
        messages += [netlink.gone(_rule(r)) for r in step.removed_rules]
        messages += [self.route(space.id, r) for r in step.added_routes]
        messages += [_rule(r) for r in step.added_rules]
        self._send(space.id, messages, "addresses and routes")
        self._state[space.id] = replace(space, ruleset=self._state[space.id].ruleset)

    def _load(self, step: Load) -> None:
        syscall.setns(self.spaces[step.space])
        generation = self._generation[step.space]
        self._generation[step.space] += 1
        old = f"budnet{generation}" if generation else ""
        try:
            for text in step.ruleset.transactions(f"budnet{generation + 1}", old):
                nftables.run(self._library, text)
        except nftables.RulesRefused as refused:
            raise TwinError(f"the filter of {step.space} was refused: {refused}") from refused
        self._state[step.space] = replace(self._state[step.space], ruleset=step.ruleset)

    def _send(self, space: str, messages: list[bytes], what: str) -> None:
        syscall.setns(self.spaces[space])
        try:
            with netlink.Netlink() as link:
                link.send(messages)
        except OSError as refused:
            raise TwinError(f"the kernel refused {what} of {space}: {refused.strerror}") from refused


def _rule(rule: KernelRule) -> bytes:
    return netlink.rule(rule.prefix, rule.table, rule.priority, rule.to, rule.device, rule.mark)


def _speaks_v6(space: Space) -> bool:
    return space.forwards or any(a.version == 6 for a in space.addresses)


def _sysctls(space: Space) -> None:
    """In the namespace just made. What a kernel does not have is left: each only makes things quicker or quieter."""
    wanted = _PING | (_QUIET_V6 if _speaks_v6(space) else _NO_V6)
    if space.forwards:
        wanted = wanted | _FORWARD_SYSCTLS
    for name, value in wanted.items():
        with suppress(OSError):
            file = os.open(f"/proc/sys/{name}", os.O_WRONLY)
            try:
                os.write(file, value.encode())
            finally:
                os.close(file)
