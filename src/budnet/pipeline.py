"""The line: text, Document, Topology, Network. One typed function an arrow; no logic."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from budnet.catalog import REFERENCE, topology_text
from budnet.ir.network import Network
from budnet.records import replace
from budnet.source.diagnostic import Diagnostic, Finding, error, has_errors
from budnet.source.document import Document
from budnet.source.span import Span
from budnet.source.text import quoted, readable
from budnet.source.yaml import parse

if TYPE_CHECKING:
    from budnet.resolve.advice import Advice

DEFAULT_FILE = "budnet.yaml"
RANGES = ("range:", "services:")
"""What the names of ranges begin with in a lock file; all others are those of addresses (`resolve/fleets.py`)."""
NOT_READABLE, BAD_LOCK = "F001", "F002"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file with everything that was found out about it. `network` is None where there are errors."""

    file: str
    text: str
    network: Network | None
    diagnostics: list[Diagnostic]
    addresses: dict[str, str]
    """What budnet allocated, by logical name: the content of a lock file."""
    findings: tuple[Finding, ...] = ()
    """What is wrong with what the file describes; none where it has errors, which come first."""
    literal: bool = False
    airgapped: bool = False
    """How the file was taken: the arguments of `load`."""


def load(file: str | None, literal: bool = False, airgapped: bool = False) -> Loaded:
    """Reads FILE; without one `budnet.yaml` here; without that the embedded reference topology.

    `literal`: what is written takes effect, and not the repairs that come with findings. `airgapped`: as if the file said so.
    """
    if file is None and not Path(DEFAULT_FILE).exists():
        return load_text(topology_text(REFERENCE), f"{REFERENCE}.yaml", {}, literal, airgapped)
    path = Path(file or DEFAULT_FILE)
    try:
        text = path.read_bytes()
    except (OSError, ValueError) as refused:  # ValueError: a NUL in the name
        return _embedded(str(path), literal, airgapped) or Loaded(str(path), "", None, [_unreadable(str(path), refused)], {})
    locked, problems = read_lock(lock_path(path))
    loaded = load_text(text, str(path), locked, literal, airgapped)
    network = None if has_errors(problems) else loaded.network
    return replace(loaded, network=network, diagnostics=[*problems, *loaded.diagnostics])


def _embedded(file: str, literal: bool, airgapped: bool) -> Loaded | None:
    """`catalog/NAME`, where there is no file of that name."""
    kind, _, name = file.partition("/")
    try:
        return load_text(topology_text(name), file, {}, literal, airgapped) if kind == "catalog" else None
    except (OSError, ValueError):
        return None


def load_text(text: bytes, file: str, locked: dict[str, str], literal: bool = False, airgapped: bool = False) -> Loaded:
    """The whole line for a text."""
    document, diagnostics = parse(text, file)
    if document is None or has_errors(diagnostics):
        return Loaded(file, _shown(document, text), None, diagnostics, {})
    return _resolved(document, diagnostics, locked, literal, airgapped)


def _resolved(document: Document, diagnostics: list[Diagnostic], locked: dict[str, str], literal: bool, airgapped: bool) -> Loaded:
    from budnet.model.decode import decode  # pydantic takes a while to import, and not every command reads a file

    topology, found = decode(document)
    diagnostics += found
    if topology is None:
        return Loaded(document.file, document.text, None, diagnostics, {})
    if airgapped and topology.airgapped is None:
        from budnet.model.airgap import Airgap

        topology = topology.model_copy(update={"airgapped": Airgap()})
    from budnet.lint import lint
    from budnet.resolve import resolve

    findings, repaired, wrong = lint(document, topology)
    network, found, addresses = resolve(document, topology if literal else repaired, locked)
    diagnostics += wrong + found
    if has_errors(diagnostics):
        return Loaded(document.file, document.text, None, diagnostics, {})
    return Loaded(document.file, document.text, network, diagnostics, addresses, tuple(findings), literal, airgapped)


def with_rows(loaded: Loaded, rows: str) -> Loaded:
    """A file as if it had some rows more: lists are joined behind its own, mappings beside them. Addresses stay what they are.

    What is wrong with the rows is reported at the nearest place that the file has.
    """
    document, problems = parse(loaded.text.encode(), loaded.file)
    more, wrong = parse(rows.encode(), loaded.file)
    assert document is not None and more is not None and not has_errors([*problems, *wrong]), "the file was read, and the rows are ours"
    value = dict(document.value)
    for key, added in more.value.items():
        before = value.get(key)
        if isinstance(added, list) and isinstance(before, list):
            value[key] = [*before, *added]
        elif isinstance(added, dict) and isinstance(before, dict):
            value[key] = before | added
        else:
            value[key] = added
    return _resolved(replace(document, value=value), problems, loaded.addresses, loaded.literal, loaded.airgapped)


def advise(file: str | None) -> tuple[Loaded, list[Advice] | None]:
    """A file as `load` reads it, and which method joins which of its networks; None where too much is wrong to say.

    What only the methods are wrong about, `load` finds as well; to say what fits instead is what this is for.
    """
    from budnet.model.decode import decode
    from budnet.resolve.advice import advise as _advise

    loaded = load(file)
    document, found = parse(loaded.text.encode(), loaded.file)
    topology = None if document is None or has_errors(found) else decode(document)[0]
    if document is None or topology is None:
        return loaded, None
    return loaded, _advise(document, topology, read_lock(lock_path(Path(loaded.file)))[0])


_GUARANTEES = "it is a file such as `guarantees: [{never: {from: internet, to: NAMESPACE/WORKLOAD}}]`"


def with_guarantees(network: Network, file: str) -> Loaded:
    """A Network that was not written in our language, with the guarantees of a file about it."""
    try:
        text = Path(file).read_bytes()
    except (OSError, ValueError) as refused:
        return Loaded(file, "", None, [_unreadable(file, refused, _GUARANTEES)], {})
    document, diagnostics = parse(text, file)
    if document is None or has_errors(diagnostics):
        return Loaded(file, _shown(document, text), None, diagnostics, {})
    from budnet.model.decode import decode_guarantees
    from budnet.resolve.observed_guarantees import observed_guarantees

    written, found = decode_guarantees(document)
    diagnostics += found
    if written is None:
        return Loaded(file, document.text, None, diagnostics, {})
    guarantees, found = observed_guarantees(document, written, network)
    diagnostics += found
    with_them = None if has_errors(diagnostics) else replace(network, guarantees=tuple(guarantees))
    return Loaded(file, document.text, with_them, diagnostics, {})


def lock_path(file: Path) -> Path:
    """The lock file beside a topology: `budnet.lock` beside `budnet.yaml`."""
    return file.with_suffix(".lock")


def read_lock(path: Path) -> tuple[dict[str, str], list[Diagnostic]]:
    """Addresses by logical name; a lock that is not there is empty."""
    from ipaddress import ip_address, ip_network

    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        for name, address in data["addresses"].items():
            (ip_network if name.startswith(RANGES) else ip_address)(address)
        return dict(data["addresses"]), []
    except FileNotFoundError:
        return {}, []
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as wrong:
        line, column = getattr(wrong, "lineno", 1), getattr(wrong, "colno", 1)
        span = Span(str(path), line, column, line, column)
        return {}, [error(BAD_LOCK, "the lock file cannot be read", span, "restore it from version control, or delete it to allocate anew")]


def lock_text(addresses: dict[str, str]) -> str:
    """The content of a lock file."""
    return json.dumps({"budnet": 1, "addresses": dict(sorted(addresses.items()))}, indent=1) + "\n"


def _unreadable(file: str, refused: Exception, help: str = "`budnet init` writes one to begin with") -> Diagnostic:
    reason = getattr(refused, "strerror", None) or refused
    return error(NOT_READABLE, f"cannot read {quoted(file)}: {reason}", None, help)


def _shown(document: Document | None, text: bytes) -> str:
    return document.text if document is not None else readable(text)
