"""What a cluster exposes: each way in, and what policies say to it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from budnet import pipeline
from budnet.ir.address import Protocol
from budnet.ir.endpoint import Endpoint, EndpointKind, Namespace
from budnet.ir.network import Network
from budnet.reach.engine import Engine
from budnet.reach.exposure import clusters, networks
from budnet.reach.exposure.newcomers import NEW, newcomers
from budnet.reach.exposure.verdict import Exposure, Word
from budnet.reach.path import path
from budnet.records import replace
from observe.reading import node, observed, pod, policy, service

DENY = "{podSelector: {}, policyTypes: [Ingress]}"
WEB = pod("web", labels="{app: web}")


def exposures(folder: Path, text: str) -> list[Exposure]:
    found = observed(folder, all_yaml=text)
    assert not found.problems.found, found.problems.found
    return clusters.exposures(found.network)


def word(folder: Path, text: str) -> tuple[Word, str]:
    (one,) = exposures(folder, text)
    return one.word, one.reason


@pytest.mark.parametrize(
    "given, wanted",
    [
        (service("web", "type: LoadBalancer"), Word.EVERYWHERE),
        (
            service("web", "type: LoadBalancer", annotations='{service.beta.kubernetes.io/azure-load-balancer-internal: "true"}'),
            Word.PRIVATE,
        ),
        (
            service("web", "type: LoadBalancer", annotations='{service.beta.kubernetes.io/aws-load-balancer-scheme: "internal"}'),
            Word.PRIVATE,
        ),
        (service("web", "type: LoadBalancer, loadBalancerClass: service.k8s.aws/nlb"), Word.PRIVATE),
        (service("web", "type: LoadBalancer", annotations='{networking.gke.io/load-balancer-type: "Internal"}'), Word.PRIVATE),
        (service("web", "type: LoadBalancer, loadBalancerClass: networking.gke.io/l4-regional-internal"), Word.PRIVATE),
        (
            service("web", "type: LoadBalancer", annotations='{service.beta.kubernetes.io/aws-load-balancer-internal: "0.0.0.0/0"}'),
            Word.PRIVATE,
        ),
        (
            service("web", "type: LoadBalancer", annotations='{service.beta.kubernetes.io/aws-load-balancer-internal: "false"}'),
            Word.EVERYWHERE,
        ),
        (
            service("web", "type: LoadBalancer", annotations='{service.kubernetes.io/qcloud-loadbalancer-internal-subnetid: "subnet-1"}'),
            Word.PRIVATE,
        ),
        (
            service(
                "web", "type: LoadBalancer", annotations='{service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type: "intranet"}'
            ),
            Word.PRIVATE,
        ),
        (service("web", "type: LoadBalancer", annotations='{example.org/load-balancer-network: "intranet"}'), Word.UNKNOWN),
        (service("web", "type: LoadBalancer", annotations='{example.org/load-balancer-internal: "false"}'), Word.EVERYWHERE),
        (service("web", "type: LoadBalancer", annotations='{example.org/note: "an internal service"}'), Word.EVERYWHERE),
        (service("web", "type: LoadBalancer", annotations="""{kubernetes.io/elb.autocreate: '{"type":"inner"}'}"""), Word.UNKNOWN),
        (service("web", "type: LoadBalancer, loadBalancerIP: 10.1.2.3"), Word.UNKNOWN),
        (service("web", "type: LoadBalancer, loadBalancerIP: 10.1.2.3", status="{ingress: [{ip: 8.8.4.4}]}"), Word.EVERYWHERE),
        (service("web", "type: LoadBalancer", status="{ingress: [{ip: 10.1.2.3}]}"), Word.PRIVATE),
        (service("web", "type: LoadBalancer, loadBalancerSourceRanges: [203.0.113.0/24, 8.8.0.0/16]"), Word.RANGES),
        (service("web", "externalIPs: [8.8.4.4]"), Word.EVERYWHERE),
        (service("web", "externalIPs: [10.8.4.4]"), Word.PRIVATE),
    ],
)
def test_load_balancers_and_external_ips(tmp_path: Path, given: str, wanted: Word) -> None:
    alone = given.replace(", nodePort: 30080", "").replace("type: LoadBalancer", "type: LoadBalancer, allocateLoadBalancerNodePorts: false")
    found = exposures(tmp_path, WEB + alone)
    assert [x.word for x in found] == [wanted]
    assert found[0].port == "8080/tcp"


def test_a_node_port_is_open_where_nodes_have_public_addresses(tmp_path: Path) -> None:
    assert word(tmp_path, WEB + service("web", "type: NodePort") + node())[0] is Word.EVERYWHERE
    assert word(tmp_path, WEB + service("web", "type: NodePort") + node(""))[0] is Word.PRIVATE
    assert word(tmp_path, WEB + service("web", "type: NodePort"))[0] is Word.UNKNOWN
    bare = "---\napiVersion: v1\nkind: Node\nmetadata: {name: node-2}\n"
    assert word(tmp_path, WEB + service("web", "type: NodePort") + node("") + bare)[0] is Word.UNKNOWN, "node-2 may have one"
    routed = node("").replace("10.9.0.4", "198.51.100.4").replace("198.51.100", "8.8.4")
    assert word(tmp_path, WEB + service("web", "type: NodePort") + routed)[0] is Word.EVERYWHERE, "its InternalIP is a public address"


def test_a_cluster_ip_a_headless_and_an_external_name_let_nobody_in(tmp_path: Path) -> None:
    for spec in ("type: ClusterIP", "clusterIP: None", "type: ExternalName, externalName: example.org"):
        assert not exposures(tmp_path, WEB + service("web", spec))


def test_policies_block_it(tmp_path: Path) -> None:
    found, why = word(tmp_path, WEB + service("web", "type: NodePort") + node() + policy("deny", DENY))
    assert (found, why) == (Word.BLOCKED, "blocked: shop/deny")


def test_ranges_hold_only_where_the_address_of_clients_is_kept(tmp_path: Path) -> None:
    some = policy("some", "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 8.8.0.0/16}}]}]}")
    kept = WEB + service("web", "type: NodePort, externalTrafficPolicy: Local") + node() + some
    (one,) = exposures(tmp_path, kept)
    assert (one.word, list(map(str, one.prefixes)), one.by) == (Word.RANGES, ["8.8.0.0/16"], ("shop/some:ingress[0]",))
    assert word(tmp_path, kept.replace("externalTrafficPolicy: Local", "externalTrafficPolicy: Cluster"))[0] is Word.UNKNOWN


def test_a_policy_that_is_not_modelled_makes_it_unknown(tmp_path: Path) -> None:
    other = """\
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: some, namespace: shop}
spec: {endpointSelector: {matchLabels: {app: web}}, ingress: [{}]}
"""
    assert word(tmp_path, WEB + service("web", "type: NodePort") + node() + other)[0] is Word.UNKNOWN


def test_host_ports_and_the_host_s_network(tmp_path: Path) -> None:
    (one,) = exposures(tmp_path, pod("web", extra=", hostPort: 9000") + node() + policy("deny", DENY))
    assert (one.word, one.kind, one.at) == (Word.BLOCKED, "host port", "9000/tcp at 198.51.100.7")
    (one,) = exposures(tmp_path, pod("web").replace("spec: {", "spec: {hostNetwork: true, ") + node() + policy("deny", DENY))
    assert (one.word, one.kind) == (Word.EVERYWHERE, "host network")
    assert "no policy is asked" in one.reason
    unsaid = pod("web").replace(", ports: [{name: http, containerPort: 8080}]", "").replace("spec: {", "spec: {hostNetwork: true, ")
    found = exposures(tmp_path, unsaid + node())
    assert [(x.word, x.port, x.at) for x in found] == [(Word.EVERYWHERE, f"any/{p}", f"any/{p} at 198.51.100.7") for p in ("tcp", "udp")]
    for at, wanted in (("127.0.0.1", Word.BLOCKED), ("10.9.0.4", Word.PRIVATE), ("0.0.0.0", Word.EVERYWHERE), ("somewhere", Word.UNKNOWN)):
        (one,) = exposures(tmp_path, pod("web", extra=f", hostPort: 9000, hostIP: {at}") + node())
        assert one.word is wanted, at


INGRESS = """\
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx}
spec: {controller: k8s.io/ingress-nginx}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec:
  ingressClassName: nginx
  rules: [{host: shop.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]
"""
CONTROLLER = pod("nginx", "ingress", "{app: nginx, app.kubernetes.io/name: ingress-nginx}")
ONLY_CONTROLLER = policy(
    "only", "{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ingress}}}]}]}"
)


def test_only_through_the_ingress_controller(tmp_path: Path) -> None:
    text = WEB + service("web", "type: ClusterIP") + INGRESS + CONTROLLER + ONLY_CONTROLLER
    front = service("nginx", "type: LoadBalancer", "ingress")
    (inner,) = exposures(tmp_path, text)
    assert inner.word is Word.PRIVATE, "the controller itself is not reachable"
    found = {x.workload: x for x in exposures(tmp_path, text + front)}
    assert found["shop/web[Pod]"].word is Word.THROUGH
    assert found["shop/web[Pod]"].reason == "through ingress/nginx[Pod]"
    found = {x.workload: x for x in exposures(tmp_path, text + front + policy("deny", DENY).replace("name: deny", "name: only-2"))}
    assert found["shop/web[Pod]"].word is Word.THROUGH, "policies are united"
    found = {x.workload: x for x in exposures(tmp_path, text.replace(ONLY_CONTROLLER, policy("deny", DENY)) + front)}
    assert found["shop/web[Pod]"].word is Word.BLOCKED


@pytest.mark.parametrize(
    "controller, labels",
    [
        ("k8s.io/ingress-nginx", "{app.kubernetes.io/name: ingress-nginx, app.kubernetes.io/component: controller}"),
        ("nginx.org/ingress-controller", "{app: nginx-ingress}"),
        ("haproxy-ingress.github.io/controller/second", "{app.kubernetes.io/name: haproxy-ingress}"),
        ("haproxy.org/ingress-controller/haproxy", "{run: haproxy-ingress}"),
        ("projectcontour.io/ingress-controller", "{app: envoy}"),
        ("istio.io/ingress-controller", "{istio: ingressgateway}"),
    ],
)
def test_controllers_are_found_by_the_labels_of_their_manifests(tmp_path: Path, controller: str, labels: str) -> None:
    admission = pod("admission", "ingress", "{app.kubernetes.io/name: ingress-nginx, app.kubernetes.io/component: admission-webhook}")
    text = WEB + service("web", "type: ClusterIP") + INGRESS.replace("k8s.io/ingress-nginx", controller) + pod("front", "ingress", labels)
    front = service("front", "type: LoadBalancer", "ingress").replace("{app: front}", labels)
    found = {x.workload: x for x in exposures(tmp_path, text + admission + front + ONLY_CONTROLLER)}
    assert found["shop/web[Pod]"].reason == "through ingress/front[Pod]"


def test_an_ingress_by_a_load_balancer_of_aws_is_internal_unless_it_says_otherwise(tmp_path: Path) -> None:
    text = WEB + service("web", "type: ClusterIP") + INGRESS.replace("k8s.io/ingress-nginx", "ingress.k8s.aws/alb").replace("nginx", "alb")
    assert word(tmp_path, text)[0] is Word.PRIVATE
    facing = "metadata: {name: web, annotations: {alb.ingress.kubernetes.io/scheme: internet-facing}, namespace: shop}\nspec:\n  ingressClassName"
    assert word(tmp_path, text.replace("metadata: {name: web, namespace: shop}\nspec:\n  ingressClassName", facing))[0] is Word.THROUGH


def test_an_ingress_of_an_unknown_controller(tmp_path: Path) -> None:
    text = WEB + service("web", "type: ClusterIP") + INGRESS.replace("k8s.io/ingress-nginx", "example.com/own")
    text = text.replace("nginx", "own")
    assert word(tmp_path, text)[0] is Word.THROUGH
    assert word(tmp_path, text + ONLY_CONTROLLER)[0] is Word.UNKNOWN
    assert word(tmp_path, text + policy("deny", DENY))[0] is Word.BLOCKED


GATEWAY = """\
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: infra}
spec: {gatewayClassName: any, listeners: [{name: https, port: 443, protocol: HTTPS, allowedRoutes: {namespaces: {from: All}}}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: routes}
spec: {parentRefs: [{name: edge, namespace: infra}], rules: [{backendRefs: [{name: web, namespace: shop, port: 80}]}]}
"""
GRANT = """\
---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: routes, namespace: shop}
spec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: routes}], to: [{group: "", kind: Service}]}
"""


def test_a_route_needs_a_grant_and_a_listener_that_takes_it(tmp_path: Path) -> None:
    text = WEB + service("web", "type: ClusterIP") + GATEWAY
    assert not exposures(tmp_path, text)
    assert word(tmp_path, text + GRANT)[0] is Word.THROUGH
    assert not exposures(tmp_path, (text + GRANT).replace("from: All", "from: Same"))
    assert not exposures(tmp_path, (text + GRANT).replace("parentRefs: [{name: edge,", "parentRefs: [{name: edge, sectionName: http,"))


def test_a_service_without_a_selector_leads_to_its_slices(tmp_path: Path) -> None:
    slices = """\
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
ports: [{port: 8080}]
endpoints: [{addresses: [10.1.1.1], targetRef: {kind: Pod, name: web, namespace: shop}}]
"""
    bare = service("web", "externalIPs: [8.8.4.4]").replace("selector: {app: web}, ", "")
    assert word(tmp_path, WEB + bare + slices)[0] is Word.EVERYWHERE


def test_our_own_network_as_the_walk_says() -> None:
    network = pipeline.load("catalog/foundry").network
    assert network is not None
    found = {(x.workload, x.port): x for x in networks.exposures(network)}
    assert found["ingress", "443/tcp"].word is Word.EVERYWHERE
    assert list(map(str, found["bastion", "22/tcp"].prefixes)) == ["203.0.113.0/24"]
    assert found["bastion", "22/tcp"].origin.line
    assert found["budapp", "9082/tcp"].word is Word.THROUGH
    assert not any(workload == "postgresql" for workload, _ in found)


# ---- pods that are not there yet ----------------------------------------------------------------------------------------


def test_new_pods_get_in_by_choosing_labels(tmp_path: Path) -> None:
    rules = "[{from: [{podSelector: {matchLabels: {role: client}}}], ports: [{port: 8080}]}]"
    text = WEB + pod("other", "other") + policy("clients", f"{{podSelector: {{}}, ingress: {rules}}}")
    found = {(n.workload, n.namespace): n for n in newcomers(observed(tmp_path, all_yaml=text).network)}
    one = found["shop/web[Pod]", "shop"]
    assert (str(one.any_labels), str(one.some_labels), one.labels, one.complete) == ("nothing", "8080/tcp", (("role", "client"),), True)
    assert not found["shop/web[Pod]", "other"].some_labels
    assert not found["shop/web[Pod]", NEW].some_labels
    assert found["other/other[Pod]", NEW].any_labels


def test_a_new_namespace_has_any_labels_but_no_name_that_exists(tmp_path: Path) -> None:
    by_label = "[{from: [{namespaceSelector: {matchLabels: {team: shop}}}]}]"
    text = WEB + policy("team", f"{{podSelector: {{}}, ingress: {by_label}}}")
    found = {n.namespace: n for n in newcomers(observed(tmp_path, all_yaml=text).network)}
    assert found[NEW].some_labels
    assert not found[NEW].any_labels
    found = {
        n.namespace: n
        for n in newcomers(observed(tmp_path, all_yaml=text.replace("team: shop", "kubernetes.io/metadata.name: shop")).network)
    }
    assert not found[NEW].some_labels
    assert found["shop"].any_labels


def test_one_pod_of_a_workload_is_enough(tmp_path: Path) -> None:
    owner = "ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: db, uid: u, controller: true}]"
    text = "".join(
        pod(f"db-{i}").replace("labels: {}}", f"{owner}}}") + f"status: {{podIPs: [{{ip: 10.{i}.0.1}}, {{ip: 'fd00:{i}::1'}}]}}\n"
        for i in range(3)
    )
    rules = "[{to: [{ipBlock: {cidr: 10.2.0.0/16}}], ports: [{port: 80}]}, {to: [{ipBlock: {cidr: 'fd00:1::/32'}}], ports: [{port: 81}]}]"
    text += policy("out", f"{{podSelector: {{matchLabels: {{role: client}}}}, policyTypes: [Egress], egress: {rules}}}")
    one, _ = newcomers(observed(tmp_path, all_yaml=text).network)
    assert (one.workload, one.namespace, one.labels) == ("shop/db[StatefulSet]", "shop", ())
    assert (str(one.any_labels), one.some_labels.everything) == ("80-81/tcp", True)


def test_nobody_is_reached_where_nobody_is(tmp_path: Path) -> None:
    assert newcomers(observed(tmp_path, all_yaml=node()).network) == []


@pytest.mark.parametrize("seed", range(12))
def test_no_pod_that_is_made_reaches_more_or_less(tmp_path: Path, seed: int) -> None:
    """The judge: pods with labels by chance are put into the cluster, and each is walked by itself."""
    dice = random.Random(seed)
    network = observed(tmp_path, all_yaml=_cluster(dice)).network
    said = {(n.workload, n.namespace): n for n in newcomers(network)}
    assert all(n.complete for n in said.values())
    for _ in range(25):
        labels = tuple((k, dice.choice("xyz")) for k in ("app", "role") if dice.random() < 0.7)
        space = dice.choice(["a", "b", NEW])
        with_ = _with_pod(network, "fresh" if space == NEW else space, labels, dice)
        engine = Engine(with_)
        source = engine.interfaces["probe"][0]  # no rule is by address: the families fare alike
        for target in network.endpoints:
            there = engine.interfaces[target.id][0]
            way = path(engine, source, there)
            for port in (80, 81, 8080):
                passes = bool(way.forward & engine.alphabet.bit(Protocol.TCP, port))
                one = said[target.service, space]
                assert not passes or (Protocol.TCP, port) in one.some_labels, (labels, target.id, port)
                assert passes or (Protocol.TCP, port) not in one.any_labels, (labels, target.id, port)


def _with_pod(network: Network, space: str, labels: tuple[tuple[str, str], ...], dice: random.Random) -> Network:
    (cluster,) = network.clusters
    if space == "fresh":
        own = tuple(sorted({"kubernetes.io/metadata.name": "fresh"} | ({"team": dice.choice("xyz")} if dice.random() < 0.6 else {})))
        chosen = {"kubernetes.io/metadata.name": "fresh"} | ({"team": dice.choice("xyz")} if own else {})
        cluster = replace(cluster, namespaces=(*cluster.namespaces, Namespace("fresh", tuple(sorted(chosen.items())))))
    probe = Endpoint("probe", EndpointKind.POD, "probe", "", "", (), cluster=cluster.id, namespace=space, labels=labels, any_port=True)
    return replace(network, clusters=(cluster,), endpoints=(*network.endpoints, probe))


def _cluster(dice: random.Random) -> str:
    def chosen() -> str:
        return dice.choice(["{}", "{matchLabels: {app: x}}", "{matchLabels: {role: y}}", "{matchExpressions: [{key: app, operator: NotIn, values: [x, y]}]}",
                            "{matchExpressions: [{key: role, operator: Exists}]}", "{matchExpressions: [{key: role, operator: DoesNotExist}]}"])  # fmt: skip

    def peer() -> str:
        spaces = dice.choice(["", ", namespaceSelector: {}", ", namespaceSelector: {matchLabels: {team: x}}"])
        return f"{{podSelector: {chosen()}{spaces}}}"

    def rules(side: str) -> str:
        ports = dice.choice(["", ", ports: [{port: 80}]", ", ports: [{port: 80, endPort: 81}]"])
        return "[" + ", ".join(f"{{{side}: [{peer()}]{ports}}}" for _ in range(dice.randint(0, 2))) + "]"

    text = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {team: x}}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: b}\n"
    for i in range(5):
        text += pod(f"p{i}", dice.choice("ab"), f"{{app: {dice.choice('xyz')}, role: {dice.choice('xyz')}}}")
    for i in range(4):
        egress = f", egress: {rules('to')}" if dice.random() < 0.4 else ""
        text += policy(f"n{i}", f"{{podSelector: {chosen()}, ingress: {rules('from')}{egress}}}", dice.choice("ab"))
    if dice.random() < 0.6:
        subject = f"{{pods: {{namespaceSelector: {{}}, podSelector: {chosen()}}}}}"
        row = (
            f"{{action: {dice.choice(['Allow', 'Deny', 'Pass'])}, from: [{{pods: {{namespaceSelector: {{}}, podSelector: {chosen()}}}}}]}}"
        )
        text += f"---\napiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicy\nmetadata: {{name: w}}\nspec: {{priority: 5, subject: {subject}, ingress: [{row}]}}\n"
    return text


ROUTE = """\
---
apiVersion: route.openshift.io/v1
kind: Route
metadata: {name: web, namespace: shop}
spec: {host: web.example.com, to: {kind: Service, name: web, weight: 100}, port: {targetPort: PORT}, tls: {termination: edge}}
"""
ROUTER = pod("router", "openshift-ingress", "{app: router, ingresscontroller.operator.openshift.io/deployment-ingresscontroller: default}")


@pytest.mark.parametrize(("port", "leads"), [("8080", True), ("web", True), ('""', True), ("80", False), ("http", False), ("other", False)])
def test_a_route_of_openshift_names_a_port_of_endpoints(tmp_path: Path, port: str, leads: bool) -> None:
    """By number as the pods have it, or by the name that the Service gives it."""
    text = WEB + service("web", "type: ClusterIP").replace("{port: 80", "{name: web, port: 80") + ROUTE.replace("PORT", port)
    assert [(x.entry, x.at, x.port) for x in exposures(tmp_path, text)] == [
        ("Route shop/web", "443/tcp at web.example.com", "8080/tcp")
    ] * leads
    said = observed(tmp_path, all_yaml=text)
    assert [d.code for d in said.entrances.problems(said.network.endpoints).found] == ([] if leads else ["K202"])


def test_a_route_of_openshift_goes_through_its_router(tmp_path: Path) -> None:
    text = WEB + service("web", "type: ClusterIP") + ROUTE.replace("PORT", "8080") + ROUTER
    inwards = ONLY_CONTROLLER.replace("metadata.name: ingress", "metadata.name: openshift-ingress")
    front = service("router", "type: LoadBalancer", "openshift-ingress")
    found = {x.workload: x for x in exposures(tmp_path, text + inwards + front)}
    assert found["shop/web[Pod]"].reason == "through openshift-ingress/router[Pod]"
    found = {x.workload: x for x in exposures(tmp_path, text + policy("deny", DENY) + front)}
    assert found["shop/web[Pod]"].word is Word.BLOCKED
    assert word(tmp_path, text + inwards)[0] is Word.PRIVATE, "the router itself is not reachable"


def test_the_services_of_a_route_of_openshift(tmp_path: Path) -> None:
    also = pod("old", labels="{app: old}") + pod("new", labels="{app: new}")
    also += service("old", "type: ClusterIP") + service("new", "type: ClusterIP")
    route = ROUTE.replace("PORT", "8080").replace("to:", "alternateBackends: [{name: old, weight: 0}, {kind: Service, name: new}], to:")
    text = WEB + service("web", "type: ClusterIP") + also + route
    assert {x.workload for x in exposures(tmp_path, text)} == {"shop/web[Pod]", "shop/new[Pod]"}, "a weight of nothing gets nothing"
    missing = observed(tmp_path, all_yaml=text.replace("name: new}]", "name: gone}]"))
    (said,) = missing.entrances.problems(missing.network.endpoints).found
    assert said.code == "K202" and "Service shop/gone" in said.summary
