"""The groups in which TLS exchanges keys, with the names that people and servers use for them.

Numbers: IANA's registry "TLS Supported Groups". The first name is the one that budnet writes; the hybrids with ML-KEM are
RFC 9794's construction and draft-ietf-tls-ecdhe-mlkem's numbers, and OpenSSL has them from 3.5 on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Group:
    """`names`: ours first, which OpenSSL takes too; then the others it goes by."""

    number: int
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name that budnet writes."""
        return self.names[0]

    @property
    def elliptic(self) -> bool:
        """A curve: the only kind that TLS 1.2 uses with ECDHE suites."""
        return self.number < 0x100

    @property
    def hybrid(self) -> bool:
        """A curve together with ML-KEM, in TLS 1.3 only."""
        return self.number >= 0x11EB

    @property
    def nist(self) -> bool:
        """P-256, P-384, P-521: what a server that knows only `EC_KEY` curves of OpenSSL has."""
        return self.number in (23, 24, 25)


GROUPS: Final = (
    Group(29, ("X25519",)),
    Group(23, ("P-256", "prime256v1", "secp256r1")),
    Group(24, ("P-384", "secp384r1")),
    Group(25, ("P-521", "secp521r1")),
    Group(30, ("X448",)),
    Group(0x11EC, ("X25519MLKEM768",)),
    Group(0x11EB, ("SecP256r1MLKEM768",)),
    Group(0x11ED, ("SecP384r1MLKEM1024",)),
    Group(0x100, ("ffdhe2048",)),
    Group(0x101, ("ffdhe3072",)),
    Group(0x102, ("ffdhe4096",)),
    Group(0x103, ("ffdhe6144",)),
    Group(0x104, ("ffdhe8192",)),
    Group(19, ("secp192r1", "prime192v1")),
    Group(21, ("secp224r1",)),
    Group(22, ("secp256k1",)),
    Group(26, ("brainpoolP256r1",)),
    Group(27, ("brainpoolP384r1",)),
    Group(28, ("brainpoolP512r1",)),
)
BY_NUMBER: Final = {g.number: g for g in GROUPS}
BY_NAME: Final = {name.upper(): g for g in GROUPS for name in g.names}
HYBRIDS: Final = tuple(g.name for g in GROUPS if g.hybrid)
FINITE: Final = tuple(g.name for g in GROUPS if not g.elliptic and not g.hybrid)
USUAL: Final = ("X25519", "P-256", "X448", "P-521", "P-384")
"""The curves that OpenSSL 3 offers where nobody says otherwise (SSL_CTX_set1_groups(3))."""


def find(name: str) -> Group | None:
    """By any of its names, in whatever case."""
    return BY_NAME.get(name.upper())


def called(number: int) -> str:
    """The name of a group, or its number where it has none here."""
    return BY_NUMBER[number].name if number in BY_NUMBER else f"0x{number:04X}"
