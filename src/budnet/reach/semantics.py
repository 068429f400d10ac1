"""What one rule, one route or one gateway does to a packet. Nothing else in the prover knows.

Sources: AWS VPC user guide (security groups, network ACLs, route tables, peering, NAT and internet gateways),
https://docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html for the reasons, and the Kubernetes API
reference for networking.k8s.io/v1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from budnet.ir import icmp
from budnet.ir.address import EPHEMERAL, PORTED, Address, Match, PortRange, Protocol
from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.filters import AclRule, BlockPeer, HostName, Operator, PodPeer, PolicyPort, Requirement, Selector
from budnet.ir.network import Network
from budnet.packets.addresses import AddressSet
from budnet.packets.transports import Alphabet

Labels = dict[str, str]

_PRIVATE = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
    "224.0.0.0/3", "::/127", "fc00::/7", "fe80::/10", "ff00::/8",
)  # fmt: skip


def _private() -> AddressSet:
    from ipaddress import ip_network

    return AddressSet.of(ip_network(p) for p in _PRIVATE)


NOT_PUBLIC = _private()
"""What an internet gateway does not carry: RFC 1918, RFC 6598, loopback, link-local, multicast, RFC 4193."""


def first_match(rules: Iterable[tuple[AclRule, int]], alphabet: Alphabet) -> int:
    """What an ACL lets through of the rules that fit a peer: by number, the first match decides, the end denies."""
    undecided, allowed = alphabet.all, 0
    for rule, mask in sorted(rules, key=lambda r: r[0].number):
        if rule.allow:
            allowed |= undecided & mask
        undecided &= ~mask
    return allowed


def _answers() -> Iterator[tuple[Match, Match]]:
    for protocol in sorted(PORTED):
        yield Match(protocol), Match(protocol, PortRange(*EPHEMERAL))
    for number, queries in icmp.QUERIES.items():
        for query, answer in queries.items():
            only = icmp.message(answer)
            yield Match(Protocol(number), PortRange(*icmp.messages(query))), Match(Protocol(number), PortRange(only, only))


ANSWERS = tuple(_answers())
"""Requests, and what their answers look like to a filter that knows no connections. An answer goes to the client's port, which
can be any of the ephemeral range: the filter must pass all of them. ICMP messages that are not here ask for none."""


class Answers:
    """The same in the bits of an alphabet that has their edges."""

    def __init__(self, alphabet: Alphabet) -> None:
        self._masks = [(alphabet.mask(request), alphabet.mask(answer)) for request, answer in ANSWERS]
        self.not_asked_for = alphabet.all
        """Messages that nobody answers: nothing stops an answer that there is not."""
        for request, _ in self._masks:
            self.not_asked_for &= ~request

    def through(self, mask: int) -> int:
        """Which requests get their answer through a filter that lets `mask` through towards the client."""
        out = self.not_asked_for
        for request, answer in self._masks:
            if mask & answer == answer:
                out |= request
        return out


def holds(requirement: Requirement, labels: Labels) -> bool:
    """One requirement of a label selector. NotIn holds for a missing key, as the API says."""
    value = labels.get(requirement.key)
    match requirement.operator:
        case Operator.IN:
            return value is not None and value in requirement.values
        case Operator.NOT_IN:
            return value is None or value not in requirement.values
        case Operator.EXISTS:
            return value is not None
        case Operator.DOES_NOT_EXIST:
            return value is None


def selects(selector: Selector, labels: Labels) -> bool:
    """Whether a label selector selects; the empty one selects everything."""
    return all(holds(r, labels) for r in selector)


NO, PERHAPS, YES = 0, 1, 2
"""Whether somebody is meant."""


class Space(Struct, frozen=True):
    """A namespace as selectors see it."""

    labels: Labels
    known: bool = True
    """Whether it has no other labels than these."""


def spaces(network: Network) -> dict[tuple[str, str], Space]:
    """The namespaces of a Network by cluster and name."""
    return {(c.id, n.name): Space(dict(n.labels), n.known) for c in network.clusters for n in c.namespaces}


NO_SPACE = Space({})
"""Of who is in no namespace."""


def in_space(selector: Selector, space: Space) -> int:
    """Whether a selector selects a namespace: NO, YES, or PERHAPS where it asks for a label that is not known."""
    found = YES
    for r in selector:
        if not space.known and r.key not in space.labels:
            found = PERHAPS
        elif not holds(r, space.labels):
            return NO
    return found


class PolicyPlace(Struct, frozen=True):
    """Where a policy stands: peers without a namespace selector mean this cluster's namespace."""

    cluster: str
    namespace: str


def pod_matches(peer: PodPeer, pod: Endpoint, labels: Labels, space: Space, place: PolicyPlace) -> int:
    """Whether a pod is meant by a `podSelector`/`namespaceSelector` peer: NO, PERHAPS or YES. Pods of other clusters never are."""
    if pod.kind is not EndpointKind.POD or pod.cluster != place.cluster or not selects(peer.pods, labels):
        return NO
    if peer.namespaces is None:
        return YES if pod.namespace == place.namespace else NO
    return in_space(peer.namespaces, space)


def block_contains(peer: BlockPeer, address: Address) -> bool:
    """Whether an address is in an `ipBlock` and in none of its exceptions."""
    return address in peer.prefix and not any(address in p for p in peer.without)


def policy_ports(port: PolicyPort, pod: Endpoint | None) -> list[Match]:
    """The ports a policy port means on the pod that is the connection's destination (None: what is no pod has no names)."""
    if port.port is None:
        return [Match(port.protocol)]
    if isinstance(port.port, int):
        return [Match(port.protocol, PortRange(port.port, port.end or port.port))]
    named = (x for x in (pod.listeners if pod is not None else ()) if x.name == port.port and x.protocol is port.protocol)
    return [Match(x.protocol, PortRange(x.port, x.port)) for x in named]


def covers(host: HostName, name: str) -> bool:
    """Whether a name is meant by a written one: the name itself, or as many labels below it as are said to be meant.
    Case is not told apart (RFC 4343)."""
    name = name.lower().rstrip(".")
    if name == host.name:
        return host.apex
    below, _, rest = name.rpartition(f".{host.name}")
    return bool(below) and not rest and below.count(".") < host.depth


SAID_IN_TLS = Match(Protocol.TCP, PortRange(443, 443))
"""Where an SNI filter reads: connections whose first bytes are a TLS ClientHello."""


def public(address: Address) -> bool:
    """Whether an internet gateway carries packets to or from this address."""
    return address not in NOT_PUBLIC
