"""How a picture writes ports, transports and places: short, and the same everywhere."""

from __future__ import annotations

from collections.abc import Iterable

from budnet.ir.address import Match, PortRange, Prefix, Protocol
from budnet.ir.intent import Flow
from budnet.ir.origin import BUILT_IN, Origin
from budnet.render.diagram.scene import Line, Run

TRANSPORTS = {"plaintext": "clear", "": "clear", "tls": "TLS", "mtls": "mTLS", "ssh": "SSH"}
ORDER = ("mTLS", "TLS", "SSH", "clear")


def transport(word: str) -> str:
    """`clear` or what protects it, as people write it."""
    return TRANSPORTS.get(word, word)


def encrypted(word: str) -> bool:
    """Whether anything protects it."""
    return transport(word) != "clear"


def port(match: Match) -> str:
    """`443`; with its protocol where that is not TCP."""
    if match.protocol is None:
        return "all"
    if match.protocol is Protocol.TCP:
        return str(match.ports) if match != Match(Protocol.TCP) else "all TCP"
    return str(match)


def port_order(match: Match) -> tuple[int, PortRange]:
    """Ports by number, TCP first."""
    return (match.protocol.value if match.protocol else 0, match.ports)


def flow_text(flow: Flow) -> str:
    """A declared flow in one line, with the place it was written at."""
    return f"{flow.sources.name} -> {flow.destinations.name} {flow.match} {transport(flow.transport)} ({place(flow.origin)})"


def place(origin: Origin) -> str:
    """`file:line`; `built-in` for what is in every network."""
    return f"{origin.file}:{origin.line}" if origin.line else origin.file or "unknown"


def by_transport(flows: Iterable[Flow]) -> tuple[str, ...]:
    """`TLS 443 5432`, `clear 3000`: one line for each transport, the protected ones first."""
    found: dict[str, set[Match]] = {}
    for flow in flows:
        found.setdefault(transport(flow.transport), set()).add(flow.match)
    words = sorted(found, key=lambda w: (ORDER.index(w) if w in ORDER else 0, w))
    return tuple(f"{word} {' '.join(port(m) for m in sorted(found[word], key=port_order))}" for word in words)


def prefixes(items: Iterable[Prefix]) -> str:
    """`10.0.0.0/16, fd00::/48`."""
    return ", ".join(str(p) for p in items)


def spaced(words: Iterable[tuple[str, bool]]) -> Line:
    """Words, some of them bold, with a space between two."""
    out: list[Run] = []
    for text, bold in words:
        out.append(Run(f"{' ' if out else ''}{text}", bold))
    return tuple(out)


def declared(flows: Iterable[Flow]) -> list[Flow]:
    """Without what is in every network, such as DNS."""
    return [f for f in flows if f.origin != BUILT_IN]


def plural(number: int, word: str) -> str:
    """`1 flow`, `2 flows`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
