"""TLS profiles, and what is spoken without TLS."""

from __future__ import annotations

import re
from collections.abc import Iterator

from budnet.lint.design import Design
from budnet.lint.rule import ERROR, NOTE, WARNING, Hit, few, rule, setting

_STATIC_RSA = re.compile(r"(AES|CAMELLIA|ARIA)(128|256)-|DES-CBC3-|NULL-|RC4-|TLS_RSA_WITH_")
_STORES = {
    5432: "PostgreSQL", 3306: "MySQL", 6379: "Redis", 27017: "MongoDB", 9092: "Kafka", 8123: "ClickHouse", 9000: "ClickHouse or MinIO",
    9200: "Elasticsearch", 2379: "etcd", 11211: "memcached", 1433: "SQL Server",
}  # fmt: skip
"""Ports that data stores have by default, from their documentation."""
_GO_SERVERS = ("registry", "prometheus")


def no_forward_secrecy(suite: str) -> bool:
    """Whether a suite, by its OpenSSL or IANA name, sends the session's secret under the server's RSA key."""
    return _STATIC_RSA.match(suite) is not None


def with_forward_secrecy(suite: str) -> str:
    """The suite of the same cipher with an ephemeral key exchange, signed by an RSA key."""
    bits = "128" if "128" in suite else "256"
    return f"ECDHE-RSA-AES{bits}-GCM-SHA{'256' if bits == '128' else '384'}"


@rule(
    "D101", ERROR, "a suite without forward secrecy",
    why="The client sends the session's secret under the server's RSA key: who gets that key reads all recorded traffic. Go since 1.22, "
    "CPython's default context and rustls do not offer such suites, so with TLS 1.2 their clients fail while psql goes on working.",
    source="RFC 9325, section 4.1", url="https://www.rfc-editor.org/rfc/rfc9325#section-4.1",
    help="put ECDHE-RSA- (or ECDHE-ECDSA- for an EC key) before the suite",
)  # fmt: skip
def static_rsa(design: Design) -> Iterator[Hit]:
    """A profile's `ciphers` has a suite whose key exchange is RSA."""
    for name, profile in design.topology.tls.items():
        bad = [(i, suite) for i, suite in enumerate(profile.ciphers) if no_forward_secrecy(suite)]
        good = list(dict.fromkeys(with_forward_secrecy(s) if no_forward_secrecy(s) else s for s in profile.ciphers))
        for i, suite in bad:
            yield Hit(
                ("tls", name, "ciphers", i), name, f"profile '{name}' offers {suite}, whose key exchange is RSA",
                suite, with_forward_secrecy(suite), setting("tls", name, ciphers=good),
            )  # fmt: skip


@rule(
    "D102", ERROR, "suites that the certificate's key cannot sign",
    why="A TLS 1.2 suite names the signature: ECDHE-RSA needs an RSA key, ECDHE-ECDSA an EC one. With the other key every TLS 1.2 client "
    "gets a handshake failure; TLS 1.3 hides it, because its suites name no signature. ACME clients make EC keys by default.",
    source="RFC 5246, section 7.4.2; RFC 8422, section 2", url="https://www.rfc-editor.org/rfc/rfc8422#section-2",
    help="write the key that the suites need, or add the suites of this key",
)  # fmt: skip
def wrong_key(design: Design) -> Iterator[Hit]:
    """A service's TLS profile lists suites for one kind of key only, and its certificate (or the profile) has another kind."""
    seen = set()
    for service in design.topology.services:
        for profile_name, profile in design.profiles_of(service).items():
            kinds = {kind for suite in profile.ciphers for kind in ("RSA", "ECDSA") if f"-{kind}-" in suite or f"_{kind}_" in suite}
            kinds |= {"RSA" for suite in profile.ciphers if no_forward_secrecy(suite)}
            rows = [(("certificates", name), row.key) for name, row in design.certificates_of(service).items() if row.key]
            if profile.key and not rows:
                rows = [(("tls", profile_name), profile.key)]
            for path, key in rows:
                if profile.minimum == "1.3" or not kinds or path in seen or _signs(key) in kinds:
                    continue
                seen.add(path)
                right = "rsa-2048" if "RSA" in kinds else "ec-p256"
                yield Hit(
                    (*path, "key"), path[1], f"'{service}' has an {key} key, and profile '{profile_name}' only suites signed by {kinds.pop()}",
                    key, right, setting(*path, key=right),
                )  # fmt: skip


def _signs(key: str) -> str:
    return "RSA" if key.startswith("rsa") else "ECDSA"


@rule(
    "D103", NOTE, "suites of TLS 1.3 are left open",
    why="`ciphers` is about TLS 1.2 and below. TLS 1.3 has other suites with other names and another setting: a server whose list for 1.2 "
    "has one suite still accepts all of 1.3's.",
    source="RFC 8446, section B.4; OpenSSL, SSL_CTX_set_ciphersuites",
    url="https://docs.openssl.org/master/man3/SSL_CTX_set_cipher_list/",
    help="add `ciphersuites: [TLS_AES_256_GCM_SHA384]`, or all that you mean",
)  # fmt: skip
def open_suites(design: Design) -> Iterator[Hit]:
    """A profile restricts TLS 1.2 by `ciphers`, says nothing in `ciphersuites`, and a service uses it."""
    for name, profile in design.topology.tls.items():
        if profile.ciphers and not profile.ciphersuites and not profile.managed_by and design.users_of(name):
            summary = (
                f"profile '{name}' has {len(profile.ciphers)} suite{'s' * (len(profile.ciphers) > 1)} for TLS 1.2, and any for TLS 1.3"
            )
            yield Hit(("tls", name, "ciphers"), name, summary, "nothing for TLS 1.3", "all suites of TLS 1.3 that the server has")


@rule(
    "D104", WARNING, "suites that a server written in Go does not take from you",
    why="Go's TLS 1.3 suites are fixed, and its HTTP/2 server does not start with a TLS 1.2 list that lacks "
    "ECDHE-RSA-AES128-GCM-SHA256 (or the ECDSA one), which HTTP/2 makes mandatory.",
    source="RFC 9113, section 9.2.2; Go, net/http2 ConfigureServer", url="https://www.rfc-editor.org/rfc/rfc9113#section-9.2.2",
    help="add ECDHE-RSA-AES128-GCM-SHA256 to the profile, or put a proxy in front that takes the list",
)  # fmt: skip
def go_server(design: Design) -> Iterator[Hit]:
    """A server written in Go has a TLS 1.2 list without a suite with AES-128-GCM."""
    for name, service in design.topology.services.items():
        for profile_name, profile in design.profiles_of(name).items():
            if service.software in _GO_SERVERS and profile.ciphers and not any("AES128-GCM" in suite for suite in profile.ciphers):
                summary = f"'{name}' is {service.software}, written in Go, and profile '{profile_name}' has no suite with AES-128-GCM"
                yield Hit(("services", name, "software"), name, summary, ", ".join(profile.ciphers), "HTTP/1.1 only, or no start at all")


@rule(
    "D105", WARNING, "suites that a cloud's load balancer does not take from you",
    why="An AWS Application Load Balancer takes one of AWS's own security policies and no list; where none is named, infrastructure as code "
    "gets ELBSecurityPolicy-2016-08, with TLS 1.0.",
    source="AWS, Security policies for your Application Load Balancer",
    url="https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html",
    help="run a proxy of your own behind a network load balancer (`software: haproxy`), or leave `ciphers` out",
)  # fmt: skip
def managed_balancer(design: Design) -> Iterator[Hit]:
    """A load balancer in a network that is written as AWS's has a list of suites, and no proxy of the user's runs there."""
    for name, service in design.topology.services.items():
        here = [n for n in design.networks_of(name) if design.is_written("networks", n, "cloud", "provider")]
        if (
            service.kind != "load-balancer"
            or service.software
            or not any(design.topology.networks[n].cloud.provider == "aws" for n in here)
        ):
            continue
        for profile_name, profile in design.profiles_of(name).items():
            if profile.ciphers:
                yield Hit(("services", name, "kind"), name, f"AWS's load balancer does not take the suites of profile '{profile_name}' for '{name}'",
                          ", ".join(profile.ciphers), "the nearest policy, ELBSecurityPolicy-TLS13-1-2-Res-2021-06, which has more suites")  # fmt: skip


@rule(
    "D106", NOTE, "a minimum of TLS 1.3 that Dapr does not enforce",
    why="Two sidecars agree on TLS 1.3, because both are Go programs. But daprd sets a minimum of 1.2 and has no setting for it: a client "
    "with a valid identity that offers only TLS 1.2 is let in.",
    source="dapr/dapr issue 6031; spiffe/go-spiffe, spiffetls/tlsconfig", url="https://github.com/dapr/dapr/issues/6031",
    help="write `minimum: \"1.2\"`, or accept it: what Dapr's own sidecars agree on is 1.3",
)  # fmt: skip
def dapr_minimum(design: Design) -> Iterator[Hit]:
    """A profile that Dapr manages has a minimum of 1.3."""
    for name, profile in design.topology.tls.items():
        if profile.managed_by == "dapr" and profile.minimum == "1.3":
            yield Hit(
                ("tls", name, "minimum"),
                name,
                f"profile '{name}' wants TLS 1.3, and Dapr accepts 1.2",
                "1.3",
                "1.3 between sidecars; 1.2 is not refused by daprd",
            )


@rule(
    "D107", ERROR, "a client that takes any certificate",
    why="Encryption without verification protects from nobody on the way: whoever can answer in the server's place is believed, and gets "
    "the credentials that the client sends.",
    source="RFC 9325, section 6.1; CWE-295", url="https://cwe.mitre.org/data/definitions/295.html",
    help="remove `verify: false`, and give the client the issuer's certificate",
)  # fmt: skip
def unverified(design: Design) -> Iterator[Hit]:
    """A flow has `verify: false`."""
    for i, flow in enumerate(design.topology.flows):
        if not flow.verify:
            yield Hit(("flows", i, "verify"), ", ".join(flow.from_), f"{few(flow.from_)} would believe anybody in the place of {few(flow.to)}",
                      "verify: false", "certificates are verified", setting("flows", i, verify=True))  # fmt: skip


@rule(
    "D108", WARNING, "a data store spoken to in clear",
    why="Passwords and data cross subnets, and so machines and zones, as they are. The store's own log in (SCRAM, SASL/PLAIN, AUTH) does "
    "not help: on the wire it can be read or taken over.",
    source="NIST SP 800-207, section 2.1, tenet 2", url="https://csrc.nist.gov/pubs/sp/800/207/final",
    help="give the port a TLS profile, or name the service in `waive` of an `encrypted` guarantee, which says why",
)  # fmt: skip
def clear_store(design: Design) -> Iterator[Hit]:
    """A flow crosses subnets to a store's usual port in clear, and no `encrypted` guarantee waives the store."""
    found: dict[str, dict[str, str]] = {}
    for edge in design.edges:
        port = edge.match.ports.first if edge.match else 0
        clear = edge.transport == "plaintext" and port in _STORES and design.crosses(edge) and not design.waived(edge.target)
        if clear and not design.is_balancer(edge.source):
            found.setdefault(edge.target, {}).setdefault(f"{edge.match} ({_STORES[port]})", edge.source)
    for name, ports in found.items():
        yield Hit(("services", name), name, f"'{next(iter(ports.values()))}' in another subnet speaks to '{name}' in clear",
                  f"{', '.join(ports)} without TLS", key=True)  # fmt: skip


@rule(
    "D109", ERROR, "a load balancer that the internet reaches only in clear",
    why="There is no port with TLS to be redirected to: session cookies, tokens and API keys cross the internet readable.",
    source="RFC 6797, section 2.3; bud-runtime, value `ingress.https` with its default `disabled`",
    url="https://www.rfc-editor.org/rfc/rfc6797#section-2.3",
    help="add a port with a TLS profile; the one in clear then only redirects",
)  # fmt: skip
def clear_entrance(design: Design) -> Iterator[Hit]:
    """A flow from the internet enters a load balancer in clear, and it has no port with TLS."""
    seen: set[str] = set()
    for edge in design.edges:
        service = design.topology.services[edge.target]
        if edge.source != "internet" or service.kind != "load-balancer" or edge.target in seen or edge.transport != "plaintext":
            continue
        if all(design.transport(edge.target, port) == "plaintext" for port in service.ports):
            seen.add(edge.target)
            yield Hit(("services", edge.target), edge.target, f"'{edge.target}' is open to the internet, and has no port with TLS",
                      f"{edge.match} without TLS", key=True)  # fmt: skip


@rule(
    "D110", WARNING, "clear text across a link",
    why="Peering and private endpoints carry packets as they are, through machines of the provider and often between regions. Addresses "
    "that are private are not a secret.",
    source="NIST SP 800-207, section 2.1, tenet 2", url="https://csrc.nist.gov/pubs/sp/800/207/final",
    help="speak TLS to a load balancer there, join the networks by VPN, or waive it in an `encrypted` guarantee, which says why",
)  # fmt: skip
def clear_link(design: Design) -> Iterator[Hit]:
    """A flow between networks is in clear, no VPN carries it, and no `encrypted` guarantee waives its target."""
    tunnels = [set(link.between) for link in design.topology.links.values() if link.method in ("vpn", "public")]
    by_flow: dict[int, dict[str, str]] = {}
    for edge in design.edges:
        near, far = design.networks_of(edge.source), design.networks_of(edge.target)
        clear = edge.transport == "plaintext" and near and far and not near & far and not design.waived(edge.target)
        if clear and not any(near | far <= ends for ends in tunnels):
            by_flow.setdefault(edge.flow, {}).setdefault(edge.target, edge.source)
    for flow, targets in by_flow.items():
        summary = f"'{next(iter(targets.values()))}' speaks to {few(targets)} in another network in clear"
        yield Hit(("flows", flow), ", ".join(targets), summary, f"{', '.join(design.topology.flows[flow].all_ports)} without TLS")
