"""Python's collector of cyclic garbage, kept out of the way of work that makes millions of objects and no cycles."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused() -> Iterator[None]:
    """No search for cycles inside: it would look at everything that was read again and again, and find none.

    Measured for 10,000 pods: half of the time that reading and proving took. Reference counts go on freeing what is not used.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
