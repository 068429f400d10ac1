"""A name server of our own, for machines without dnsmasq: it answers what it was told, and asks nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # to load it takes longer than to bring up a small twin
    import dns.message

_PLAIN = 512
"""Bytes that a UDP answer may have where a client does not say that it takes more (RFC 1035, section 4.2.1)."""


@dataclass(frozen=True)
class Zone:
    """What one resolver knows: records by name in small letters, and the domains of which it knows all there is."""

    records: Mapping[str, Sequence[tuple[str, str, int]]]
    """Name to (type, data, TTL), as zone files spell data, without final dots: `10.0.0.1`, `0 100 443 api.example.com`."""
    domains: tuple[str, ...]

    @cached_property
    def between(self) -> frozenset[str]:
        """Names that only have names below them."""
        return frozenset(".".join(parts[i:]) for name in self.records for parts in [name.split(".")] for i in range(1, len(parts)))


def answer(zone: Zone, query: bytes, stream: bool = False) -> bytes | None:
    """The answer to a DNS query; None where it is none. Over UDP what is too long is cut off and says so."""
    import dns.exception
    import dns.message

    try:
        asked = dns.message.from_wire(query)
        reply = _reply(zone, asked)
    except (dns.exception.DNSException, ValueError, IndexError):
        return None
    try:
        return reply.to_wire(max_size=65535 if stream else max(asked.payload, _PLAIN))
    except dns.exception.TooBig:
        cut = dns.message.make_response(asked)
        cut.flags |= 0x0200
        return cut.to_wire()


def answer_stream(zone: Zone, said: bytes) -> bytes | None:
    """The same over TCP, where two bytes of length come first (RFC 1035, section 4.2.2)."""
    if len(said) < 2 or len(said) - 2 != int.from_bytes(said[:2], "big"):
        return None
    reply = answer(zone, said[2:], stream=True)
    return reply and len(reply).to_bytes(2, "big") + reply


def _reply(zone: Zone, asked: dns.message.Message) -> dns.message.Message:
    import dns.flags
    import dns.message
    import dns.rcode
    import dns.rdatatype
    import dns.rrset

    question = asked.question[0]
    reply = dns.message.make_response(asked)
    kind = dns.rdatatype.to_text(question.rdtype)
    name, owner = question.name.to_text(omit_final_dot=True).lower(), question.name
    for found in _chain(zone, name, kind):
        name, rows = found
        if rows:
            texts = [_absolute(k, data) for k, data, _ in rows]
            reply.answer.append(dns.rrset.from_text(owner, rows[0][2], "IN", rows[0][0], *texts))
            owner = dns.name.from_text(rows[0][1]) if rows[0][0] == "CNAME" else owner
    if reply.answer:
        reply.flags |= dns.flags.AA
    elif name not in zone.records and name not in zone.between:
        ours = any(name == domain or name.endswith(f".{domain}") for domain in zone.domains)
        reply.set_rcode(dns.rcode.NXDOMAIN if ours else dns.rcode.REFUSED)
    elif not any(name == domain or name.endswith(f".{domain}") for domain in zone.domains):
        reply.set_rcode(dns.rcode.REFUSED)
    return reply


def _chain(zone: Zone, name: str, kind: str) -> Iterator[tuple[str, list[tuple[str, str, int]]]]:
    """(name, its records of the kind or its alias), along aliases, each once."""
    seen: set[str] = set()
    while name not in seen:
        seen.add(name)
        rows = zone.records.get(name, ())
        alias = [r for r in rows if r[0] == "CNAME"]
        yield name, alias or [r for r in rows if r[0] == kind]
        if not alias or kind == "CNAME":
            return
        name = alias[0][1]


def _absolute(kind: str, data: str) -> str:
    """Names end with a dot where DNS takes text."""
    match kind:
        case "A" | "AAAA":
            return data
        case "TXT":
            return f'"{data}"'
        case "SOA":
            server, mailbox, numbers = data.split(" ", 2)
            return f"{server}. {mailbox}. {numbers}"
        case _:
            return f"{data}."
