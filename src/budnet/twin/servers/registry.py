"""A container registry. It has what is pushed to it and asks no other registry."""

from __future__ import annotations

from budnet.tls.enforce import DEFAULT, Setting
from budnet.tls.suites import find
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
    tls: Setting = DEFAULT,
    clients: bytes = b"",
) -> Process:
    """Over TLS when there is a certificate. It listens on one address, or on all."""
    program = tools.need("docker-registry")
    secure = ["  tls:", "    certificate: {dir}/server.crt", "    key: {dir}/server.key", f"    minimumtls: tls{tls.minimum}"]
    if tls.ciphers:
        secure += ["    ciphersuites:", *(f"    - {suite.iana}" for name in tls.ciphers if (suite := find(name)))]
    if tls.clients:
        secure.append("    clientcas: ['{dir}/clients.pem']")
    config = lines(
        "version: 0.1",
        "log: {level: warn}",
        "storage:",
        "  filesystem: {rootdirectory: '{dir}/data'}",
        "  maintenance: {uploadpurging: {enabled: false}}",  # otherwise it walks its folders again and again
        "http:",
        f"  addr: '{hostport(address, port)}'",
        "  secret: the twin has one registry of a kind",  # signs upload URLs; a random one is complained about
        "  draintimeout: 4s",  # without it SIGTERM cuts what is under way
        *(secure if certificate else ()),
    )
    files = [File("config.yml", config)]
    if certificate:
        files += [File("server.crt", certificate.chain), File("server.key", certificate.key, 0o600)]
    if certificate and tls.clients:
        files.append(File("clients.pem", clients))
    return Process(
        name=name,
        namespace=namespace,
        software=program.called("Docker Registry"),
        argv=(*program.argv, "serve", "{dir}/config.yml"),
        files=tuple(files),
        env=(*program.env, ("GOMAXPROCS", "1"), ("GOGC", "50")),
        listens=(("tcp", port),),
    )
