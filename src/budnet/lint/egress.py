"""What leaves: to whom, by which protocol, and from where."""

from __future__ import annotations

from collections.abc import Iterator

from budnet.ir.address import Match, Protocol
from budnet.lint.design import Design
from budnet.lint.rule import ERROR, WARNING, Hit, few, of_row, rule
from budnet.model.flow import Target

_OF_NODES = {"catalog/container-registries": "images are pulled by the kubelet", "catalog/ntp": "the clock is the node's"}
_HUB = ("huggingface.co", "hf.co")


@rule(
    "D401", ERROR, "time by TCP",
    why="NTP is UDP. A row for 123/tcp lets no answer in, clocks drift, and identities that live for hours are refused by peers whose clock "
    "is 15 minutes away.",
    source="RFC 5905, section 7.2", url="https://www.rfc-editor.org/rfc/rfc5905#section-7.2",
    help="write `port: 123/udp`",
)  # fmt: skip
def ntp_by_tcp(design: Design) -> Iterator[Hit]:
    """An egress row opens 123/tcp."""
    for name, row in design.topology.egress.items():
        if row.port.protocol is Protocol.TCP and row.port.ports.first <= 123 <= row.port.ports.last:
            yield _other_port(name, row.port, Protocol.UDP, f"row '{name}' opens 123/tcp, and time comes by 123/udp")


@rule(
    "D402", WARNING, "a way out that no filter by name sees",
    why="UDP/443 is QUIC: its names are encrypted and filters by SNI do not read them, so the row lets out to whatever shares the address.",
    source="RFC 9001, section 5.2; RFC 9312, section 3.1", url="https://www.rfc-editor.org/rfc/rfc9312#section-3.1",
    help="write `port: 443/tcp`: clients fall back to it",
)  # fmt: skip
def quic(design: Design) -> Iterator[Hit]:
    """An egress row opens 443/udp."""
    for name, row in design.topology.egress.items():
        if row.port.protocol is Protocol.UDP and row.port.ports.first <= 443 <= row.port.ports.last:
            yield _other_port(name, row.port, Protocol.TCP, f"row '{name}' opens QUIC, which no filter by name can read")


def _other_port(name: str, written: Match, protocol: Protocol, summary: str) -> Hit:
    other = Match(protocol, written.ports)
    return of_row("egress", name, "port", summary, str(written), str(other), port=other)


@rule(
    "D403", WARNING, "the node's work, allowed to pods",
    why="Images are pulled and clocks are set by the node. A rule for pods opens what they do not need, and leaves closed what the node does: "
    "NetworkPolicies do not apply to it.",
    source="Kubernetes, Images; Network Policies (what you cannot do: node's own traffic)",
    url="https://kubernetes.io/docs/concepts/services-networking/network-policies/",
    help="write the hosts that pull or ask in `from`",
)  # fmt: skip
def for_nodes(design: Design) -> Iterator[Hit]:
    """An egress row to container registries or NTP has only pods in `from`."""
    for name, row in design.topology.egress.items():
        sources = design.services(row.from_)
        reason = next((_OF_NODES[t.name] for t in row.to if t.name in _OF_NODES), None)
        if reason and sources and all(map(design.is_pod, sources)):
            yield of_row("egress", name, "from", f"row '{name}' is for pods only, and {reason}", ", ".join(row.from_))


@rule(
    "D404", ERROR, "a way out to everywhere",
    why="A port that is open to the whole internet is a way out for anything: data leaves by it, and what is in the row's name is not what "
    "the rule says.",
    source="NIST SP 800-41, section 4.1; AWS, Security group rules", url="https://csrc.nist.gov/pubs/sp/800/41/r1/final",
    help="name the hosts: `catalog/GROUP`, host names, or a set of `addresses`",
)  # fmt: skip
def everywhere(design: Design) -> Iterator[Hit]:
    """An egress row goes to `internet`."""
    for name, row in design.topology.egress.items():
        if any(t.name == "internet" for t in row.to) and row.from_:
            rest = [target for target in row.to if target.name != "internet"]
            effective = f"to {', '.join(t.name for t in rest)}" if rest else "closed: the row opens nothing until it names hosts"
            summary = f"row '{name}' names nobody: {row.port} is open to the whole internet"
            yield of_row("egress", name, "to", summary, "to: internet", effective, **({"to": rest} if rest else {"from_": []}))


@rule(
    "D405", WARNING, "half of HuggingFace",
    why="huggingface.co answers with redirects to hosts of its CDN and of Xet, under hf.co. With the hub alone, metadata arrives and "
    "downloads end in time-outs.",
    source="huggingface.co/.well-known/meta.json; huggingface/hub-docs pull request 2628",
    url="https://github.com/huggingface/hub-docs/pull/2628",
    help="write `to: catalog/huggingface`",
)  # fmt: skip
def half_of_hub(design: Design) -> Iterator[Hit]:
    """An egress row names huggingface.co or hf.co, and not the catalogue's group."""
    for name, row in design.topology.egress.items():
        lone = [t.name for t in row.to if t.name in _HUB]
        if lone and not any(t.name == "catalog/huggingface" or (t.name == "hf.co" and t.depth > 1) for t in row.to):
            rest = [target for target in row.to if target.name not in _HUB]
            summary = f"downloads from {lone[0]} are redirected to hosts that row '{name}' does not name"
            group = Target(name="catalog/huggingface")
            yield of_row("egress", name, "to", summary, ", ".join(lone), group.name, to=[*rest, group])


@rule(
    "D406", ERROR, "a way out for what has none",
    why="An isolated subnet has no default route: whatever the row allows, no packet leaves.",
    source="AWS, Subnet types (isolated subnet)", url="https://docs.aws.amazon.com/vpc/latest/userguide/configure-subnets.html#subnet-types",
    help="take the service out of the row, or make its subnet private",
)  # fmt: skip
def isolated(design: Design) -> Iterator[Hit]:
    """An egress row is for a service in an isolated subnet."""
    for name, row in design.topology.egress.items():
        stuck = [s for s in design.services(row.from_) if _is_isolated(design, s)]
        if stuck:
            rest = [s for s in design.services(row.from_) if s not in stuck]
            summary = f"{few(stuck)} in an isolated subnet cannot leave as row '{name}' says"
            yield of_row("egress", name, "from", summary, ", ".join(row.from_), f"without {few(stuck)}", from_=rest)


def _is_isolated(design: Design, service: str) -> bool:
    tiers = [design.subnet(tier) for tier in design.tiers_of(service)]
    return any(tier is not None and tier.access == "isolated" for tier in tiers)


@rule(
    "D407", WARNING, "certificates by ACME, and no way to the directory",
    why="The issuer's client has to reach the directory every few weeks. Where it cannot, everything works until the certificate expires.",
    source="RFC 8555, section 7.1; Let's Encrypt, directory acme-v02.api.letsencrypt.org", url="https://letsencrypt.org/docs/client-options/",
    help="add a row `acme: {from: cert-manager, to: catalog/acme, port: 443/tcp}`",
)  # fmt: skip
def no_directory(design: Design) -> Iterator[Hit]:
    """A certificate is by Let's Encrypt, and no egress row names the catalogue's ACME group or a host of letsencrypt.org."""
    targets = [target.name for row in design.topology.egress.values() for target in row.to]
    if any(target == "catalog/acme" or target.endswith("letsencrypt.org") for target in targets):
        return
    for name, row in design.topology.certificates.items():
        if row.issuer == "lets-encrypt":
            summary = f"nobody can renew certificate '{name}': no egress row leads to its issuer"
            yield of_row("certificates", name, "issuer", summary, row.issuer)
