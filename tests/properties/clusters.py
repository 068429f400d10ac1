"""Random clusters as raw manifests: few names, few labels, few ports and few addresses, so that rules collide often."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any, TypeVar

Object = dict[str, Any]
T = TypeVar("T")
SPACES = ("red", "green", "blue")
LABELS = {"app": ("web", "db", "job"), "tier": ("front", "back"), "beta": ("",)}
SELECTED = LABELS | {"apps.kubernetes.io/pod-index": ("0", "1", "2")}
"""What selectors ask for: also a label that only a controller gives."""
SPACE_LABELS = {"env": ("prod", "test"), "team": ("a", "b")}
PROTOCOLS = ("TCP", "TCP", "TCP", "UDP", "SCTP")
PORTS = (1, 79, 80, 81, 443, 5432, 8080, 8081, 65535)
NAMES = ("http", "sql", "dns")
BLOCKS = {
    "0.0.0.0/0": ("10.0.0.0/8", "10.1.0.0/24", "203.0.113.0/24", "0.0.0.0/1"), "10.0.0.0/8": ("10.1.0.0/24", "10.1.1.3/32"),
    "10.1.0.0/16": ("10.1.0.0/24", "10.1.0.4/32"), "10.1.0.0/24": ("10.1.0.4/30",), "10.1.1.3/32": (), "192.0.2.0/28": ("192.0.2.2/32",),
    "203.0.113.0/24": ("203.0.113.128/25",), "0.0.0.0/1": ("10.0.0.0/8",), "::/0": ("fd00:1::/64", "2001:db8::/32", "fc00::/7"),
    "fd00:1::/32": ("fd00:1::/112", "fd00:1:0:1::/64"), "fd00:1::4/128": (), "fc00::/7": (), "2001:db8::/32": ("2001:db8:1::/48",),
}  # fmt: skip
OUTSIDE = (
    "203.0.113.7",
    "203.0.113.200",
    "198.51.100.1",
    "10.1.0.250",
    "10.9.9.9",
    "192.0.2.9",
    "2001:db8::7",
    "2001:db8:1::7",
    "fd00:1::ff",
)
KINDS = {"Deployment": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1", "Job": "batch/v1", "CronJob": "batch/v1"}


def random_cluster(seed: int, families: tuple[int, ...] = ()) -> list[Object]:
    """The objects of a seed, in random order. `families`: of which pods have addresses; as it comes, by default."""
    return _Maker(Random(seed), families).objects()


class _Maker:
    """One cluster while it is made. Everything random comes from `dice`."""

    def __init__(self, dice: Random, families: tuple[int, ...]) -> None:
        self.dice = dice
        self.made: list[Object] = []
        self.numbers = 0
        self.families = families or dice.choice(((4,), (4,), (6,), (4, 6), (4, 6)))

    def chance(self, percent: int) -> bool:
        return self.dice.random() * 100 < percent

    def some(self, items: Iterable[T], least: int = 0, most: int = 2) -> list[T]:
        pool = list(items)
        return self.dice.sample(pool, min(len(pool), self.dice.randint(least, most)))

    def next(self) -> int:
        self.numbers += 1
        return self.numbers

    def objects(self) -> list[Object]:
        for space in SPACES:
            if self.chance(85):  # some are named by their pods only
                self.add("v1", "Namespace", space, labels=self.labels(SPACE_LABELS))
        nodes = [self.node(i) for i in range(self.dice.randint(0, 2))]
        for _ in range(self.dice.randint(3, 8)):
            self.pod(nodes)
        for _ in range(self.dice.randint(0, 3)):
            self.workload()
        for _ in range(self.dice.randint(0, 6)):
            self.network_policy()
        if self.chance(60):
            (self.v1alpha1 if self.chance(50) else self.cluster_policies)()
        if self.chance(12):
            self.foreign()
        self.dice.shuffle(self.made)
        return self.made

    def add(self, version: str, kind: str, name: str, space: str = "", labels: Object | None = None, **rest: Any) -> Object:
        meta: Object = {"name": name, "uid": f"u{self.next()}"}
        if space:
            meta["namespace"] = space
        if labels or self.chance(50):
            meta["labels"] = labels or {}
        of = {"apiVersion": version, "kind": kind, "metadata": meta, **rest}
        self.made.append(of)
        return of

    # ---- who there is -------------------------------------------------------------------------------------------------

    def labels(self, of: dict[str, tuple[str, ...]] = LABELS) -> Object:
        return {k: self.dice.choice(of[k]) for k in self.some(of, 0, 2)}

    def node(self, number: int) -> Object:
        ips = [f"192.0.2.{number + 1}"] if 4 in self.families else []
        ips += [f"2001:db8:ff::{number + 1}"] if 6 in self.families else []
        addresses = [{"type": "InternalIP", "address": ip} for ip in ips] + [{"type": "Hostname", "address": f"n{number}"}]
        return self.add("v1", "Node", f"n{number}", labels=self.labels(), status={"addresses": addresses})

    def pod(self, nodes: list[Object]) -> None:
        spec, space = self.pod_spec(), self.dice.choice(SPACES)
        families = self.families if self.chance(90) else self.families[:1]
        if nodes and self.chance(12):
            spec["hostNetwork"] = True
            node = self.dice.choice(nodes)
            ips = [a["address"] for a in node["status"]["addresses"] if a["type"] == "InternalIP"]
            if self.chance(60):
                spec["nodeName"] = node["metadata"]["name"]
        else:
            number = self.next()
            if nodes and self.chance(75):
                spec["nodeName"] = self.dice.choice(nodes)["metadata"]["name"]
            ips = [f"10.1.{number % 2}.{number}" if f == 4 else f"fd00:1:0:{number % 2}::{number:x}" for f in families]
        status: Object = {"phase": "Running", "podIP": ips[0], "podIPs": [{"ip": ip} for ip in ips]}
        if self.chance(10):
            status["phase"] = self.dice.choice(("Succeeded", "Failed", "Pending"))
        if self.chance(4):
            status = {"phase": "Pending"}
        of = self.add("v1", "Pod", f"p{self.next()}", space, self.labels(), spec=spec, status=status)
        if self.chance(30):
            self.owned(of)

    def owned(self, pod: Object) -> None:
        """A Deployment's ReplicaSet's pod; now and then the ReplicaSet is left out of the dump."""
        space, labels = pod["metadata"]["namespace"], pod["metadata"].get("labels", {})
        template = {"metadata": {"labels": dict(labels)}, "spec": pod["spec"]}
        top = self.add("apps/v1", "Deployment", f"d{self.next()}", space, spec={"template": template})
        hash = f"h{self.next()}"
        middle = self.add("apps/v1", "ReplicaSet", f"{top['metadata']['name']}-{hash}", space, spec={"template": template})
        for child, maker in ((middle, top), (pod, middle)):
            meta = maker["metadata"]
            child["metadata"]["ownerReferences"] = [
                {"kind": maker["kind"], "name": meta["name"], "uid": meta["uid"], "controller": True, "apiVersion": "apps/v1"}
            ]

    def workload(self) -> None:
        kind = self.dice.choice(tuple(KINDS))
        spec: Object = {"template": {"metadata": {"labels": self.labels()}, "spec": self.pod_spec()}}
        number = self.next()
        if kind == "CronJob":
            spec = {"jobTemplate": {"spec": spec}}
        if kind == "StatefulSet":
            spec |= ({}, {"replicas": 2}, {"replicas": 0}, {"replicas": 2, "ordinals": {"start": 1}})[number % 4]
        self.add(KINDS[kind], kind, f"w{number}", self.dice.choice(SPACES), spec=spec)

    def pod_spec(self) -> Object:
        names = self.some(NAMES, 0, 2)
        ports: list[Object] = [{"name": n, "containerPort": self.dice.choice(PORTS)} for n in names]
        for port in ports:
            if self.chance(40):
                port["protocol"] = self.dice.choice(PROTOCOLS)
        cut = self.dice.randint(0, len(ports))
        return {"containers": [{"name": "a", "ports": ports[:cut]}, {"name": "b", "ports": ports[cut:]}] if ports else [{"name": "a"}]}

    # ---- NetworkPolicy ------------------------------------------------------------------------------------------------

    def network_policy(self) -> None:
        spec: Object = {"podSelector": self.selector(SELECTED)}
        for direction, side in (("ingress", "from"), ("egress", "to")):
            if self.chance(60):
                spec[direction] = [self.rule(side) for _ in range(self.dice.choice((0, 1, 1, 2, 3)))]
        if self.chance(70):
            spec["policyTypes"] = self.some(("Ingress", "Egress"), 1, 2)
        self.add("networking.k8s.io/v1", "NetworkPolicy", f"np{self.next()}", self.dice.choice(SPACES), spec=spec)

    def rule(self, side: str) -> Object:
        rule: Object = {}
        if self.chance(80):
            rule[side] = [self.peer() for _ in range(self.dice.choice((0, 1, 1, 2)))]
        if self.chance(65):
            rule["ports"] = [self.port() for _ in range(self.dice.choice((0, 1, 1, 2)))]
        return rule

    def peer(self) -> Object:
        kind = self.dice.randrange(4)
        if kind == 0:
            cidr = self.dice.choice(tuple(BLOCKS))
            block: Object = {"cidr": cidr}
            if self.chance(50):
                block["except"] = self.some(BLOCKS[cidr])
            return {"ipBlock": block}
        out: Object = {}
        if kind in (1, 3):
            out["podSelector"] = self.selector(SELECTED)
        if kind in (2, 3):
            out["namespaceSelector"] = self.space_selector()
        return out

    def port(self) -> Object:
        out: Object = {"protocol": self.dice.choice(PROTOCOLS)} if self.chance(70) else {}
        kind = self.dice.randrange(5)
        if kind == 0:
            out["port"] = self.dice.choice(NAMES)
        elif kind < 4:
            first, last = sorted((self.dice.choice(PORTS), self.dice.choice(PORTS)))
            out["port"] = first
            if self.chance(40):
                out["endPort"] = last
        return out

    def selector(self, of: dict[str, tuple[str, ...]]) -> Object:
        out: Object = {}
        if self.chance(50):
            out["matchLabels"] = {k: self.dice.choice(of[k]) for k in self.some(of, 0, 1)}
        if self.chance(40):
            out["matchExpressions"] = [self.expression(k, of[k]) for k in self.some(of, 1, 2)]
        return out

    def space_selector(self) -> Object:
        if self.chance(25):
            return {"matchLabels": {"kubernetes.io/metadata.name": self.dice.choice(SPACES)}}
        return self.selector(SPACE_LABELS)

    def expression(self, key: str, values: tuple[str, ...]) -> Object:
        operator = self.dice.choice(("In", "NotIn", "NotIn", "Exists", "DoesNotExist"))
        named = {"values": self.some(values, 1, 2)} if operator in ("In", "NotIn") else {}
        return {"key": key, "operator": operator, **named}

    # ---- cluster-wide ones ----------------------------------------------------------------------------------------------

    def v1alpha1(self) -> None:
        for _ in range(self.dice.randint(0, 3)):
            spec = self.admin(("Allow", "Deny", "Pass"), "ports", self.admin_port)
            self.add(
                "policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy", f"anp{self.next()}", spec={**spec, "priority": self.priority()}
            )
        if self.chance(50):
            spec = self.admin(("Allow", "Deny"), "ports", self.admin_port)
            self.add("policy.networking.k8s.io/v1alpha1", "BaselineAdminNetworkPolicy", "default", spec=spec)

    def cluster_policies(self) -> None:
        for _ in range(self.dice.randint(1, 4)):
            spec = self.admin(("Accept", "Deny", "Pass"), "protocols", self.admin_protocol)
            spec |= {"priority": self.priority(), "tier": self.dice.choice(("Admin", "Admin", "Baseline"))}
            number = self.next()
            version = "v1beta1" if number % 2 else "v1alpha2"  # one schema
            self.add(f"policy.networking.k8s.io/{version}", "ClusterNetworkPolicy", f"cnp{number}", spec=spec)

    def priority(self) -> int:
        return self.dice.choice((0, 1, 2, 10, 999, 1000))

    def admin(self, actions: tuple[str, ...], key: str, port: Any) -> Object:
        spec: Object = {"subject": self.subject()}
        for direction, side in (("ingress", "from"), ("egress", "to")):
            if self.chance(65):
                spec[direction] = [self.admin_rule(side, actions, key, port) for _ in range(self.dice.choice((0, 1, 2, 3)))]
        return spec

    def admin_rule(self, side: str, actions: tuple[str, ...], key: str, port: Any) -> Object:
        action = self.dice.choice(actions)
        peers = [self.subject() for _ in range(self.dice.choice((1, 1, 2)))]
        named = side == "from"
        if side == "to" and self.chance(45):
            kinds: list[Object] = [{"networks": self.some(BLOCKS, 1, 2)}, {"nodes": self.selector(LABELS)}]
            if action in ("Allow", "Accept"):  # NPA: names of domains are for accepting only
                kinds.append({"domainNames": ["*.example.com"]})
            peers.append(self.dice.choice(kinds))
        else:
            named = True
        rule: Object = {"action": action, side: peers}
        if self.chance(50):
            rule[key] = [port(named) for _ in range(self.dice.choice((1, 1, 2)))]
        return rule

    def subject(self) -> Object:
        if self.chance(45):
            return {"namespaces": self.space_selector()}
        return {"pods": {"namespaceSelector": self.space_selector(), "podSelector": self.selector(LABELS)}}

    def admin_port(self, named: bool) -> Object:
        first, last = sorted(self.dice.sample(PORTS, 2))
        protocol = {"protocol": self.dice.choice(PROTOCOLS)}
        if named and self.chance(25):
            return {"namedPort": self.dice.choice(NAMES)}
        return {"portNumber": {**protocol, "port": first}} if self.chance(50) else {"portRange": {**protocol, "start": first, "end": last}}

    def admin_protocol(self, named: bool) -> Object:
        first, last = sorted(self.dice.sample(PORTS, 2))
        if named and self.chance(25):
            return {"destinationNamedPort": self.dice.choice(NAMES)}
        port = {"number": first} if self.chance(50) else {"range": {"start": first, "end": last}}
        return {self.dice.choice(PROTOCOLS).lower(): {"destinationPort": port}}

    # ---- languages that are not read ------------------------------------------------------------------------------------

    def foreign(self) -> None:
        if self.chance(50):
            spec: Object = {"endpointSelector": {"matchLabels": self.labels()}, self.dice.choice(("ingress", "egress", "egressDeny")): [{}]}
            self.add("cilium.io/v2", "CiliumNetworkPolicy", f"f{self.next()}", self.dice.choice(SPACES), spec=spec)
        else:
            spec = {"selector": "app == 'web'", "types": self.some(("Ingress", "Egress"), 1, 2)}
            self.add("crd.projectcalico.org/v1", "GlobalNetworkPolicy", f"f{self.next()}", spec=spec)
