"""Where objects come from: a folder, a file, or standard input, as YAML or JSON, one document or many, lists unwrapped."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from budnet.observe.kubernetes import texts
from budnet.observe.kubernetes.fields import Object, Place, Problems
from budnet.observe.kubernetes.folders import NOT_READABLE, SUFFIXES, files, unreadable
from budnet.observe.kubernetes.manifests import Pod
from budnet.observe.kubernetes.parsed import Unparsed
from budnet.source.diagnostic import Severity
from budnet.source.text import quoted

NOT_AN_OBJECT, TOO_LARGE = "K003", "K004"
LARGEST = 2_000_000_000
"""Bytes of one file. What is larger is no dump of a cluster but a slip."""
Progress = Callable[[int, int], None]
"""(bytes that are read, bytes in all)."""
_STEP = 500
"""Objects from one word of progress to the next."""


def objects(where: str, problems: Problems, progress: Progress | None = None) -> Iterator[tuple[Object | Pod, Place]]:
    """Every object below `where`: `-` is standard input. Files in the order of their names, so that runs are alike. Of a file no
    more is held at a time than its text and one object, or one document of YAML."""
    if where == "-":
        yield from ((of, place) for of, place, _ in _placed(sys.stdin.buffer.read(), "standard input", problems))
        return
    found = files(where, problems)
    if not found:
        help = f"files end in {', '.join(SUFFIXES)}"
        problems.say(Severity.ERROR, NOT_READABLE, f"{quoted(where)} holds no manifest", Place(where), help)
    done, total = 0, sum(map(_size, found)) if progress else 0
    for file in found:
        if _size(file) > LARGEST:
            large = Unparsed(f"{quoted(str(file))} is larger than {LARGEST:,} bytes", code=TOO_LARGE)
            problems.unparsed(large, Place(str(file)), b"")
            continue
        try:
            data = file.read_bytes()
        except OSError as refused:
            unreadable(file, refused, problems)
            continue
        for count, (of, place, at) in enumerate(_placed(data, str(file), problems)):
            if progress and not count % _STEP:
                progress(done + at, total)
            yield of, place
        done += len(data)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _placed(data: bytes, file: str, problems: Problems) -> Iterator[tuple[Object | Pod, Place, int]]:
    """(object, the line it begins at, how many bytes are read by then)."""
    for value, line, at in texts.values(data, file, problems):
        place = Place(file, line)
        if isinstance(value, Pod) or (isinstance(value, dict) and "items" not in value):
            yield value, place, at
        else:
            yield from ((of, place, at) for of in _unwrapped(value, place, problems))


def _unwrapped(value: Any, place: Place, problems: Problems) -> Iterator[Object]:
    """A List is its items, at any depth. Those without a kind have that of the List without `List`, and its version, as the API
    server leaves them out: https://kubernetes.io/docs/reference/using-api/api-concepts/#collections."""
    waiting: list[tuple[Any, dict[str, str]]] = [(value, {})]
    while waiting:
        each, given = waiting.pop()
        if isinstance(each, list):
            waiting += ((item, given) for item in reversed(each))
        elif isinstance(each, dict) and _is_list(each):
            waiting.append((each["items"], _of_items(each)))
        elif isinstance(each, dict):
            yield each | given if not each.get("kind") else each
        elif each is not None:
            problems.say(Severity.ERROR, NOT_AN_OBJECT, f"expected an object of Kubernetes, found {quoted(str(each)[:40])}", place)


def _is_list(of: Object) -> bool:
    """Whether it is one for `kubectl`, which is whatever has items; Go's empty list is null."""
    items = of.get("items", "")
    return isinstance(items, list) or (items is None and str(of.get("kind", "List")).endswith("List"))


def _of_items(of: Object) -> dict[str, str]:
    """Kind and version of a List's items; empty where it is one of anything."""
    kind = of.get("kind")
    if not isinstance(kind, str) or not kind.removesuffix("List"):
        return {}
    return {"kind": kind.removesuffix("List"), "apiVersion": str(of.get("apiVersion", ""))}
