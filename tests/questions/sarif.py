"""What SARIF 2.1.0 (OASIS, 27 March 2020) says of the objects that budnet writes: section 3.13 and those it leads to.

Only properties that budnet uses are here, so one that is misspelt, or stands in the wrong object, is refused.
"""

from __future__ import annotations

from typing import Any


def _object(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


TEXT = {"type": "string", "minLength": 1}
PLACE = {"type": "integer", "minimum": 1}
MESSAGE = _object(["text"], text=TEXT)
REGION = _object(["startLine"], startLine=PLACE, startColumn=PLACE, endLine=PLACE, endColumn=PLACE)
ARTIFACT = _object(["uri"], uri={"type": "string", "format": "uri-reference", "pattern": r"^[^\s\\]+$"})
PHYSICAL = _object(["artifactLocation"], artifactLocation=ARTIFACT, region=REGION)
LOCATION = _object([], id={"type": "integer", "minimum": -1}, message=MESSAGE, physicalLocation=PHYSICAL)
LEVEL = {"enum": ["none", "note", "warning", "error"]}
RULE = _object(
    ["id"], id=TEXT, shortDescription=MESSAGE, fullDescription=MESSAGE, help=MESSAGE, helpUri={"type": "string", "format": "uri"},
    defaultConfiguration=_object([], level=LEVEL),
)  # fmt: skip
RESULT = _object(
    ["message"], ruleId=TEXT, ruleIndex={"type": "integer", "minimum": 0}, level=LEVEL, message=MESSAGE,
    locations={"type": "array", "items": LOCATION},
    relatedLocations={"type": "array", "items": LOCATION, "uniqueItems": True},
    suppressions={"type": "array", "items": _object(["kind"], kind={"enum": ["inSource", "external"]}, justification=TEXT)},
)  # fmt: skip
DRIVER = _object(["name"], name=TEXT, version=TEXT, rules={"type": "array", "items": RULE, "uniqueItems": True})
RUN = _object(
    ["tool"], tool=_object(["driver"], driver=DRIVER), columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    results={"type": "array", "items": RESULT},
)  # fmt: skip
SCHEMA = _object(
    ["version", "runs"], **{"$schema": {"type": "string", "format": "uri"}}, version={"enum": ["2.1.0"]}, runs={"type": "array", "items": RUN},
)  # fmt: skip
