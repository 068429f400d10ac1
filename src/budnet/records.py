"""Values that do not change: msgspec Structs, which are made, compared and hashed in C, and dataclasses."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

from msgspec import Struct, structs

T = TypeVar("T")


def replace(value: T, /, **changes: Any) -> T:
    """A copy with some fields changed."""
    of: Any = structs if isinstance(value, Struct) else dataclasses
    copy: T = of.replace(value, **changes)
    return copy
