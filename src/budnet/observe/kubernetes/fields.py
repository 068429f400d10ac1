"""Reads fields of objects that nobody has checked. What is wrong becomes a Diagnostic that names the object, and the object
is left out; the rest is still read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from msgspec import Struct, ValidationError, convert

from budnet.ir.origin import Origin
from budnet.observe.kubernetes.parsed import Unparsed
from budnet.source.diagnostic import Diagnostic, Severity
from budnet.source.span import Span

Object: TypeAlias = Mapping[str, Any]
"""A mapping as JSON and YAML give it: a dict."""

Typed = TypeVar("Typed", bound=Struct)
WRONG_FIELD, NOT_SHOWN = "K101", "K009"
_SAID = re.compile(r"(.*?)(?: - at (`key` in )?`\$\.?([^`]*)`)?")
"""What msgspec says, and of what: `Expected `str`, got `int` - at `$.metadata.labels[...]``, where `[...]` is any value of a mapping."""
_EXPECTED = {"str": "a text", "int": "a whole number", "bool": "true or false", "object": "a mapping", "array": "a list"}
_FOUND = {
    "str": "a text",
    "int": "a number",
    "float": "a number",
    "bool": "a truth value",
    "object": "a mapping",
    "array": "a list",
    "null": "nothing",
}


class Wrong(Exception):
    """A field is not what the API takes. Caught where objects are read, one at a time."""

    def __init__(self, where: str, summary: str, help: str = "", code: str = WRONG_FIELD) -> None:
        super().__init__(summary)
        self.where, self.summary, self.help, self.code = where, summary, help, code


class Place(Struct, frozen=True):
    """Where an object was found: a file and the line its document begins at (0 where only the file is known)."""

    file: str
    line: int = 0

    @property
    def origin(self) -> Origin:
        """The same for the IR."""
        return Origin(self.file, self.line, 1 if self.line else 0)

    @property
    def span(self) -> Span:
        """The same for a Diagnostic."""
        return Span(self.file, max(self.line, 1), 1, max(self.line, 1), 1)


class Written(Struct, frozen=True):
    """An object that is looked at again when all are there."""

    of: Object
    name: str
    namespace: str
    place: Place

    @property
    def label(self) -> str:
        """`namespace/name`."""
        return f"{self.namespace}/{self.name}"


class Refused(Struct, frozen=True):
    """A kind of which it is not known what there is."""

    group: str
    kind: str
    place: Place
    why: str


@dataclass
class Problems:
    """Collects Diagnostics."""

    found: list[Diagnostic] = field(default_factory=list)
    unread: list[tuple[Place, bytes]] = field(default_factory=list)
    """Texts that could not be parsed, as far as they are there: what was in them is not known."""
    refused: list[Refused] = field(default_factory=list)
    """Kinds that were asked for and not shown."""

    def say(self, severity: Severity, code: str, summary: str, place: Place, help: str = "") -> None:
        """One more."""
        self.found.append(Diagnostic(code, severity, summary, place.span, help))

    def unparsed(self, wrong: Unparsed, place: Place, text: bytes) -> None:
        """One more text that begins at `place` and could not be parsed."""
        self.say(Severity.ERROR, wrong.code, wrong.summary, Place(place.file, place.line + wrong.line), wrong.help)
        self.unread.append((place, b"" if wrong.cut else text))

    def refuse(self, group: str, kind: str, place: Place, why: str) -> None:
        """One more kind that is not shown; `kind` empty for all of a group, both for everything."""
        self.refused.append(Refused(group, kind, place, why))


def typed(of: Object, as_: type[Typed], where: str = "") -> Typed:
    """A mapping by the type that says what its fields may hold."""
    try:
        return convert(of, as_)
    except ValidationError as wrong:
        raise _not_typed(of, str(wrong), where) from None


def _not_typed(of: Object, said: str, where: str) -> Wrong:
    """What msgspec says of a mapping, as `text`, `number` and the others below say it."""
    found = _SAID.fullmatch(said)
    assert found
    what, key, path = found[1], found[2], found[3] or ""
    words = re.findall("`(.*?)`", what)
    if key or path.endswith("[...]"):
        path = path.removesuffix("[...]")
        name = next(k for k, v in _at(of, path).items() if not isinstance(k if key else v, str))
        return Wrong(where + path, f"the {'key' if key else 'label'} {name!r} is no text", "quote it: keys and labels are texts")
    if what.startswith("Object missing"):
        return Wrong(f"{where}{path}.{words[0]}", f"'{words[0]}' is missing")
    kinds = [_EXPECTED[word] for word in words[0].split(" | ") if word != "null"]
    return Wrong(where + path, f"expected {' or '.join(kinds)}, found {_FOUND.get(words[1], words[1])}")


def _at(of: Object, path: str) -> Object:
    """What is at a place like `spec.containers[0]`."""
    found: Any = of
    for part in re.findall(r"[^.[\]]+", path):
        found = found[int(part) if isinstance(found, list) else part]
    inner: Object = found
    return inner


def name_of(thing: Object) -> str:
    """`Kind namespace/name`, as far as it is there, for messages."""
    meta = thing.get("metadata")
    meta = meta if isinstance(meta, dict) else {}
    name = "/".join(str(meta[k]) for k in ("namespace", "name") if meta.get(k))
    return f"{thing.get('kind', 'object')} {name or 'without a name'}"


def mapping(of: Object, key: str, where: str = "") -> Object:
    """A mapping, empty where it is missing or null."""
    value = of.get(key)
    if isinstance(value, dict):
        return value
    if value is None:
        return {}
    raise Wrong(f"{where}{key}", f"expected a mapping, found {_kind(value)}")


def sequence(of: Object, key: str, where: str = "") -> list[Any]:
    """A list, empty where it is missing or null."""
    value = of.get(key)
    if isinstance(value, list):
        return value
    if value is None:
        return []
    raise Wrong(f"{where}{key}", f"expected a list, found {_kind(value)}")


def mappings(of: Object, key: str, where: str = "") -> list[Object]:
    """A list of mappings."""
    items = sequence(of, key, where)
    for item in items:
        if not isinstance(item, dict):
            at = next(i for i, each in enumerate(items) if each is item)
            raise Wrong(f"{where}{key}[{at}]", f"expected a mapping, found {_kind(item)}")
    return items


def text(of: Object, key: str, where: str = "", default: str | None = None) -> str:
    """A text; without a default it must be there."""
    value = of.get(key, default)
    if isinstance(value, str):
        return value
    if value is None and default is not None:
        return default
    raise Wrong(f"{where}{key}", f"expected a text, found {_kind(value)}")


def only(of: Object, keys: Iterable[str], where: str) -> None:
    """Nothing but these keys, where one that is not known may change what the others mean: a slip of the pen, or a newer API."""
    for key in of:
        if key not in keys:
            raise Wrong(f"{where}{key}", "the field is not known, and what it means is not guessed", f"known are {', '.join(keys)}")


def truth(of: Object, key: str, where: str = "") -> bool:
    """A truth value, False where it is missing."""
    value = of.get(key)
    if value is not None and not isinstance(value, bool):
        raise Wrong(f"{where}{key}", f"expected true or false, found {_kind(value)}")
    return bool(value)


def texts(of: Object, key: str, where: str = "") -> list[str]:
    """A list of texts."""
    items = sequence(of, key, where)
    for i, item in enumerate(items):
        if not isinstance(item, str):
            raise Wrong(f"{where}{key}[{i}]", f"expected a text, found {_kind(item)}")
    return items


def number(of: Object, key: str, first: int, last: int, where: str = "") -> int | None:
    """A whole number from `first` to `last`, or None where it is missing."""
    value = of.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise Wrong(f"{where}{key}", f"expected a whole number, found {_kind(value)}")
    if not first <= value <= last:
        raise Wrong(f"{where}{key}", f"{value} is not from {first} to {last}")
    return value


def labels(of: Object, key: str = "labels", where: str = "") -> tuple[tuple[str, str], ...]:
    """Labels, sorted by key."""
    found = mapping(of, key, where)
    for name, value in found.items():
        if type(name) is not str or type(value) is not str:
            raise Wrong(f"{where}{key}", f"the label {name!r} is no text", "quote it: labels are texts")
    return tuple(sorted(found.items()))


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    names = {bool: "a truth value", int: "a number", float: "a number", str: "a text", list: "a list", dict: "a mapping"}
    return names.get(type(value), type(value).__name__)
