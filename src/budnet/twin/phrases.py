"""Small pieces of nftables text, for both address families, and the marks that drops are logged with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from budnet.ir.address import ALL_PORTS, PORTED, Address, Match, Prefix, Protocol
from budnet.ir.origin import Origin
from budnet.twin.nflog import GROUP, PREFIX, SNAPLEN
from budnet.twin.plan import Mark

FAMILY = {4: "ip", 6: "ip6"}
_KERNELS_NAME = {Protocol.ICMPV6: "ipv6-icmp"}
TYPE = {4: "ipv4_addr", 6: "ipv6_addr"}
FAMILY_ONLY = {4: "meta nfproto ipv4", 6: "meta nfproto ipv6"}


class Marks:
    """Numbers what is logged, so that a log's short prefix can stand for an object and its place in the file."""

    def __init__(self) -> None:
        self._numbers: dict[Mark, int] = {}

    def log(self, disposition: str, layer: str, name: str, origin: Origin) -> str:
        """A `log` statement for this mark; what becomes of the packet is said behind it."""
        mark = Mark(disposition, layer, name, origin)
        number = self._numbers.setdefault(mark, len(self._numbers))
        return f'log group {GROUP} snaplen {SNAPLEN} queue-threshold 32 prefix "{PREFIX}{number}"'

    def drop(self, disposition: str, layer: str, name: str, origin: Origin) -> str:
        """Log and drop."""
        return self.log(disposition, layer, name, origin) + " drop"

    def all(self) -> tuple[Mark, ...]:
        """In the order of their numbers."""
        return tuple(self._numbers)


def transport(match: Match) -> str:
    """The protocol and destination ports of a match; empty for everything. Ends in a blank if it says something."""
    if match.protocol is None:
        return ""
    name = _KERNELS_NAME.get(match.protocol, match.protocol.name.lower())
    if match.ports == ALL_PORTS:
        return f"meta l4proto {name} "
    if match.protocol in PORTED:
        return f"{name} dport {match.ports} "
    # the first two octets, type and code, as one number
    return f"meta l4proto {name} @th,0,16 {match.ports} "


def peer(direction: str, prefix: Prefix) -> str:
    """`ip saddr 10.0.0.0/8 `; a prefix of length 0 is its whole family."""
    if prefix.prefixlen == 0:
        return FAMILY_ONLY[prefix.version] + " "
    return f"{FAMILY[prefix.version]} {direction} {prefix} "


def one_of(items: Iterable[object]) -> str:
    """`{ a, b }`."""
    return "{ " + ", ".join(str(i) for i in items) + " }"


def quoted(names: Iterable[str]) -> str:
    """`{ "a", "b" }`, for device names."""
    return one_of(f'"{n}"' for n in names)


def named_set(name: str, kind: str, elements: Sequence[object], interval: bool = False) -> str:
    """A named set; nft wants no `elements` where there are none."""
    flags = " flags interval; auto-merge;" if interval else ""
    listed = f" elements = {one_of(elements)};" if elements else ""
    return f" set {name} {{ type {kind};{flags}{listed} }}"


def verdict_map(name: str, entries: Sequence[tuple[str, str]]) -> str:
    """A map from device names to verdicts."""
    listed = f" elements = {one_of(f'{_quote(k)} : {v}' for k, v in entries)};" if entries else ""
    return f" map {name} {{ type ifname : verdict;{listed} }}"


def by_family(addresses: Iterable[Address]) -> dict[int, list[Address]]:
    """Addresses of each family, both keys always there."""
    out: dict[int, list[Address]] = {4: [], 6: []}
    for address in addresses:
        out[address.version].append(address)
    return out


def by_family_of(prefixes: Iterable[Prefix]) -> dict[int, list[Prefix]]:
    """Prefixes of each family, both keys always there."""
    out: dict[int, list[Prefix]] = {4: [], 6: []}
    for prefix in prefixes:
        out[prefix.version].append(prefix)
    return out


def _quote(text: str) -> str:
    return f'"{text}"'
