"""DOCUMENT -> TOPOLOGY: checks the shape of what was written, and says what is wrong where it is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from budnet.model.topology import Topology
from budnet.model.values import Written
from budnet.source.diagnostic import Diagnostic, error, suggest
from budnet.source.document import Document

UNKNOWN_KEY, MISSING_KEY, WRONG_TYPE, WRONG_VALUE, BAD_NAME, TOO_MANY = "M001", "M002", "M003", "M004", "M005", "M006"
LIMIT = 50
"""A file of another kind would otherwise bury the one message that matters."""

_NAME_HELP = "names are small letters, digits and '-', begin and end with a letter or digit, 63 characters at most"


def decode(document: Document) -> tuple[Topology | None, list[Diagnostic]]:
    """The Topology, or None and the reasons."""
    try:
        return Topology.model_validate(document.value), []
    except ValidationError as failure:
        details = failure.errors(include_url=False, include_input=False)
        found = [_diagnostic(document, dict(detail)) for detail in details[:LIMIT]]
        if len(details) > LIMIT:
            found.append(error(TOO_MANY, f"{len(details) - LIMIT} more errors are not shown", document.nearest(())))
        return None, found


def _diagnostic(document: Document, detail: dict[str, Any]) -> Diagnostic:
    loc = tuple(step for step in detail["loc"] if step != "[key]")
    path = document.locate(loc)
    kind = detail["type"]
    if kind == "extra_forbidden":
        key = str(loc[-1])
        return error(UNKNOWN_KEY, f"unknown key '{key}'", document.nearest(path, key=True), suggest(key, _keys()) or "remove it")
    if kind == "missing":
        parent = f" in '{path[-1]}'" if path else ""
        return error(MISSING_KEY, f"'{loc[-1]}' is missing{parent}", document.nearest(path, key=True), "add it")
    if "[key]" in detail["loc"]:
        return error(BAD_NAME, f"'{loc[-1]}' cannot be a name", document.nearest(path, key=True), _NAME_HELP)
    span = document.nearest(path)
    if kind == "string_pattern_mismatch":
        return error(BAD_NAME, "this cannot be a name", span, _NAME_HELP)
    if kind == "literal_error":
        return error(WRONG_VALUE, f"expected one of {detail['ctx']['expected']}", span, _near(document, path, detail))
    code = WRONG_TYPE if kind.endswith("_type") or kind in _OWN else WRONG_VALUE
    return error(code, _sentence(detail["msg"]), span)


_OWN = ("prefix", "address", "port")


def _near(document: Document, path: tuple[str | int, ...], detail: dict[str, Any]) -> str:
    written = document.written(document.nearest(path))
    return suggest(written, str(detail["ctx"]["expected"]).replace("'", "").replace(" or ", ", ").split(", "))


def _sentence(message: str) -> str:
    """pydantic's message in the voice of the others: small first letter, YAML's words for Python's."""
    for ours, theirs in (("a mapping of keys to values", "a valid dictionary or instance of"), ("mapping", "dictionary")):
        if theirs in message:
            return f"expected {ours}" if ours.startswith("a ") else message[0].lower() + message[1:].replace(theirs, ours)
    return message[0].lower() + message[1:]


def _keys() -> Iterator[str]:
    """Every key of the language, for suggestions."""
    for model in Written.__subclasses__():
        for name, field in model.model_fields.items():
            yield field.alias or name
