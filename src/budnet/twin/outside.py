"""The hosts of the modelled world that answer TLS: each with a certificate for its own name, by one HAProxy for all."""

from __future__ import annotations

from datetime import timedelta

from budnet.ir.address import Protocol
from budnet.ir.endpoint import Endpoint
from budnet.ir.network import Network
from budnet.pki.authority import Authority
from budnet.pki.issuer import Template
from budnet.twin.process import Process
from budnet.twin.secure import Taken
from budnet.twin.servers import Certificate
from budnet.twin.servers.tls_hosts import Host, tls_hosts
from budnet.twin.tools import Tools

NAME = "outside-hosts"
PORT = 443


def hosts(network: Network, tools: Tools, web: Authority, taken: Taken) -> tuple[Process, ...]:
    """Signed by `web`, as the internet's are by none of ours. Raises Missing. Address sets, which stand for machines of which nothing is known, keep listeners of our own."""
    found = [_host(e, web) for e in network.outside if _speaks_tls(e) and (e.id, "tcp", PORT) not in taken]
    return (tls_hosts(tools, name=NAME, hosts=found, port=PORT),) if found else ()


def _speaks_tls(endpoint: Endpoint) -> bool:
    name = endpoint.id.removeprefix("internet/")
    return name != endpoint.id and "." in name and any((x.protocol, x.port) == (Protocol.TCP, PORT) for x in endpoint.listeners)


def _host(endpoint: Endpoint, web: Authority) -> Host:
    leaf = web.issuer("web").issue(Template([endpoint.id.removeprefix("internet/")], timedelta(days=90)))
    return Host(endpoint.id, Certificate(leaf.chain, leaf.key))
