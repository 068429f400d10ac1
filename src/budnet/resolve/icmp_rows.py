"""What is to be said of rows that let ICMP through: each IP has its own, and pods' policies have no word for either."""

from __future__ import annotations

from budnet.ir.address import PORTED, Match
from budnet.ir.endpoint import EndpointKind
from budnet.ir.intent import Side
from budnet.resolve.draft import Draft
from budnet.source.document import Path

NO_WORD, OTHER_FAMILY = "R516", "R517"


def icmp_row(draft: Draft, match: Match, sources: Side, destinations: Side, path: Path) -> None:
    """Of a row with a port there is nothing to say."""
    if match.protocol is None or match.protocol in PORTED:
        return
    ends = {e.id: e for e in draft.endpoints}
    if any(ends[e].kind is EndpointKind.POD for e in (*sources.endpoints, *destinations.endpoints)):
        draft.error(NO_WORD, f"{match} to or from pods is nothing that a Kubernetes policy can let through", path,
                    "name services on hosts, or a port of TCP, UDP or SCTP")  # fmt: skip
        return
    versions = [
        {p.version for p in s.prefixes} | {a.version for e in s.endpoints for a in ends[e].addresses} for s in (sources, destinations)
    ]
    if not match.protocol.spoken_over & versions[0] & versions[1]:
        (version,) = match.protocol.spoken_over
        draft.error(OTHER_FAMILY, f"{match} is spoken over IPv{version}, and '{sources.name}' and '{destinations.name}' do not both have such "
                    "addresses", path, f"write {'icmpv6' if version == 4 else 'icmp'}; IPv4 and IPv6 each have an ICMP")  # fmt: skip
