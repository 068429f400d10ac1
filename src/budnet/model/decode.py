"""DOCUMENT -> TOPOLOGY: checks the shape of what was written, and says what is wrong where it is written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from budnet.model.topology import Guarantees, Topology
from budnet.model.values import Written
from budnet.records import replace
from budnet.source.diagnostic import Diagnostic, error, suggest
from budnet.source.document import Document, Path
from budnet.source.span import Span
from budnet.source.text import quoted

UNKNOWN_KEY, MISSING_KEY, WRONG_TYPE, WRONG_VALUE, BAD_NAME, TOO_MANY = "M001", "M002", "M003", "M004", "M005", "M006"
_Model = TypeVar("_Model", bound=Written)
LIMIT = 50
"""A file of another kind would otherwise bury the one message that matters."""

_NAME_HELP = "names are small letters, digits and '-', begin and end with a letter or digit, 63 characters at most"
_DOMAIN_HELP = "domains are names with '.' between them: small letters, digits and '-', 63 characters at most between two dots"


def decode(document: Document) -> tuple[Topology | None, list[Diagnostic]]:
    """The Topology, or None and the reasons."""
    return _decoded(document, Topology)


def decode_guarantees(document: Document) -> tuple[Guarantees | None, list[Diagnostic]]:
    """The guarantees of a file that has nothing else, or None and the reasons."""
    found, wrong = _decoded(document, Guarantees)
    only = [replace(d, help="guarantees stand alone in this file: `guarantees: [...]`") if _at_top(document, d) else d for d in wrong]
    return found, only


def _at_top(document: Document, found: Diagnostic) -> bool:
    return found.code == UNKNOWN_KEY and any(found.span == document.key_span((key,)) for key in document.value)


def _decoded(document: Document, model: type[_Model]) -> tuple[_Model | None, list[Diagnostic]]:
    try:
        return model.model_validate(document.value), []
    except ValidationError as failure:
        details = _without_echoes([dict(detail) for detail in failure.errors(include_url=False, include_input=False)])
        found = [_diagnostic(document, detail) for detail in details[:LIMIT]]
        if len(details) > LIMIT:
            found.append(
                error(TOO_MANY, f"{len(details) - LIMIT} more errors are not shown", document.nearest(()), "mend those above first")
            )
        return None, found


def _without_echoes(details: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A key that is misspelt is unknown, and what was meant is missing: one mistake, said once."""
    unknown = [d["loc"] for d in details if d["type"] == "extra_forbidden"][:LIMIT]
    meant = {(*loc[:-1], _near_key(loc)) for loc in unknown}
    return [d for d in details if d["type"] != "missing" or d["loc"] not in meant]


def _diagnostic(document: Document, detail: dict[str, Any]) -> Diagnostic:
    """pydantic's error in our words; its own never reach a user."""
    loc: tuple[str | int, ...] = detail["loc"]
    key = loc[-1:] == ("[key]",) and loc not in document.spans  # the error is in the key, not in the value
    loc = loc[:-1] if key else loc
    path = document.locate(loc)
    kind: str = detail["type"]
    said: Mapping[str, Any] = detail.get("ctx", {})
    span = document.nearest(path, key) if key else _place(document, path)
    match kind:
        case "extra_forbidden":
            return error(UNKNOWN_KEY, f"unknown key {quoted(str(loc[-1]))}", document.nearest(path, key=True), _known_keys(loc))
        case "missing":
            inside = f" in '{path[-1]}'" if path and isinstance(path[-1], str) else ""
            about = _field(loc).description
            help = f"add `{loc[-1]}`" + (f": {about}" if about else "")
            return error(MISSING_KEY, f"'{loc[-1]}' is missing{inside}", document.nearest(path, key=True), help)
        case "string_pattern_mismatch" | "string_too_long":
            written = str(loc[-1]) if key else str(_value(document, path))
            domain = r"\." in said.get("pattern", r"\.")
            summary = f"{quoted(written)} cannot be a {'domain' if domain else 'name'}"
            return error(BAD_NAME, summary, span, _name_help(written, domain))
        case "literal_error":
            return _choice(document, path, said["expected"], not _field(loc).is_required())
        case "wrong":
            at = document.nearest((*path, said["at"]), key=True) if said["at"] else span
            return error(WRONG_VALUE, said["summary"], at, said["help"])
        case "wrong_type":
            return _type(document, path, said["expected"], said["help"] or _about(loc))
        case "greater_than_equal" | "less_than_equal":
            limits = {type(m).__name__: getattr(m, type(m).__name__.lower()) for m in _field(loc).metadata}
            help = f"write a number from {limits['Ge']} to {limits['Le']}"
            return error(WRONG_VALUE, f"{_value(document, path)} is too {'small' if 'ge' in said else 'large'}", span, help)
        case "too_short" if said["actual_length"] == 0:
            return error(WRONG_VALUE, f"'{loc[-1]}' is empty", span, "write at least one")
        case "too_short" | "too_long":
            wanted = f"at least {said['min_length']}" if "min_length" in said else f"at most {said['max_length']}"
            return error(WRONG_VALUE, f"expected {wanted}, found {said['actual_length']}", span, f"write {_field(loc).description}")
        case "list_type":
            return _type(document, path, "a list", "write it as [a, b], or each item on a line of its own after '- '")
        case "dict_type":
            return _type(document, path, "a mapping", "write it as {NAME: ...}, or each 'NAME: ...' on a line of its own")
        case "model_type":
            keys = ", ".join(f"{field.alias or name}: ..." for name, field in _fields(loc) if field.is_required()) or "key: value"
            return _type(document, path, "a mapping", f"write it as {{{keys}}}")
        case _:
            expected = {"string_type": "a text", "int_type": "a whole number", "bool_type": "true or false"}.get(kind, "something else")
            return _type(document, path, expected, _about(loc) if expected == "a text" else "")


def _type(document: Document, path: Path, expected: str, help: str) -> Diagnostic:
    """Something of another kind is written."""
    value, span = _value(document, path), document.nearest(path)
    written = document.written(span)
    match value:
        case None:
            found = "nothing"
        case list():
            found = "a list"
            help = "give each item a name: 'NAME:' in place of '- '" if expected == "a mapping" and written[0] == "-" else help
        case dict():
            found = "a mapping"
            help = "write '- ' in place of each name" if expected == "a list" and written[0] != "{" else help
        case str():
            found = f"the text {quoted(value)}"
            help = "remove the quotes" if value.isdecimal() and "number" in expected else help
        case _:
            found = written if isinstance(value, bool) else f"the number {written}"
            help = f'quote it: "{written}"' if expected == "a text" and not isinstance(value, bool) else help
    return error(WRONG_TYPE, f"expected {expected}, found {found}", _place(document, path), help or f"write {expected}")


def _choice(document: Document, path: Path, expected: str, optional: bool) -> Diagnostic:
    """One of a few words; `expected` is pydantic's "'a', 'b' or 'c'"."""
    value, span = _value(document, path), _place(document, path)
    words = expected.replace("'", "").replace(" or ", ", ").split(", ")
    one_of = "one of " * (len(words) > 2) + expected
    if isinstance(value, float | int) and not isinstance(value, bool) and str(value) in words:
        return error(WRONG_TYPE, f"expected {one_of} as a text, found the number {value}", span, f'quote it: "{value}"')
    if not isinstance(value, str):
        return _type(document, path, one_of, "")
    help = f"write {'one of these' if len(words) > 1 else expected}" + ", or remove the key" * optional
    return error(WRONG_VALUE, f"expected {one_of}, found {quoted(value)}", span, suggest(value.lower(), words) or help)


def _place(document: Document, path: Path) -> Span:
    """The value where it is on one line, else its key: a block says less than the word above it."""
    span = document.nearest(path)
    return span if span.line == span.end_line else document.nearest(path, key=True)


def _value(document: Document, path: Path) -> Any:
    value: Any = document.value
    for step in path:
        value = value[step]
    return value


def _name_help(written: str, domain: bool) -> str:
    """The rule, and what was probably meant."""
    rule, dot = (_DOMAIN_HELP, ".") if domain else (_NAME_HELP, "-")
    near = "-".join(written.lower().replace("_", "-").replace(".", dot).split())
    fits = all(re.fullmatch("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", label) for label in near.split("." if domain else None))
    return f"did you mean '{near}'? {rule}" if fits and near and near != written and len(near) < 254 else rule


def _near_key(loc: tuple[str | int, ...]) -> str:
    keys = [field.alias or name for name, field in _fields(loc[:-1])]
    return next(iter(get_close_matches(str(loc[-1]), keys, n=1)), "")


def _known_keys(loc: tuple[str | int, ...]) -> str:
    keys = [field.alias or name for name, field in _fields(loc[:-1])]
    return suggest(str(loc[-1]), keys) or f"remove it; the keys here are {', '.join(keys)}"


def _about(loc: tuple[str | int, ...]) -> str:
    about = _field(loc).description
    return f"what belongs here: {about}" if about else ""


def _field(loc: tuple[str | int, ...]) -> FieldInfo:
    """The field at `loc`."""
    return next((field for name, field in _fields(loc[:-1]) if (field.alias or name) == loc[-1]), FieldInfo())


def _fields(loc: tuple[str | int, ...]) -> list[tuple[str, FieldInfo]]:
    """The fields of the mapping at `loc`."""
    here: Any = Topology
    for step in loc:
        here = _bare(_annotation(here, step) if _is_written(here) else get_args(here)[-1] if get_args(here) else None)
    return list(here.model_fields.items()) if _is_written(here) else []


def _annotation(model: type[Written], step: str | int) -> Any:
    return next((field.annotation for name, field in model.model_fields.items() if (field.alias or name) == step), None)


def _bare(annotation: Any) -> Any:
    """Without Annotated and `| None`."""
    while get_origin(annotation) in (Annotated, UnionType):
        annotation = get_args(annotation)[0]
    return annotation


def _is_written(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Written)
