"""Parts of the outside in words, and who an address or `internet` means among those that a matrix lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_network

from budnet.ir.address import Prefix, inside
from budnet.packets.addresses import AddressSet
from budnet.reach import semantics

_SPELT = 12
"""Prefixes that are written out for people."""
_SHORT = 2
"""Prefixes beside the first of which a name for people may be made."""

Parts = Mapping[str, Sequence[Prefix]]
"""By their labels all prefixes of each part of the outside."""


def spelt(prefixes: Sequence[Prefix]) -> str:
    """Prefixes of one family for people: all of them, or the one that is around them and what of it is missing, whichever is shorter."""
    around, missing = _around(prefixes)
    return f"{around} except {_listed(missing)}" if 0 < len(missing) < len(prefixes) else _listed(prefixes)


def called(label: str, parts: Parts) -> str:
    """What people read for a label: the part itself where that takes few words."""
    prefixes = parts.get(label, ())
    if len(prefixes) <= 1:
        return label
    return spelt(prefixes) if _few(prefixes) else label


def legend(labels: Iterable[str], parts: Parts) -> list[str]:
    """A line for each of those labels that say of a part no more than how much it is."""
    long = (each for each in dict.fromkeys(labels) if len(parts.get(each, ())) > 1 and not _few(parts[each]))
    return [f"{label}: {spelt(parts[label])}" for label in long]


def meant(text: str, parts: Parts) -> list[str]:
    """The parts that some of `internet`, of a prefix or of an address is in; none where the text is neither of them."""
    wanted = within(text)
    return [label for label, prefixes in parts.items() if wanted is not None and AddressSet.of(prefixes) & wanted]


def within(text: str) -> AddressSet | None:
    """The addresses that `internet`, a prefix or an address stands for; None for any other text."""
    if text == "internet":
        return ~semantics.NOT_PUBLIC
    try:
        return AddressSet.of([ip_network(text)])
    except ValueError:
        return None


def _few(prefixes: Sequence[Prefix]) -> bool:
    missing = _around(prefixes)[1]
    return len(prefixes) <= _SHORT or 0 < len(missing) <= _SHORT


def _around(prefixes: Sequence[Prefix]) -> tuple[Prefix, tuple[Prefix, ...]]:
    around = prefixes[0]
    while not all(inside(p, around) for p in prefixes):
        around = around.supernet()
    return around, (AddressSet.of([around]) - AddressSet.of(prefixes)).prefixes()


def _listed(prefixes: Sequence[Prefix]) -> str:
    *most, last = (str(p) for p in prefixes[:_SPELT])
    more = len(prefixes) - _SPELT
    if more > 0:
        return f"{', '.join([*most, last])} and {more} more"
    return f"{', '.join(most)} and {last}" if most else last
