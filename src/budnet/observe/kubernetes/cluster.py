"""All objects of a cluster together: the Network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address

from budnet.collector import paused
from budnet.ir.endpoint import Cluster, Endpoint, EndpointKind, Namespace
from budnet.ir.filters import AdminPolicy, NetworkPolicy, UnknownPolicy
from budnet.ir.network import Network
from budnet.ir.origin import NOWHERE
from budnet.observe.kubernetes import policies
from budnet.observe.kubernetes.entrances import Entrances
from budnet.observe.kubernetes.fields import Object, Place, Problems, Wrong, labels, mapping, mappings, name_of, text, typed
from budnet.observe.kubernetes.foreign import foreign, is_foreign
from budnet.observe.kubernetes.kinds import MAKERS, home, is_known, is_read
from budnet.observe.kubernetes.manifests import Meta, Pod, written
from budnet.observe.kubernetes.selectors import selects
from budnet.observe.kubernetes.unread import KINDS, blind, hidden, lost, may_be_policy, unread
from budnet.observe.kubernetes.workloads import TEMPLATES, Workloads, node_id
from budnet.source.diagnostic import Severity

DUPLICATE, UNKNOWN_VERSION, NOT_AN_OBJECT, RING = "K102", "K103", "K104", "K105"
_NAME = "kubernetes.io/metadata.name"
_NEWER = "a newer budnet may know it; until then whom it may be about is unknown"


@dataclass
class Observed:
    """What was read: the Network, and what was wrong. `skipped` counts objects of kinds that mean nothing for reachability."""

    network: Network
    problems: Problems
    skipped: dict[str, int] = field(default_factory=dict)
    entrances: Entrances = field(default_factory=lambda: Entrances(""))
    annotations: dict[str, Object] = field(default_factory=dict)
    """Of pods, by the id of the endpoint."""


@paused()
def network(objects: Iterable[tuple[Object | Pod, Place]], problems: Problems, name: str = "cluster") -> Observed:
    """The Network of one cluster. What is wrong with one object is said, and the object left out."""
    reader = _Reader(name, problems)
    for of, place in objects:
        reader.read(of, place)
    return Observed(reader.network(), problems, reader.skipped, reader.entrances, reader.workloads.annotations)


class _Reader:
    def __init__(self, name: str, problems: Problems) -> None:
        self.name, self.problems = name, problems
        self.workloads = Workloads(name)
        self.entrances = Entrances(name)
        self.spaces: dict[str, tuple[tuple[str, str], ...]] = {}
        self.nodes: list[Endpoint] = []
        self.policies: list[NetworkPolicy] = []
        self.admin: list[AdminPolicy] = []
        self.unknown: list[UnknownPolicy] = []
        self.skipped: dict[str, int] = {}
        self._seen: dict[tuple[str, str, str, str], tuple[Place, Object | None]] = {}

    def read(self, one: Object | Pod, place: Place) -> None:
        """One object."""
        try:
            self._read(one, place)
        except Wrong as wrong:
            of = written(one)
            self.problems.say(Severity.ERROR, wrong.code, f"{name_of(of)}: {wrong.where}: {wrong.summary}", place, wrong.help)
            if of.get("kind") == "Namespace":
                self.problems.refuse("", "Namespace", place, f"{name_of(of)} could not be read")
            if may_be_policy(of):
                self.unknown.append(unread(of, self.name, place, f"{name_of(of)} could not be read"))

    def _read(self, of: Object | Pod, place: Place) -> None:
        if isinstance(of, Pod):
            kind, api = "Pod", of.apiVersion
        elif "kind" in of or "apiVersion" in of:
            kind, api = text(of, "kind"), text(of, "apiVersion")
        else:
            self.problems.say(
                Severity.WARNING,
                NOT_AN_OBJECT,
                "this is no object of Kubernetes: it has no kind and no apiVersion",
                place,
                "it is left out",
            )
            return
        group, _, version = api.rpartition("/")
        if not is_known(group, kind, version):
            help = f"{kind} is known as {home(kind)}"
            raise Wrong("apiVersion", f"'{api}' is not known, and what it means is not guessed", help, UNKNOWN_VERSION)
        if not is_read(group, kind):
            self.skipped[kind] = self.skipped.get(kind, 0) + 1
            return
        name, namespace = _called(of)
        key = group, kind, namespace, name
        if key in self._seen:
            first, before = self._seen[key]
            where = f"{first.file}:{first.line}" if first.line else first.file
            self.problems.say(
                Severity.WARNING,
                DUPLICATE,
                f"{name_of(written(of))} is there twice; the second one is left out",
                place,
                f"the first is in {where}",
            )
            if before is not None and before != of:  # which of the two is in force is not known
                why = f"{name_of(before)} is there twice, and the two differ"
                self.unknown += [unread(each, self.name, place, why) for each in (before, written(of))]
            return
        self._seen[key] = place, of if kind in KINDS and not isinstance(of, Pod) else None
        if isinstance(of, Pod):
            self.workloads.pod(of, name, namespace, place)
        else:
            self._one(of, group, kind, name, namespace, place)

    def _one(self, of: Object, group: str, kind: str, name: str, namespace: str, place: Place) -> None:
        match group, kind:
            case "", "Pod":
                self.workloads.pod(typed(of, Pod), name, namespace, place)
            case "", "Namespace":
                self.spaces[name] = labels(mapping(of, "metadata"), where="metadata.")
            case "", "Node":
                self.nodes.append(_node(of, name, self.name, place))
                given = mappings(mapping(of, "status"), "addresses", "status.")
                self.entrances.node({str(a.get("address")): a.get("type") == "ExternalIP" for a in given})
            case _ if self.entrances.knows(group, kind):
                self.entrances.read(kind, of, name, namespace, place)
            case _ if group in MAKERS and kind in TEMPLATES:
                self.workloads.template(of, kind, name, namespace, place)
            case "networking.k8s.io", "NetworkPolicy":
                self.policies.append(policies.network_policy(of, name, namespace, self.name, place))
            case "policy.networking.k8s.io", "ClusterNetworkPolicy":
                self.admin.append(policies.cluster_network_policy(of, name, self.name, place))
            case "policy.networking.k8s.io", "AdminNetworkPolicy":
                self.admin.append(policies.admin_network_policy(of, name, self.name, place))
            case "policy.networking.k8s.io", "BaselineAdminNetworkPolicy":
                self.admin.append(policies.baseline_policy(of, name, self.name, place))
            case _ if is_foreign(group, kind):
                if (found := foreign(of, group, kind, name, namespace, self.name, place)) is not None:
                    self.unknown.append(found)
            case _:
                raise Wrong("kind", f"{kind} of {group} is not known, and what it means is not guessed", _NEWER, UNKNOWN_VERSION)

    def network(self) -> Network:
        """Everything that was read, in the order of names, so that the order of files changes nothing."""
        pods = self.workloads.endpoints({n.id: n.addresses for n in self.nodes})
        for (namespace, kind, name), place in self.workloads.rings.items():
            summary = f"{kind} {namespace}/{name} is said to be made by something that it has made"
            self.problems.say(Severity.ERROR, RING, summary, place, "correct metadata.ownerReferences; it is taken to be nobody's")
        used = {e.namespace for e in pods} | {p.namespace for p in self.policies}
        spaces = self.spaces | {s: () for s in used if s not in self.spaces}
        named = tuple(Namespace(s, tuple(sorted(({_NAME: s} | dict(found)).items()))) for s, found in sorted(spaces.items()))
        spaces_ = {n.name: dict(n.labels) for n in named}
        entries = self.entrances.entries(pods, self.workloads.host_ports, lambda name, chosen: selects(chosen, spaces_.get(name, {})))
        self.unknown += [p for place, data in self.problems.unread if (p := lost(data, self.name, place))]
        self.unknown += [p for refused in self.problems.refused if (p := hidden(refused, self.name))]
        if any(r.kind == "Namespace" for r in self.problems.refused):
            written: list[NetworkPolicy | AdminPolicy] = [*self.policies, *self.admin]
            self.unknown += [p for policy in written if (p := blind(policy))]
        return Network(
            self.name,
            clusters=(Cluster(self.name, "", (), "cluster.local", named, NOWHERE),),
            endpoints=(*pods, *sorted(self.nodes, key=lambda n: n.id)),
            policies=tuple(sorted(self.policies, key=lambda p: p.id)),
            admin_policies=tuple(sorted(self.admin, key=lambda p: (p.tier, p.priority, p.id))),
            unknown_policies=tuple(sorted(self.unknown, key=lambda p: p.id)),
            entries=tuple(entries),
            pods_on=tuple(sorted(self.workloads.pods_on.items())),
        )


def _called(of: Object | Pod) -> tuple[str, str]:
    """(name, namespace)."""
    if isinstance(of, Pod):
        given = of.metadata or Meta()
        name, namespace = given.name or given.generateName, given.namespace
    else:
        meta = mapping(of, "metadata")
        name, namespace = meta.get("name") or meta.get("generateName"), text(meta, "namespace", "metadata.", "")
    if not isinstance(name, str):
        raise Wrong("metadata.name", "the object has no name")
    return name, namespace or "default"


def _node(of: Object, name: str, cluster: str, place: Place) -> Endpoint:
    given = mappings(mapping(of, "status"), "addresses", "status.")
    found = []
    for each in given:
        if each.get("type") == "InternalIP":
            try:
                found.append(ip_address(str(each.get("address"))))
            except ValueError:
                raise Wrong("status.addresses", f"{each.get('address')!r} is no address") from None
    written = labels(mapping(of, "metadata"), where="metadata.")
    label = node_id(name)
    return Endpoint(
        label, EndpointKind.HOST, label, "", "", tuple(found), cluster=cluster, labels=written, origin=place.origin, any_port=True
    )
