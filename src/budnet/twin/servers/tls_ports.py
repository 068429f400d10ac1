"""TLS where no software of its own speaks it: one HAProxy for all such ports of a twin, with a foot in every namespace.

It ends TLS as the profile of each port says and answers every request with the name of its endpoint, as our own listeners
do. So a port that is written with TLS speaks it, whatever product it stands for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from budnet.tls.enforce import Setting
from budnet.twin.process import MASTER, File, Process
from budnet.twin.servers import Certificate, lines
from budnet.twin.servers.haproxy import secured
from budnet.twin.servers.haproxy_run import command, head
from budnet.twin.tools import Tools

NAME = "tls"
"""Of the process: it belongs to no endpoint."""


@dataclass(frozen=True, slots=True)
class Door:
    """A TCP port of an endpoint."""

    endpoint: str
    port: int
    certificate: Certificate
    tls: Setting


def tls_ports(tools: Tools, doors: Sequence[Door], clients: bytes) -> Process:
    """All of `doors`, one at least; `clients` are the roots of clients' certificates."""
    program = tools.need("haproxy")
    text, files = [head(defaults=["option dontlognull"])], [File("clients.pem", clients)] if any(d.tls.clients for d in doors) else []
    for number, door in enumerate(doors):
        text += [
            f"frontend door-{number}",
            f"    bind [::]:{door.port} v4v6 namespace {door.endpoint} ssl crt {{dir}}/{number}.pem {secured(door.tls)}",
            f'    http-request return status 200 content-type text/plain string "{door.endpoint}\\n"',
        ]
        files.append(File(f"{number}.pem", door.certificate.chain + door.certificate.key, 0o600))
    first = doors[0].endpoint
    return Process(
        name=NAME,
        namespace=first,
        software=program.called("HAProxy"),
        argv=command(program),
        files=(File("haproxy.cfg", lines(*text)), *files),
        env=program.env,
        takes=MASTER,
        listens=tuple(("tcp", d.port) for d in doors if d.endpoint == first),
        netns=tuple((e, e) for e in dict.fromkeys(d.endpoint for d in doors)),
        elsewhere=tuple((d.endpoint, "tcp", d.port) for d in doors if d.endpoint != first),
    )
