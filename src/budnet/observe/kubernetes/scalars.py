"""What a word of YAML is, as `kubectl`, Helm and Kustomize read it: sigs.k8s.io/yaml, which is go-yaml v2 and then JSON.

YAML 1.1 (https://yaml.org/type/), but for what go-yaml leaves out: dates, `=` and numbers to base 60 are texts, and what is too
large for a float. Numbers go through JSON, where `80.0` is `80`.
https://github.com/kubernetes-sigs/yaml/blob/master/goyaml.v2/resolve.go

In one thing it is not followed: `y` and `n` are texts. They are truth values to go-yaml, which refuses the namespace `y` for it, and
which writes it in quotes; texts to YAML 1.2 and to PyYAML, which writes them without. Nobody means a truth value by them where a name
or a label stands, and upstream's own tests of policies are about the namespaces x, y and z.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from functools import lru_cache
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | None
_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_BEGIN = frozenset("0123456789+-.yYnNtTfFoO~")
"""What everything begins with that is no text."""
_WHOLE = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
_BASES = (16, 2, 8, 10)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_EXACT = 1e21
"""Above, JSON as Go writes it has an exponent, and is read as a float again."""
_TAG = "tag:yaml.org,2002:"
_KINDS: dict[str, tuple[type, ...]] = {"null": (type(None),), "bool": (bool,), "int": (int,), "float": (float, int)}


@lru_cache(16384)
def plain(text: str) -> Scalar:
    """A word without quotes and without a tag. Raises ValueError where JSON has no such number."""
    if text and text[0] not in _BEGIN:
        return text
    if text in _WORDS:
        found = _WORDS[text]
        if isinstance(found, float):
            raise ValueError(f"JSON has no number '{text}'")
        return found
    number = text if text[0] == "." else text.replace("_", "")
    if whole := _WHOLE.fullmatch(number):
        sign, *digits = whole.groups()
        return next(int(sign + given, base) for given, base in zip(digits, _BASES, strict=True) if given is not None)
    if _FLOAT.fullmatch(number):
        value = float(number)
        if math.isfinite(value):
            return int(value) if value.is_integer() and abs(value) < _EXACT else value
    return text


def tagged(tag: str, text: str) -> Scalar:
    """A word with a tag; one of somebody's own leaves it a text. Raises ValueError where it is not what the tag says."""
    kind = tag.removeprefix(_TAG)
    if tag == _TAG + "binary":
        try:
            return base64.b64decode(text).decode(errors="replace")
        except binascii.Error as wrong:
            raise ValueError(f"this is no base64: {wrong}") from None
    if tag.startswith(_TAG) and kind in _KINDS:
        value = plain(text)
        if not isinstance(value, _KINDS[kind]) or (isinstance(value, bool) and kind != "bool"):
            raise ValueError(f"'{text[:40]}' is no {kind}")
        return value
    return text
