"""What the old and the new are worth when a rotation is over: who trusts or shows only the old is refused, and the new serves everybody."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from budnet.errors import TwinError
from budnet.twin import handshake, reload, syscall
from budnet.twin.certificates import EVERYONE
from budnet.twin.load import Pair, request

Key = tuple[str, int]


@dataclass
class Refusal:
    """What became of a client that trusts only the old, of one that trusts only the new, and of one that trusts the new and shows
    what the old signed; empty where it was served. None where nothing of that kind was tried."""

    consumer: str
    server: str
    old: str
    new: str
    shown: str | None = None

    @property
    def good(self) -> bool:
        """The old one is refused for its trust, the new one is not refused at all, and what the old signed is refused by an alert."""
        return "certificate verify failed" in self.old and not self.new and (self.shown is None or "alert" in self.shown.lower())

    def json(self) -> dict[str, Any]:
        """As it goes to who asked."""
        return asdict(self) | {"refused": self.good}


@dataclass
class Judge:
    """Looks at every server `before` and `after`. `depth` is the certificate of a chain that the rotation is about."""

    pairs: Sequence[Pair]
    spaces: Mapping[str, int]
    home: Path
    depth: int
    sidecars: str
    """What those trust who speak to sidecars: a file below `home`."""
    old: dict[Key, bytes] = field(default_factory=dict)
    """Per server the certificate (DER) that is rotated: its leaf, its issuer or its root."""
    _shown: dict[str, bytes] = field(default_factory=dict)

    def before(self) -> None:
        """Keeps what is presented, and what clients show."""
        self.old = self._presented()
        self._shown = {p.certificate: (self.home / p.certificate).read_bytes() for p in self.pairs if p.mutual}

    def after(self, shown: bool) -> list[Refusal]:
        """Every consumer of every server, once with the old alone and once with the new alone; where a server believes whoever
        `shown` client certificates are from, once more with the old one."""
        new, out = self._presented(), []
        for pair in self.pairs:
            mine = self.home / pair.certificate
            tried = [self._try(pair, anchor[pair.key], mine) for anchor in (self.old, new)]
            out.append(Refusal(pair.consumer, pair.server, *tried))
            if shown and pair.mutual:
                with NamedTemporaryFile(dir=self.home) as file:
                    file.write(self._shown[pair.certificate])
                    file.flush()
                    out[-1].shown = self._try(pair, new[pair.key], Path(file.name))
        return out

    def _try(self, pair: Pair, anchor: bytes, shown: Path) -> str:
        try:
            request(pair, self.spaces[pair.consumer], _only(anchor, shown))
        except OSError as refused:
            return str(refused) or type(refused).__name__
        return ""

    def _presented(self) -> dict[Key, bytes]:
        return {key: self._verified(pair)[self.depth] for key, pair in {p.key: p for p in self.pairs}.items()}

    def _verified(self, pair: Pair) -> tuple[bytes, ...]:
        """What a server presents, up to the root. Raises TwinError where who trusts what everyone does not accept it."""
        syscall.setns(self.spaces[pair.consumer])
        context = ssl.create_default_context(cafile=str(self.home / (self.sidecars if pair.app else EVERYONE)))
        reload.show(context, self.home / pair.certificate)
        starttls = handshake.POSTGRESQL if pair.software == "postgresql" else ""
        try:
            return handshake.chain(handshake.connect(pair.address, pair.port, pair.name, starttls, context), "get_verified_chain")
        except OSError as refused:
            raise TwinError(f"{pair.server} is not accepted as {pair.name}: {refused}") from refused


def _only(anchor: bytes, shown: Path) -> ssl.SSLContext:
    """A client that trusts one certificate and nothing else: a root, or (RFC 5280 allows any) an issuer or a leaf."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=anchor)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    reload.show(context, shown)
    return context
