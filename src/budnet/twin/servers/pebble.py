"""Pebble, Let's Encrypt's own ACME server for tests, and the name server beside it that is told what to answer."""

from __future__ import annotations

import json
from datetime import timedelta

from budnet.twin.process import File, Process
from budnet.twin.servers import Certificate
from budnet.twin.tools import Tools

MANAGEMENT = 15000
"""On loopback: where its root can be had, which is new at every start."""

PATH = "/dir"
"""Of its directory; it has no other."""

CHALLENGES, CONTROL = 8053, 8055
"""Ports of the challenge name server on loopback: DNS, and where it is told."""


def server(
    tools: Tools,
    *,
    name: str,
    namespace: str,
    certificate: Certificate,
    resolver: str,
    lifetime: timedelta,
    port: int = 443,
    http: int = 80,
    tls: int = 443,
) -> Process:
    """It validates names as `resolver` (address:port) knows them, at ports `http` and `tls` of where they lead."""
    program = tools.need("pebble")
    config = {
        "listenAddress": f":{port}", "managementListenAddress": f"127.0.0.1:{MANAGEMENT}",
        "certificate": "{dir}/server.crt", "privateKey": "{dir}/server.key", "httpPort": http, "tlsPort": tls,
        "certificateValidityPeriod": int(lifetime.total_seconds()),
    }  # fmt: skip
    return Process(
        name=name,
        namespace=namespace,
        software=program.called("Pebble"),
        argv=(*program.argv, "-config", "{dir}/pebble.json", "-dnsserver", resolver),
        files=(
            File("pebble.json", json.dumps({"pebble": config}).encode()),
            File("server.crt", certificate.chain),
            File("server.key", certificate.key, 0o600),
        ),
        # it would wait a random time before it validates, refuse some nonces and validations, all to test clients
        env=(*program.env, ("PEBBLE_VA_NOSLEEP", "1"), ("PEBBLE_WFE_NONCEREJECT", "0"), ("PEBBLE_AUTHZREUSE", "0"), ("GOMAXPROCS", "1")),
        listens=(("tcp", port), ("tcp", MANAGEMENT)),
    )


def challenges(tools: Tools, *, name: str, namespace: str) -> Process:
    """Answers the TXT records that it was told, on loopback, for a name server that forwards to it."""
    program = tools.need("pebble-challtestsrv")
    off = [word for option in ("-http01", "-https01", "-tlsalpn01", "-defaultIPv4", "-defaultIPv6") for word in (option, "")]
    where = ("-dns01", f"127.0.0.1:{CHALLENGES}", "-management", f"127.0.0.1:{CONTROL}")
    return Process(
        name=name,
        namespace=namespace,
        software=program.called("Pebble's challenge name server"),
        argv=(*program.argv, *where, *off),
        env=(*program.env, ("GOMAXPROCS", "1")),
        listens=(("udp", CHALLENGES), ("tcp", CHALLENGES), ("tcp", CONTROL)),
    )
