"""What may pass: security groups, network ACLs, Kubernetes NetworkPolicies, and the egress filter at a VPC's edge."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from budnet.ir.address import Match, Prefix, Protocol
from budnet.ir.origin import Origin


class GroupRef(Struct, frozen=True):
    """Members of a security group, wherever they are."""

    id: str


class SgRule(Struct, frozen=True):
    """Allows `match` to (egress) or from (ingress) the peer. Security groups have no deny rules."""

    id: str
    peer: Prefix | GroupRef
    match: Match
    origin: Origin


class SecurityGroup(Struct, frozen=True):
    """Stateful, on an interface: answers to what was let through pass without a rule."""

    id: str
    vpc: str
    ingress: tuple[SgRule, ...]
    egress: tuple[SgRule, ...]
    origin: Origin


class AclRule(Struct, frozen=True):
    """A numbered line of a network ACL; the lowest number that matches decides."""

    id: str
    number: int
    allow: bool
    prefix: Prefix
    match: Match
    origin: Origin


class NetworkAcl(Struct, frozen=True):
    """Stateless, at the border of a subnet; not asked for traffic inside one subnet. Ends in deny."""

    id: str
    vpc: str
    ingress: tuple[AclRule, ...]
    egress: tuple[AclRule, ...]
    origin: Origin


class Operator(Enum):
    """The operators of a Kubernetes label selector."""

    __hash__ = object.__hash__  # members are one object each, and Enum's own hash is Python

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


class Requirement(Struct, frozen=True):
    """`key operator values`; a `matchLabels` entry is `key In (value)`."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()


Selector = tuple[Requirement, ...]
"""All must hold. The empty selector selects everything."""


class PodPeer(Struct, frozen=True):
    """Pods by label. `namespaces=None` means the policy's own namespace."""

    pods: Selector
    namespaces: Selector | None = None


class BlockPeer(Struct, frozen=True):
    """An `ipBlock`: a prefix and the parts of it that are left out."""

    prefix: Prefix
    without: tuple[Prefix, ...] = ()


class PolicyPort(Struct, frozen=True):
    """A port of a policy rule: a number, a range to `end`, a container port's name, or all of a protocol (`port=None`)."""

    protocol: Protocol
    port: int | str | None = None
    end: int | None = None


class PolicyRule(Struct, frozen=True):
    """Any peer on any port. `peers=()` is every peer, `ports=()` is every port, as in the Kubernetes API."""

    id: str
    peers: tuple[PodPeer | BlockPeer, ...]
    ports: tuple[PolicyPort, ...]
    origin: Origin


class NetworkPolicy(Struct, frozen=True):
    """networking.k8s.io/v1 NetworkPolicy. `ingress=None`: the policy says nothing of that direction; `()` denies it."""

    id: str
    cluster: str
    namespace: str
    selector: Selector
    ingress: tuple[PolicyRule, ...] | None
    egress: tuple[PolicyRule, ...] | None
    origin: Origin


ANY_DEPTH = 127
"""More labels than a name can have (RFC 1035, 3.1: 255 octets, two at least for a label)."""


class HostName(Struct, frozen=True):
    """A name outside and what is below it. No wildcard: what `*.` means differs from product to product."""

    name: str
    depth: int = 0
    """How many labels below the name are meant as well."""
    apex: bool = True
    """Whether the name itself is meant."""
    source: str = ""
    """Where it is written that this name is needed; empty for a name that the user's file gives."""
    date: str = ""
    """When that was last looked up, YYYY-MM-DD."""


class NodePeer(Struct, frozen=True):
    """Nodes by label, as an `egress` peer of the cluster-wide policies."""

    nodes: Selector


class NamePeer(Struct, frozen=True):
    """Outside hosts by name (`domainNames`). Which addresses they are is not known, so whom it lets out to is unknown."""

    names: tuple[str, ...]


class Action(Enum):
    """What a rule of a cluster-wide policy does. PASS hands the decision on to the tiers behind it."""

    __hash__ = object.__hash__  # members are one object each, and Enum's own hash is Python

    ACCEPT = "Accept"
    DENY = "Deny"
    PASS = "Pass"


class AdminRule(Struct, frozen=True):
    """Does `action` to traffic with any of the peers on any of the ports. `peers=()` is nobody, `ports=()` every port."""

    id: str
    action: Action
    peers: tuple[PodPeer | BlockPeer | NodePeer | NamePeer, ...]
    ports: tuple[PolicyPort, ...]
    origin: Origin


class AdminPolicy(Struct, frozen=True):
    """A cluster-wide policy: ClusterNetworkPolicy (policy.networking.k8s.io/v1beta1) of either tier, AdminNetworkPolicy or
    BaselineAdminNetworkPolicy (v1alpha1). The first rule that matches decides, lower priorities first (KEP-2091).

    NetworkPolicies are asked between the tiers `admin` and `baseline`.
    """

    id: str
    cluster: str
    tier: str
    priority: int
    subject: PodPeer
    """Whose traffic it is about; `namespaces` is always given."""
    ingress: tuple[AdminRule, ...]
    egress: tuple[AdminRule, ...]
    origin: Origin
    kind: str = "ClusterNetworkPolicy"
    """Which of the three it is; their manifests say the same in different words."""


class UnknownPolicy(Struct, frozen=True):
    """A policy of a kind that is not modelled: what passes to (ingress) or from whom it selects is unknown."""

    id: str
    cluster: str
    subject: PodPeer
    """Without `namespaces`: everybody in the cluster that `pods` selects."""
    ingress: bool
    egress: bool
    why: str
    origin: Origin


class EgressRule(Struct, frozen=True):
    """Lets `sources` (endpoint ids) out of their VPC to outside addresses."""

    id: str
    sources: tuple[str, ...]
    names: tuple[HostName, ...]
    """What the addresses stand for; empty where the row names plain addresses."""
    prefixes: tuple[Prefix, ...]
    match: Match
    origin: Origin


class EgressFilter(Struct, frozen=True):
    """The stateful filter between a VPC and the outside, asked once per connection that begins inside."""

    id: str
    vpc: str
    rules: tuple[EgressRule, ...]
    origin: Origin


class DnsRule(Struct, frozen=True):
    """Names outside that a VPC's resolver answers. (For whom is not its question: all in a VPC share its resolver.)"""

    id: str
    names: tuple[HostName, ...]
    origin: Origin


class DnsFilter(Struct, frozen=True):
    """The allow list of a VPC's resolver for names that are not ours: it refuses every other one."""

    id: str
    vpc: str
    rules: tuple[DnsRule, ...]
    origin: Origin


class SniRule(Struct, frozen=True):
    """Lets `sources` through to addresses that one of `names` resolves to, when they say that name in the TLS handshake;
    and to `prefixes`, which the row names by address, whatever they say."""

    id: str
    sources: tuple[str, ...]
    names: tuple[HostName, ...]
    prefixes: tuple[Prefix, ...]
    origin: Origin


class SniFilter(Struct, frozen=True):
    """Behind the egress filter: reads the first bytes of every connection to 443/tcp outside. The connection is accepted
    first, as by AWS Network Firewall; what says no name, or one that is not allowed to that address, is cut."""

    id: str
    vpc: str
    rules: tuple[SniRule, ...]
    origin: Origin
