"""A container registry. It has what is pushed to it and asks no other registry."""

from __future__ import annotations

from budnet.twin.process import File, Process
from budnet.twin.servers import Certificate, hostport, lines
from budnet.twin.tools import Tools


def server(
    tools: Tools,
    *,
    name: str,
    namespace: str,
    certificate: Certificate | None = None,
    port: int = 5000,
    address: str = "",
) -> Process:
    """Over TLS when there is a certificate. It listens on one address, or on all."""
    program = tools.need("docker-registry")
    tls = ["  tls:", "    certificate: {dir}/server.crt", "    key: {dir}/server.key", "    minimumtls: tls1.2"]
    config = lines(
        "version: 0.1",
        "log: {level: warn}",
        "storage:",
        "  filesystem: {rootdirectory: '{dir}/data'}",
        "  maintenance: {uploadpurging: {enabled: false}}",  # otherwise it walks its folders again and again
        "http:",
        f"  addr: '{hostport(address, port)}'",
        "  secret: the twin has one registry of a kind",  # signs upload URLs; a random one is complained about
        *(tls if certificate else ()),
    )
    files = [File("config.yml", config)]
    if certificate:
        files += [File("server.crt", certificate.chain), File("server.key", certificate.key, 0o600)]
    return Process(
        name=name,
        namespace=namespace,
        software=program.called("Docker Registry"),
        argv=(*program.argv, "serve", "{dir}/config.yml"),
        files=tuple(files),
        env=(*program.env, ("GOMAXPROCS", "1"), ("GOGC", "50")),
        listens=(("tcp", port),),
    )
