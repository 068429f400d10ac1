"""What may pass: security groups, network ACLs, Kubernetes NetworkPolicies, and the egress filter at a VPC's edge."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from budnet.ir.address import Match, Prefix, Protocol
from budnet.ir.origin import Origin


@dataclass(frozen=True, slots=True)
class GroupRef:
    """Members of a security group, wherever they are."""

    id: str


@dataclass(frozen=True, slots=True)
class SgRule:
    """Allows `match` to (egress) or from (ingress) the peer. Security groups have no deny rules."""

    id: str
    peer: Prefix | GroupRef
    match: Match
    origin: Origin


@dataclass(frozen=True, slots=True)
class SecurityGroup:
    """Stateful, on an interface: answers to what was let through pass without a rule."""

    id: str
    vpc: str
    ingress: tuple[SgRule, ...]
    egress: tuple[SgRule, ...]
    origin: Origin


@dataclass(frozen=True, slots=True)
class AclRule:
    """A numbered line of a network ACL; the lowest number that matches decides."""

    id: str
    number: int
    allow: bool
    prefix: Prefix
    match: Match
    origin: Origin


@dataclass(frozen=True, slots=True)
class NetworkAcl:
    """Stateless, at the border of a subnet; not asked for traffic inside one subnet. Ends in deny."""

    id: str
    vpc: str
    ingress: tuple[AclRule, ...]
    egress: tuple[AclRule, ...]
    origin: Origin


class Operator(Enum):
    """The operators of a Kubernetes label selector."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


@dataclass(frozen=True, slots=True)
class Requirement:
    """`key operator values`; a `matchLabels` entry is `key In (value)`."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()


Selector = tuple[Requirement, ...]
"""All must hold. The empty selector selects everything."""


@dataclass(frozen=True, slots=True)
class PodPeer:
    """Pods by label. `namespaces=None` means the policy's own namespace."""

    pods: Selector
    namespaces: Selector | None = None


@dataclass(frozen=True, slots=True)
class BlockPeer:
    """An `ipBlock`: a prefix and the parts of it that are left out."""

    prefix: Prefix
    without: tuple[Prefix, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyPort:
    """A port of a policy rule: a number, a range to `end`, a container port's name, or all of a protocol (`port=None`)."""

    protocol: Protocol
    port: int | str | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """Any peer on any port. `peers=()` is every peer, `ports=()` is every port, as in the Kubernetes API."""

    id: str
    peers: tuple[PodPeer | BlockPeer, ...]
    ports: tuple[PolicyPort, ...]
    origin: Origin


@dataclass(frozen=True, slots=True)
class NetworkPolicy:
    """networking.k8s.io/v1 NetworkPolicy. `ingress=None`: the policy says nothing of that direction; `()` denies it."""

    id: str
    cluster: str
    namespace: str
    selector: Selector
    ingress: tuple[PolicyRule, ...] | None
    egress: tuple[PolicyRule, ...] | None
    origin: Origin


@dataclass(frozen=True, slots=True)
class EgressRule:
    """Lets `sources` (endpoint ids) out of their VPC to the outside addresses that `names` stand for."""

    id: str
    sources: tuple[str, ...]
    names: tuple[str, ...]
    """Host names as the catalogue or the file writes them; empty where the row names plain addresses."""
    prefixes: tuple[Prefix, ...]
    match: Match
    origin: Origin


@dataclass(frozen=True, slots=True)
class EgressFilter:
    """The stateful filter between a VPC and the outside, asked once per connection that begins inside."""

    id: str
    vpc: str
    rules: tuple[EgressRule, ...]
    origin: Origin
