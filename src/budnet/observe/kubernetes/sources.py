"""Where objects come from: a folder, a file, or standard input, as YAML or JSON, one document or many, lists unwrapped."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from budnet.observe.kubernetes.fields import Object, Place, Problems
from budnet.observe.kubernetes.manifests import Pod, decode
from budnet.source.diagnostic import Severity
from budnet.source.text import quoted

NOT_READABLE, NOT_PARSED, NOT_AN_OBJECT, TOO_LARGE, ALIASED = "K001", "K002", "K003", "K004", "K005"
SUFFIXES = (".yaml", ".yml", ".json")
LARGEST = 2_000_000_000
"""Bytes of one file. What is larger is no dump of a cluster but a slip."""
Progress = Callable[[int, int], None]
"""(bytes that are read, bytes in all)."""
_BETWEEN = re.compile(rb"[\s,]*")
_STEP = 500
"""Objects from one word of progress to the next."""
_BYTE = re.compile(r"\(byte (\d+)\)")
_LISTED = re.compile(rb"(?m)^items:[ \t]*\n(?=- )")
_ITEM = re.compile(rb"(?m)^(?=- )")
_ALIAS = re.compile(rb"[:-] +\*\w")
"""What stands for something that another item may hold."""
_BEHIND = re.compile(rb"(?m)^[A-Za-z]")


def objects(where: str, problems: Problems, progress: Progress | None = None) -> Iterator[tuple[Object | Pod, Place]]:
    """Every object below `where`: `-` is standard input. Files in the order of their names, so that runs are alike. Of a file no
    more is held at a time than its text and one object, or one document of YAML."""
    if where == "-":
        yield from _parsed(sys.stdin.buffer.read(), "standard input", problems)
        return
    found = files(where)
    if not found:
        problems.say(
            Severity.ERROR, NOT_READABLE, f"{quoted(where)} holds no manifest", Place(where), f"files end in {', '.join(SUFFIXES)}"
        )
    done, total = 0, sum(map(_size, found)) if progress else 0
    for file in found:
        try:
            if _size(file) > LARGEST:
                problems.say(Severity.ERROR, TOO_LARGE, f"{quoted(str(file))} is larger than {LARGEST:,} bytes", Place(str(file)))
                continue
            data = file.read_bytes()
        except OSError as refused:
            problems.say(Severity.ERROR, NOT_READABLE, f"cannot read {quoted(str(file))}: {refused.strerror}", Place(str(file)))
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


def files(where: str) -> list[Path]:
    """The files that a folder or a file means, in the order of their names."""
    path = Path(where)
    return sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES and p.is_file()) if path.is_dir() else [path]


def _parsed(data: bytes, file: str, problems: Problems) -> Iterator[tuple[Object | Pod, Place]]:
    yield from ((of, place) for of, place, _ in _placed(data, file, problems))


def _placed(data: bytes, file: str, problems: Problems) -> Iterator[tuple[Object | Pod, Place, int]]:
    """(object, the line it begins at, how many bytes are read by then)."""
    start = data.lstrip()[:1]
    parse = _json if start in (b"{", b"[") else _yaml
    for value, line, at in parse(data, file, problems):
        place = Place(file, line)
        if isinstance(value, Pod) or (isinstance(value, dict) and "items" not in value):
            yield value, place, at
        else:
            yield from ((of, place, at) for of in _unwrapped(value, place, problems))


# ---- JSON ---------------------------------------------------------------------------------------------------------------


def _json(data: bytes, file: str, problems: Problems) -> Iterator[tuple[Any, int, int]]:
    """The items of a List, or of an array, one by one, each with its line; anything else as a whole."""
    import msgspec

    try:
        items = _items(data)
        if items is None:
            yield msgspec.json.decode(data), data.count(b"\n", 0, len(data) - len(data.lstrip())) + 1, len(data)
            return
    except RecursionError:
        problems.say(Severity.ERROR, NOT_PARSED, "this is nested too deeply to be read", Place(file))
        problems.unread.append((Place(file), data))
        return
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        if b"\n---" in data:
            yield from _yaml(data, file, problems)
            return
        _not_json(data, wrong, Place(file), problems)
        return
    at, line = 0, 1
    for raw in items:
        text = bytes(raw)
        begins = _BETWEEN.match(data, at).end()  # type: ignore[union-attr]  # it matches everywhere
        if not data.startswith(text, begins):  # the first of them
            begins = max(data.find(text, at), at)
        line += data.count(b"\n", at, begins)
        try:
            yield decode(text), line, begins
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
            _not_json(text, wrong, Place(file, line), problems)
        line += text.count(b"\n")
        at = begins + len(text)


def _items(data: bytes) -> list[Any] | None:
    """The texts of what a List or an array holds; None where it is neither."""
    import msgspec

    array = list[msgspec.Raw]
    if data.lstrip()[:1] == b"[":
        return msgspec.json.decode(data, type=array)
    fields = [("kind", str, "List"), ("items", array | msgspec.UnsetType, msgspec.UNSET)]
    try:
        found = msgspec.json.decode(data, type=msgspec.defstruct("List", fields))
    except msgspec.ValidationError:
        return None
    return found.items if found.kind.endswith("List") and found.items is not msgspec.UNSET else None  # type: ignore[attr-defined]


def _not_json(text: bytes, wrong: Exception, place: Place, problems: Problems) -> None:
    said = str(wrong)
    byte = _BYTE.search(said)
    at = int(byte[1]) if byte else len(text.rstrip())
    line = max(place.line, 1) + text.count(b"\n", 0, at)
    reason = "it ends too soon" if "truncated" in said else _BYTE.sub("", said.removeprefix("JSON is malformed: ")).strip()
    problems.say(Severity.ERROR, NOT_PARSED, f"this is not JSON: {reason}", Place(place.file, line), "is the file complete?")
    problems.unread.append((Place(place.file, line), text))


# ---- YAML ---------------------------------------------------------------------------------------------------------------


def _yaml(data: bytes, file: str, problems: Problems) -> Iterator[tuple[Any, int, int]]:
    """Documents one by one: what is wrong with one does not take the others with it."""
    at = 0
    for text, line in _documents(data):
        at += len(text)
        if text.lstrip()[:1] == b"{":
            yield from ((value, line + inner - 1, at) for value, inner, _ in _json(text, file, problems))
        elif (listed := _LISTED.search(text)) and not _ALIAS.search(text):
            yield from ((value, where, at) for value, where in _listed(text, line, listed.end(), file, problems))
        else:
            yield from ((value, line, at) for value in _one_document(text, line, file, problems))


def _listed(text: bytes, line: int, start: int, file: str, problems: Problems) -> Iterator[tuple[Any, int]]:
    """The items of a List as `kubectl get -o yaml` writes it, one at a time: each begins with `- ` at the start of a line."""
    end = _BEHIND.search(text, start)
    line += text.count(b"\n", 0, start)
    for part in _ITEM.split(text[start : end.start() if end else len(text)]):
        for value in _one_document(part, line, file, problems):
            yield value, line
        line += part.count(b"\n")


def _one_document(text: bytes, line: int, file: str, problems: Problems) -> Iterator[Any]:
    import yaml

    try:
        yield yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, RecursionError, UnicodeDecodeError) as wrong:
        mark = getattr(wrong, "problem_mark", None)
        at = line + (mark.line if mark else 0)
        reason = getattr(wrong, "problem", None) or str(wrong).partition("\n")[0]
        problems.say(Severity.ERROR, NOT_PARSED, f"this is not YAML: {reason}", Place(file, at), "the other documents of the file are read")
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


def _unwrapped(value: Any, place: Place, problems: Problems) -> Iterator[Object]:
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
        elif isinstance(each, dict) and isinstance(each.get("items", ""), list | None) and str(each.get("kind", "List")).endswith("List"):
            waiting.append(each["items"])  # none where there are none: Go's empty list is null
        elif isinstance(each, dict):
            yield each
        else:
            problems.say(Severity.ERROR, NOT_AN_OBJECT, f"expected an object of Kubernetes, found {quoted(str(each)[:40])}", place)
