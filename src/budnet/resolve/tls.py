"""TLS profiles: what is written over what was published, every name checked and put into one spelling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path as File

from budnet.ir.names import TlsProfile
from budnet.model.trust import TlsProfile as Written
from budnet.resolve.draft import Draft
from budnet.source.document import Path
from budnet.source.text import quoted
from budnet.tls import groups, published, suites
from budnet.tls.published import NotInSchema, Published

UNKNOWN_SUITE, WRONG_LIST, UNKNOWN_GROUP = "R650", "R651", "R653"
UNKNOWN_BASE, NOT_READ, NOT_A_PROFILE, NEVER_USED = "R654", "R655", "R656", "R657"
NOTHING = Published("1.2", (), (), (), "")


def tls(draft: Draft) -> None:
    """The pass."""
    for name, written in draft.topology.tls.items():
        base = _base(draft, name, written)
        if base is None:
            continue
        path = ("tls", name)
        minimum = written.minimum if "minimum" in written.model_fields_set else base.minimum
        # a published list for TLS 1.2 is not meant for a profile that begins behind it
        below = base.ciphers if minimum < "1.3" else ()
        ciphers = _suites(draft, (*path, "ciphers"), _own(written, "ciphers"), below, tls13=False)
        ciphersuites = _suites(draft, (*path, "ciphersuites"), _own(written, "ciphersuites"), base.ciphersuites, tls13=True)
        exchanged = _names(draft, (*path, "groups"), _own(written, "groups"), base.groups, lambda at, word: _group(draft, at, word))
        key = written.key or base.key
        if minimum == "1.3" and ciphers:
            at = (*path, "ciphers")
            draft.error(NEVER_USED, "suites of TLS 1.2 in a profile that begins at 1.3", at, 'remove them, or write `minimum: "1.2"`')
        draft.tls_profiles.append(
            TlsProfile(name, minimum, ciphers, ciphersuites, exchanged, key, written.managed_by or "", draft.origin(*path),
                       written.clients is not None)
        )  # fmt: skip


def _base(draft: Draft, name: str, written: Written) -> Published | None:
    """What the profile starts from; None where that could not be read."""
    if written.from_ is None:
        return NOTHING
    path, shipped = ("tls", name, "from"), published.shipped()
    if written.from_ in shipped:
        return published.read(shipped[written.from_])
    file, _, chosen = written.from_.partition("#")
    if not file.endswith(".json"):
        help = draft.suggest(written.from_, shipped) or f"choose from {', '.join(shipped)}, or name a file: PROFILES.json#NAME"
        draft.error(UNKNOWN_BASE, f"there is no published profile {quoted(written.from_)}", path, help)
        return None
    try:
        return published.from_file(File(draft.document.file).parent / file, chosen)
    except NotInSchema as wrong:
        draft.error(NOT_A_PROFILE, f"{quoted(file)} holds no profile: {wrong}", path, wrong.help)
    except (OSError, ValueError) as refused:
        reason = getattr(refused, "strerror", None) or refused
        draft.error(NOT_READ, f"cannot read {quoted(file)}: {reason}", path, "it is looked for beside this file")
    return None


def _own(written: Written, part: str) -> list[str] | None:
    """A list as it is written; None where it is not."""
    found: list[str] = getattr(written, part)
    return found if part in written.model_fields_set else None


Find = Callable[[Path, str], str | None]


def _names(draft: Draft, path: Path, written: Sequence[str] | None, base: Sequence[str], find: Find) -> tuple[str, ...]:
    """What is written replaces what was published; a fault in the latter is shown at `from`."""
    if written is not None:
        found = [find((*path, i), word) for i, word in enumerate(written)]
    else:
        found = [find((*path[:-1], "from"), word) for word in base]
    return tuple(dict.fromkeys(f for f in found if f))


def _suites(draft: Draft, path: Path, written: Sequence[str] | None, base: Sequence[str], tls13: bool) -> tuple[str, ...]:
    return _names(draft, path, written, base, lambda at, word: _suite(draft, at, word, tls13))


def _suite(draft: Draft, path: Path, word: str, tls13: bool) -> str | None:
    suite = suites.find(word)
    if suite is None:
        near = draft.suggest(word.upper(), (s.openssl for s in (suites.SUITES_13 if tls13 else suites.SUITES_12)))
        draft.error(UNKNOWN_SUITE, f"there is no cipher suite {quoted(word)}", path, near or "write one name of OpenSSL or IANA, such as "
                    f"{'TLS_AES_256_GCM_SHA384' if tls13 else 'ECDHE-RSA-AES256-GCM-SHA384'}; no patterns")  # fmt: skip
        return None
    if suite.tls13 and not tls13:
        draft.error(WRONG_LIST, f"{suite.iana} is a suite of TLS 1.3", path, "move it to `ciphersuites`: `ciphers` are TLS 1.2's")
        return None
    if tls13 and not suite.tls13:
        draft.error(WRONG_LIST, f"{suite.openssl} is no suite of TLS 1.3", path, "move it to `ciphers`: `ciphersuites` are TLS 1.3's")
        return None
    return suite.openssl


def _group(draft: Draft, path: Path, word: str) -> str | None:
    group = groups.find(word)
    if group is None:
        near = draft.suggest(word, (n for g in groups.GROUPS for n in g.names))
        draft.error(UNKNOWN_GROUP, f"there is no key-exchange group {quoted(word)}", path, near or "write one such as X25519 or P-256")
        return None
    return group.name
