"""A user's own certificates: the files beside the topology, read and judged where the row names them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path as FilePath

from budnet.model.trust import Certificate
from budnet.pki.files import CHAIN, judge
from budnet.resolve.draft import Draft
from budnet.source.text import quoted

NO_FILE, NOT_PEM, OTHER_KEY, ORDER, EXPIRED, DUE, NAMES, NOT_A_SERVERS = "R622", "R623", "R624", "R625", "R626", "R627", "R628", "R629"
_CODES = {
    "not-pem": NOT_PEM, "other-key": OTHER_KEY, "order": ORDER, "authority": NOT_A_SERVERS, "usage": NOT_A_SERVERS,
    "expired": EXPIRED, "not-yet": EXPIRED, "due": DUE, "names": NAMES,
}  # fmt: skip
_LARGEST = 1 << 20


def own_files(draft: Draft, name: str, certificate: Certificate, names: Sequence[str]) -> tuple[str, ...]:
    """The paths of a row's chain and key, relative to the file that names them; says what is wrong with what is in them."""
    if not (certificate.chain and certificate.private_key):
        return ()
    folder = FilePath(draft.document.file).parent
    paths = (str(folder / certificate.chain), str(folder / certificate.private_key))
    contents = [_read(draft, name, key, path) for key, path in zip(("chain", "private-key"), paths, strict=True)]
    if contents[0] is None or contents[1] is None:
        return paths
    for problem in judge(contents[0], contents[1], names):
        place = ("certificates", name, problem.where)
        report = draft.warning if problem.kind == "due" else draft.error
        report(_CODES[problem.kind], problem.summary, place, problem.help)
    return paths


def _read(draft: Draft, name: str, key: str, path: str) -> bytes | None:
    try:
        if FilePath(path).exists() and not FilePath(path).is_file():
            raise ValueError("it is not a file")
        with FilePath(path).open("rb") as file:
            return file.read(_LARGEST)
    except (OSError, ValueError) as refused:  # ValueError: a NUL in the name
        reason = getattr(refused, "strerror", None) or refused
        what = "certificate" if key == CHAIN else "key"
        draft.error(NO_FILE, f"cannot read the {what} {quoted(path)}: {reason}", ("certificates", name, key),
                    "the path is taken from the folder of this file")  # fmt: skip
    return None
