"""All single faults of the layers above packets in one table, docs/FAULTS.md, each with what catches it and how it is named.

The faults are those that the tests beside this one put in, so a fault is in the table only if a test sees it caught and named.
A layer that brings faults of its own appears by itself; BUDNET_GOLDEN=1 writes the page anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "FAULTS.md"
PACKETS = ("test_network_mutants", "test_twin_mutants")
"""Single faults below these layers: routes, groups, ACLs, policies, listeners."""
CAUGHT = {
    "link": "`budnet probe`: packets, `links` and `dns`", "certificates": "`budnet probe certificates`", "dns": "`budnet probe dns`",
    "egress": "`budnet probe egress`", "tls": "`budnet probe tls`", "mesh": "`budnet probe mesh`", "airgap": "`budnet prove`",
    "rotation": "`budnet rotate root`",
}  # fmt: skip
HEAD = """\
# Single faults, and what catches them

Made from `tests/mutants`, where each of these is put into a twin or into what is proved, one at a time, and a row of the report
must say so in these words. {count} faults in {layers} layers; faults of packet filters and routes, {packets} more, are in `test_network_mutants.py`
and `test_twin_mutants.py`.

| layer | fault | caught by | a row names |
|---|---|---|---|
"""


def layers() -> dict[str, list[Any]]:
    """The faults of each layer, by its name."""
    found = {}
    for path in sorted(HERE.glob("test_*.py")):
        if path.stem in PACKETS or path == Path(__file__):
            continue
        tables = [v for v in vars(import_module(f"mutants.{path.stem}")).values() if isinstance(v, tuple)]
        rows = chain.from_iterable(row if isinstance(row, tuple) else (row,) for table in tables for row in table)
        if faults := [row for row in rows if type(row).__name__ == "Mutant"]:
            found[path.stem.removeprefix("test_").removesuffix("_mutants")] = faults
    return found


def named(fault: Any) -> str:
    """What is in the row: an object, a question, a line."""
    words = (getattr(fault, name, "") for name in ("node", "names", "row", "says", "line", "written"))
    return ", ".join(dict.fromkeys(f"`{w.strip().rstrip(':')}`" for w in chain.from_iterable(_each(w) for w in words) if w.strip()))


def _each(words: Any) -> Iterator[str]:
    yield from (words,) if isinstance(words, str) else words


def page() -> str:
    """docs/FAULTS.md"""
    found = layers()
    packets = sum(len(import_module(f"mutants.{name}").MUTANTS) for name in PACKETS)
    head = HEAD.format(count=sum(map(len, found.values())), layers=len(found), packets=packets)
    rows = (
        f"| {layer} | {fault.what} | {CAUGHT.get(layer, f'`budnet probe`: {layer}')} | {named(fault)} |"
        for layer, faults in found.items()
        for fault in faults
    )
    return head + "\n".join(rows) + "\n"


def test_there_are_at_least_sixty_and_each_has_its_name() -> None:
    found = layers()
    assert set(found) >= set(CAUGHT)
    assert all(len(faults) >= 10 for faults in found.values())
    assert sum(map(len, found.values())) >= 60
    for faults in found.values():
        assert len({f.what for f in faults}) == len(faults)
        assert all(named(f) for f in faults)


def test_the_page_is_of_today() -> None:
    if os.environ.get("BUDNET_GOLDEN"):
        PAGE.write_text(page())
    assert PAGE.read_text() == page(), "BUDNET_GOLDEN=1 pytest tests/mutants/test_register.py writes it anew; read the diff"
