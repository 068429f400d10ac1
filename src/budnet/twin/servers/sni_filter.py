"""HAProxy as the SNI filter of VPCs: it takes connections that the kernel hands it, reads the name in the ClientHello, and
opens the same connection onward from the client's own address and port. What it does not let through it closes.

One process serves every gateway of every VPC: a listener and a server each in the gateway's own network namespace.
It ends no TLS and has no certificate: client and server speak to each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from budnet.twin.process import File, Process
from budnet.twin.servers import lines
from budnet.twin.servers.haproxy_run import command, head
from budnet.twin.tools import Tools

CUT, PASSED = "cut", "passed"
"""How a line of the log ends."""

# The whole ClientHello may take several packets; who says nothing is cut after the delay. `option dontlognull` stays off:
# who opens a connection and says nothing is of interest.
_GLOBAL = head(
    "tcp", defaults=['log-format "%[var(sess.filter)] %ci %cp %fi %[var(sess.done)] %[var(sess.sni)]"', "option logasap"], maxconn=4000
)


@dataclass(frozen=True, slots=True)
class Allowed:
    """What some clients may say: names as they are, and names below others, by how many labels at most."""

    clients: tuple[str, ...]
    exact: tuple[str, ...]
    below: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Filter:
    """Of one VPC. `addresses` are the pairs of a name and an address that its resolver gives for it."""

    id: str
    gateways: tuple[str, ...]
    """Network namespaces."""
    allowed: tuple[Allowed, ...]
    addresses: tuple[tuple[str, str], ...]
    anti_spoof: bool = True


def sni_filter(tools: Tools, *, name: str, filters: Sequence[Filter], port: int) -> Process:
    """Listens on `port` in every gateway's namespace, for any address (IP_TRANSPARENT)."""
    program = tools.need("haproxy")
    text, files = [_GLOBAL], list[File]()
    for number, each in enumerate(filters):
        text += _frontend(number, each, port)
        files += _lists(number, each)
        for i, gateway in enumerate(each.gateways):
            text += [
                f"backend onward-{number}-{i}",
                "    source 0.0.0.0 usesrc client",
                f"    server asked 0.0.0.0:0 namespace {gateway}",
            ]
    places = [g for each in filters for g in each.gateways]
    return Process(
        name=name,
        namespace=places[0],
        software=program.called("HAProxy"),
        argv=command(program, reloads=False),
        files=(File("haproxy.cfg", lines(*text)), *files),
        env=program.env,
        netns=tuple((place, place) for place in places),
        elsewhere=tuple((place, "tcp", port) for place in places),
    )


def _frontend(number: int, each: Filter, port: int) -> list[str]:
    text = [f"frontend filter-{number}"]
    for i, gateway in enumerate(each.gateways):
        text += [
            f"    bind {host}:{port} transparent namespace {gateway} id {10 * (i + 1) + v}" for v, host in ((4, "0.0.0.0"), (6, "[::]"))
        ]
    text += [
        f"    tcp-request connection set-var(sess.filter) str({each.id})",
        "    tcp-request inspect-delay 3s",
        f"    tcp-request connection set-var(sess.done) str({CUT})",
        "    tcp-request content set-var(sess.sni) req.ssl_sni,lower if { req.ssl_hello_type 1 }",
        '    tcp-request content set-var(txn.pair) dst,concat(" ",sess.sni)',
    ]
    true = f"{{ var(txn.pair) -m str -f {{dir}}/{number}.addresses }} " if each.anti_spoof else ""
    for i, rule in enumerate(each.allowed):
        clients = f"{{ src -f {{dir}}/{number}.{i}.clients }}"
        for how, part in _ways(number, i, rule):
            conditions = f"{true}{clients} {{ var(sess.sni) {how} {part} }}"
            text += [f"    tcp-request content set-var(sess.done) str({PASSED}) if {conditions}"]
    text += [f"    tcp-request content accept if {{ var(sess.done) -m str {PASSED} }}", "    tcp-request content reject"]
    return [
        *text,
        *(f"    use_backend onward-{number}-{i} if {{ so_id {10 * (i + 1) + 4} {10 * (i + 1) + 6} }}" for i in range(len(each.gateways))),
    ]


def _ways(number: int, i: int, rule: Allowed) -> list[tuple[str, str]]:
    """The ways in which a rule's names are compared, and the list to compare with."""
    found = [("-m str", f"-f {{dir}}/{number}.{i}.exact")] if rule.exact else []
    return found + [("-m reg", f"-f {{dir}}/{number}.{i}.below")] * bool(rule.below)


def _lists(number: int, each: Filter) -> list[File]:
    out = [File(f"{number}.addresses", lines(*(f"{address} {name}" for name, address in each.addresses)))]
    for i, rule in enumerate(each.allowed):
        below = (_expression(name, depth) for name, depth in rule.below)
        parts = {"clients": rule.clients, "exact": rule.exact, "below": below}
        out += [File(f"{number}.{i}.{part}", lines(*content)) for part, content in parts.items()]
    return out


def _expression(name: str, depth: int) -> str:
    labels = r"([^.]+\.){1," + str(depth) + "}"
    return f"^{labels}{name.replace('.', chr(92) + '.')}$"
