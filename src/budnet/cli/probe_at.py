"""`budnet probe tls --at HOST:PORT`: a server of the real world against a profile."""

from __future__ import annotations

import re
import sys
from ipaddress import ip_address

import click

from budnet.cli.output import load, print_json, style, table, wrong
from budnet.errors import BudnetError
from budnet.ir.names import TlsProfile
from budnet.source.diagnostic import suggest
from budnet.tls import talk
from budnet.tls.enforce import HAPROXY, POSTGRESQL
from budnet.tls.scan import scan
from budnet.tls.talk import Place
from budnet.tls.verdict import compare

_PLACE = re.compile(r"\[(?P<six>[0-9A-Fa-f:.]+)\]:(?P<port6>\d{1,5})|(?P<host>[^\[\]:]+):(?P<port>\d{1,5})")


def probe_at(place: str, profile: str | None, starttls: str, file: str | None, form: str) -> None:
    """Asks one server and compares. Ends the program: 0 as written, 1 not, 3 asked wrongly, 4 nobody is there."""
    host, port = _read(place)
    chosen = _profile(profile, file)
    name = "" if _is_address(host) else host
    seen = scan(Place(host, port, name, starttls))
    if seen.trouble in talk.NOBODY:
        raise BudnetError(f"nobody answers at {place}: {seen.trouble}")
    rows = compare(chosen, POSTGRESQL if starttls else HAPROXY, seen, [name] if name else [])
    good = all(row.wanted == row.seen for row in rows)
    if form == "json":
        found = [{"what": r.what, "wanted": r.wanted, "seen": r.seen, "agree": r.wanted == r.seen} for r in rows]
        print_json("probe", {"at": place, "profile": chosen.id, "agree": good, "rows": found, "seen": seen.json()})
    else:
        marked = ((r.what, r.wanted, r.seen, "" if r.wanted == r.seen else "DIFFERS") for r in rows)
        table(["what", f"profile {chosen.id}", "seen", ""], marked, title=place)
        word = style("as written", "green", True) if good else style("not as written", "red", True)
        click.echo(f"{seen.questions} connections, {sum(r.wanted == r.seen for r in rows)} of {len(rows)} rows agree: {word}")
    sys.exit(0 if good else 1)


def _read(place: str) -> tuple[str, int]:
    found = _PLACE.fullmatch(place)
    port = int(found["port"] or found["port6"]) if found else 0
    if not found or not 1 <= port <= 65535:
        wrong(f"--at takes HOST:PORT, such as 127.0.0.1:8443 or [::1]:8443, not '{place}'")
    return found["host"] or found["six"], port


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _profile(name: str | None, file: str | None) -> TlsProfile:
    network = load(file).network
    assert network is not None
    known = {p.id: p for p in network.tls_profiles}
    if name is None or name not in known:
        near = suggest(name or "", known) or f"this file has {', '.join(known) or 'none'}"
        wrong(f"there is no TLS profile '{name}': {near}" if name else f"--at needs --profile: {near}")
    return known[name]
