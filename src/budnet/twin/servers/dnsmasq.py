"""dnsmasq as a VPC's resolver: it answers what it was told, and asks nobody.

In a zone that it was told, a name without a record does not exist (NXDOMAIN), and one that has only other records, or
only names below it, has no data; any other name is refused. Where dnsmasq departs from what it was told: an address
without a PTR record gets the name of its A or AAAA record, and a denial carries no SOA record, so nobody may keep it.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import NamedTuple

from budnet.ir.names import TTL
from budnet.twin.process import File, Process
from budnet.twin.servers import lines
from budnet.twin.tools import Tools


class Record(NamedTuple):
    """One DNS record, in the spelling of a zone file without the final dots."""

    name: str
    """`api.example.com`, `_sql._tcp.db.example.com`; for a PTR record an address or its `...in-addr.arpa`."""
    kind: str
    """A, AAAA, CNAME, NS, PTR, SOA, SRV or TXT."""
    value: str
    """An address, a name, a text; for SRV `priority weight port name`, for SOA `server mailbox` and five numbers."""
    ttl: int = TTL
    """In seconds. dnsmasq has one of its own for addresses and aliases only; other kinds have the server's."""


def resolver(
    tools: Tools,
    *,
    name: str,
    namespace: str,
    records: Sequence[Record],
    zones: Sequence[str] = (),
    forward: Sequence[tuple[str, str]] = (),
    ttl: int = TTL,
    port: int = 53,
    addresses: Sequence[str] = (),
) -> Process:
    """Answers `records`; of the names in `zones` it knows all there are. A CNAME may point anywhere, but is followed only
    where its target is a record, too. A zone of `forward` is another server's (`127.0.0.1#8053`)."""
    program = tools.need("dnsmasq")
    config = lines(
        "no-resolv",
        "no-hosts",
        "no-poll",
        "bogus-priv",  # addresses that are nobody's in particular are known here to have no names (RFC 6303)
        f"port={port}",
        f"local-ttl={ttl}",
        *(f"listen-address={address}" for address in addresses),
        "bind-interfaces" if addresses else "",
        *(f"local=/{zone}/" for zone in zones),
        *(f"server=/{zone}/{server}" for zone, server in forward),
        *(_line(Record(*record)) for record in records),
    )
    return Process(
        name=name,
        namespace=namespace,
        software=program.called("dnsmasq"),
        # -d and not -k: with that it would drop root, which the user namespace of an ordinary account does not allow.
        argv=(*program.argv, "-d", "--log-facility=-", "--conf-file={dir}/dnsmasq.conf"),
        files=(File("dnsmasq.conf", config),),
        env=program.env,
        listens=(("udp", port), ("tcp", port)),
    )


def _line(record: Record) -> str:
    name, kind, value, ttl = record
    match kind:
        case "A" | "AAAA":
            return f"host-record={name},{value},{ttl}"
        case "CNAME":
            return f"cname={name},{value},{ttl}"
        case "PTR":
            arpa = name if name.endswith(".arpa") else ip_address(name).reverse_pointer
            return f"ptr-record={arpa},{value}"
        case "SRV":
            priority, weight, number, target = value.split()
            return f"srv-host={name},{target},{number},{priority},{weight}"
        case "TXT":
            return f'txt-record={name},"{value}"'
        case "NS":
            return f"dns-rr={name},2,{_wire(value)}"
        case "SOA":
            server, mailbox, *numbers = value.split()
            return f"dns-rr={name},6,{_wire(server)}{_wire(mailbox)}{''.join(f'{int(n):08x}' for n in numbers)}"
        case _:
            raise ValueError(f"{kind} records are not served (of {name})")


def _wire(name: str) -> str:
    """A name as it is on the wire (RFC 1035, section 3.1), in hexadecimal: kinds that dnsmasq has no word for are told so."""
    return "".join(f"{len(label):02x}{label.encode().hex()}" for label in name.split(".")) + "00"
