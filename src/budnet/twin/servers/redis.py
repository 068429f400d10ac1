"""Redis, or Valkey where the machine has it, plain or over TLS. It keeps everything in memory and saves nothing."""

from __future__ import annotations

from collections.abc import Sequence

from budnet.tls.enforce import DEFAULT, Setting
from budnet.twin.process import SETTINGS, File, Process
from budnet.twin.servers import Certificate, lines
from budnet.twin.tools import Tools


def server(
    tools: Tools,
    *,
    name: str,
    namespace: str,
    certificate: Certificate | None = None,
    clients: bytes = b"",
    port: int = 6379,
    addresses: Sequence[str] = (),
    tls: Setting = DEFAULT,
) -> Process:
    """Over TLS alone when there is a certificate; `clients` are the roots of those who may come."""
    program = tools.program("valkey-server") or tools.need("redis-server")
    secure = [
        "port 0",
        f"tls-port {port}",
        "tls-cert-file {dir}/server.crt",
        "tls-key-file {dir}/server.key",
        f'tls-protocols "{" ".join(tls.protocols)}"',
        f"tls-ciphers {':'.join(tls.ciphers)}" if tls.ciphers else "",
        f"tls-ciphersuites {':'.join(tls.suites)}" if tls.suites else "",
        "tls-ca-cert-file {dir}/clients.pem" if tls.clients else "tls-auth-clients no",
    ]
    config = lines(
        f"bind {' '.join(addresses) or '* -::*'}",  # the minus: go on where the kernel has no IPv6
        *(secure if certificate else [f"port {port}"]),
        "protected-mode no",  # it would answer nobody but itself while there is no password
        'save ""',
        "maxmemory 16mb",
        "dir {dir}",
    )
    files = [File("redis.conf", config)]
    if certificate:
        files += [File("server.crt", certificate.chain), File("server.key", certificate.key, 0o600)]
    if certificate and tls.clients:
        files.append(File("clients.pem", clients))
    return Process(
        name=name,
        namespace=namespace,
        software=program.called("Valkey" if program.name.startswith("valkey") else "Redis"),
        argv=(*program.argv, "{dir}/redis.conf"),
        files=tuple(files),
        env=program.env,
        takes=SETTINGS,
        listens=(("tcp", port),),
    )
