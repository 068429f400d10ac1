"""Pods, and what makes pods, as endpoints. A workload whose pods are there is those pods; one without is one pod, and a StatefulSet
each of its pods, since selectors tell them apart by name: https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from ipaddress import IPv4Address, ip_address
from socket import AF_INET, inet_pton

from msgspec import Struct

from budnet.ir.address import Address, Protocol
from budnet.ir.endpoint import Endpoint, EndpointKind, Listener
from budnet.observe.kubernetes.fields import Object, Place, Wrong, mapping, mappings, number, typed
from budnet.observe.kubernetes.manifests import Container, ContainerPort, Meta, Pod, PodSpec, PodStatus
from budnet.observe.kubernetes.policies import PROTOCOLS

TEMPLATES = {
    "Deployment": ("spec", "template"), "ReplicaSet": ("spec", "template"), "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"), "ReplicationController": ("spec", "template"), "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"), "DeploymentConfig": ("spec", "template"), "Rollout": ("spec", "template"),
    "VirtualMachine": ("spec", "template"), "VirtualMachineInstance": (),
}  # fmt: skip
"""Where each kind keeps what its pods are made from."""
_HASHES = {"pod-template-hash": "Deployment", "rollouts-pod-template-hash": "Rollout"}
"""Labels of pods of a ReplicaSet, and who made that: its name is the maker's and the label."""
_OF_CONFIG = "deploymentconfig"
_POD_NAME, _POD_INDEX = "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index"
_INSTANCE = "VirtualMachineInstance"
_GUEST = {"kubevirt.io": "virt-launcher", "vm.kubevirt.io/name": ""}
_ADDED = {
    "Job": {"batch.kubernetes.io/job-name": "", "job-name": ""}, "DeploymentConfig": {_OF_CONFIG: ""},
    "VirtualMachine": _GUEST, _INSTANCE: _GUEST,
}  # fmt: skip
"""Labels that a controller adds to its pods; an empty value stands for the maker's name."""
_PORT = re.compile(r"(?:template\.)?spec\.(containers|initContainers)\[(\d+)\]\.ports(?:\[(\d+)\].*)?")
_MOST = 5000
"""Pods of one StatefulSet that are told apart."""

Owner = tuple[str, str, str]
"""(namespace, kind, name)."""
HostPort = tuple[Protocol, int, int, str]
"""(protocol, port of the node, port of the container, the node's address or nothing for all)."""
Labels = tuple[tuple[str, str], ...]
_Containers = tuple[tuple[Container, ...] | None, tuple[Container, ...] | None]
"""Containers and init containers."""
_NO_META, _NO_SPEC, _NO_STATUS = Meta(), PodSpec(), PodStatus()


class _Pod(Struct):
    """A pod, or what a maker's pods will be, before it is known who its first maker is."""

    id: str
    namespace: str
    owner: Owner | None
    labels: Labels
    addresses: tuple[Address, ...]
    listeners: tuple[Listener, ...]
    host_network: bool
    place: Place


def node_id(name: str) -> str:
    """The id of a node's endpoint."""
    return f"{name}[Node]"


class Workloads:
    """Collects pods and templates of one cluster; `endpoints` then gives each pod, and a pod for each template that has none."""

    def __init__(self, cluster: str) -> None:
        self.cluster = cluster
        self.host_ports: dict[str, list[HostPort]] = {}
        """By the id of the endpoint."""
        self.annotations: dict[str, Object] = {}
        """The same; for those who take them for labels."""
        self.pods_on: dict[str, str] = {}
        """The ids of their nodes, by the id of the endpoint."""
        self.several: set[str] = set()
        """The ids of endpoints that stand for several pods."""
        self.rings: dict[Owner, Place] = {}
        """What is said to be made by something that it has made."""
        self._pods: dict[str, _Pod] = {}
        self._made: dict[Owner, Owner] = {}
        self._templates: dict[Owner, list[_Pod]] = {}
        self._idle: set[Owner] = set()
        """ReplicaSets that somebody has made and that have no replicas."""
        self._of_owner: dict[Owner, str] = {}
        """What a workload is called by whoever made a pod, once all makers are known."""
        self._labels: dict[Labels, Labels] = {}
        self._ports: dict[_Containers, tuple[tuple[Listener, ...], list[HostPort]]] = {}

    def pod(self, of: Pod, name: str, namespace: str, place: Place) -> None:
        """One Pod. A pod that has ended has no network."""
        meta, spec, status = of.metadata or _NO_META, of.spec or _NO_SPEC, of.status or _NO_STATUS
        if status.phase in ("Succeeded", "Failed"):
            return
        id = f"{namespace}/{name}[Pod]"
        written = self._shared(meta.labels or {})
        owner = self._owner(meta, namespace, written)
        self._pods[id] = self._read(id, namespace, owner, written, _addresses(status), spec, "spec.", place)
        self.annotations[id] = meta.annotations or {}
        if spec.nodeName:
            self.pods_on[id] = node_id(spec.nodeName)

    def template(self, of: Object, kind: str, name: str, namespace: str, place: Place) -> None:
        """One Deployment, or another maker of pods."""
        found = of
        for key in TEMPLATES[kind]:
            found = mapping(found, key)
        if kind == "Rollout" and not found:  # its pods are made from the Deployment that it names
            return
        owner = namespace, kind, name
        meta = typed(mapping(found, "metadata", "template."), Meta, "template.metadata.")
        within = mapping(found, "spec", "template.")
        if kind == "VirtualMachine":
            self._made[namespace, _INSTANCE, name] = owner
        if kind in ("VirtualMachine", _INSTANCE):
            within = _guest(within, "template.spec.")
        spec = typed(within, PodSpec, "template.spec.")
        above = self._owner(typed(mapping(of, "metadata"), Meta, "metadata."), namespace, ())
        if above:
            self._made[owner] = above
            if kind == "ReplicaSet" and mapping(of, "spec").get("replicas") == 0:
                self._idle.add(owner)
        if kind == "Job" and _has_ended(of):
            return
        made = []
        for id, added in _pods(of, kind, name, namespace):
            self.annotations[id] = meta.annotations or {}
            written = self._shared({**(meta.labels or {}), **added})
            made.append(self._read(id, namespace, owner, written, (), spec, "template.spec.", place))
        self._templates[owner] = made
        if len(made) == 1 and _several(of, kind):
            self.several.add(made[0].id)

    def endpoints(self, nodes: Mapping[str, tuple[Address, ...]]) -> list[Endpoint]:
        """All of them, in the order of their names. `nodes`: addresses by the id of a node, which pods on its network have."""
        self._of_owner.clear()
        out = [self._endpoint(pod, nodes) for pod in self._pods.values()]
        out += [self._endpoint(t, nodes) for t in self._promised()]
        return sorted(out, key=lambda e: (e.namespace, e.id))

    def differing(self, other: Workloads, owner: Owner) -> set[Labels]:
        """Labels of the pods that an object means here and in another reading; none where both mean the same."""
        here, there = ([w._told(pod) for pod in w._meant(owner)] for w in (self, other))
        return set() if here == there else {labels for _, labels, *_ in (*here, *there)}

    def _meant(self, owner: Owner) -> list[_Pod]:
        namespace, kind, name = owner
        if kind != "Pod":
            return self._templates.get(owner, [])
        pod = self._pods.get(f"{namespace}/{name}[Pod]")
        return [pod] if pod else []

    def _told(self, pod: _Pod) -> tuple[str, Labels, object, object, object, object, object]:
        """All that is known of a pod but where it is written."""
        return pod.id, pod.labels, pod.owner, pod.addresses, pod.listeners, pod.host_network, self.host_ports.get(pod.id)

    def knows(self, owner: Owner) -> bool:
        """Whether something is here that was made by it."""
        return owner in self._made.values() or any(pod.owner == owner for pod in self._pods.values())

    def _promised(self) -> list[_Pod]:
        """Of each maker that no maker read here is above, and that has no pods, what its pods will be. A maker above it of which
        nothing was read, such as an operator's own resource, says nothing of pods."""
        have = {maker for pod in {p.owner for p in self._pods.values() if p.owner} for maker in self._makers(pod)}
        first = [o for o in self._templates if o not in have and not any(m in self._templates for m in self._makers(o)[1:])]
        # of whom several ReplicaSets are, those without replicas are earlier versions of the others
        have |= {maker for owner in first if owner not in self._idle for maker in self._makers(owner)[1:]}
        wanted = [o for o in first if o not in self._idle or have.isdisjoint(self._makers(o)[1:])]
        return [pod for o in wanted for pod in self._templates[o] if pod.id not in self._pods]

    def _endpoint(self, pod: _Pod, nodes: Mapping[str, tuple[Address, ...]]) -> Endpoint:
        addresses = pod.addresses
        if pod.host_network and not addresses:
            addresses = nodes.get(self.pods_on.get(pod.id, ""), ())
        label = self._of_owner.get(pod.owner) if pod.owner else pod.id
        if label is None:
            assert pod.owner is not None
            label = self._of_owner[pod.owner] = self._called(self._makers(pod.owner))
        return Endpoint(
            pod.id, EndpointKind.POD, label, "", "", addresses, cluster=self.cluster, namespace=pod.namespace, labels=pod.labels,
            listeners=pod.listeners, origin=pod.place.origin, host_network=pod.host_network, any_port=True,
        )  # fmt: skip

    @staticmethod
    def _called(makers: list[Owner]) -> str:
        """By the first maker of Kubernetes' own, as what an operator makes is known by that, too; but a ReplicaSet that somebody has
        made is one version of it."""
        own = (m for m in reversed(makers) if m[1] in TEMPLATES and m[1] != "ReplicaSet")
        namespace, kind, name = next(own, makers[-1])
        return f"{namespace}/{name}[{kind}]"

    def _makers(self, owner: Owner) -> list[Owner]:
        """A maker and those above it, the first one last: a CronJob's Job's pod is the CronJob's. In a ring nobody is the first, and
        everybody for itself."""
        found, at = [owner], owner
        while at in self._made:
            at = self._made[at]
            if at in found:
                if owner in self._templates:
                    self.rings[owner] = self._templates[owner][0].place
                return [owner]
            found.append(at)
        return found

    def _owner(self, meta: Meta, namespace: str, written: Labels) -> Owner | None:
        for each in meta.ownerReferences or ():
            if each.controller:
                found = namespace, each.kind, each.name
                if found[1] == "Node":  # a static pod's
                    return None
                if found not in self._made and (maker := _maker(found, written)):
                    self._made[found] = maker
                return found
        return None

    def _read(
        self, id: str, namespace: str, owner: Owner | None, written: Labels, addresses: tuple[Address, ...], spec: PodSpec, where: str,
        place: Place,
    ) -> _Pod:  # fmt: skip
        """Container ports only give names: a container may listen elsewhere as well. Replicas have equal ones."""
        containers = spec.containers, spec.initContainers
        known = self._ports.get(containers)
        if known is None:
            known = self._ports[containers] = _read_ports(_serving(spec, where))
        listeners, on_node = known
        if on_node:
            self.host_ports[id] = on_node
        return _Pod(id, namespace, owner, written, addresses, listeners, bool(spec.hostNetwork), place)

    def _shared(self, written: Mapping[str, str]) -> Labels:
        """Labels in the order of their keys. Replicas have equal ones: one tuple for all of them is hashed sooner and kept once."""
        found = tuple(sorted(written.items()))
        return self._labels.setdefault(found, found)


def _pods(of: Object, kind: str, name: str, namespace: str) -> Iterator[tuple[str, dict[str, str]]]:
    """(id, the labels that the controller adds and that are known beforehand) of the pods that a maker's template stands for."""
    if kind != "StatefulSet":
        yield f"{namespace}/{name}[{kind}]", {key: value or name for key, value in _ADDED.get(kind, {}).items()}
        return
    spec = mapping(of, "spec")
    count = number(spec, "replicas", 0, 2**31 - 1, "spec.")
    first = number(mapping(spec, "ordinals", "spec."), "start", 0, 2**31 - 1, "spec.ordinals.") or 0
    for ordinal in range(first, first + min(1 if count is None else max(count, 1), _MOST)):
        pod = f"{name}-{ordinal}"
        yield f"{namespace}/{pod}[Pod]", {_POD_NAME: pod, _POD_INDEX: str(ordinal)}


def _several(of: Object, kind: str) -> bool:
    """Whether a maker has, or may have, more than one pod at a time."""
    spec = mapping(of, "spec")
    return kind == "DaemonSet" or any((number(spec, key, 0, 2**31 - 1, "spec.") or 0) > 1 for key in ("replicas", "parallelism"))


def promises_pods(of: Object) -> bool:
    """Whether an object of any kind has a template of pods where Kubernetes' own have it."""
    found: object = of
    for key in ("spec", "template", "spec", "containers"):
        found = found.get(key) if isinstance(found, Mapping) else None
    return isinstance(found, list)


def _has_ended(of: Object) -> bool:
    """Whether a Job has, whose pods have then as well: https://kubernetes.io/docs/concepts/workloads/controllers/job/"""
    said = mappings(mapping(of, "status"), "conditions", "status.")
    return any(c.get("type") in ("Complete", "Failed") and c.get("status") == "True" for c in said)


def _maker(owner: Owner, written: Labels) -> Owner | None:
    """Who made the maker of a pod, by the pod's labels: its own object may not have been read."""
    namespace, kind, name = owner
    for key, value in written:
        if kind == "ReplicaSet" and key in _HASHES and name.endswith(f"-{value}"):
            return namespace, _HASHES[key], name.removesuffix(f"-{value}")
        if kind == "ReplicationController" and key == _OF_CONFIG:
            return namespace, "DeploymentConfig", value
    return None


def _guest(spec: Object, where: str) -> Object:
    """The pod that a virtual machine runs in, as far as it matters here: its container has the ports of the machine's interfaces.
    https://kubevirt.io/user-guide/network/interfaces_and_networks/"""
    devices = mapping(mapping(spec, "domain", where), "devices", f"{where}domain.")
    ports = [port for each in mappings(devices, "interfaces", f"{where}domain.devices.") for port in mappings(each, "ports", where)]
    return {"containers": [{"ports": [{**port, "containerPort": port.get("port")} for port in ports]}]}


def without_port(of: Object, where: str) -> Object | None:
    """A pod, or a maker of pods, without the port that something is wrong with at a place in it; None where it is about no port. What
    policies and Services ask for by that port's name is then not there; the rest of the pod is as good as ever."""
    found = _PORT.fullmatch(where)
    if not found:
        return None
    inner = at = deepcopy(dict(of))
    for key in TEMPLATES.get(str(of.get("kind")), ()):
        at = at[key]
    containers = at["spec"].get(found[1])
    if not containers:  # a virtual machine has none
        return None
    if found[3] is None:
        del containers[int(found[2])]["ports"]
    else:
        del containers[int(found[2])]["ports"][int(found[3])]
    return inner


def _serving(spec: PodSpec, where: str) -> list[tuple[Container, str]]:
    """Containers that run while the pod serves, each with its place. An init container ends before, unless it is a sidecar (KEP-753)."""
    found = [(c, f"{where}containers[{i}].") for i, c in enumerate(spec.containers or ())]
    sidecars = [(c, f"{where}initContainers[{i}].") for i, c in enumerate(spec.initContainers or ()) if c.restartPolicy == "Always"]
    return found + sidecars


def _read_ports(containers: list[tuple[Container, str]]) -> tuple[tuple[Listener, ...], list[HostPort]]:
    """Their ports, and those that nodes give them."""
    listeners, on_node = [], []
    for container, where in containers:
        for i, port in enumerate(container.ports or ()):
            listener = _listener(port, f"{where}ports[{i}].")
            listeners.append(listener)
            if port.hostPort:
                on_node.append((listener.protocol, port.hostPort, listener.port, port.hostIP or ""))
    return tuple(listeners), on_node


def _listener(port: ContainerPort, at: str) -> Listener:
    for key, given, first in (("containerPort", port.containerPort, 1), ("hostPort", port.hostPort or 0, 0)):
        if not first <= given <= 65535:
            raise Wrong(f"{at}{key}", f"{given} is not from {first} to 65535")
    protocol = PROTOCOLS.get("TCP" if port.protocol is None else port.protocol)
    if protocol is None:
        raise Wrong(f"{at}protocol", f"'{port.protocol}' is no protocol", f"write one of {', '.join(PROTOCOLS)}")
    return Listener(port.name or "", protocol, port.containerPort)


def _addresses(status: PodStatus) -> tuple[Address, ...]:
    given = [each.ip for each in status.podIPs or ()] or [status.podIP]
    try:
        return tuple([_address(each) for each in given if each])
    except (ValueError, OSError):
        raise Wrong("status.podIPs", f"{given!r} are not addresses") from None


def _address(written: str) -> Address:
    """As `ip_address`, which takes three times as long for IPv4."""
    return ip_address(written) if ":" in written else IPv4Address(inet_pton(AF_INET, written))
