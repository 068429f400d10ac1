"""Outside host names by purpose, as `data/egress.yaml` writes them: for whom, since when, and how it is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from budnet.ir.filters import ANY_DEPTH, HostName

REGION = "{region}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One name of a group. `name` and `known` may have `{region}` in them."""

    name: str
    depth: int
    apex: bool
    known: tuple[str, ...]
    """Names below it that exist."""
    port: str
    role: str
    source: str
    date: str

    def at(self, region: str) -> tuple[HostName, tuple[str, ...]]:
        """The name in a region, and hosts that it means: itself, and one for each depth that it has below."""
        name = self.name.replace(REGION, region)
        known = [k.replace(REGION, region) for k in self.known]
        return HostName(name, self.depth, self.apex, self.source, self.date), hosts(name, self.depth, self.apex, known)


@dataclass(frozen=True, slots=True)
class Group:
    """`catalog/NAME`. `provider` is whose regions `{region}` stands for."""

    name: str
    provider: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All of it. `resolvers` are hosts that answer DNS over HTTPS."""

    groups: Mapping[str, Group]
    stale_after: timedelta
    resolvers: frozenset[str]

    def is_stale(self, when: str, today: date) -> bool:
        """Whether what was looked up then has to be looked up again."""
        return bool(when) and today - date.fromisoformat(when) > self.stale_after


def hosts(name: str, depth: int, apex: bool = True, known: Iterable[str] = ()) -> tuple[str, ...]:
    """Hosts to model for a name: itself, one that is one label below it, and one that is two below, as far as they are meant.
    Of `known` names the first one of each depth; where none is, one is made up."""
    below: dict[int, str] = {}
    for each in known:
        below.setdefault(each.removesuffix(name).count("."), each)
    wanted = [1, 2][:depth]
    return (*([name] if apex else []), *(below.get(d, f"{'two.' * (d - 1)}one.{name}") for d in wanted))


@cache
def catalogue() -> Catalogue:
    """The catalogue that ships with the program."""
    import yaml

    # our own file: read with the plain safe loader, which is enough for data that tests check
    data = yaml.load((files(__package__) / "data" / "egress.yaml").read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    groups = {
        name: Group(name, group.get("provider", ""), tuple(_entries(data["groups"], group))) for name, group in data["groups"].items()
    }
    return Catalogue(groups, timedelta(days=int(data["stale_after"].removesuffix("d"))), frozenset(data["dns-over-https"]["names"]))


def _entries(groups: Mapping[str, Any], group: Mapping[str, Any]) -> Iterator[Entry]:
    for included in group.get("include", ()):
        yield from _entries(groups, groups[included])
    for written in group.get("names", ()):
        entry: dict[str, Any] = {"port": "443/tcp"} | {k: str(v) for k, v in group.items() if k in ("role", "source", "date", "port")}
        entry |= {"name": written} if isinstance(written, str) else written
        depth = entry.get("depth", 0)
        yield Entry(
            entry["name"], ANY_DEPTH if depth == "any" else depth, entry.get("apex", True), tuple(entry.get("known", ())),
            entry["port"], entry["role"], entry["source"], str(entry["date"]),
        )  # fmt: skip
