"""Data that ships with the program: reference topologies, and outside host names (`egress.py`) with their sources and dates."""

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
def tls_profiles() -> dict[str, Any]:
    """Published TLS profiles, and those of the reference topology, in the schema of Mozilla's guidelines."""
    found: dict[str, Any] = json.loads((files(__package__) / "data" / "tls.json").read_bytes())
    return found
