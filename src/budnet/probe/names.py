"""Who is behind each external name over HTTPS.

Predicted from the Network's host routes, observed by making a TLS connection to the load balancers of the twin as a
browser would: name in SNI and Host, certificate checked against the twin's CA.
"""

from __future__ import annotations

from ipaddress import ip_address

from budnet.ir.address import Protocol
from budnet.ir.endpoint import EndpointKind
from budnet.ir.network import Network
from budnet.probe.answer import Answer
from budnet.probe.question import Question
from budnet.probe.truth import Truth
from budnet.twin.lab import Twin

NAMES = "names"


def truth(network: Network, twin: Twin) -> Truth:
    """Every host route of a load balancer that really runs and has a public address."""
    table = Truth()
    real = {s["id"] for s in twin.facts["servers"]}
    balancers = [e for e in network.endpoints if e.kind is EndpointKind.LOAD_BALANCER and e.id in real]
    client = network.endpoint.get("internet/client")
    asked = []
    for balancer in balancers:
        port = next((x.port for x in balancer.listeners if x.transport == "tls"), None)
        address = next((a for a in balancer.public), None)
        if port and address and client:
            asked += [(client, balancer, route, str(address), port) for route in balancer.hosts]
    for number, said in twin.browse([(c.id, address, port, route.host) for c, _, route, address, port in asked]):
        source, _, route, at, port = asked[number]
        question = Question(source.id, f"https://{route.host}", ip_address(at), Protocol.TCP, port)
        wanted = [Answer("DELIVERED", NAMES, b, route.origin) for b in route.backends]
        table.add(question, wanted, Answer("DELIVERED", NAMES, said))
    return table
