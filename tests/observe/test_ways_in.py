"""Where ways into a cluster lead, by what each API says; what is not modelled or was not read is unknown, and never nobody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from budnet.ir.entry import EntryKind
from budnet.observe.kubernetes import cluster
from budnet.observe.kubernetes.cluster import Observed
from budnet.observe.kubernetes.fields import Place, Problems
from budnet.reach.exposure import clusters
from budnet.reach.exposure.verdict import Exposure, Word
from helpers import budnet
from observe.reading import node, observed, pod, policy, service

WEB = pod("web", labels="{app: web}")
ONLY_80 = policy("only", "{podSelector: {}, ingress: [{ports: [{port: 80}]}]}")
DENY = policy("deny", "{podSelector: {}, policyTypes: [Ingress]}")


def exposed(folder: Path, text: str) -> list[Exposure]:
    network = observed(folder, all_yaml=text).network
    return clusters.exposures(network)


def words(folder: Path, text: str) -> list[tuple[str, str, Word]]:
    return [(x.workload, x.port, x.word) for x in exposed(folder, text)]


def complaints(seen: Observed) -> list[tuple[str, str]]:
    return [(d.code, d.summary) for d in seen.entrances.problems(seen.network.endpoints).found]


# ---- Services without a selector ----------------------------------------------------------------------------------------

BARE = """\
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {externalIPs: [8.8.4.4], ports: [{name: sql, port: 80}, {name: admin, port: 81}]}
"""
ENDPOINTS = """\
---
apiVersion: v1
kind: Endpoints
metadata: {name: db, namespace: shop}
subsets:
- addresses: [{ip: 10.1.1.1, targetRef: {kind: Pod, name: web, namespace: shop}}]
  notReadyAddresses: [{ip: 10.1.1.2, targetRef: {kind: Pod, name: late, namespace: shop}}]
  ports: [{name: sql, port: 5432}, {name: other, port: 99}]
"""
SLICE = """\
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: db-1, namespace: shop, labels: {kubernetes.io/service-name: db}}
addressType: IPv4
ports: [{name: sql, port: 5432, protocol: TCP}, {name: admin, port: 82, protocol: UDP}]
endpoints:
- {addresses: [10.1.1.1], conditions: {ready: true}, targetRef: {kind: Pod, name: web, namespace: shop}}
- {addresses: [10.1.1.2], conditions: {ready: false}, targetRef: {kind: Pod, name: late, namespace: shop}}
- {addresses: [10.99.0.5], conditions: {}}
"""
LATE = pod("late", labels="{app: late}")


@pytest.mark.parametrize("text", [ENDPOINTS, SLICE, ENDPOINTS + SLICE])
def test_a_port_leads_to_the_port_of_its_name_and_protocol_in_the_slice(tmp_path: Path, text: str) -> None:
    found = [x for x in words(tmp_path, WEB + LATE + BARE + text) if x[0] != "10.99.0.5"]
    assert found == [("shop/web[Pod]", "5432/tcp", Word.EVERYWHERE)], "not the Service's own number, and nobody who is not ready"
    assert [x[2] for x in words(tmp_path, WEB + LATE + BARE + text + ONLY_80) if x[0] != "10.99.0.5"] == [Word.BLOCKED]
    found_ = complaints(observed(tmp_path, all_yaml=WEB + LATE + BARE + text))
    assert found_ == [("K203", "Service shop/db leads to the port 'admin', and no EndpointSlice of it has one of that name")]


def test_an_address_outside_of_the_cluster_is_exposed_as_well(tmp_path: Path) -> None:
    found = {x.workload: x for x in exposed(tmp_path, WEB + LATE + BARE + SLICE + DENY)}
    assert (found["10.99.0.5"].word, found["10.99.0.5"].port) == (Word.EVERYWHERE, "5432/tcp")
    assert found["shop/web[Pod]"].word is Word.BLOCKED
    inside = BARE.replace("8.8.4.4", "10.8.4.4")
    assert {w for _, _, w in words(tmp_path, WEB + LATE + inside + SLICE)} == {Word.PRIVATE}


def test_slices_that_somebody_adds_to_a_service_with_a_selector(tmp_path: Path) -> None:
    """Those of the control plane are the selected pods once more; all others lead where they say."""
    selecting = BARE.replace("spec: {", "spec: {selector: {app: late}, ").replace(
        "{name: sql, port: 80}", "{name: sql, port: 80, targetPort: 8080}"
    )
    by_control_plane = SLICE.replace(
        "service-name: db}", "service-name: db, endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io}"
    )
    assert ("shop/late[Pod]", "8080/tcp", Word.EVERYWHERE) in (found := words(tmp_path, WEB + LATE + selecting + by_control_plane))
    assert not any(who == "10.99.0.5" for who, _, _ in found)
    assert any(who == "10.99.0.5" for who, _, _ in words(tmp_path, WEB + LATE + selecting + SLICE))


def test_what_a_service_leads_to_and_was_not_read_is_unknown(tmp_path: Path) -> None:
    assert {x.reason for x in exposed(tmp_path, BARE)} == {"Service shop/db has no selector, and no EndpointSlice of it was read"}
    (one,) = exposed(tmp_path, BARE + ENDPOINTS)
    assert (one.workload, one.word, one.reason) == ("", Word.UNKNOWN, "Pod shop/web was not read")
    (one,) = exposed(tmp_path, pod("other") + service("web", "externalIPs: [8.8.4.4]"))
    assert (one.word, one.reason) == (Word.UNKNOWN, "no pod that was read has app=web, as Service shop/web asks")
    (one,) = exposed(tmp_path, service("web", "externalIPs: [10.8.4.4]"))
    assert one.word is Word.PRIVATE


# ---- load balancers -----------------------------------------------------------------------------------------------------


def balancer(spec: str, status: str = "{}") -> str:
    return service("web", f"type: LoadBalancer, {spec}", status=status).replace(", nodePort: 30080", "")


def test_a_load_balancer_gets_node_ports_unless_it_says_otherwise(tmp_path: Path) -> None:
    ranges = "loadBalancerSourceRanges: [10.0.0.0/8]"
    found = {x.kind: x for x in exposed(tmp_path, WEB + node() + balancer(ranges))}
    assert found["load balancer"].word is Word.PRIVATE, "its ranges hold before any address is rewritten"
    assert "loadBalancerSourceRanges" in found["load balancer"].reason
    assert found["node port"].word is Word.EVERYWHERE and found["node port"].at.startswith("a port not chosen yet")
    for alone in ("allocateLoadBalancerNodePorts: false", "clusterIP: 10.96.0.9"):
        assert [x.kind for x in exposed(tmp_path, WEB + node() + balancer(f"{ranges}, {alone}"))] == ["load balancer"], alone


def test_ranges_of_the_internet_are_looked_at_before_policies(tmp_path: Path) -> None:
    text = WEB + balancer("loadBalancerSourceRanges: [10.0.0.0/8, 8.8.0.0/16], allocateLoadBalancerNodePorts: false")
    (one,) = exposed(tmp_path, text)
    assert (one.word, list(map(str, one.prefixes))) == (Word.RANGES, ["8.8.0.0/16"])
    assert [x.word for x in exposed(tmp_path, text + DENY)] == [Word.BLOCKED]


# ---- the Gateway API ----------------------------------------------------------------------------------------------------

SERVICES = "".join(
    service(n, "type: ClusterIP").replace("port: 80, ", "port: 80, name: web, ") + pod(n, labels=f"{{app: {n}}}")
    for n in ("web", "api", "copy")
)


def gateway(listener: str, route: str, kind: str = "HTTPRoute", rule: str = "backendRefs: [{name: web, port: 80}]") -> str:
    """A Gateway with one listener, and a route with one rule that names it."""
    return f"""\
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: edge, namespace: shop}}
spec: {{gatewayClassName: any, listeners: [{{name: one, port: 443, {listener}}}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: {kind}
metadata: {{name: route, namespace: shop}}
spec: {{parentRefs: [{{name: edge}}], {route} rules: [{{{rule}}}]}}
"""


@pytest.mark.parametrize(
    "listener, kind, attached",
    [
        ("protocol: HTTP", "HTTPRoute", True),
        ("protocol: HTTPS", "GRPCRoute", True),
        ("protocol: HTTPS", "TCPRoute", False),
        ("protocol: TCP", "TCPRoute", True),
        ("protocol: TCP", "HTTPRoute", False),
        ("protocol: TLS", "TLSRoute", True),
        ("protocol: TLS", "TCPRoute", True),
        ("protocol: TLS", "HTTPRoute", False),
        ("protocol: UDP", "TCPRoute", False),
        ("protocol: HTTPS, allowedRoutes: {kinds: [{kind: GRPCRoute}]}", "HTTPRoute", False),
        ("protocol: HTTPS, allowedRoutes: {kinds: [{kind: GRPCRoute}]}", "GRPCRoute", True),
        ("protocol: HTTPS, allowedRoutes: {kinds: [{group: example.org, kind: HTTPRoute}]}", "HTTPRoute", False),
        ("protocol: example.org/own", "TCPRoute", True),
    ],
)
def test_a_listener_takes_the_routes_of_its_protocol(tmp_path: Path, listener: str, kind: str, attached: bool) -> None:
    text = SERVICES + gateway(listener, "", kind)
    assert words(tmp_path, text) == [("shop/web[Pod]", "8080/tcp", Word.THROUGH)] * attached
    assert [code for code, _ in complaints(observed(tmp_path, all_yaml=text))] == ["K205"] * (not attached)


@pytest.mark.parametrize(
    "host, names, attached",
    [
        ("a.example.com", "[b.example.com]", False),
        ("a.example.com", "[b.example.com, A.example.com]", True),
        ("a.example.com", "[]", True),
        ("", "[b.example.com]", True),
        ("*.example.com", "[a.example.com]", True),
        ("*.example.com", "[a.b.example.com]", True),
        ("*.example.com", "[example.com]", False),
        ("*.example.com", "[notexample.com]", False),
        ("a.example.com", "['*.example.com']", True),
        ("*.b.example.com", "['*.example.com']", True),
        ("*.b.example.com", "['*.a.example.com']", False),
    ],
)
def test_a_listener_and_a_route_need_a_host_name_in_common(tmp_path: Path, host: str, names: str, attached: bool) -> None:
    text = SERVICES + gateway(f'protocol: HTTPS, hostname: "{host}"', f"hostnames: {names},")
    assert words(tmp_path, text) == [("shop/web[Pod]", "8080/tcp", Word.THROUGH)] * attached


@pytest.mark.parametrize(
    "rule, reached",
    [
        ("backendRefs: [{name: web, port: 80, weight: 0}, {name: api, port: 80}]", ["api"]),
        ("backendRefs: [{name: web, port: 80}], filters: [{type: RequestMirror, requestMirror: {backendRef: {name: copy, port: 80}}}]", ["copy", "web"]),
        ("backendRefs: [{name: web, port: 80, filters: [{type: RequestMirror, requestMirror: {backendRef: {name: copy, port: 80}, percent: 5}}]}]", ["copy", "web"]),
        ("backendRefs: [{name: web, port: 80}], filters: [{type: RequestMirror, requestMirror: {backendRef: {name: copy, port: 80}, percent: 0}}]", ["web"]),
        ("backendRefs: [{name: web, port: 80}], filters: [{type: URLRewrite, urlRewrite: {}}]", ["web"]),
        ("backendRefs: [{name: web, port: 81}]", []),
    ],
)  # fmt: skip
def test_where_a_rule_sends_requests(tmp_path: Path, rule: str, reached: list[str]) -> None:
    found = words(tmp_path, SERVICES + gateway("protocol: HTTP", "", rule=rule))
    assert sorted(who for who, _, _ in found) == [f"shop/{n}[Pod]" for n in reached]


def test_a_backend_that_is_no_service_is_unknown(tmp_path: Path) -> None:
    found = exposed(tmp_path, SERVICES + gateway("protocol: HTTP", "", rule="backendRefs: [{group: x.example, kind: Pool, name: web}]"))
    assert [(x.workload, x.word) for x in found] == [("", Word.UNKNOWN)]
    assert found[0].reason == "HTTPRoute shop/route leads to shop/web, and Pool of x.example is not modelled"


def test_a_route_without_a_grant_leads_nowhere_and_lint_says_so(tmp_path: Path) -> None:
    text = SERVICES + gateway("protocol: HTTP", "", rule="backendRefs: [{name: web, namespace: shop, port: 80}]").replace(
        "{name: route, namespace: shop}\nspec: {parentRefs: [{name: edge}]", "{name: route, namespace: far}\nspec: {parentRefs: [{name: edge, namespace: shop}]"
    ).replace("protocol: HTTP", "protocol: HTTP, allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {edge: open}}}}")  # fmt: skip
    far = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: far, labels: {edge: open}}\n"
    grant = """\
---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: far, namespace: shop}
spec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: far}], to: [{group: "", kind: Service}]}
"""
    assert not words(tmp_path, text + far)
    assert complaints(observed(tmp_path, all_yaml=text + far)) == [
        ("K204", "HTTPRoute far/route leads to Service shop/web, and no ReferenceGrant in shop lets it")
    ]
    assert words(tmp_path, text + far + grant) == [("shop/web[Pod]", "8080/tcp", Word.THROUGH)]
    assert not words(tmp_path, text + far + grant.replace('group: "", kind', "group: example.org, kind"))
    assert not words(tmp_path, text + far.replace("open", "shut") + grant)
    assert words(tmp_path, text + grant) == [("", "", Word.UNKNOWN)], "the labels of far were not read"


# ---- Ingress, ExternalName, Routes of OpenShift -------------------------------------------------------------------------


def ingress(backend: str) -> str:
    return f"---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: in, namespace: shop}}\nspec: {{defaultBackend: {backend}}}\n"


def external(name: str, host: str) -> str:
    return f"---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: shop}}\nspec: {{type: ExternalName, externalName: {host}}}\n"


def test_an_external_name_stands_for_a_host_or_for_another_service(tmp_path: Path) -> None:
    to = ingress("{service: {name: alias, port: {number: 80}}}")
    assert words(tmp_path, to + external("alias", "db.example.org")) == [("db.example.org", "80/tcp", Word.THROUGH)]
    inside = pod("web", "far", "{app: web}") + service("web", "type: ClusterIP", "far")
    through = external("alias", "next.shop.svc.cluster.local") + external("next", "web.far.svc")
    assert words(tmp_path, to + inside + through) == [("far/web[Pod]", "8080/tcp", Word.THROUGH)]
    assert not words(tmp_path, to + external("alias", "next.shop.svc") + external("next", "alias.shop.svc")), "a ring"


def test_a_backend_that_was_not_read_is_unknown(tmp_path: Path) -> None:
    (one,) = exposed(tmp_path, WEB + ingress("{service: {name: gone, port: {number: 80}}}"))
    assert (one.word, one.reason) == (Word.UNKNOWN, "Service shop/gone was not read")
    (one,) = exposed(tmp_path, WEB + ingress("{resource: {apiGroup: example.org, kind: Bucket, name: images}}"))
    assert (one.word, one.reason) == (Word.UNKNOWN, "Bucket images is not modelled")


def route(spec: str, status: str = "{}") -> str:
    return f"""\
---
apiVersion: route.openshift.io/v1
kind: Route
metadata: {{name: web, namespace: shop}}
spec: {{host: web.example.com, {spec}}}
status: {status}
"""


TWO = service("two", "type: ClusterIP").replace(
    "ports: [{port: 80, targetPort: http, nodePort: 30080}]", "ports: [{name: web, port: 80, targetPort: 8080}, {name: admin, port: 81, targetPort: 9090}]"
) + pod("two", labels="{app: two}")  # fmt: skip


@pytest.mark.parametrize(
    "spec, ports",
    [
        ("to: {kind: Service, name: two}", ["8080/tcp", "9090/tcp"]),
        ("to: {kind: Service, name: two}, port: {targetPort: admin}", ["9090/tcp"]),
        ("to: {kind: Service, name: two}, port: {targetPort: 8080}", ["8080/tcp"]),
        ("to: {kind: Service, name: two}, port: {targetPort: '8080'}", ["8080/tcp"]),
        ("to: {kind: Service, name: two}, port: {targetPort: 80}", []),
        ("to: {kind: Service, name: web, weight: 0}, alternateBackends: [{kind: Service, name: two}], port: {targetPort: web}", ["8080/tcp"]),
    ],
)  # fmt: skip
def test_where_a_route_leads(tmp_path: Path, spec: str, ports: list[str]) -> None:
    found = exposed(tmp_path, TWO + route(spec))
    assert [(x.workload, x.port, x.word, x.kind) for x in found] == [("shop/two[Pod]", p, Word.THROUGH, "route") for p in ports]


def test_a_route_is_as_public_as_its_routers(tmp_path: Path) -> None:
    text = TWO + route("to: {name: two}, port: {targetPort: web}, tls: {termination: edge}", "{ingress: [{routerName: inner}]}")
    controller = """\
---
apiVersion: operator.openshift.io/v1
kind: IngressController
metadata: {name: inner, namespace: openshift-ingress-operator}
spec: {endpointPublishingStrategy: {type: LoadBalancerService, loadBalancer: {scope: Internal}}}
"""
    (one,) = exposed(tmp_path, text + controller)
    assert (one.word, one.reason, one.at) == (Word.PRIVATE, "IngressController inner: scope: Internal", "443/tcp at web.example.com")
    assert exposed(tmp_path, text + controller.replace("Internal", "External"))[0].word is Word.THROUGH
    router = pod(
        "router", "openshift-ingress", "{ingresscontroller.operator.openshift.io/deployment-ingresscontroller: inner, app: router}"
    )
    front = service("router", "type: LoadBalancer, allocateLoadBalancerNodePorts: false", "openshift-ingress")
    found = {x.workload: x for x in exposed(tmp_path, text + router + front)}
    assert found["shop/two[Pod]"].reason == "through openshift-ingress/router[Pod]"
    assert {x.workload: x for x in exposed(tmp_path, text + router)}["shop/two[Pod]"].word is Word.PRIVATE


# ---- who carries it out -------------------------------------------------------------------------------------------------

CONTROLLER = (
    pod("nginx", "ingress", "{app: nginx, app.kubernetes.io/name: ingress-nginx}", ", hostPort: 8443")
    + "---\napiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: nginx}\nspec: {controller: k8s.io/ingress-nginx}\n"
)


def test_whether_a_controller_is_reached_decides_for_whom_it_serves(tmp_path: Path) -> None:
    text = WEB + service("web", "type: ClusterIP") + CONTROLLER
    text += ingress("{service: {name: web, port: {number: 80}}}").replace("spec: {", "spec: {ingressClassName: nginx, ")

    def of_web(more: str) -> tuple[Word, str]:
        return next((x.word, x.reason) for x in exposed(tmp_path, text + more) if x.workload == "shop/web[Pod]")

    assert of_web(node()) == (Word.THROUGH, "through ingress/nginx[Pod]")
    assert of_web(node("")) == (Word.PRIVATE, "ingress/nginx[Pod], which serves this ingress, is not reachable from the internet")
    doubtful = (Word.UNKNOWN, "whether the internet reaches ingress/nginx[Pod], which serves this ingress, is not known")
    assert of_web("") == doubtful, "no nodes were read"
    inner = node("") + service("nginx", "type: ClusterIP", "ingress")
    bound = "---\napiVersion: elbv2.k8s.aws/v1beta1\nkind: TargetGroupBinding\nmetadata: {name: in, namespace: ingress}\nspec: {serviceRef: {name: nginx}}\n"
    assert of_web(inner + bound) == doubtful
    before = ingress("{service: {name: nginx, port: {number: 80}}}").replace("namespace: shop", "namespace: ingress")
    assert of_web(inner + before) == (Word.THROUGH, "through ingress/nginx[Pod]"), "a cloud's Ingress before it"


# ---- what is not modelled -----------------------------------------------------------------------------------------------

FOREIGN = {
    "IngressRoute": ("traefik.io/v1alpha1", "routes: [{kind: Rule, services: [{name: web, port: 80}]}]"),
    "HTTPProxy": ("projectcontour.io/v1", "routes: [{services: [{name: web, port: 80}]}]"),
    "VirtualService": ("networking.istio.io/v1", "gateways: [edge], http: [{route: [{destination: {host: web.shop.svc.cluster.local}}]}]"),
    "Mapping": ("getambassador.io/v3alpha1", "service: 'https://web.shop:80/x'"),
    "TargetGroupBinding": ("elbv2.k8s.aws/v1beta1", "serviceRef: {name: web, port: 80}"),
    "WonderGateway": ("gateways.example.org/v1", "backend: shop/web"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_way_in_that_is_not_modelled_is_unknown_and_so_is_whom_it_names(tmp_path: Path, kind: str) -> None:
    version, spec = FOREIGN[kind]
    text = WEB + pod("other") + service("web", "type: ClusterIP")
    one = f"---\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: in, namespace: shop}}\nspec: {{{spec}}}\n"
    found = exposed(tmp_path, text + one)
    assert {(x.workload, x.word, x.entry, x.kind) for x in found} == {
        (who, Word.UNKNOWN, f"{kind} shop/in", "not modelled") for who in ("", "shop/web[Pod]")
    }
    found = exposed(tmp_path, text + one + DENY)
    assert {(x.workload, x.word) for x in found} == {("", Word.UNKNOWN), ("shop/web[Pod]", Word.BLOCKED)}


def test_a_virtual_service_for_those_inside_is_no_way_in(tmp_path: Path) -> None:
    text = "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: in, namespace: shop}\nspec: {hosts: [web]}\n"
    assert not words(tmp_path, WEB + text)
    assert not words(tmp_path, WEB + text.replace("hosts: [web]", "gateways: [mesh]"))


@pytest.mark.parametrize(
    "broken",
    [
        "---\napiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: in, namespace: shop}\nspec: {backend: {serviceName: web, servicePort: 80}}\n",
        "---\napiVersion: v1\nkind: Service\nmetadata: {name: in, namespace: shop}\nspec: {type: LoadBalancer, ports: [{port: many}]}\n",
        "---\napiVersion: v1\nkind: Service\nmetadata: {name: in, namespace: shop\n",
        balancer("clusterIP: 10.96.0.9") + balancer("clusterIP: 10.96.0.10"),
        "---\napiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: {name: in\n",
        "---\nkind: HTTPProxy\nmetadata: {name: in, namespace: shop}\n",
    ],
)  # fmt: skip
def test_a_way_in_that_could_not_be_read_is_unknown(tmp_path: Path, broken: str) -> None:
    (tmp_path / "web.yaml").write_text(WEB)
    seen = observed(tmp_path, in_yaml=broken)
    assert [e.kind for e in seen.network.entries if e.unseen] == [EntryKind.OTHER]
    found = clusters.exposures(seen.network)
    assert ("", Word.UNKNOWN) in {(x.workload, x.word) for x in found}


def test_kinds_of_ways_in_that_are_not_shown_are_unknown() -> None:
    problems = Problems()
    problems.refuse("networking.k8s.io", "Ingress", Place("live"), "Ingresses cannot be listed: no")
    problems.refuse("gateway.networking.k8s.io", "", Place("live"), "the kinds of gateway.networking.k8s.io are not known: no")
    problems.refuse("", "Secret", Place("live"), "nobody asks for Secrets")
    network = cluster.network([], problems).network
    assert [(e.id, e.unseen) for e in network.entries] == [
        ("Ingress of networking.k8s.io", ("Ingresses cannot be listed: no",)),
        ("ways in of gateway.networking.k8s.io", ("the kinds of gateway.networking.k8s.io are not known: no",)),
    ]


def test_every_format_says_that_it_is_not_known(tmp_path: Path) -> None:
    version, spec = FOREIGN["IngressRoute"]
    (tmp_path / "all.yaml").write_text(
        WEB + f"---\napiVersion: {version}\nkind: IngressRoute\nmetadata: {{name: in, namespace: shop}}\nspec: {{{spec}}}\n"
    )

    def said(form: str) -> str:
        return budnet("exposure", "--from", f"kubernetes:{tmp_path}", "--format", form).stdout

    assert "the internet reaches no workloads as far as is known; 1 way in leads to nobody knows whom" in said("text")
    assert all("IngressRoute of traefik.io is not modelled" in said(form) for form in ("text", "json", "csv", "markdown", "sarif"))
    (row,) = json.loads(said("json"))["internet"]
    assert (row["workload"], row["port"], row["internet"]) == (None, None, None)


ROUTED = f"---\napiVersion: {FOREIGN['IngressRoute'][0]}\nkind: IngressRoute\nmetadata: {{name: in}}\nspec: {{}}\n"
ON_ITS_NODE = (
    pod("agent").replace("spec: {", "spec: {hostNetwork: true, ").replace("ports: [{name: http, containerPort: 8080}]", "image: x")
)


@pytest.mark.parametrize(("more", "name"), [(ROUTED, "IngressRoute default/in"), (ON_ITS_NODE, "any/tcp")])
def test_diff_says_of_a_way_in_that_came_that_it_is_not_known(tmp_path: Path, more: str, name: str) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    (tmp_path / "old" / "all.yaml").write_text(WEB)
    (tmp_path / "new" / "all.yaml").write_text(WEB + more)
    for form in ("text", "json", "csv", "markdown", "sarif"):
        run = budnet("diff", f"kubernetes:{tmp_path / 'old'}", f"kubernetes:{tmp_path / 'new'}", "--format", form)
        assert run.returncode == 1 and not run.stderr, run.stderr
        assert name in run.stdout or (name, form) == ("any/tcp", "csv"), form
