"""What differs in what the internet reaches: ways in that came, went, or lead on to others than before.

Flows between addresses do not show it: whether a pod has a node's port in front of it, its policies do not say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from budnet.ir.entry import Entry, EntryKind
from budnet.ir.network import Network
from budnet.packets.addresses import AddressSet
from budnet.reach.diff_edits import Edits
from budnet.reach.difference import Cause, WayIn
from budnet.reach.exposure import clusters, networks
from budnet.reach.exposure.verdict import Exposure, Word

_Key = tuple[str, ...]
_Name = tuple[str, str]
"""What exposures call an entry, and its kind."""
_DIFFER = {
    "port": "its port", "targets": "whom it leads to", "public": "whether it has a public address",
    "beyond": "what it leads to outside of the cluster", "unseen": "what is not known of it",
    "sources": "whom it takes connections from", "keeps_source": "whether pods see the client's address", "through": "who carries it out",
}  # fmt: skip


def of_clusters(old: Network, new: Network, edits: Edits) -> tuple[WayIn, ...]:
    """Each by its workload, port, object and port outside, with the object that made the difference."""
    ways = _Ways(old, new, edits)
    found = _differing(_first(_exposures(old), _in_full), _first(_exposures(new), _in_full))
    return tuple(WayIn(*ends, ways.causes(*ends)) for ends in found)


def of_ours(old: Iterable[Exposure], new: Iterable[Exposure]) -> tuple[WayIn, ...]:
    """What load balancers hand on by host name: all else that networks of ours expose are flows."""
    was, now = (_first((x for x in each if x.word is Word.THROUGH), _in_full) for each in (old, new))
    return tuple(WayIn(*ends) for ends in _differing(was, now))


def of_both_kinds(old: Network, new: Network, called: dict[str, str], now_called: dict[str, str]) -> tuple[WayIn, ...]:
    """A cluster beside a file of ours: by workload and port, however the internet gets there. What it does not get at is no way in.
    `called` and `now_called` have what both call the workloads that both have."""

    def reached(network: Network, names: dict[str, str]) -> dict[_Key, Exposure]:
        found = (x for x in _exposures(network) if (x.word.open or x.word is Word.UNKNOWN) and x.workload in names)
        return _first(found, lambda x: (names[x.workload], x.port))

    return tuple(WayIn(*ends) for ends in _differing(reached(old, called), reached(new, now_called)))


def _exposures(network: Network) -> list[Exposure]:
    return networks.exposures(network) if network.vpcs else clusters.exposures(network)


def _in_full(x: Exposure) -> _Key:
    return x.workload, x.port, x.entry, x.kind, x.door


def _first(found: Iterable[Exposure], key: Callable[[Exposure], _Key]) -> dict[_Key, Exposure]:
    """By their keys; of several with one key the most open one, which comes first."""
    out: dict[_Key, Exposure] = {}
    for x in found:
        out.setdefault(key(x), x)
    return out


def _differing(was: dict[_Key, Exposure], now: dict[_Key, Exposure]) -> Iterator[tuple[Exposure | None, Exposure | None]]:
    for key in sorted({*was, *now}):
        before, after = was.get(key), now.get(key)
        if before is None or after is None or (before.word, before.prefixes) != (after.word, after.prefixes):
            yield before, after


def compared(before: Exposure | None, after: Exposure | None) -> str:
    """`opened` where more of the internet, or of private networks, gets in than did; `unknown` where that is not known any more;
    `closed` where less does; `changed` where it is blocked before and behind."""
    if after is not None and after.word is Word.UNKNOWN:
        return "unknown"
    if before is not None and after is not None and before.word is after.word:
        return "opened" if AddressSet.of(after.prefixes) - AddressSet.of(before.prefixes) else "closed"
    was, now = (_LEAST if x is None else _OPENNESS.index(x.word) for x in (before, after))
    return "opened" if now < was else "closed" if now > was else "changed"


_OPENNESS = list(Word)
_LEAST = _OPENNESS.index(Word.BLOCKED)


# ---- why -----------------------------------------------------------------------------------------------------------------


class _Ways:
    """The entries of both clusters, by what exposures call them."""

    def __init__(self, old: Network, new: Network, edits: Edits) -> None:
        self._edits, self._networks = edits, (old, new)
        self._entries = tuple(_by_name(n) for n in (old, new))
        self._before: dict[str, set[_Name]] = {}
        for name, entry in ((name, e) for of in self._entries for name, entries in of.items() for e in entries):
            for pod, _ in entry.targets:
                self._before.setdefault(pod, set()).add(name)

    def causes(self, before: Exposure | None, after: Exposure | None) -> tuple[Cause, ...]:
        """The way in itself, or one to the pods that carry it out; where all of these are as they were, policies and workloads."""
        one = after or before
        assert one is not None
        own = one.entry, one.kind
        carriers = {pod for entries in self._entries for e in entries.get(own, ()) for pod in e.through}
        ahead = sorted({name for pod in carriers for name in self._before.get(pod, ())})
        found = [c for name in (own, *ahead) if (c := self._edited(name)) is not None]
        if found:
            return tuple(found)
        services = {n.endpoint[pod].service for n in self._networks for pod in carriers if pod in n.endpoint}
        return tuple(dict.fromkeys(c for who in (one.workload, *sorted(services)) for c in self._edits.about(None, who)))

    def _edited(self, name: _Name) -> Cause | None:
        was, now = (of.get(name, []) for of in self._entries)
        shown = f"{name[0]} ({name[1]})"
        if not was or not now:
            one = (now or was)[0]
            return Cause(f"{shown} {'added' if now else 'removed'}", one.origin)
        differs = [words for field, words in _DIFFER.items() if _each(was, field) != _each(now, field)]
        return Cause(f"{shown} changed", now[0].origin, ", ".join(differs)) if differs else None


def _by_name(network: Network) -> dict[_Name, list[Entry]]:
    out: dict[_Name, list[Entry]] = {}
    for entry in network.entries:
        taken = entry.kind in (EntryKind.HOST_PORT, EntryKind.HOST_NETWORK)
        for name in sorted({network.endpoint[t].service for t, _ in entry.targets}) if taken else [entry.id]:
            out.setdefault((name, entry.kind.value), []).append(entry)
    return out


def _each(entries: list[Entry], field: str) -> set[object]:
    return {(e.protocol, e.port, getattr(e, field)) for e in entries}
