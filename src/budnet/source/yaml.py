"""The strict reader: one YAML file -> a Document, or the reasons why not."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from budnet.source import codes
from budnet.source.diagnostic import Diagnostic, error, in_order
from budnet.source.document import Document
from budnet.source.text import decode

if TYPE_CHECKING:
    from yaml.events import Event

    from budnet.source.compose import Composer
    from budnet.source.ruler import Ruler


def parse(text: bytes | str, file: str) -> tuple[Document | None, list[Diagnostic]]:
    """Reads one file. Never raises because of what is in it.

    `file` is the name to show in places. The Document is None where the text could not be read to its end as one
    mapping; otherwise it is what was written as far as it can be understood, even where there are errors (of two
    equal keys the first; a refused word as text), so that later stages may look for more. It must not be acted
    upon if `has_errors(diagnostics)`. Diagnostics are in the order of the file.
    """
    decoded, diagnostics = decode(text, file)
    if decoded is None:
        return None, diagnostics
    # here and not above: PyYAML takes 20 ms to import, and most commands' --help reads no file
    from budnet.source.compose import Composer
    from budnet.source.ruler import Ruler

    ruler = Ruler(file, decoded)
    composer = Composer(ruler)
    failure = _run(composer, ruler)
    if failure is not None:
        return None, in_order([*composer.diagnostics, failure])
    root = _check_root(composer, ruler)
    value = composer.value
    document = Document(value, composer.spans, decoded, file) if isinstance(value, dict) else None
    return document, in_order([*composer.diagnostics, *root])


def _run(composer: Composer, ruler: Ruler) -> Diagnostic | None:
    """Runs the parser over the file; the error at which it gave up, if it did."""
    from yaml import MarkedYAMLError

    try:
        with _garbage_left_alone():
            composer.read(_events(ruler.text))
    except MarkedYAMLError as failure:
        from budnet.source.syntax import syntax_error  # only a wrong file pays for it

        return syntax_error(failure, ruler, composer.unclosed())
    return None


@contextmanager
def _garbage_left_alone() -> Iterator[None]:
    """Nothing that reading makes is garbage; looking for it makes a large file take half as long again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _events(text: str) -> Iterator[Event]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)  # PyYAML may have been built without libyaml
    end = None
    while True:
        try:
            event = loader.get_event() if loader.check_event() else None
        except (ValueError, OverflowError) as failure:
            # the parser in Python, unlike the one in C, takes "\Uffffffff" for a character
            raise yaml.MarkedYAMLError(problem="an unknown escape", problem_mark=end) from failure
        if event is None:
            return
        end = event.end_mark
        yield event


def _check_root(composer: Composer, ruler: Ruler) -> list[Diagnostic]:
    """The root must be there, and be a mapping. Where reading stopped at a limit, there is a diagnostic already."""
    value, places = composer.value, composer.spans.get(())
    if isinstance(value, dict) or (places is None and composer.diagnostics):
        return []
    span = places[1] if places else ruler.start()
    if value is None and (span.line, span.column) == (span.end_line, span.end_column):
        return [error(codes.EMPTY, "nothing is written in this file", span, "`budnet init` writes one to begin with")]
    kind = "a list" if isinstance(value, list) else "a single value"
    help = "write 'key: value' lines, each key at the start of its line and a blank after the ':'"
    return [error(codes.NOT_A_MAPPING, f"the file is {kind}, not a mapping", span, help)]
