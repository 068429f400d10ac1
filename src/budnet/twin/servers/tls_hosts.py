"""HAProxy as many hosts at once: each in a network namespace of its own, with its own certificate, and a page that names it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from budnet.twin.process import File, Process
from budnet.twin.servers import Certificate, lines
from budnet.twin.servers.haproxy_run import command, head
from budnet.twin.tools import Tools

_GLOBAL = head(
    settings=["tune.ssl.cachesize 0", "ssl-default-bind-options ssl-min-ver TLSv1.2"],
    defaults=["timeout client 10s", "timeout http-request 10s", "option dontlognull"],
    maxconn=4000,
)


@dataclass(frozen=True, slots=True)
class Host:
    """A network namespace and what is shown there, whatever name a client asks for."""

    namespace: str
    certificate: Certificate


def tls_hosts(tools: Tools, *, name: str, hosts: Sequence[Host], port: int) -> Process:
    """Listens on `port` in the namespace of every host."""
    program = tools.need("haproxy")
    text, files = [_GLOBAL], list[File]()
    for number, host in enumerate(hosts):
        text += [
            f"frontend host-{number}",
            f"    bind [::]:{port} v4v6 namespace {host.namespace} ssl crt {{dir}}/{number}.pem",
            f'    http-request return status 200 content-type text/plain string "{host.namespace}\\n"',
        ]
        files.append(File(f"{number}.pem", host.certificate.chain + host.certificate.key, 0o600))
    return Process(
        name=name,
        namespace=hosts[0].namespace,
        software=program.called("HAProxy"),
        argv=command(program, reloads=False),
        files=(File("haproxy.cfg", lines(*text)), *files),
        env=program.env,
        netns=tuple((host.namespace, host.namespace) for host in hosts),
        elsewhere=tuple((host.namespace, "tcp", port) for host in hosts),
    )
