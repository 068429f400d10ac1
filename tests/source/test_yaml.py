"""The rules, one by one. «» mark the place that must be reported; the codes are in the order of the places."""

from __future__ import annotations

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from budnet.source import codes
from budnet.source.diagnostic import has_errors
from budnet.source.document import Document
from budnet.source.text import FORBIDDEN, lines
from budnet.source.yaml import parse

pytestmark = pytest.mark.usefixtures("either_parser")


def read(text: str) -> Document:
    document, diagnostics = parse(text, "f")
    assert document is not None
    assert diagnostics == []
    return document


def unmark(marked: str) -> tuple[str, list[tuple[int, int, int, int]]]:
    """The text without its marks, and their places."""
    places = []
    while "«" in marked:
        begin, end = marked.index("«"), marked.index("»") - 1
        marked = marked.replace("«", "", 1).replace("»", "", 1)
        start, stop = lines(marked[:begin]), lines(marked[:end])
        places.append((len(start), len(start[-1]) + 1, len(stop), len(stop[-1]) + 1))
    return marked, places


RULES = [
    # the whole file
    ("empty", "«»", [codes.EMPTY]),
    ("only comments", "«»# nothing\n\n", [codes.EMPTY]),
    ("second document", "a: 1\n«---»\nb: 2\n", [codes.SECOND_DOCUMENT]),
    ("the rest after '...'", "a: 1\n...\n«b»: 2\n", [codes.SYNTAX]),
    ("root is a list", "«- a\n- b»\n", [codes.NOT_A_MAPPING]),
    ("root is a word", "«a:b»\n", [codes.NOT_A_MAPPING]),
    ("root is null", "«~»\n", [codes.NOT_A_MAPPING]),
    # characters
    ("escape", "a: \"b«\x1b»[31m\"\n", [codes.CHARACTER]),
    ("nul", "a: «\0»\n", [codes.CHARACTER]),
    ("trojan source", "a: b «\u202e»c\n", [codes.CHARACTER]),
    ("an escape that stands for one", 'a: «"\\e[31m"»\n', [codes.CHARACTER]),
    ("such an escape in a key", '«"\\0"»: 1\n', [codes.CHARACTER]),
    # keys
    ("duplicate key", "a: 1\n«a»: 2\n", [codes.DUPLICATE_KEY]),
    ("duplicate key in quotes", "a: 1\n«'a'»: 2\n", [codes.DUPLICATE_KEY]),
    ("duplicate key in braces", "x: {a: 1, «\"a\"»: 2}\n", [codes.DUPLICATE_KEY]),
    ("errors below a duplicate key", "a: 1\n«a»: {b: «on»}\n", [codes.DUPLICATE_KEY, codes.BOOLEAN_WORD]),
    ("1.1 boolean as key", "«on»: 1\n«Yes»: 2\n«n»: 3\n", [codes.NOT_A_NAME] * 3),
    ("boolean as key", "«true»: 1\n", [codes.NOT_A_NAME]),
    ("null as key", "«~»: 1\n", [codes.NOT_A_NAME]),
    ("number as key", "«80»: 1\n«010»: 2\n«1.5»: 3\n", [codes.NOT_A_NAME] * 3),
    ("base 60 as key", "«22:22»: 1\n", [codes.NOT_A_NAME]),
    ("empty key", "?«»\n: 1\n", [codes.NOT_A_NAME]),
    ("list as key", "? «[»a]\n: 1\n", [codes.NOT_A_NAME]),
    ("template", "a: {«{» x }}\n", [codes.NOT_A_NAME]),
    ("merge key", "b: {«<<»: {c: 1}}\n", [codes.MERGE_KEY]),
    ("address without value", "- «fd00:»:\n".replace("- ", "a:\n- "), [codes.BARE_IPV6]),
    # anchors, tags, directives
    ("anchor", "a: «&x» 1\n", [codes.ALIAS]),
    ("anchor on a mapping", "a: «&x»\n  b: 1\n", [codes.ALIAS]),
    ("anchor on a key", "«&x» a: 1\n", [codes.ALIAS]),
    ("alias", "a: «*x»\n", [codes.ALIAS]),
    ("alias as key", "«*x» : 1\n", [codes.ALIAS]),
    ("alias in a merge key", "a: {«<<»: «*x»}\n", [codes.MERGE_KEY, codes.ALIAS]),
    ("wildcard name", "a: «*».example.com\n", [codes.ALIAS]),
    ("star", "a: [«*»]\n", [codes.ALIAS]),
    ("tag", "a: «!!str» 1\n", [codes.TAG]),
    ("tag that runs code", "a: «!!python/object/apply:os.system» [x]\n", [codes.TAG]),
    ("the tag that is none", "a: «!» 1\n", [codes.TAG]),
    ("tag and anchor", "a: «!x» «&y» {b: «!z» c}\n", [codes.TAG, codes.ALIAS, codes.TAG]),
    ("anchor and tag", "a: «&y» «!x» b\n", [codes.ALIAS, codes.TAG]),
    ("tag without a handle", "a: «!»x!y 1\n", [codes.TAG]),
    ("yaml directive", "«%YAML 1.1\n---»\na: 1\n", [codes.DIRECTIVE]),
    ("tag directive", "«%TAG ! x:\n---»\na: 1\n", [codes.DIRECTIVE]),
    # words
    ("1.1 boolean", "a: «on»\nb: [«off», «y»]\n", [codes.BOOLEAN_WORD] * 3),
    ("base 60", "a: «22:22»\n", [codes.BASE_60]),
    ("octal", "a: «010»\n", [codes.OCTAL]),
    ("octal, the other way", "a: «0o17»\n", [codes.OCTAL]),
    ("underscore", "a: «1_000»\n", [codes.UNDERSCORE]),
    ("hexadecimal", "a: «0x1F»\n", [codes.HEXADECIMAL]),
    ("binary", "a: «0b11»\n", [codes.HEXADECIMAL]),
    ("infinity", "a: «.inf»\nb: «.nan»\n", [codes.NOT_FINITE] * 2),
    ("exponent", "a: «1e3»\n", [codes.EXPONENT]),
    ("many digits", "a: «1234567890123456789»\n", [codes.TOO_LONG]),
    # addresses
    ("all of IPv6", "a: «::»\n", [codes.BARE_IPV6]),
    ("address that ends with ::", "a: «fd00::»\n", [codes.BARE_IPV6]),
    ("address that begins with :: in a list", "a: [fd00::/8, «::1»]\n", [codes.BARE_IPV6]),
    ("address that begins with :: in braces", "a: {b: «::/0»}\n", [codes.BARE_IPV6]),
    # tabs
    ("tab before a key", "a:\n«\t»b: 1\n", [codes.TAB]),
    ("tab after spaces", "a:\n  b: 1\n «\t»c: 2\n", [codes.TAB]),
    ("tab before a list", "a:\n«\t»- b\n", [codes.TAB]),
    # syntax
    ("unclosed bracket", "a: [1, 2\nb«:» 3\n", [codes.SYNTAX]),
    ("unclosed brace", "a: {b: 1\nc«:» 2\n", [codes.SYNTAX]),
    ("unclosed bracket at the end", "a: [1, 2«»", [codes.SYNTAX]),
    ("unclosed quote", "a: «'»b\nc: 1\n", [codes.SYNTAX]),
    ("stray bracket", "a: «]»\n", [codes.SYNTAX]),
    ("missing blank", "a: 1\n«b»:2\nc: 3\n", [codes.SYNTAX]),
    ("two colons", "a: b«:» c\n", [codes.SYNTAX]),
    ("indented under a value", "a: 1\n  b«:» 2\n", [codes.SYNTAX]),
    ("dedented to nowhere", "a:\n    b: 1\n  «c»: 2\n", [codes.SYNTAX]),
    ("dedented before the root", "  a: 1\n«b»: 2\n", [codes.SYNTAX]),
    ("list after a key", "a: «-» b\n", [codes.SYNTAX]),
    ("text after a quote", "a: 'b' «c»\n", [codes.SYNTAX]),
    ("at sign", "a: «@»b\n", [codes.SYNTAX]),
    ("errors before it", "a: «on»\nb: «22:22»\nc: d«:» e\n", [codes.BOOLEAN_WORD, codes.BASE_60, codes.SYNTAX]),
]  # fmt: skip


@pytest.mark.parametrize(("marked", "expected"), [rule[1:] for rule in RULES], ids=[rule[0] for rule in RULES])
def test_rule(marked: str, expected: list[str]) -> None:
    text, places = unmark(marked)
    _, diagnostics = parse(text, "f")
    spans = [diagnostic.span for diagnostic in diagnostics]
    assert [diagnostic.code for diagnostic in diagnostics] == expected
    assert [(s.line, s.column, s.end_line, s.end_column) for s in spans if s] == places
    assert all(diagnostic.help for diagnostic in diagnostics)
    assert has_errors(diagnostics)


def test_every_code_has_a_rule_here() -> None:
    shown = {code for _, _, expected in RULES for code in expected}
    elsewhere = {codes.NOT_UTF8, codes.TOO_LARGE, codes.TOO_DEEP, codes.TOO_MANY}
    assert shown | elsewhere == {code for name, code in vars(codes).items() if name.isupper()}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1\n", {"a": 1}),
        ("--- # begins\na: 1\n...\n", {"a": 1}),
        ("\ufeffa: 1\n", {"a": 1}),
        ("a: 1\r\nb: 2\rc: 3", {"a": 1, "b": 2, "c": 3}),
        ("{a: 1, b: [x, z]}", {"a": 1, "b": ["x", "z"]}),
        ("a:\nb: ~\nc: null\n", {"a": None, "b": None, "c": None}),
        ("a: {b, c: 1}\n", {"a": {"b": None, "c": 1}}),
        ("a: [b: 1]\n", {"a": [{"b": 1}]}),
        ("a: 'on'\nb: \"22:22\"\n'80': x\n\"<<\": z\n", {"a": "on", "b": "22:22", "80": "x", "<<": "z"}),
        ("a: 2024-01-01\n", {"a": "2024-01-01"}),
        ("a: ::1\nb: ::/0\nc: 2001:db8::1\n", {"a": "::1", "b": "::/0", "c": "2001:db8::1"}),
        ("fd00::/8: a\n", {"fd00::/8": "a"}),
        ("a: [22/tcp, 10.0.0.0/16, 8080:80]\n", {"a": ["22/tcp", "10.0.0.0/16", "8080:80"]}),
        ("a: |\n  on\n  22:22\n", {"a": "on\n22:22\n"}),
        ("a: >-\n  on\n", {"a": "on"}),
        ("a: on\n  off\n", {"a": "on off"}),
        ("? a\n: b\n", {"a": "b"}),
        ("a: [1,\n\n  2, # two\n]\n", {"a": [1, 2]}),
        ("{}", {}),
        ("a: []\n", {"a": []}),
        ("a: \"\\u00e9\\n\"\n", {"a": "é\n"}),
    ],
)  # fmt: skip
def test_accepted(text: str, value: object) -> None:
    assert repr(read(text).value) == repr(value)  # repr tells 1 from True and from 1.0


def test_of_two_keys_the_first_is_kept_and_shown() -> None:
    document, [diagnostic] = parse("a: {b: 1}\na: {c: 2}\n", "f")
    assert document is not None
    assert document.value == {"a": {"b": 1}}
    assert set(document.spans) == {(), ("a",), ("a", "b")}
    assert [(label, str(span)) for label, span in diagnostic.related] == [("first written here", "f:1:1")]


def test_what_is_refused_stands_as_text_or_not_at_all() -> None:
    document, diagnostics = parse("80: on\nb: [010, *x]\n<<: {c: 1}\n", "f")
    assert document is not None
    assert document.value == {"80": "on", "b": ["010", None]}
    assert len(diagnostics) == 5


def test_the_first_of_two_documents_is_given() -> None:
    document, _ = parse("a: 1\n---\nb: 2\n", "f")
    assert document is not None and document.value == {"a": 1}


def test_after_a_syntax_error_there_is_no_document() -> None:
    assert parse("a: 1\nb: c: d\n", "f")[0] is None


def test_the_open_bracket_is_shown() -> None:
    _, [diagnostic] = parse("a: {b: [1, 2\nc: 3\n", "f")
    assert [(label, str(span)) for label, span in diagnostic.related] == [("opened here", "f:1:8")]


def test_a_no_break_space_is_pointed_out() -> None:
    _, [diagnostic] = parse("a: 1\nb:\xa02\n", "f")
    assert "U+00A0" in diagnostic.help


def test_an_escape_beyond_unicode_is_an_error_with_a_place() -> None:
    _, [diagnostic] = parse('a: 1\nb: "\\UFFFFFFFF"\n', "f")
    assert diagnostic.code == codes.SYNTAX
    assert diagnostic.span is not None and diagnostic.span.line == 2


# -- laws

WORDS = st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=12).filter(lambda text: not FORBIDDEN.search(text))
SCALARS = st.none() | st.booleans() | st.integers(-(10**17), 10**17) | WORDS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4), max_leaves=12)
MAPPINGS = st.dictionaries(WORDS, VALUES, max_size=5)
# what safe_dump leaves without quotes because to YAML 1.1 it is a text, and to a YAML 1.2 reader it is not
DISPUTED = {codes.BOOLEAN_WORD, codes.EXPONENT, codes.OCTAL, codes.NOT_A_NAME}


class Written(yaml.SafeDumper):
    """safe_dump without anchors for equal values."""

    def ignore_aliases(self, data: object) -> bool:
        return True


@given(MAPPINGS, st.sampled_from([True, False, None]), st.booleans())
def test_what_pyyaml_writes_is_read_as_it_was(value: dict[str, object], flow: bool | None, wide: bool) -> None:
    text = yaml.dump(value, Dumper=Written, default_flow_style=flow, allow_unicode=wide, sort_keys=False)
    document, diagnostics = parse(text, "f")
    if {diagnostic.code for diagnostic in diagnostics} & DISPUTED:
        return
    assert diagnostics == []
    assert document is not None
    assert repr(document.value) == repr(value)


@given(MAPPINGS)
def test_places_are_those_of_the_words(value: dict[str, object]) -> None:
    text = yaml.dump(value, Dumper=Written, allow_unicode=True, sort_keys=False)
    document, diagnostics = parse(text, "f")
    if document is None or diagnostics:
        return
    for path, (key_span, value_span) in document.spans.items():
        if key_span is not None:
            assert yaml.load(document.written(key_span), yaml.BaseLoader) == path[-1]
        assert document.nearest((*path, "no such key")) == value_span
        assert document.locate(("no such key", *path, "no such key")) == path


@given(WORDS)
def test_single_quotes_make_a_text_of_any_word(word: str) -> None:
    if not re.search(r"[\r\n]", word):
        assert read("a: '" + word.replace("'", "''") + "'").value == {"a": word}


@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=10))
def test_a_name_is_a_text_or_is_refused(name: str) -> None:
    document, diagnostics = parse(f"a: {name}\n", "f")
    if not diagnostics and name not in ("true", "false", "null") and not re.fullmatch(r"-?(0|[1-9][0-9]*)|-", name):
        assert document is not None
        assert document.value == {"a": name}
