"""Label selectors as the Kubernetes API has them.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/label-selector/: `matchLabels` and
`matchExpressions` must all hold; the empty selector selects everything. What a key and a value may be, and what no label can be
so that an API server refuses it: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from budnet.ir.filters import Operator, Requirement, Selector
from budnet.observe.kubernetes.fields import Object, Wrong, mapping, mappings, only, sequence, text

_OPERATORS = {o.value: o for o in Operator}
_NAME = r"[A-Za-z0-9](?:[-\w.]{0,61}[A-Za-z0-9])?"
_PART = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
# policies ask for the same few labels again and again
_is_key = lru_cache(5000)(re.compile(rf"(?:(?=.{{1,253}}/){_PART}(?:\.{_PART})*/)?{_NAME}", re.ASCII).fullmatch)
_is_value = lru_cache(5000)(re.compile(rf"(?:{_NAME})?", re.ASCII).fullmatch)


def selector(of: Object, where: str) -> Selector:
    """A selector, its requirements in a stable order so that equal ones are equal values."""
    for name in of:
        if name not in ("matchLabels", "matchExpressions"):
            raise Wrong(f"{where}.{name}", f"a label selector has no '{name}'", "it has matchLabels and matchExpressions")
    found: list[Requirement] = []
    for key, value in mapping(of, "matchLabels", f"{where}.").items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise Wrong(f"{where}.matchLabels", f"the label {key!r} is no text", "quote it: labels are texts")
        _well_formed(key, (value,), f"{where}.matchLabels")
        found.append(Requirement(key, Operator.IN, (value,)))
    for i, each in enumerate(mappings(of, "matchExpressions", f"{where}.")):
        found.append(_expression(each, f"{where}.matchExpressions[{i}]."))
    return tuple(sorted(found, key=lambda r: (r.key, r.operator.value, r.values)) if len(found) > 1 else found)


def _expression(of: Object, where: str) -> Requirement:
    only(of, ("key", "operator", "values"), where)
    word = text(of, "operator", where)
    operator = _OPERATORS.get(word)
    if operator is None:
        raise Wrong(f"{where}operator", f"'{word}' is no operator", f"write one of {', '.join(_OPERATORS)}")
    values = sequence(of, "values", where)
    if not all(isinstance(v, str) for v in values):
        raise Wrong(f"{where}values", "values of labels are texts", "quote them")
    takes = operator in (Operator.IN, Operator.NOT_IN)
    if takes != bool(values):
        raise Wrong(f"{where}values", f"{word} takes {'at least one value' if takes else 'no values'}")
    key = text(of, "key", where)
    _well_formed(key, values, where.rstrip("."))
    return Requirement(key, operator, tuple(sorted(set(values))))


def _well_formed(key: str, values: Iterable[str], where: str) -> None:
    if not _is_key(key):
        raise Wrong(where, f"{key!r} is no key of a label", "it is like `app` or `example.com/app`, its name of up to 63 characters")
    for value in values:
        if not _is_value(value):
            help = "up to 63 letters, digits, '-', '_' and '.', with a letter or a digit first and last"
            raise Wrong(where, f"{value!r} is no value of a label", help)


def selects(chosen: Selector, given: Mapping[str, str]) -> bool:
    """Whether labels have all that a selector asks for."""
    return all(_holds(r, given.get(r.key)) for r in chosen)


def _holds(requirement: Requirement, value: str | None) -> bool:
    match requirement.operator:
        case Operator.IN:
            return value in requirement.values
        case Operator.NOT_IN:  # a missing key is not in, too
            return value not in requirement.values
        case Operator.EXISTS:
            return value is not None
    return value is None
