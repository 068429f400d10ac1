"""budnet show"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from budnet.catalog.backends import BACKENDS, render
from budnet.cli import certificates, shown_names
from budnet.cli.output import forms, markdown, name_option, print_json, table, taking_options
from budnet.cli.source import network, source_option
from budnet.errors import WrongQuestion
from budnet.ir.filters import ANY_DEPTH, HostName
from budnet.ir.links import Link
from budnet.ir.network import Network, to_json

Rows = list[tuple[str, ...]]
TOPICS = ("networks", "services", "flows", "names", "certificates", "egress")


def _complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from budnet.cli import shown_cluster

    topics = shown_cluster.TOPICS if context.params.get("source") else TOPICS
    return [*(CompletionItem(t) for t in topics if t.startswith(incomplete)), CompletionItem(incomplete, type="file")]


@click.command()
@click.argument("arguments", nargs=-1, metavar="[FILE] [TOPIC]", shell_complete=_complete)
@source_option
@name_option
@forms()
@click.option("--derived", is_flag=True, help="With `flows`: the security groups, ACLs and policies that were derived from them, as JSON.")
@taking_options
@click.option("--for", "backend", type=click.Choice([*BACKENDS]), help="With `egress`: how a product writes each name, and what is lost.")
def command(arguments: Sequence[str], source: str | None, name: str, form: str, derived: bool, backend: str | None) -> None:
    """Tables of what FILE means. TOPIC is networks, services, flows, names, certificates or egress; without one, all of them.

    `certificates` says what is planned, and where a twin of FILE is up also what its servers present: dates, serials, issuers.
    Of a network that runs already (--from) TOPIC is namespaces, workloads, policies or entries. CSV has one TOPIC.

    \b
    Examples:
      budnet show services
      budnet show network.yaml flows --format json
      budnet up && budnet show certificates
      budnet show egress --for aws-network-firewall
      budnet show --from kubernetes:manifests
      budnet show policies --from kubernetes:manifests --format csv
    """
    if source:
        _observed(arguments, source, form)
        return
    topics = [a for a in arguments if a in TOPICS and not Path(a).exists()] or list(TOPICS)
    files = [a for a in arguments if a not in topics]
    if len(files) > 1:
        raise click.UsageError(f"'{files[1]}' is no topic: choose from {', '.join(TOPICS)}")
    file = files[0] if files else None
    found = network(file, None)
    if derived:
        parts = ("security_groups", "acls", "policies", "access_controls", "route_tables", "egress_filters", "dns_filters", "sni_filters")
        print_json("show", {part: to_json(getattr(found, part)) for part in parts})
        return
    tables = {topic: _TABLES[topic](found) for topic in topics}
    if "certificates" in topics and (now := certificates.now(found, file, name)) is not None:
        tables["presented"] = (certificates.PRESENTED, now)
    if "egress" in topics:
        tables["egress_names"] = _sources(found, backend)
    if form == "text" and "names" in tables:
        _print({topic: made for topic, made in tables.items() if topic != "names"}, form)
        for title, named in shown_names.parts(found):
            table(shown_names.COLUMNS, named, title=title)
        return
    _print(tables, form)


def _observed(arguments: Sequence[str], source: str, form: str) -> None:
    from budnet.cli import shown_cluster

    topics = [a for a in arguments if a in shown_cluster.TOPICS]
    files = [a for a in arguments if a not in topics]
    if files:
        raise click.UsageError(f"'{files[0]}' is no topic of a cluster: choose from {', '.join(shown_cluster.TOPICS)}")
    _print(shown_cluster.tables(network(None, source), topics or [*shown_cluster.TOPICS]), form)


def _print(tables: dict[str, tuple[list[str], Rows]], form: str) -> None:
    if form == "json":
        print_json("show", {topic: [dict(zip(columns, row, strict=True)) for row in rows] for topic, (columns, rows) in tables.items()})
        return
    if form == "csv" and len(tables) > 1:
        raise WrongQuestion(f"CSV is one table: name a topic, {', '.join(tables)}")
    for topic, (columns, rows) in tables.items():
        if form == "csv":
            csv.writer(sys.stdout, lineterminator="\n").writerows([columns, *rows])
        elif form == "markdown":
            click.echo(f"\n**{topic}** ({len(rows)})\n")
            markdown(columns, rows)
        else:
            table(columns, rows, title=f"{topic} ({len(rows)})")


def _networks(n: Network) -> tuple[list[str], Rows]:
    rows: Rows = [(v.id, "", " ".join(map(str, v.prefixes)), f"{v.cloud.provider} {v.cloud.region}".strip(), "") for v in n.vpcs]
    for s in n.subnets:
        table_ = n.route_table[s.route_table]
        routes = ", ".join(f"{r.destination} {r.via or r.target.value}" for r in table_.routes)
        rows.append((s.vpc, s.id, " ".join(map(str, s.prefixes)), s.access, routes))
    rows += [(x.between[0], x.id, "", f"{x.method} with {x.between[1]}", _way(n, x)) for x in n.links]
    rows += [(n.endpoint[v.id].vpc, v.id, str(v.pool), f"client VPN for {v.clients}", " ".join(map(str, v.routes))) for v in n.client_vpns]
    return ["network", "subnet", "range", "access", "routes"], sorted(rows, key=lambda r: (r[0], r[1]))


def _way(n: Network, link: Link) -> str:
    """What stands at the ends of a link."""
    if link.method == "vpn":
        connection = n.vpn[link.id]
        ends = ", ".join(" to ".join(f"{g.id} ({g.public})" for g in t.gateways) for t in connection.tunnels)
        return " ".join(x for x in (connection.protocol, connection.proposal, "from", ends) if x)
    fronts = [f for f in n.fronts if f.link == link.id]
    return ", ".join(f"{f.name} at {f.near}{f' ({f.auth})' * bool(f.auth)}{' pending' * (not f.accepted)}" for f in fronts)


def _services(n: Network) -> tuple[list[str], Rows]:
    rows: Rows = []
    for e in n.inside:
        ports = ", ".join(
            f"{x.name} {x.port}/{x.protocol.name.lower()} {x.transport}{' loopback' if x.loopback else ''}" for x in e.listeners
        )
        identity = n.identity[e.id].uri if e.id in n.identity else ""
        rows.append((e.id, e.kind.value, e.namespace, " ".join(map(str, (*e.addresses, *e.public))), ports, e.software, identity))
    return ["endpoint", "kind", "namespace", "addresses", "listens", "software", "identity"], rows


def _flows(n: Network) -> tuple[list[str], Rows]:
    rows: Rows = []
    for f in n.flows:
        caller = next((n.identity[e].uri for e in f.sources.endpoints if e in n.identity), "") if f.via == "mesh" else ""
        rows.append(
            (f.sources.name, f.destinations.name, str(f.match), f.transport, caller, str(f.origin) if f.origin.line else f.origin.file)
        )
    return ["from", "to", "port", "transport", "as", "line"], rows


def _names(n: Network) -> tuple[list[str], Rows]:
    """As JSON has them: every record."""
    return ["view", "name", "type", "answer", "ttl", "line"], [
        (r.view, r.name, r.kind, r.data, str(r.ttl), str(r.origin)) for r in n.records
    ]


def _certificates(n: Network) -> tuple[list[str], Rows]:
    return certificates.PLANNED, certificates.planned(n)


def _egress(n: Network) -> tuple[list[str], Rows]:
    """Who may leave; then every name with its source and how old that knowledge is."""
    rows: Rows = [
        (f.vpc, r.id, ", ".join(x.name for x in r.names) or ", ".join(map(str, r.prefixes)), str(r.match), str(r.origin))
        for f in n.egress_filters
        for r in f.rules
    ]
    rows += [
        ("", r.name, f"{r.instead} in place of {r.to}" if r.instead else r.to, r.why, str(r.origin))
        for r in (n.airgap.rows if n.airgap else ())
    ]
    return ["network", "row", "to", "port", "line"], rows


def _sources(n: Network, backend: str | None) -> tuple[list[str], Rows]:
    """Every name outside, where it is written that it is needed, and how many days ago that was looked up; or how a product
    writes it, and what that lets through too much or too little."""
    names = dict.fromkeys(name for f in n.dns_filters for rule in f.rules for name in rule.names)
    if backend:
        written = {name: render(name, BACKENDS[backend]) for name in names}
        return ["name", "below", backend, "loss"], [(x.name, _below(x), " ".join(r.patterns), r.loss) for x, r in written.items()]
    today = date.today()
    return ["name", "below", "looked up", "days ago", "source"], [
        (x.name, _below(x), x.date, str((today - date.fromisoformat(x.date)).days) if x.date else "", x.source or "the file") for x in names
    ]


def _below(name: HostName) -> str:
    depth = {0: "", ANY_DEPTH: "any depth"}.get(name.depth, f"{name.depth} label")
    return depth if name.apex else f"{depth} only"


_TABLES: dict[str, Callable[[Network], tuple[list[str], Rows]]] = {
    "networks": _networks, "services": _services, "flows": _flows, "names": _names, "certificates": _certificates, "egress": _egress,
}  # fmt: skip
