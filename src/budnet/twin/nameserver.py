"""A name server of our own, for machines without dnsmasq: it answers what it was told, and asks nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Zone:
    """What one resolver knows: records by name in small letters, and the domains of which it knows all there is."""

    records: Mapping[str, Sequence[tuple[str, str]]]
    """Name to (type, data), as `dnspython` reads data: `10.0.0.1`, or `0 100 443 api.example.com` for SRV."""
    domains: tuple[str, ...]


def answer(zone: Zone, query: bytes) -> bytes | None:
    """The answer to a DNS query over UDP; None where it is none."""
    import dns.exception
    import dns.flags
    import dns.message
    import dns.rcode
    import dns.rdatatype
    import dns.rrset

    try:
        asked = dns.message.from_wire(query)
        question = asked.question[0]
    except (dns.exception.DNSException, ValueError, IndexError):
        return None
    reply = dns.message.make_response(asked)
    name = question.name.to_text(omit_final_dot=True).lower()
    kind = dns.rdatatype.to_text(question.rdtype)
    known = zone.records.get(name)
    data = [text if record != "SRV" else f"{text}." for record, text in known or () if record == kind]
    if data:
        reply.flags |= dns.flags.AA
        reply.answer.append(dns.rrset.from_text(question.name, 30, "IN", kind, *data))
    elif known is None:
        ours = any(name == domain or name.endswith(f".{domain}") for domain in zone.domains)
        reply.set_rcode(dns.rcode.NXDOMAIN if ours else dns.rcode.REFUSED)
    return reply.to_wire()
