"""The table of names: a part for each view, a row for each name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from budnet.ir.names import PUBLIC_VIEW, Record
from budnet.ir.network import Network

COLUMNS = ["name", "means", "for", "ports"]
_SHOWN = ("A", "AAAA", "CNAME")
_FEW = 4


def parts(network: Network) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    """(title, rows) of every view, the public one first. Hosts outside, which all views know alike, are rows there only."""
    outside = {e.id.removeprefix("internet/") for e in network.outside}
    for view in (PUBLIC_VIEW, *(v.id for v in network.vpcs)):
        here = [r for r in network.records if r.view == view]
        kinds = Counter(r.kind for r in here)
        shown = [r for r in here if view == PUBLIC_VIEW or r.name not in outside]
        yield f"names in view {view} ({', '.join(f'{n} {kind}' for kind, n in sorted(kinds.items()))})", _rows(shown)


def _rows(records: list[Record]) -> list[tuple[str, ...]]:
    means: dict[str, list[Record]] = {}
    ports: dict[str, dict[str, None]] = {}
    for record in records:
        if record.kind in _SHOWN:
            means.setdefault(record.name, []).append(record)
        elif record.kind == "SRV":
            port, protocol, name = record.name.split(".", 2)
            ports.setdefault(name, {})[f"{port[1:]} {record.data.split()[2]}/{protocol[1:]}"] = None
    return [
        (name, _meaning(rows), f"{rows[0].ttl} s", ", ".join(ports.get(name, ()))) for name, rows in sorted(means.items(), key=_by_zone)
    ]


def _meaning(rows: list[Record]) -> str:
    data = [f"-> {r.data}" if r.kind == "CNAME" else r.data for r in rows]
    return ", ".join(data if len(data) <= _FEW else [*data[: _FEW - 1], f"and {len(data) - _FEW + 1} more"])


def _by_zone(item: tuple[str, list[Record]]) -> list[str]:
    """Names of one zone, and in it of one namespace, stand together."""
    return item[0].split(".")[::-1]
