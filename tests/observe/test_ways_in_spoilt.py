"""Ways in with a field of another type, at every place: each is said and unknown, or is read; none ends the program."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from budnet.observe.kubernetes import cluster
from budnet.observe.kubernetes.fields import Place, Problems
from budnet.reach.exposure import clusters
from observe.test_bad_input import paths, put

WRITTEN = """\
- apiVersion: v1
  kind: Service
  metadata: {name: web, namespace: shop, annotations: {a: b}, labels: {a: b}}
  spec:
    type: LoadBalancer
    selector: {app: web}
    loadBalancerSourceRanges: [10.0.0.0/8]
    externalIPs: [8.8.4.4]
    externalName: a.example
    loadBalancerClass: x
    loadBalancerIP: 10.1.1.1
    allocateLoadBalancerNodePorts: true
    externalTrafficPolicy: Local
    ports: [{name: http, protocol: TCP, port: 80, targetPort: http, nodePort: 30080}]
  status: {loadBalancer: {ingress: [{ip: 8.8.4.4}, {hostname: a.example}]}}
- apiVersion: v1
  kind: Endpoints
  metadata: {name: other, namespace: shop}
  subsets:
  - {addresses: [{ip: 10.1.1.1, targetRef: {kind: Pod, name: web, namespace: shop}}], ports: [{name: http, port: 80, protocol: TCP}]}
- apiVersion: discovery.k8s.io/v1
  kind: EndpointSlice
  metadata: {name: other, namespace: shop, labels: {kubernetes.io/service-name: other}}
  endpoints: [{addresses: [10.1.1.1], conditions: {ready: true}, targetRef: {kind: Pod, name: web, namespace: shop}}]
  ports: [{name: http, port: 80, protocol: TCP}]
- apiVersion: networking.k8s.io/v1
  kind: IngressClass
  metadata: {name: nginx, annotations: {ingressclass.kubernetes.io/is-default-class: "true"}}
  spec: {controller: k8s.io/ingress-nginx}
- apiVersion: networking.k8s.io/v1
  kind: Ingress
  metadata: {name: web, namespace: shop, annotations: {a: b}}
  spec:
    ingressClassName: nginx
    tls: [{hosts: [a.example]}]
    defaultBackend: {resource: {kind: Bucket, name: a}}
    rules: [{host: a.example, http: {paths: [{path: /, backend: {service: {name: web, port: {number: 80, name: http}}}}]}}]
  status: {loadBalancer: {ingress: [{ip: 8.8.4.4}]}}
- apiVersion: gateway.networking.k8s.io/v1
  kind: Gateway
  metadata: {name: edge, namespace: shop}
  spec:
    gatewayClassName: any
    infrastructure: {annotations: {a: b}}
    addresses: [{type: IPAddress, value: 8.8.4.4}]
    listeners:
    - name: https
      protocol: HTTPS
      port: 443
      hostname: "*.example"
      allowedRoutes: {kinds: [{group: gateway.networking.k8s.io, kind: HTTPRoute}], namespaces: {from: Selector, selector: {matchLabels: {a: b}}}}
  status: {addresses: [{type: IPAddress, value: 8.8.4.4}]}
- apiVersion: gateway.networking.k8s.io/v1
  kind: HTTPRoute
  metadata: {name: web, namespace: shop}
  spec:
    parentRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: edge, namespace: shop, sectionName: https, port: 443}]
    hostnames: [a.example]
    rules:
    - backendRefs: [{group: "", kind: Service, name: web, namespace: shop, port: 80, weight: 1}]
      filters: [{type: RequestMirror, requestMirror: {backendRef: {name: web, port: 80}, percent: 5, fraction: {numerator: 1}}}]
- apiVersion: gateway.networking.k8s.io/v1beta1
  kind: ReferenceGrant
  metadata: {name: all, namespace: shop}
  spec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: far}], to: [{group: "", kind: Service, name: web}]}
- apiVersion: route.openshift.io/v1
  kind: Route
  metadata: {name: web, namespace: shop}
  spec:
    host: a.example
    to: {kind: Service, name: web, weight: 1}
    alternateBackends: [{kind: Service, name: web, weight: 1}]
    port: {targetPort: http}
    tls: {termination: edge, insecureEdgeTerminationPolicy: Allow}
  status: {ingress: [{routerName: default, host: a.example}]}
- apiVersion: operator.openshift.io/v1
  kind: IngressController
  metadata: {name: default, namespace: openshift-ingress-operator}
  spec: {endpointPublishingStrategy: {type: LoadBalancerService, loadBalancer: {scope: Internal}}}
  status: {endpointPublishingStrategy: {type: Private}}
- apiVersion: traefik.io/v1alpha1
  kind: IngressRoute
  metadata: {name: web, namespace: shop}
  spec: {routes: [{services: [{name: web, port: 80}]}]}
- apiVersion: networking.istio.io/v1
  kind: VirtualService
  metadata: {name: web, namespace: shop}
  spec: {gateways: [edge], http: [{route: [{destination: {host: web}}]}]}
"""
POD = """\
- apiVersion: v1
  kind: Pod
  metadata: {name: web, namespace: shop, labels: {app: web}}
  spec: {containers: [{name: c, ports: [{name: http, containerPort: 8080, hostPort: 9090}]}]}
  status: {podIP: 10.1.1.1}
- {apiVersion: v1, kind: Service, metadata: {name: other, namespace: shop}, spec: {externalIPs: [8.8.4.4], ports: [{name: http, port: 80}]}}
"""
OBJECTS: list[dict[str, Any]] = yaml.safe_load(WRITTEN)


@pytest.mark.parametrize("at", range(len(OBJECTS)), ids=[o["kind"] for o in OBJECTS])
def test_nothing_that_is_written_wrongly_ends_the_program(at: int) -> None:
    seen = 0
    for path in paths(OBJECTS[at]):
        for value in (None, 7, -1, True, "x", "", [], ["x"], [None], {}, {"x": 1}, {"x": {"x": []}}):
            if path:
                some = [put(o, path, value) if i == at else o for i, o in enumerate(OBJECTS)]
                problems = Problems()
                objects = [*yaml.safe_load(POD), *some]
                found = cluster.network([(o, Place("made.yaml", i)) for i, o in enumerate(objects, 1)], problems)
                found.entrances.problems(found.network.endpoints)
                if seen % 10 == 0:
                    clusters.exposures(found.network)
                seen += 1
    assert seen > 50
