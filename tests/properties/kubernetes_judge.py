"""A judge over raw manifests: may this one flow pass, as the specifications say it, one sentence after the other.

It takes what `kubectl get -o json` gives and answers one question at a time by walking every rule: no sets, no classes, nothing
remembered, nothing shared with the program. Sources, named where a rule stands:
API   Kubernetes API reference, NetworkPolicy networking.k8s.io/v1 and LabelSelector meta/v1
DOC   kubernetes.io, Concepts, Services and Networking, Network Policies
NPA   network-policy-api: API of policy.networking.k8s.io v1alpha1, v1alpha2 and v1beta1, KEP-2091
E2E   Kubernetes' own test list for network policies

Three answers: True, False, and None where nobody can know from what is written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

Object = dict[str, Any]
Address = IPv4Address | IPv6Address
WAYS = ("ingress", "ingressDeny", "egress", "egressDeny")
WORDS = {True: "allowed", False: "denied", None: "unknown"}
# Where the address of a pod that does not run yet may lie: the private ranges (RFC 1918, RFC 6598, RFC 4193).
PRIVATE = {4: ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"), 6: ("fc00::/7",)}


@dataclass(frozen=True)
class Pod:
    """One end that policies can select. `addresses` is empty for a pod that only a workload's template promises."""

    kind: str
    namespace: str
    name: str
    labels: Object = field(hash=False)
    spec: Object = field(hash=False)
    addresses: tuple[Address, ...] = ()

    @property
    def on_host(self) -> bool:
        return bool(self.spec.get("hostNetwork"))


End = Pod | Address


class Judge:
    """All objects of a cluster."""

    def __init__(self, objects: Iterable[Object]) -> None:
        everything = list(objects)
        self.namespaces: dict[str, Object] = {}
        for of in everything:
            if of["kind"] == "Namespace":
                self.namespaces[of["metadata"]["name"]] = of["metadata"].get("labels") or {}
        self.nodes = [o for o in everything if o["kind"] == "Node"]
        self.pods = list(pods(everything))
        group = [(o.get("apiVersion", "").partition("/")[0], o["kind"], o) for o in everything]
        self.policies = [o for g, k, o in group if (g, k) == ("networking.k8s.io", "NetworkPolicy")]
        self.admin, self.baseline = tiers(o for g, _, o in group if g == "policy.networking.k8s.io")
        self.foreign = [o for g, _, o in group if g in ("cilium.io", "crd.projectcalico.org", "projectcalico.org")]

    def families(self, end: End) -> set[int]:
        """By which families an end speaks. A pod that has no address yet gets those that other pods have; where none has one those
        that nodes have, and where there is none either it may be both."""
        if not isinstance(end, Pod):
            return {end.version}
        if end.addresses:
            return {a.version for a in end.addresses}
        pods = {a.version for p in self.pods if not p.on_host for a in p.addresses}
        listed = [a for n in self.nodes for a in n.get("status", {}).get("addresses", []) if a["type"] == "InternalIP"]
        return pods or {ip_address(a["address"]).version for a in listed} or {4, 6}

    def together(self, own: Pod, peer: End) -> bool | None:
        """DOC: "traffic to and from the node where a Pod is running is always allowed". hostNetwork pods are their node."""
        if not isinstance(peer, Pod) or not peer.on_host:
            return False
        here, there = self.node(own), self.node(peer)
        return here == there if here and there else None

    def node(self, pod: Pod) -> str:
        """Its name; a pod on the network of a node has the address of that node."""
        for node in self.nodes if pod.on_host and not pod.spec.get("nodeName") else []:
            if {str(a) for a in pod.addresses} & {a["address"] for a in node.get("status", {}).get("addresses", [])}:
                return str(node["metadata"]["name"])
        return str(pod.spec.get("nodeName") or "") if pod.kind == "Pod" else ""

    def verdict(self, source: End, destination: End, protocol: str, port: int, family: int = 4) -> str:
        """`allowed`, `denied` or `unknown`. `family` says by which addresses two pods with both speak.

        DOC: "both the egress policy on the source pod and the ingress policy on the destination pod need to allow the connection".
        """
        flow = Flow(self, source, destination, protocol, port, family)
        return WORDS[both(flow.side(source, destination, "egress"), flow.side(destination, source, "ingress"))]


@dataclass(frozen=True)
class Flow:
    """One question."""

    judge: Judge
    source: End
    destination: End
    protocol: str
    port: int
    family: int

    def side(self, own: End, peer: End, direction: str) -> bool | None:
        """Whether the policies of one end let it pass."""
        if not isinstance(own, Pod) or own.on_host:
            return True  # DOC: a policy is for pods, and hostNetwork pods are not selected; NPA: "host-networked pods are not included"
        if any(self.may_select(policy, own, direction) for policy in self.judge.foreign):
            return None
        together = self.judge.together(own, peer)
        outcomes: set[bool | None] = set()
        for action in self.tier(self.judge.admin, own, peer, direction):
            # NPA: Accept and Deny are final; Pass, as no match, goes on with the next tier, which is NetworkPolicy
            outcomes |= {action == "Allow"} if action in ("Allow", "Deny") else self.after_admin(own, peer, direction, together)
        if together is not False and outcomes != {True}:
            return None  # DOC speaks of NetworkPolicy; what a cluster-wide policy does to a pod's own node is written nowhere
        return outcomes.pop() if len(outcomes) == 1 else None

    def after_admin(self, own: Pod, peer: End, direction: str, together: bool | None) -> set[bool | None]:
        isolating = [p for p in self.judge.policies if isolates(p, own, direction)]
        if isolating and together:
            return {True}
        if isolating:  # NPA: NetworkPolicy "always makes a final decision for selected pods"
            rules = [(p, r) for p in isolating for r in p["spec"].get(direction) or []]
            return {any3(self.rule(p["metadata"]["namespace"], r, peer, direction) for p, r in rules)}
        # NPA: what no tier decided may pass
        return {action != "Deny" for action in self.tier(self.judge.baseline, own, peer, direction)}

    # ---- NetworkPolicy ------------------------------------------------------------------------------------------------

    def rule(self, namespace: str, rule: Object, peer: End, direction: str) -> bool | None:
        """API: "traffic must match both ports and from"; either, empty or missing, matches everything."""
        peers, ports = rule.get("from" if direction == "ingress" else "to") or [], rule.get("ports") or []
        if ports and not any(self.policy_port(p) for p in ports):
            return False
        return any3(self.policy_peer(namespace, p, peer) for p in peers) if peers else True

    def policy_port(self, port: Object) -> bool:
        """API: protocol defaults to TCP; no port is all ports; a name is the destination pod's; endPort is inclusive."""
        if port.get("protocol", "TCP") != self.protocol:
            return False
        number = port.get("port")
        if number is None:
            return True
        if isinstance(number, str):
            return self.named(number, self.protocol)
        return bool(number <= self.port <= port.get("endPort", number))

    def policy_peer(self, namespace: str, wanted: Object, peer: End) -> bool | None:
        """API: podSelector alone means the policy's own namespace, namespaceSelector alone all pods there, both both."""
        block = wanted.get("ipBlock")
        if block is not None:
            return self.within(peer, block["cidr"], block.get("except") or [])
        if not isinstance(peer, Pod) or peer.on_host:
            return False  # DOC: traffic of hostNetwork pods is the node's, which no selector matches
        spaces = wanted.get("namespaceSelector")
        there = peer.namespace == namespace if spaces is None else self.in_spaces(spaces, peer)
        return both(selects(wanted.get("podSelector") or {}, peer.labels), there)

    # ---- AdminNetworkPolicy, BaselineAdminNetworkPolicy, ClusterNetworkPolicy -----------------------------------------

    def tier(self, policies: list[Object], own: Pod, peer: End, direction: str) -> set[str]:
        """What this tier may say: Allow, Deny, Pass or nothing ("")."""
        possible: set[str] = set()
        for priority in sorted({p["spec"].get("priority", 0) for p in policies}):  # NPA: lower values have precedence
            level = [(p, self.is_subject(p, own)) for p in policies if p["spec"].get("priority", 0) == priority]
            said = [
                self.first(p["spec"].get(direction) or [], peer) | (set() if about else {""}) for p, about in level if about is not False
            ]
            possible |= {action for one in said for action in one if action}
            # NPA: of equal priorities "the implementation can apply any of the matching policies"
            if not all("" in one for one in said):
                return possible
        return possible | {""}

    def first(self, rules: list[Object], peer: End) -> set[str]:
        """NPA: "a rule that appears at the top would take the highest precedence"."""
        possible: set[str] = set()
        for rule in rules:
            hit = self.admin_rule(rule, peer)
            if hit is not False:
                possible.add({"Accept": "Allow"}.get(rule["action"], rule["action"]))
            if hit:
                return possible
        return possible | {""}

    def admin_rule(self, rule: Object, peer: End) -> bool | None:
        ports = rule.get("ports") or rule.get("protocols") or []
        if ports and not any(self.admin_port(p) for p in ports):
            return False
        return any3(self.admin_peer(p, peer) for p in [*(rule.get("from") or []), *(rule.get("to") or [])])

    def admin_port(self, port: Object) -> bool:
        """NPA: v1alpha1 portNumber, portRange, namedPort; ClusterNetworkPolicy tcp, udp, sctp, destinationNamedPort. A name is for any protocol."""
        for key in ("namedPort", "destinationNamedPort"):
            if key in port:
                return self.named(port[key], None)
        for key in ("portNumber", "portRange"):
            if key in port:
                first, last = (port[key].get("port", port[key].get("start")), port[key].get("port", port[key].get("end")))
                return port[key].get("protocol", "TCP") == self.protocol and first <= self.port <= last
        ((protocol, match),) = port.items()
        if protocol.upper() != self.protocol:
            return False
        wanted = (match or {}).get("destinationPort")
        if not wanted:
            return True
        between = wanted.get("range") or {"start": wanted["number"], "end": wanted["number"]}
        return bool(between["start"] <= self.port <= between["end"])

    def admin_peer(self, wanted: Object, peer: End) -> bool | None:
        if "networks" in wanted:  # NPA: "cluster-internal traffic will be checked against the rule as well"
            return any3(self.within(peer, cidr, []) for cidr in wanted["networks"])
        if "nodes" in wanted:  # NPA: "matching on the IPs present in the node.Status.Addresses"
            chosen = [n for n in self.judge.nodes if selects(wanted["nodes"], n["metadata"].get("labels") or {})]
            known = {a["address"] for n in chosen for a in n.get("status", {}).get("addresses", [])}
            if isinstance(peer, Pod) and peer.on_host and not peer.addresses and known:
                return None  # it will have some node's address, and whose is not written
            return any(str(a) in known for a in self.spoken(peer))
        if "domainNames" in wanted:  # names belong to what is outside; which address has which name is not written anywhere
            return False if isinstance(peer, Pod) else None
        return self.pods_of(wanted, peer) if isinstance(peer, Pod) and not peer.on_host else False

    def is_subject(self, policy: Object, own: Pod) -> bool | None:
        return self.pods_of(policy["spec"]["subject"], own)

    def pods_of(self, wanted: Object, pod: Pod) -> bool | None:
        """NPA: `namespaces` is a selector of namespaces, `pods` selectors of both; empty selects all."""
        if "namespaces" in wanted:
            return self.in_spaces(wanted["namespaces"] or {}, pod)
        chosen = wanted["pods"]
        return both(selects(chosen.get("podSelector") or {}, pod.labels), self.in_spaces(chosen.get("namespaceSelector") or {}, pod))

    # ---- what both kinds need -----------------------------------------------------------------------------------------

    def may_select(self, foreign: Object, own: Pod, direction: str) -> bool:
        """Policies whose rules are not read: those of a namespace, or of everything, in the directions they speak of.

        Cilium: ingress, ingressDeny, egress, egressDeny; endpointSelector is a label selector. Calico: `types`; its selector
        is a language of its own, so anybody may be meant.
        """
        spec = foreign["spec"]
        types = [t.lower() for t in spec.get("types") or []] or [k.removesuffix("Deny") for k in spec if k in WAYS]
        chosen = spec.get("endpointSelector") or {}
        mine = foreign["metadata"].get("namespace", own.namespace) == own.namespace
        return mine and direction in types and selects(chosen, own.labels)

    def in_spaces(self, selector: Object, pod: Pod) -> bool | None:
        """DOC: the control plane labels every namespace with its name. Other labels are known only of one that is in the manifests:
        what asks for them may hold and may not."""
        known, name = self.judge.namespaces.get(pod.namespace), "kubernetes.io/metadata.name"
        if known is not None:
            return selects(selector, {**known, name: pod.namespace})
        labels = {key: {"matchLabels": {key: value}} for key, value in (selector.get("matchLabels") or {}).items()}
        terms = [*labels.items(), *((e["key"], {"matchExpressions": [e]}) for e in selector.get("matchExpressions") or [])]
        if not all(selects(one, {name: pod.namespace}) for key, one in terms if key == name):
            return False
        return None if any(key != name for key, _ in terms) else True

    def named(self, name: str, protocol: str | None) -> bool:
        """API: "a numerical or named port on a pod": the destination's containers say it. Addresses have no names, nor
        has a hostNetwork pod, whose traffic is the node's."""
        if not isinstance(self.destination, Pod) or self.destination.on_host or protocol not in (None, self.protocol):
            return False
        ports = [p for c in self.destination.spec.get("containers") or [] for p in c.get("ports") or []]
        return any(p.get("name") == name and p.get("protocol", "TCP") == self.protocol and p["containerPort"] == self.port for p in ports)

    def spoken(self, end: End) -> list[Address]:
        """The addresses by which this flow sees an end."""
        return [a for a in (end.addresses if isinstance(end, Pod) else [end]) if a.version == self.family][:1]

    def within(self, end: End, cidr: str, excepts: list[str]) -> bool | None:
        """API: ipBlock is a CIDR and what it leaves out. E2E: blocks match pods by their addresses, too."""
        block, holes = ip_network(cidr, strict=False), [ip_network(e, strict=False) for e in excepts]
        if isinstance(end, Pod) and not end.addresses:
            return self.promised(block, holes)
        return any(a in block and not any(a in h for h in holes) for a in self.spoken(end))

    def promised(self, block: Any, holes: list[Any]) -> bool | None:
        """Whether the block has the address of a pod that has none yet: all, none or only some of where it may lie."""
        if self.family != block.version:
            return False
        ranges = [ip_network(r) for r in PRIVATE[block.version]]
        if not any(block.overlaps(r) for r in ranges):
            return False
        if all(any(r.subnet_of(h) for h in holes) for r in ranges if block.overlaps(r)):
            return False
        whole = all(r.subnet_of(block) for r in ranges) and not any(h.overlaps(r) for h in holes for r in ranges)
        return True if whole else None


def pods(objects: list[Object]) -> Iterable[Pod]:
    """Who there is: pods that run, and what workloads without a pod promise.

    A pod in phase Succeeded or Failed has ended: its containers are gone and its address may belong to another.
    """
    makers = {o["metadata"]["uid"]: o for o in objects if "uid" in o["metadata"]}
    busy: set[str] = set()
    for of in objects:
        status = of.get("status", {})
        if of["kind"] == "Pod" and status.get("phase") not in ("Succeeded", "Failed"):
            texts = [a["ip"] for a in status.get("podIPs") or []] or [a for a in [status.get("podIP")] if a]
            if of["spec"].get("hostNetwork") and not texts:  # it will have its node's
                node = next((o for o in objects if o["kind"] == "Node" and o["metadata"]["name"] == of["spec"].get("nodeName")), {})
                texts = [a["address"] for a in node.get("status", {}).get("addresses", []) if a["type"] == "InternalIP"]
            yield pod(of, "Pod", of["metadata"], of["spec"], tuple(map(ip_address, texts)))
            maker: Object | None = of
            while maker and maker["metadata"].get("ownerReferences"):
                uid = maker["metadata"]["ownerReferences"][0]["uid"]
                busy.add(uid)
                maker = makers.get(uid)
    for of in objects:
        template = of.get("spec", {}).get("template")
        if of["kind"] == "CronJob":
            template = of["spec"]["jobTemplate"]["spec"]["template"]
        if template and of["metadata"].get("uid") not in busy and not of["metadata"].get("ownerReferences"):
            yield from promised(of, template)


def promised(of: Object, template: Object) -> Iterable[Pod]:
    """The pods that a template stands for. Kubernetes' documentation of StatefulSets: they are called by their ordinals, and have
    labels of their name and ordinal; of Jobs: theirs have the Job's name as two labels."""
    name, meta, spec = of["metadata"]["name"], template.get("metadata") or {}, of["spec"]
    if of["kind"] == "StatefulSet":
        first = spec.get("ordinals", {}).get("start", 0)
        for number in range(first, first + (spec.get("replicas", 1) or 1)):
            own = {"statefulset.kubernetes.io/pod-name": f"{name}-{number}", "apps.kubernetes.io/pod-index": str(number)}
            labels = (meta.get("labels") or {}) | own
            yield Pod("Pod", of["metadata"].get("namespace", "default"), f"{name}-{number}", labels, template["spec"], ())
    elif of["kind"] == "Job":
        labels = (meta.get("labels") or {}) | {"job-name": name, "batch.kubernetes.io/job-name": name}
        yield pod(of, "Job", {"labels": labels}, template["spec"], ())
    else:
        yield pod(of, of["kind"], meta, template["spec"], ())


def pod(of: Object, kind: str, meta: Object, spec: Object, addresses: tuple[Address, ...]) -> Pod:
    own = of["metadata"]
    return Pod(kind, own.get("namespace", "default"), own["name"], meta.get("labels") or {}, spec, addresses)


def tiers(policies: Iterable[Object]) -> tuple[list[Object], list[Object]]:
    """NPA: ClusterNetworkPolicy names its tier; in v1alpha1 the kind is the tier."""
    admin, baseline = [], []
    for of in policies:
        of_baseline = of["kind"] == "BaselineAdminNetworkPolicy" or of["spec"].get("tier") == "Baseline"
        (baseline if of_baseline else admin).append(of)
    return admin, baseline


def isolates(policy: Object, pod: Pod, direction: str) -> bool:
    """API: without policyTypes a policy is for ingress, and for egress if it has an egress rule."""
    spec = policy["spec"]
    types = spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]
    mine = policy["metadata"].get("namespace", "default") == pod.namespace
    return mine and direction.capitalize() in types and selects(spec.get("podSelector") or {}, pod.labels)


def selects(selector: Object, labels: Object) -> bool:
    """API: every requirement must hold, an empty selector matches all. NotIn holds where the key is missing."""
    if any(labels.get(k) != v for k, v in (selector.get("matchLabels") or {}).items()):
        return False
    for wanted in selector.get("matchExpressions") or []:
        key, values = wanted["key"], wanted.get("values") or []
        holds = {
            "In": key in labels and labels[key] in values,
            "NotIn": key not in labels or labels[key] not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }
        if not holds[wanted["operator"]]:
            return False
    return True


def both(a: bool | None, b: bool | None) -> bool | None:
    """Logic of three values: one No is a No."""
    return False if a is False or b is False else None if a is None or b is None else True


def any3(answers: Iterable[bool | None]) -> bool | None:
    """Logic of three values: one Yes is a Yes."""
    said = list(answers)
    return True if True in said else None if None in said else False
