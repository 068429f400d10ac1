"""Data that ships with the program: reference topologies and outside host names, each with its source and date."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

REFERENCE = "foundry"


def topology_text(name: str) -> bytes:
    """The text of an embedded topology. FileNotFoundError where there is none of that name."""
    return (files(__package__) / "topologies" / f"{name}.yaml").read_bytes()


@cache
def egress_groups() -> dict[str, tuple[str, ...]]:
    """Outside host names by group; a leading `*.` is added for names that stand for what is below them as well."""
    import yaml

    # our own file: read with the plain safe loader, which is enough for data that tests check
    data = yaml.load((files(__package__) / "data" / "egress.yaml").read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return {
        group: tuple(("*." if entry.get("depth", 0) == "any" else "") + entry["name"] for entry in entries)
        for group, entries in data["groups"].items()
    }


@cache
def tls_profiles() -> dict[str, Any]:
    """Published TLS profiles, and those of the reference topology, in the schema of Mozilla's guidelines."""
    found: dict[str, Any] = json.loads((files(__package__) / "data" / "tls.json").read_bytes())
    return found
