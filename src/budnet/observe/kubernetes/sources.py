"""Where objects come from: a folder, a file, or standard input, as YAML or JSON, one document or many, lists unwrapped."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from budnet.observe.kubernetes.fields import Object, Place, Problems
from budnet.source.diagnostic import Severity
from budnet.source.text import quoted

NOT_READABLE, NOT_PARSED, NOT_AN_OBJECT, TOO_LARGE, ALIASED = "K001", "K002", "K003", "K004", "K005"
SUFFIXES = (".yaml", ".yml", ".json")
LARGEST = 2_000_000_000
"""Bytes of one file. What is larger is no dump of a cluster but a slip."""


def objects(where: str, problems: Problems) -> Iterator[tuple[Object, Place]]:
    """Every object below `where`: `-` is standard input. Files in the order of their names, so that runs are alike."""
    if where == "-":
        yield from _parsed(sys.stdin.buffer.read(), "standard input", problems)
        return
    found = files(where)
    if not found:
        problems.say(
            Severity.ERROR, NOT_READABLE, f"{quoted(where)} holds no manifest", Place(where), f"files end in {', '.join(SUFFIXES)}"
        )
    for file in found:
        try:
            if file.stat().st_size > LARGEST:
                problems.say(Severity.ERROR, TOO_LARGE, f"{quoted(str(file))} is larger than {LARGEST:,} bytes", Place(str(file)))
                continue
            data = file.read_bytes()
        except OSError as refused:
            problems.say(Severity.ERROR, NOT_READABLE, f"cannot read {quoted(str(file))}: {refused.strerror}", Place(str(file)))
            continue
        yield from _parsed(data, str(file), problems)


def files(where: str) -> list[Path]:
    """The files that a folder or a file means, in the order of their names."""
    path = Path(where)
    return sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES and p.is_file()) if path.is_dir() else [path]


def _parsed(data: bytes, file: str, problems: Problems) -> Iterator[tuple[Object, Place]]:
    start = data.lstrip()[:1]
    parse = _json if start in (b"{", b"[") else _yaml
    for value, line in parse(data, file, problems):
        yield from _unwrapped(value, Place(file, line), problems)


def _json(data: bytes, file: str, problems: Problems) -> Iterator[tuple[Any, int]]:
    try:
        yield _loads(data), 0
    except RecursionError:
        problems.say(Severity.ERROR, NOT_PARSED, "this is nested too deeply to be read", Place(file))
        problems.unread.append((Place(file), data))
    except ValueError as wrong:
        if b"\n---" in data:
            yield from _yaml(data, file, problems)
            return
        line = getattr(wrong, "lineno", 0)
        reason = getattr(wrong, "msg", "it is no JSON")
        problems.say(Severity.ERROR, NOT_PARSED, f"this is not JSON: {reason}", Place(file, line), "is the file complete?")
        problems.unread.append((Place(file, line), data))


def _loads(data: bytes) -> Any:
    """JSON by a fast loader; where it finds a fault, the slower one says on which line."""
    import msgspec

    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError:
        return json.loads(data)


def _yaml(data: bytes, file: str, problems: Problems) -> Iterator[tuple[Any, int]]:
    """Documents one by one: what is wrong with one does not take the others with it."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for text, line in _documents(data):
        try:
            yield (_loads(text) if text.lstrip()[:1] == b"{" else yaml.load(text, loader)), line
        except (yaml.YAMLError, ValueError, RecursionError, UnicodeDecodeError) as wrong:
            mark = getattr(wrong, "problem_mark", None)
            at = line + (mark.line if mark else 0)
            reason = getattr(wrong, "problem", None) or str(wrong).partition("\n")[0]
            problems.say(
                Severity.ERROR, NOT_PARSED, f"this is not YAML: {reason}", Place(file, at), "the other documents of the file are read"
            )
            problems.unread.append((Place(file, line), text))


def _documents(data: bytes) -> Iterator[tuple[bytes, int]]:
    """(text, first line) of every document that is not empty."""
    line = 1
    for number, part in enumerate((b"\n" + data).split(b"\n---")):
        first, _, rest = part.partition(b"\n") if number else (b"", b"", part[1:])
        body = first + b"\n" + rest if number and first.strip() else rest
        begins = line + (1 if number and not first.strip() else 0)
        if body.strip():
            yield body, begins
        line += part.count(b"\n") + (1 if number or not part else 0)


def _unwrapped(value: Any, place: Place, problems: Problems) -> Iterator[tuple[Object, Place]]:
    """A List is its items, at any depth."""
    waiting, lists = [value], set()
    while waiting:
        each = waiting.pop()
        if isinstance(each, list):  # a list of a list of a list of the same, by aliases, has no end that anybody waits for
            if id(each) in lists:
                problems.say(Severity.ERROR, ALIASED, "a list of objects is there a second time, by an alias", place, "write it out")
                return
            lists.add(id(each))
        if each is None:
            continue
        if isinstance(each, list):
            waiting += reversed(each)
        elif isinstance(each, dict) and isinstance(each.get("items"), list) and str(each.get("kind", "List")).endswith("List"):
            waiting.append(each["items"])
        elif isinstance(each, dict):
            yield each, place
        else:
            problems.say(Severity.ERROR, NOT_AN_OBJECT, f"expected an object of Kubernetes, found {quoted(str(each)[:40])}", place)
