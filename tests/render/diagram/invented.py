"""Networks made up at random, as many as one likes: what one did not think of when drawing."""

from __future__ import annotations

import random
from typing import Any

Plan = dict[str, Any]


def invent(seed: int) -> Plan:
    """A file, as data. It may hold an error, as a user's may: then it means no network."""
    r = random.Random(seed)
    networks, tiers = _networks(r, v6=r.random() < 0.3)
    names = list(networks)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :] if r.random() < (0.8 if i == 0 else 0.25)]
    services, where, public = _services(r, tiers)
    flows = _flows(r, services, where, {*pairs, *((b, a) for a, b in pairs)}, public)
    behind = [f for f in flows if services.get(f["from"], {}).get("kind") and "port" in f]
    return {
        "budnet": 1,
        "name": "invented",
        "addresses": {"office": ["203.0.113.0/24"], "partners": ["198.51.100.0/24"]},
        "networks": networks,
        "links": {f"l-{a}-{b}": {"between": [a, b], "method": "vpc-peering"} for a, b in pairs},
        "services": services,
        "names": {"external": {f"x{i}": {"at": f["from"], "to": f["to"], "port": f["port"]} for i, f in enumerate(behind)}},
        "flows": flows,
        "egress": _egress(r, where, public),
    }


def _networks(r: random.Random, v6: bool) -> tuple[Plan, list[tuple[str, str, str]]]:
    networks: Plan = {}
    tiers = []
    for i in range(r.choice([1, 1, 2, 2, 3, 4, 6])):
        access = ["public"] + [r.choice(["public", "private", "private", "isolated"]) for _ in range(r.randint(0, 4))]
        if r.random() < 0.1:
            access = ["isolated"] * r.randint(1, 3)
        r.shuffle(access)
        subnets = {}
        for j, a in enumerate(access):
            four, six = f"10.{i}.{j * 4}.0/22", f"fd00:{i + 1}:0:{j * 16:x}::/60"
            subnets[f"t{j}" if r.random() < 0.8 else f"tier-with-long-name-{j}"] = {"cidr": [four, six] if v6 else four, "access": a}
        cloud = {"provider": "aws", "region": "eu-west-1", "zones": r.choice([1, 2, 3]), "nat": r.choice(["single", "per-zone"])}
        cidr = [f"10.{i}.0.0/16", f"fd00:{i + 1}::/48"] if v6 else f"10.{i}.0.0/16"
        networks[f"n{i}"] = {"cidr": cidr, "cloud": cloud, "cluster": {"services": f"172.{20 + i}.0.0/16"}, "subnets": subnets}
        tiers += [(f"n{i}", k, v["access"]) for k, v in subnets.items()]
    return networks, tiers


def _services(r: random.Random, tiers: list[tuple[str, str, str]]) -> tuple[Plan, dict[str, tuple[str, str]], list[str]]:
    services: Plan = {}
    where, public = {}, []
    for k in range(r.randint(0, 25)):
        network, tier, access = r.choice(tiers)
        name = f"s{k}" if r.random() < 0.7 else f"service-number-{k}-has-a-name"
        ports: Plan = {}
        for q in range(r.randint(1, 4)):
            number = 1000 + k * 10 + q
            ports[f"p{q}"] = f"{number}/{r.choice(['tcp', 'tcp', 'udp'])}" if r.random() < 0.6 else {"port": f"{number}/tcp", "tls": "ssh"}
        service: Plan = {"subnet": f"{network}/{tier}", "ports": ports, "replicas": r.choice([1, 1, 1, 2, 3])}
        kind = r.random()
        if kind < 0.15 and access == "public":
            service["kind"] = "load-balancer"
            public.append(name)
        elif kind < 0.7:
            service["namespace"] = r.choice(["one", "two", "a-third-namespace"])
        elif access == "public":
            service["public"] = True
            public.append(name)
        services[name], where[name] = service, (network, access)
    return services, where, public


def _flows(
    r: random.Random, services: Plan, where: dict[str, tuple[str, str]], linked: set[tuple[str, str]], public: list[str]
) -> list[Plan]:
    flows = []
    names = list(services)
    for _ in range(r.randint(0, 60) if names else 0):
        a, b = r.choice(names), r.choice(names)
        if where[a][0] == where[b][0] or (where[a][0], where[b][0]) in linked:
            flows.append({"from": a, "to": b, "port": r.choice(list(services[b]["ports"]))})
    met = [name for name in public if r.random() < 0.7]
    return flows + [{"from": r.choice(["internet", "office", "partners"]), "to": n, "ports": list(services[n]["ports"])} for n in met]


def _egress(r: random.Random, where: dict[str, tuple[str, str]], public: list[str]) -> Plan:
    sources = [s for s, (_, access) in where.items() if access == "private" or (access == "public" and s in public)]
    rows: Plan = {}
    for i in range(r.randint(0, 6) if sources else 0):
        hosts = [f"h{i}{j}.example.org" for j in range(r.randint(1, 6))]
        port = r.choice(["443/tcp", "123/udp", "80/tcp"])
        rows[f"row{i}"] = {"from": r.sample(sources, min(len(sources), r.randint(1, 4))), "to": hosts, "port": port}
    return rows
