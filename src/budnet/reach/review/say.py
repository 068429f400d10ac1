"""Codes, and how a finding is made."""

from __future__ import annotations

from budnet.ir.filters import NodePeer, PodPeer, Selector
from budnet.ir.origin import Origin
from budnet.source.diagnostic import Diagnostic, Severity
from budnet.source.span import Span

SELECTS_NOBODY, MEANS_NOBODY, NEVER_MATCHES, REDUNDANT, SHADOWED = "K211", "K212", "K213", "K214", "K215"
DISAGREE, NO_POLICY, BLOCK_OF_PODS, NO_PORT_OF_THAT_NAME, NOT_MODELLED = "K216", "K217", "K218", "K219", "K220"
NEVER_ASKED, IDLE_BASELINE, CROSSING = "K221", "K222", "K223"
REDUNDANT_FLOW, REDUNDANT_EGRESS, ABOUT_NOBODY = "K231", "K232", "K233"


def finding(
    severity: Severity, code: str, summary: str, origin: Origin, help: str = "", related: tuple[tuple[str, Span], ...] = ()
) -> Diagnostic:
    """One, at the place of an object."""
    return Diagnostic(code, severity, summary, span(origin), help, related)


def span(origin: Origin) -> Span:
    """The line of an object; the first of its file where only that is known."""
    line, column = max(origin.line, 1), max(origin.column, 1) if origin.line else 1
    return Span(origin.file, line, column, line, column)


def words(peer: PodPeer | NodePeer) -> str:
    """Whom a peer means."""

    def listed(selector: Selector) -> str:
        return ", ".join(f"{r.key} {r.operator.value} ({', '.join(r.values)})".removesuffix(" ()") for r in selector)

    if isinstance(peer, NodePeer):
        return f"nodes with {listed(peer.nodes)}"
    where = f" in namespaces with {listed(peer.namespaces)}" if peer.namespaces else ""
    return (f"pods with {listed(peer.pods)}" if peer.pods else "pods") + where


def listed(names: list[str], most: int = 3) -> str:
    """`a, b and 2 more`."""
    found = list(dict.fromkeys(names))
    if len(found) > most:
        return f"{', '.join(found[:most])} and {len(found) - most} more"
    return " and ".join(filter(None, [", ".join(found[:-1]), *found[-1:]]))
