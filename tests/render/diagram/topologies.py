"""Small networks of every shape, as files a user might write."""

from __future__ import annotations

import functools
from itertools import pairwise

from budnet.ir.network import Network
from budnet.pipeline import load, load_text
from budnet.records import replace
from budnet.render.diagram.views.facts import read

ONE_VPC = """
budnet: 1
name: shop
networks:
  main:
    cidr: 10.0.0.0/16
    subnets:
      front: {cidr: 10.0.1.0/24, access: public}
      back: {cidr: 10.0.2.0/24, access: private}
services:
  web: {subnet: main/front, kind: load-balancer, ports: {https: 443/tcp}}
  app: {subnet: main/back, ports: {http: 8080/tcp, admin: {port: 9000/tcp, tls: ssh}}}
flows:
  - {from: internet, to: web, port: https}
  - {from: web, to: app, port: http}
egress:
  updates: {from: app, to: updates.example.org, port: 443/tcp}
"""

NOTHING = """
budnet: 1
name: empty
networks:
  only:
    cidr: 10.0.0.0/16
    subnets:
      lonely: {cidr: 10.0.1.0/24, access: isolated}
"""

NO_FLOWS = """
budnet: 1
name: quiet
networks:
  a: {cidr: 10.0.0.0/16, subnets: {p: {cidr: 10.0.1.0/24, access: isolated}}}
  b: {cidr: 10.1.0.0/16, subnets: {p: {cidr: 10.1.1.0/24, access: isolated}}}
links:
  a-to-b: {between: [a, b], method: vpc-peering}
services:
  one: {subnet: a/p, ports: {http: 80/tcp}}
  two: {subnet: b/p, ports: {http: 80/tcp}}
"""

DUAL_STACK = """
budnet: 1
name: dual
addresses:
  office: [198.51.100.0/24, "2001:db8:1::/48"]
networks:
  main:
    cidr: [10.0.0.0/16, "fd00:10::/48"]
    cloud: {provider: aws, region: eu-west-1, zones: 3, nat: per-zone}
    subnets:
      edge: {cidr: [10.0.0.0/22, "fd00:10:0:0::/62"], access: public}
      apps: {cidr: [10.0.4.0/22, "fd00:10:0:10::/62"], access: private}
      data: {cidr: [10.0.8.0/22, "fd00:10:0:20::/62"], access: isolated}
services:
  gate: {subnet: main/edge, kind: load-balancer, ports: {https: 443/tcp}}
  jump: {subnet: main/edge, public: true, ports: {ssh: 22/tcp}, tls: ssh}
  app: {subnet: main/apps, replicas: 3, ports: {http: 8080/tcp, feed: 5353/udp}}
  store: {subnet: main/data, ports: {sql: 5432/tcp}}
flows:
  - {from: internet, to: gate, port: https}
  - {from: office, to: jump, port: ssh}
  - {from: [gate, jump], to: app, ports: [http, feed]}
  - {from: app, to: store, port: sql}
egress:
  updates: {from: [app, jump], to: [updates.example.org, mirror.example.org], port: 443/tcp}
  time: {from: app, to: time.example.org, port: 123/udp}
"""

LONG = """
budnet: 1
name: the-network-with-the-longest-name-that-anybody-has-ever-written
domain: a-rather-long-domain-name.that-goes-on.for-quite-a-while.example.com
networks:
  the-network-with-the-second-longest-name-that-anybody-has-wri:
    cidr: 10.0.0.0/16
    cluster: {services: 172.20.0.0/16}
    subnets:
      a-public-subnet-whose-name-has-as-many-letters-as-there-may-be: {cidr: 10.0.1.0/24, access: public}
      unbrokenunbrokenunbrokenunbrokenunbrokenunbrokenunbrokenunbrok: {cidr: 10.0.2.0/24, access: private}
services:
  load-balancer-with-a-name-that-does-not-fit-into-any-column-at: {subnet: the-network-with-the-second-longest-name-that-anybody-has-wri/a-public-subnet-whose-name-has-as-many-letters-as-there-may-be, kind: load-balancer, ports: {https: 443/tcp}}
  averyveryverylongservicenamewithoutanyhyphenwhereitcouldbebrok: {subnet: the-network-with-the-second-longest-name-that-anybody-has-wri/unbrokenunbrokenunbrokenunbrokenunbrokenunbrokenunbrokenunbrok, namespace: namespace-with-a-name-that-is-as-long-as-kubernetes-will-let-it, replicas: 12, ports: {a: 10001/tcp, b: 10002/tcp, c: 10003/tcp, d: 10004/tcp, e: 10005/tcp, f: 10006/udp, g: 10007/tcp, h: 10008/tcp}}
names:
  external:
    a-label-of-a-name-that-is-as-long-as-the-domain-name-system-le: {at: load-balancer-with-a-name-that-does-not-fit-into-any-column-at, to: averyveryverylongservicenamewithoutanyhyphenwhereitcouldbebrok, port: a}
flows:
  - {from: internet, to: load-balancer-with-a-name-that-does-not-fit-into-any-column-at, port: https}
  - {from: load-balancer-with-a-name-that-does-not-fit-into-any-column-at, to: averyveryverylongservicenamewithoutanyhyphenwhereitcouldbebrok, ports: [a, b, c, d, e, f, g, h]}
egress:
  an-egress-row-whose-name-is-much-longer-than-its-column-in-the: {from: averyveryverylongservicenamewithoutanyhyphenwhereitcouldbebrok, to: [a-host-name-with-a-very-long-first-label.example.org, another-host-name-with-a-very-long-first-label.example.org], port: 443/tcp}
"""


def workloads(number: int, alike: bool = True, chain: bool = False) -> str:
    """A control plane and so many workload VPCs; with `chain` each also peers with the next."""
    names = [f"work-{i:02}" for i in range(1, number + 1)]
    networks = "".join(
        f"  {n}:\n    cidr: 10.{i}.0.0/16\n    cluster: {{services: 172.{20 + i % 10}.0.0/16}}\n    subnets:\n"
        f"      edge: {{cidr: 10.{i}.1.0/24, access: public}}\n      gpu: {{cidr: 10.{i}.10.0/24, access: private}}\n"
        + ("" if alike or i % 2 else f"      extra: {{cidr: 10.{i}.20.0/24, access: isolated}}\n")
        for i, n in enumerate(names, 1)
    )
    links = "".join(f"  to-{n}: {{between: [control, {n}], method: vpc-peering}}\n" for n in names)
    if chain:
        links += "".join(f"  {a}-{b}: {{between: [{a}, {b}], method: vpc-peering}}\n" for a, b in pairwise(names))
    many = ", ".join(f"{n}/gpu" for n in names)
    gates = ", ".join(f"{n}/edge" for n in names)
    pairs = pairwise(names) if chain else ()
    singles = "".join(f"  probe-{n}: {{subnet: {n}/gpu, ports: {{http: 8081/tcp}}}}\n" for n in names if chain)
    probes = "".join(f"  - {{from: probe-{a}, to: probe-{b}, port: http}}\n" for a, b in pairs)
    return f"""
budnet: 1
name: fleet
networks:
  control:
    cidr: 10.0.0.0/16
    cluster: {{services: 172.19.0.0/16}}
    subnets:
      edge: {{cidr: 10.0.1.0/24, access: public}}
      apps: {{cidr: 10.0.10.0/24, access: private}}
      data: {{cidr: 10.0.20.0/24, access: isolated}}
{networks}links:
{links}services:
  front: {{subnet: control/edge, kind: load-balancer, ports: {{https: 443/tcp}}}}
  brain: {{subnet: control/apps, namespace: core, ports: {{http: 8080/tcp}}}}
  store: {{subnet: control/data, namespace: core, ports: {{sql: 5432/tcp}}}}
  gate: {{subnet: [{gates}], kind: load-balancer, ports: {{https: 443/tcp}}}}
  model: {{subnet: [{many}], namespace: models, replicas: 2, ports: {{http: 8000/tcp}}}}
{singles}flows:
  - {{from: internet, to: [front, gate], port: https}}
  - {{from: front, to: brain, port: http}}
  - {{from: brain, to: store, port: sql}}
  - {{from: brain, to: gate, port: https}}
  - {{from: model, to: front, port: https}}
  - {{from: gate, to: model, port: http}}
{probes}egress:
  weights: {{from: model, to: weights.example.org, port: 443/tcp}}
  clouds: {{from: brain, to: cloud.example.org, port: 443/tcp}}
"""


def many_tiers(number: int) -> str:
    """Tiers that all talk to all others, up and down."""
    subnets = "".join(
        f"      t{i}: {{cidr: 10.0.{i}.0/24, access: {'public' if i < 2 else 'private' if i < number - 1 else 'isolated'}}}\n"
        for i in range(number)
    )
    services = "".join(
        f"  s{i}: {{subnet: main/t{i}, public: {str(i < 2).lower()}, ports: {{http: 80{i:02}/tcp, db: {{port: 90{i:02}/tcp, tls: ssh}}}}}}\n"
        for i in range(number)
    )
    everyone = ", ".join(f"s{i}" for i in range(number))
    return f"""
budnet: 1
name: dense
networks:
  main:
    cidr: 10.0.0.0/16
    subnets:
{subnets}services:
{services}flows:
  - {{from: internet, to: [s0, s1], ports: [http, db]}}
  - {{from: [{everyone}], to: [{everyone}], ports: [http, db]}}
egress:
  out: {{from: [{", ".join(f"s{i}" for i in range(number - 1))}], to: out.example.org, port: 443/tcp}}
  clear: {{from: [{", ".join(f"s{i}" for i in range(number - 1))}], to: clear.example.org, port: 80/tcp}}
"""


@functools.cache
def network_of(text: str) -> Network:
    """What a file means; a file with an error is a mistake in the test."""
    loaded = load_text(text.encode(), "x.yaml", {})
    assert loaded.network is not None, [d.summary for d in loaded.diagnostics]
    return loaded.network


@functools.cache
def foundry() -> Network:
    """The reference topology."""
    network = load("catalog/foundry").network
    assert network is not None
    return network


NASTY = '<b>&"quoted"</b> \\n %%{x}%% `a` #35; end 1. | ; ] } \x07'


@functools.cache
def nasty() -> Network:
    """Names as no file of ours could have them, but as something imported might."""
    network = network_of(ONE_VPC)
    endpoints = tuple(replace(e, service=NASTY) if e.service == "app" else e for e in network.endpoints)
    flows = tuple(replace(f, destinations=replace(f.destinations, name=NASTY)) for f in network.flows)
    return replace(network, name=NASTY, endpoints=endpoints, flows=flows)


@functools.cache
def cluster_only() -> Network:
    """What is read from a cluster may have no VPC and no subnet."""
    network = network_of(ONE_VPC)
    endpoints = tuple(replace(e, vpc="", subnet="", service="", namespace="shop") if e.filtered else e for e in network.endpoints)
    return Network("cluster", endpoints=endpoints, flows=tuple(f for f in network.flows if f.origin.line))


TEXTS = {
    "one-vpc": ONE_VPC,
    "nothing": NOTHING,
    "no-flows": NO_FLOWS,
    "dual-stack": DUAL_STACK,
    "long-names": LONG,
    "three-workloads": workloads(3, alike=False),
    "three-alike": workloads(3),
    "fifty": workloads(50),
    "seven-different": workloads(7, alike=False),
    "chain": workloads(5, alike=False, chain=True),
    "five-tiers": many_tiers(5),
    "eight-tiers": many_tiers(8),
}
MADE = {"foundry": foundry, "nasty": nasty, "cluster-only": cluster_only}
SHAPES = [*TEXTS, *MADE]


def shape(name: str) -> Network:
    """One of them by its name."""
    return network_of(TEXTS[name]) if name in TEXTS else MADE[name]()


def views_of(network: Network) -> list[str]:
    """Every view that there is of a network."""
    return ["architecture", "cross-cluster", *(f"service:{s}" for s in sorted({u.service for u in read(network).units.values()}))]
