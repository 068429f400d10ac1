"""All objects of a cluster together: the Network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from budnet.collector import paused
from budnet.ir.endpoint import Cluster, Endpoint, EndpointKind, Namespace
from budnet.ir.filters import AdminPolicy, NetworkPolicy, Operator, PodPeer, Requirement, UnknownPolicy
from budnet.ir.network import Network
from budnet.ir.origin import NOWHERE
from budnet.observe.kubernetes import policies
from budnet.observe.kubernetes.entrances import Entrances
from budnet.observe.kubernetes.fields import NOT_SHOWN, Object, Place, Problems, Wrong, labels, mapping, mappings, name_of, text, typed
from budnet.observe.kubernetes.foreign import foreign, is_foreign
from budnet.observe.kubernetes.kinds import MAKERS, home, is_heard_of, is_known, is_read
from budnet.observe.kubernetes.manifests import Meta, Pod, written
from budnet.observe.kubernetes.unread import KINDS, asking, hidden, kinds_in, lost, may_be_policy, may_select, unread
from budnet.observe.kubernetes.workloads import TEMPLATES, Owner, Workloads, node_id, promises_pods, without_port
from budnet.source.diagnostic import Severity

DUPLICATE, UNKNOWN_VERSION, NOT_AN_OBJECT, RING, NO_LABELS, NO_PODS = "K102", "K103", "K104", "K105", "K106", "K107"
_NAME = "kubernetes.io/metadata.name"
_ANY = "*"
"""Stands for what the server adds to a name."""
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
        self._generated: dict[tuple[str, str, str, str], int] = {}
        self._strange: dict[Owner, tuple[str, Place]] = {}
        """What makes pods, and is of a kind that is not known: what it is called, and where it is."""
        self._seen: dict[tuple[str, str, str, str], tuple[Place, Object | None]] = {}

    def read(self, one: Object | Pod, place: Place) -> None:
        """One object."""
        try:
            self._read(one, place)
        except Wrong as wrong:
            of = written(one)
            self.problems.say(Severity.ERROR, wrong.code, f"{name_of(of)}: {wrong.where}: {wrong.summary}", place, wrong.help)
            if may_be_policy(of):
                self.unknown.append(unread(of, self.name, place, f"{name_of(of)} could not be read"))
            if self.entrances.may_be_one(of):
                self.entrances.lost(name_of(of), f"{name_of(of)} could not be read", place)

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
        if (group, kind) == ("", "Status"):  # what a server says in place of what it was asked for
            summary = f"the API server did not show what was asked of it: {written(of).get('message') or 'it says no more'}"
            self.problems.say(Severity.ERROR, NOT_SHOWN, summary, place, "what is not shown may be anything")
            self.problems.refuse("", "", place, summary)
            return
        means = is_read(group, kind)
        if not means:
            self.skipped[kind] = self.skipped.get(kind, 0) + 1
            if not is_heard_of(group, kind):
                summary = f"{name_of(written(of))}: there is no such kind in {api}, as far as is known"
                self.problems.say(Severity.WARNING, UNKNOWN_VERSION, summary, place, "is it written right? it is left out")
                return
        if not isinstance(of, Pod) and not _makes_pods(group, kind) and promises_pods(of):
            meta = mapping(of, "metadata")
            self._strange[str(meta.get("namespace") or "default"), kind, str(meta.get("name"))] = f"{name_of(of)} of {group}", place
        if not means:
            return
        name, namespace = _called(of)
        key = group, kind, namespace, name
        if name.endswith(_ANY):  # the server gives each a name of its own
            count = self._generated[key] = self._generated.get(key, 0) + 1
            name = f"{name}{count}" if count > 1 else name
            key = group, kind, namespace, name
        if key in self._seen:
            first, before = self._seen[key]
            where = f"{first.file}:{first.line}" if first.line else first.file
            self.problems.say(
                Severity.WARNING,
                DUPLICATE,
                f"{name_of(written(of))} is there twice; the second one is left out",
                place,
                f"the first is in {where}; of a base and its overlays give what `kustomize build` prints",
            )
            if _makes_pods(group, kind):
                self._two_workloads(of, kind, name, namespace, place)
            else:
                self._twice(written(of), before, kind, name, place)
            return
        if _makes_pods(group, kind):
            self._seen[key] = place, None
            self._workload(self.workloads, of, kind, name, namespace, place)
        else:
            one = written(of)
            self._seen[key] = place, one if kind in (*KINDS, "Namespace") or self.entrances.knows(group, kind) else None
            self._one(one, group, kind, name, namespace, place)

    def _workload(self, into: Workloads, of: Object | Pod, kind: str, name: str, namespace: str, place: Place) -> None:
        """A pod, or a maker of pods. A port in it that is wrong is said and left out: who has it is there all the same."""
        try:
            if kind == "Pod":
                into.pod(of if isinstance(of, Pod) else typed(of, Pod), name, namespace, place)
            else:
                into.template(written(of), kind, name, namespace, place)
        except Wrong as wrong:
            whole = written(of)
            rest = without_port(whole, wrong.where)
            if rest is None:
                raise
            help = wrong.help or "the port is left out, and the rest is read"
            self.problems.say(Severity.ERROR, wrong.code, f"{name_of(whole)}: {wrong.where}: {wrong.summary}", place, help)
            self._workload(into, rest, kind, name, namespace, place)

    def _two_workloads(self, of: Object | Pod, kind: str, name: str, namespace: str, place: Place) -> None:
        """Which of two is in force is not known, where their pods differ: what these may do is unknown."""
        other = Workloads(self.name)
        self._workload(other, of, kind, name, namespace, place)
        called = name_of(written(of))
        for labels_ in sorted(self.workloads.differing(other, (namespace, kind, name))):
            asked = tuple(Requirement(key, Operator.IN, (value,)) for key, value in labels_)
            subject = PodPeer(asked, (Requirement(_NAME, Operator.IN, (namespace,)),))
            why = f"{called} is there twice, and the two differ"
            self.unknown.append(UnknownPolicy(called, self.name, subject, True, True, why, place.origin))

    def _twice(self, of: Object, before: Object | None, kind: str, name: str, place: Place) -> None:
        """Which of two is in force is not known, where they differ."""
        if before is None or before == of:
            return
        if kind == "Namespace":
            if labels(mapping(of, "metadata"), where="metadata.") != self.spaces.get(name):
                self.spaces.pop(name, None)
            return
        why = f"{name_of(before)} is there twice, and the two differ"
        if kind in KINDS:
            self.unknown += [unread(each, self.name, place, why) for each in (before, of)]
        else:
            self.entrances.lost(name_of(before), why, place)

    def _one(self, of: Object, group: str, kind: str, name: str, namespace: str, place: Place) -> None:
        match group, kind:
            case "", "Namespace":
                self.spaces[name] = labels(mapping(of, "metadata"), where="metadata.")
            case "", "Node":
                self.nodes.append(_node(of, name, self.name, place))
                given = mappings(mapping(of, "status"), "addresses", "status.")
                self.entrances.node({str(a.get("address")): a.get("type") == "ExternalIP" for a in given})
            case _ if self.entrances.knows(group, kind):
                self.entrances.read(group, kind, of, name, namespace, place)
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
        for owner, (called, place) in sorted(self._strange.items()):
            if not self.workloads.knows(owner):
                summary = f"{called} makes pods, and how is not known: of these only those are here that were read"
                self.problems.say(Severity.INFO, NO_PODS, summary, place, "add its pods, or what its controller makes of it")
        named = tuple(self._namespaces(pods))
        for refused in self.problems.refused:
            self.entrances.refused(refused)
        for place, data in self.problems.unread:
            self.entrances.unparsed(kinds_in(data), place)
        entries = self.entrances.entries(pods, self.workloads.host_ports, self.spaces)
        self.unknown += [p for place, data in self.problems.unread if (p := lost(data, self.name, place))]
        self.unknown += [p for refused in self.problems.refused if (p := hidden(refused, self.name))]
        return Network(
            self.name,
            clusters=(Cluster(self.name, "", (), "cluster.local", named, NOWHERE),),
            endpoints=(*pods, *sorted(self.nodes, key=lambda n: n.id)),
            policies=tuple(sorted(self.policies, key=lambda p: p.id)),
            admin_policies=tuple(sorted(self.admin, key=lambda p: (p.tier, p.priority, p.id))),
            unknown_policies=tuple(sorted(self.unknown, key=lambda p: p.id)),
            entries=tuple(entries),
            pods_on=tuple(sorted(self.workloads.pods_on.items())),
            several=tuple(sorted(self.workloads.several)),
        )

    def _namespaces(self, pods: Sequence[Endpoint]) -> Iterator[Namespace]:
        """All that there are. Of one of which no Namespace was read nothing is known but its name, which the API server makes a
        label (https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-metadata-name); where policies ask for
        others, that is said."""
        spaces = {*self.spaces, *(e.namespace for e in pods), *(p.namespace for p in self.policies)}
        for space in sorted(spaces):
            yield Namespace(space, tuple(sorted({**dict(self.spaces.get(space, ())), _NAME: space}.items())), space in self.spaces)
        if spaces <= self.spaces.keys() or any(r.kind == "Namespace" for r in self.problems.refused):
            return
        asked = asking([*self.policies, *self.admin])
        for space, origin in sorted({e.namespace: e.origin for e in reversed(pods) if e.namespace not in self.spaces}.items()):
            who = sorted({id for chosen, ids in asked.items() if may_select(chosen, space) for id in ids})
            if who:
                some = ", ".join(who[:3]) + (f" and {len(who) - 3} more" if len(who) > 3 else "")
                summary = f"the labels of namespace {space} are not known: no Namespace of that name was read"
                help = f"add it (`kubectl get namespace {space} -o yaml`); until then it is unknown whether {some} mean{'s' * (len(who) == 1)} it"
                self.problems.say(Severity.WARNING, NO_LABELS, summary, Place(origin.file, origin.line), help)


def _called(of: Object | Pod) -> tuple[str, str]:
    """(name, namespace); of a name that the server completes `_ANY` stands for the end."""
    if isinstance(of, Pod):
        given = of.metadata or Meta()
        name, namespace = given.name or (given.generateName and given.generateName + _ANY), given.namespace
    else:
        meta = mapping(of, "metadata")
        name, namespace = meta.get("name"), text(meta, "namespace", "metadata.", "")
        if not name and meta.get("generateName"):
            name = text(meta, "generateName", "metadata.") + _ANY
    if not isinstance(name, str):
        raise Wrong("metadata.name", "the object has no name")
    return name, namespace or "default"


def _makes_pods(group: str, kind: str) -> bool:
    return kind == "Pod" or (group in MAKERS and kind in TEMPLATES)


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
