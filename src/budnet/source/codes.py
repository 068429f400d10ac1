"""Every code that reading a file can report. Codes are a contract: never renumbered, never reused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

NOT_UTF8: Final = "Y001"
TOO_LARGE: Final = "Y002"
CHARACTER: Final = "Y003"
SYNTAX: Final = "Y004"
TAB: Final = "Y005"
TOO_DEEP: Final = "Y006"
EMPTY: Final = "Y007"
SECOND_DOCUMENT: Final = "Y008"
NOT_A_MAPPING: Final = "Y009"
DUPLICATE_KEY: Final = "Y010"
NOT_A_NAME: Final = "Y011"
MERGE_KEY: Final = "Y012"
ALIAS: Final = "Y013"
TAG: Final = "Y014"
DIRECTIVE: Final = "Y015"
BOOLEAN_WORD: Final = "Y016"
BASE_60: Final = "Y017"
OCTAL: Final = "Y018"
UNDERSCORE: Final = "Y019"
HEXADECIMAL: Final = "Y020"
NOT_FINITE: Final = "Y021"
EXPONENT: Final = "Y022"
TOO_LONG: Final = "Y023"
BARE_IPV6: Final = "Y024"
TOO_MANY: Final = "Y025"

TITLES: Final[Mapping[str, str]] = {
    NOT_UTF8: "the file is not UTF-8",
    TOO_LARGE: "the file is too large",
    CHARACTER: "a control or invisible character",
    SYNTAX: "not valid YAML",
    TAB: "a tab in the indentation",
    TOO_DEEP: "nested too deeply",
    EMPTY: "nothing is written",
    SECOND_DOCUMENT: "more than one document in a file",
    NOT_A_MAPPING: "the file is not a mapping",
    DUPLICATE_KEY: "the same key twice",
    NOT_A_NAME: "a key that is not text",
    MERGE_KEY: "a merge key",
    ALIAS: "an anchor or an alias",
    TAG: "a tag",
    DIRECTIVE: "a directive",
    BOOLEAN_WORD: "a word that some readers take for true or false",
    BASE_60: "a number to base 60",
    OCTAL: "a number with a leading zero",
    UNDERSCORE: "a number with underscores",
    HEXADECIMAL: "a hexadecimal or binary number",
    NOT_FINITE: "infinity or not-a-number",
    EXPONENT: "a number with an exponent",
    TOO_LONG: "a number with too many digits",
    BARE_IPV6: "an IPv6 address that needs quotes",
    TOO_MANY: "too many errors",
}
