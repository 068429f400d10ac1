"""The files that a folder means, by their endings as `kubectl apply -R -f` takes them; and what cannot be entered or followed."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import TypeAlias

from budnet.observe.kubernetes.fields import Place, Problems
from budnet.observe.kubernetes.parsed import Unparsed
from budnet.source.text import quoted

NOT_READABLE = "K001"
SUFFIXES = (".yaml", ".yml", ".json")
_Inode: TypeAlias = tuple[int, int]
_PACKED = (".gz", ".bz2", ".xz", ".zst")


def files(where: str, problems: Problems) -> list[Path]:
    """The files of a folder in the order of their names, each once; anything but a folder is itself. Links are followed: what they
    lead to is part of what is meant. What cannot be looked at is said, and may hold anything."""
    if not os.path.isdir(where):
        return [Path(where)]
    found: dict[Path, _Inode] = {}
    entered: set[_Inode] = set()
    for folder, below, names in os.walk(
        where, onerror=lambda refused: unreadable(Path(refused.filename), refused, problems), followlinks=True
    ):
        here = _inode(Path(folder), problems)
        if here is None or here in entered:  # a link leads back
            below.clear()
            continue
        entered.add(here)
        below.sort(key=lambda name: (os.path.islink(os.path.join(folder, name)), name))
        for file in (Path(folder, name) for name in names):
            if _matters(file, problems) and (inode := _inode(file, problems)):
                found[file] = inode
    once = {inode: file for file, inode in sorted(found.items(), reverse=True)}
    return sorted(once.values())


def unreadable(file: Path, refused: OSError, problems: Problems) -> None:
    """Says that a file or a folder cannot be read."""
    problems.unparsed(Unparsed(f"cannot read {quoted(str(file))}: {refused.strerror}", code=NOT_READABLE), Place(str(file)), b"")


def _matters(file: Path, problems: Problems) -> bool:
    """Whether what is no folder is a manifest by its name; or may be a folder of them, where it is a link that leads nowhere."""
    ending = file.suffix.lower()
    if ending in _PACKED and Path(file.stem).suffix.lower() in SUFFIXES:
        summary = f"{quoted(str(file))} is compressed, and not read"
        problems.unparsed(Unparsed(summary, help="unpack it, or move it away", code=NOT_READABLE), Place(str(file)), b"")
        return False
    if file.name.startswith(".#"):  # how Emacs locks a file: a link to nowhere
        return False
    return ending in SUFFIXES or (not ending and file.is_symlink() and not file.exists())


def _inode(path: Path, problems: Problems) -> _Inode | None:
    """What a file or a folder is by whatever name; None where that cannot be said, or where it is a pipe or the like."""
    try:
        of = path.stat()
    except OSError as refused:
        unreadable(path, refused, problems)
        return None
    if not (stat.S_ISREG(of.st_mode) or stat.S_ISDIR(of.st_mode)):
        unreadable(path, OSError(errno.EINVAL, "it is no file"), problems)
        return None
    return of.st_dev, of.st_ino
