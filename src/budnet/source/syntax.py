"""A parser's error -> a Diagnostic: what the writer did, instead of what the parser was doing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from yaml import MarkedYAMLError

from budnet.source import codes
from budnet.source.diagnostic import Diagnostic, Related, error
from budnet.source.ruler import Mark, Ruler
from budnet.source.text import place, quoted


def syntax_error(failure: MarkedYAMLError, ruler: Ruler, unclosed: Related) -> Diagnostic:
    """The one diagnostic for the error at which the parser gave up. `unclosed`: the innermost open bracket."""
    mark = failure.problem_mark
    if mark is None:
        return error(codes.SYNTAX, failure.problem or "not valid YAML", ruler.start())
    return _tab(mark, ruler) or _bare_ipv6(mark, ruler) or _from_table(mark, ruler, failure, unclosed)


def _tab(mark: Mark, ruler: Ruler) -> Diagnostic | None:
    """A tab in the indentation shows up as many different errors."""
    line_start = mark.index - mark.column
    indentation = _INDENTATION.match(ruler.text, line_start)
    tab = indentation.group().find("\t") if indentation else -1
    if tab >= 0:
        index = line_start + tab
    elif ruler.text[mark.index : mark.index + 1] == "\t":
        index = mark.index
    else:
        return None
    help = "YAML indents with spaces only: replace each tab by two spaces"
    return error(codes.TAB, "a tab in the indentation", place(ruler.text, index, ruler.file), help)


def _bare_ipv6(mark: Mark, ruler: Ruler) -> Diagnostic | None:
    """`cidr: ::` and `[::1]`: a ':' before a blank, or first inside brackets, is the one after a key."""
    around = ruler.text[max(0, mark.index - _LONGEST_IPV6) : mark.index + _LONGEST_IPV6]
    here = min(mark.index, _LONGEST_IPV6)
    for word in _IPV6.finditer(around):
        if word.start() <= here < word.end() and "::" in word.group():
            start = mark.index - here + word.start()
            span = place(ruler.text, start, ruler.file, len(word.group()))
            written = quoted(word.group())
            return error(codes.BARE_IPV6, f"the IPv6 address {written} needs quotes here", span, f"write {written}")
    return None


_INDENTATION: Final = re.compile(r"[ \t]*")
_IPV6: Final = re.compile(r"[0-9A-Fa-f:.]+(?:/[0-9]+)?")
_LONGEST_IPV6: Final = 50


@dataclass(frozen=True, slots=True)
class _Case:
    """One way in which YAML goes wrong. `sign`: what PyYAML says (C and Python word it differently)."""

    sign: str
    summary: str
    help: str
    code: str = codes.SYNTAX
    at_start: bool = False
    """The place is where the unfinished thing begins, not where the parser noticed."""


# The first case whose sign occurs in "context: problem" is taken.
_CASES: Final = (
    _Case(
        r"scanning an alias",
        "a text that begins with '*' needs quotes",
        "to YAML it is an alias; write for example '*.example.com'",
        codes.ALIAS,
        at_start=True,
    ),
    _Case(
        r"scanning an anchor",
        "a text that begins with '&' needs quotes",
        "to YAML it is an anchor, and anchors are not supported",
        codes.ALIAS,
        at_start=True,
    ),
    _Case(
        r"(scanning|parsing) a tag|tag handle",
        "a text that begins with '!' needs quotes",
        "to YAML it is a tag, and tags are not supported",
        codes.TAG,
        at_start=True,
    ),
    _Case(
        r"directive|YAML document",
        "directives are not supported",
        "remove the line that begins with '%'",
        codes.DIRECTIVE,
    ),
    _Case(
        r"quoted scalar: found unexpected end|quoted scalar: found unexpected document",
        "a quote is not closed",
        "close it; a quote inside single quotes is written twice: 'it''s'",
        at_start=True,
    ),
    _Case(
        r"escape|hexadecimal|hexdecimal",
        "an escape that YAML does not know",
        "in double quotes '\\' begins an escape: use single quotes, or write '\\\\'",
    ),
    _Case(
        r"mapping values are not allowed",
        "a ':' that cannot stand here",
        "either this line is indented differently from its neighbours, or the text contains ': ' and needs quotes",
    ),
    _Case(
        r"could not find expected ':'",
        "a key without ': '",
        "write 'key: value', with a blank after the ':'; a text over several lines needs quotes",
        at_start=True,
    ),
    _Case(
        r"sequence entries are not allowed",
        "a '- ' that cannot stand here",
        "begin the list on a line of its own below its key; a text that begins with '- ' needs quotes",
    ),
    _Case(r"',' or '\]'", "a list in brackets goes wrong here", "is a ',' or the closing ']' missing before this?"),
    _Case(r"',' or '}'", "a mapping in braces goes wrong here", "is a ',' or the closing '}' missing before this?"),
    _Case(
        r"flow node",
        "a value is missing, or begins with a character that needs quotes",
        "inside brackets write values with ',' between them; quote texts with : , [ ] { } in them",
    ),
    _Case(r"block node", "a bracket that was never opened", "remove it, or put the text in quotes"),
    _Case(
        r"<document start>",
        "this is not part of what is above it",
        "either it is indented less than the first line, or it comes after '...', which ends the file",
    ),
    _Case(
        r"block mapping|block collection",
        "this line does not fit the lines above it",
        "keys of one mapping begin in the same column; after a closing quote or bracket nothing may follow",
    ),
    _Case(
        r"cannot start any token",
        "a text that begins with this character needs quotes",
        "put the text in quotes",
    ),
    _Case(
        r"block scalar",
        "only '|' or '>' with nothing after it begins a text of several lines",
        "put the text in quotes",
    ),
)

_NO_BREAK_SPACE: Final = "\xa0"
_NEARBY: Final = 80


def _from_table(mark: Mark, ruler: Ruler, failure: MarkedYAMLError, unclosed: Related) -> Diagnostic:
    said = f"{failure.context or ''}: {failure.problem or ''}"
    case = next((case for case in _CASES if re.search(case.sign, said)), _Case("", failure.problem or said, ""))
    if case.at_start and failure.context_mark is not None:
        mark = failure.context_mark
    help = case.help
    before = ruler.text[max(0, mark.index - mark.column - _NEARBY) : mark.index]
    if _NO_BREAK_SPACE in before or _NO_BREAK_SPACE in ruler.text[mark.index : mark.index + _NEARBY]:
        help = "there is a no-break space (U+00A0) near this, perhaps from a web page: write a plain one"
    return error(case.code, case.summary, ruler.at(mark), help, unclosed)
