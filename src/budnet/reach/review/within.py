"""What lies within what, as it is written. A no means that it cannot be told, or is not so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from budnet.ir.address import ALL_PORTS, PortRange
from budnet.ir.filters import BlockPeer, NamePeer, NodePeer, PodPeer, PolicyPort, Requirement, Selector
from budnet.packets import intervals
from budnet.packets.addresses import AddressSet
from budnet.reach import semantics

Peer = PodPeer | BlockPeer | NodePeer | NamePeer
Ports = tuple[PolicyPort, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """What a rule matches: any of the peers on any of the ports. `ports=()` is every port; `everybody` that peers are not asked."""

    peers: tuple[Peer, ...]
    ports: Ports
    everybody: bool = False


def covered(narrow: Said, wide: Sequence[Said]) -> bool:
    """Whether some rules together match all that another matches."""
    if narrow.everybody:
        return covers_ports([w.ports for w in wide if w.everybody], narrow.ports)
    return all(_peer_covered(peer, narrow.ports, wide) for peer in narrow.peers)


def _peer_covered(peer: Peer, ports: Ports, wide: Sequence[Said]) -> bool:
    if covers_ports([w.ports for w in wide if w.everybody or any(wider_peer(p, peer) for p in w.peers)], ports):
        return True
    if not isinstance(peer, BlockPeer):
        return False
    fit = (w.peers for w in wide if covers_ports([w.ports], ports))
    return not addresses(peer) - AddressSet(
        intervals.canonical(i for peers in fit for p in peers if isinstance(p, BlockPeer) for i in addresses(p).parts)
    )


def addresses(block: BlockPeer) -> AddressSet:
    """Of a prefix without its exceptions."""
    return AddressSet.of([block.prefix]) - AddressSet.of(block.without)


def wider_peer(wide: Peer, narrow: Peer) -> bool:
    """Whether a peer means everybody that another means."""
    if isinstance(wide, PodPeer) and isinstance(narrow, PodPeer):
        if (wide.namespaces is None) != (narrow.namespaces is None):
            return False
        return set(wide.pods) <= set(narrow.pods) and set(wide.namespaces or ()) <= set(narrow.namespaces or ())
    if isinstance(wide, BlockPeer) and isinstance(narrow, BlockPeer):
        return not addresses(narrow) - addresses(wide)
    if isinstance(wide, NodePeer) and isinstance(narrow, NodePeer):
        return set(wide.nodes) <= set(narrow.nodes)
    return wide == narrow and not isinstance(wide, NamePeer)


def covers_ports(wide: Iterable[Ports], narrow: Ports) -> bool:
    """Whether some lists of ports together have all of another; the empty list is every port, also of protocols without a name here."""
    lists = list(wide)
    if any(not ports for ports in lists):
        return True
    if not narrow:
        return False
    have = [p for ports in lists for p in ports]
    return all(_port_covered(p, have) for p in narrow)


def _port_covered(port: PolicyPort, have: Sequence[PolicyPort]) -> bool:
    same = [p for p in have if p.protocol is port.protocol]
    if isinstance(port.port, str):
        return any(p.port is None or p.port == port.port for p in same)
    ranges = intervals.canonical((r.first, r.last) for p in same if (r := _range(p)) is not None)
    wanted = _range(port)
    assert wanted is not None
    return not intervals.subtract(((wanted.first, wanted.last),), ranges)


def _range(port: PolicyPort) -> PortRange | None:
    if port.port is None:
        return ALL_PORTS
    return PortRange(port.port, port.end or port.port) if isinstance(port.port, int) else None


def share(one: Ports, other: Ports) -> bool:
    """Whether two lists have a port in common; of a name and a number it is not known, and counts as no."""
    return not one or not other or any(_shared(a, b) for a in one for b in other)


def _shared(one: PolicyPort, other: PolicyPort) -> bool:
    if one.protocol is not other.protocol:
        return False
    a, b = _range(one), _range(other)
    if a is None or b is None:
        return one.port == other.port or one.port is None or other.port is None
    return a.first <= b.last and b.first <= a.last


def contradicts(selector: Selector) -> bool:
    """Whether no labels could have all that a selector asks for."""
    keys = {r.key for r in selector}
    return any(not _possible([r for r in selector if r.key == key]) for key in keys)


def _possible(about: Sequence[Requirement]) -> bool:
    values = {v for r in about for v in r.values}
    key = about[0].key
    tried: Iterable[dict[str, str]] = ({}, *({key: v} for v in values), {key: "".join(sorted(values)) + "-other"})
    return any(all(semantics.holds(r, labels) for r in about) for labels in tried)
