"""How products write "a name and what is below it", and what is lost where a product cannot say it.

`*.example.com` means one label below in Kubernetes' Cilium and in a certificate, any number in Envoy and Azure Firewall;
`.example.com` of AWS and Squid means the name itself as well. So names are kept as they are meant (`ir.HostName`), and
written for a product at the very end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from budnet.ir.filters import ANY_DEPTH, HostName


@dataclass(frozen=True, slots=True)
class Pattern:
    """A way to write names: `text` with NAME in it, the depths that it matches, and whether the name itself is among them."""

    text: str
    apex: bool
    first: int
    last: int

    def matches(self, depth: int) -> bool:
        """Whether a name so many labels below is matched; 0 is the name itself."""
        return self.apex if depth == 0 else self.first <= depth <= self.last


_EXACT = Pattern("NAME", True, 1, 0)


@dataclass(frozen=True, slots=True)
class Backend:
    """A product. `patterns` are what it has beside exact names; `source` says what they mean."""

    name: str
    patterns: tuple[Pattern, ...]
    source: str
    note: str = ""
    """What holds of every name."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """What to write for a name, and what that lets through too much or too little; empty where it is what was meant."""

    patterns: tuple[str, ...]
    loss: str = ""


BACKENDS: Mapping[str, Backend] = {
    b.name: b
    for b in (
        Backend("cilium", (Pattern("*.NAME", False, 1, 1), Pattern("**.NAME", False, 1, ANY_DEPTH)),
                "docs.cilium.io, DNS based policies: toFQDNs.matchPattern; `**.` since Cilium 1.19",
                "allows the addresses that its DNS proxy saw, so other names on them pass as well"),
        Backend("aws-network-firewall", (Pattern(".NAME", True, 1, ANY_DEPTH),),
                "docs.aws.amazon.com, Network Firewall, stateful domain list rule groups: RulesSourceList",
                "goes by SNI alone, and for clients outside the firewall's own VPC only where HOME_NET names them"),
        Backend("azure-firewall", (Pattern("*.NAME", False, 1, ANY_DEPTH),),
                "learn.microsoft.com, Azure Firewall FAQ: wildcards in target FQDNs of application rules"),
        Backend("envoy", (Pattern("*.NAME", False, 1, ANY_DEPTH),),
                "envoyproxy.io, FilterChainMatch.server_names", "goes by SNI alone"),
        Backend("squid", (Pattern(".NAME", True, 1, ANY_DEPTH),), "squid-cache.org, acl ssl::server_name"),
        Backend("x509", (Pattern("*.NAME", False, 1, 1),), "RFC 6125, 6.4.3: one label, the leftmost"),
    )
}  # fmt: skip


def render(host: HostName, backend: Backend) -> Rendered:
    """A name in a product's words: exactly where there is a way, else the way that lets the least through that is enough;
    where none is enough, the widest there is."""
    exact = (host.name,) if host.apex else ()
    if not host.depth:
        return Rendered(exact)
    enough = sorted((p for p in backend.patterns if p.first <= 1 and p.last >= host.depth), key=lambda p: (p.last, p.apex != host.apex))
    chosen = enough[0] if enough else max(backend.patterns, key=lambda p: p.last)
    patterns = (*(exact if not chosen.apex else ()), chosen.text.replace("NAME", host.name))
    return Rendered(patterns, _loss(host, chosen))


def _loss(host: HostName, chosen: Pattern) -> str:
    lost = []
    if chosen.apex and not host.apex:
        lost.append(f"lets {host.name} itself through as well")
    if chosen.last > host.depth:
        lost.append("lets any number of labels through" if chosen.last == ANY_DEPTH else f"lets {chosen.last} labels through")
    if chosen.last < host.depth:
        lost.append(f"only {chosen.last} label{'s' * (chosen.last > 1)} below {host.name}; list the deeper names one by one")
    return "; ".join(lost)


def matches(rendered: Rendered, backend: Backend, name: str) -> bool:
    """Whether the product lets a name through by these patterns: its own rules, to test what `render` says of them."""
    for text in rendered.patterns:
        pattern = next(
            (p for p in sorted(backend.patterns, key=lambda p: -len(p.text)) if text.startswith(p.text.partition("NAME")[0])), _EXACT
        )
        base = text.removeprefix(pattern.text.partition("NAME")[0])
        if name == base and pattern.matches(0):
            return True
        below = name.removesuffix(f".{base}")
        if below != name and pattern.matches(below.count(".") + 1):
            return True
    return False
