"""budnet: a network written in one file, proved and run. `budnet.load` asks its questions from Python (see `budnet.api`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from budnet.api import Network, Unreadable, WrongQuestion, load

__all__ = ["Network", "Unreadable", "WrongQuestion", "load"]


def __getattr__(name: str) -> Any:
    # imported when it is asked for: the command line does without it
    if name in __all__:
        from budnet import api

        return getattr(api, name)
    raise AttributeError(f"module 'budnet' has no attribute '{name}'")
