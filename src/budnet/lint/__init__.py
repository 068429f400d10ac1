"""TOPOLOGY -> FINDINGS: what is wrong with what a file describes. One module a chapter; RULES is all there are.

rule.py      what a finding is made of
design.py    what the rules look at
accepted.py  findings that the author keeps, each with a reason

A finding may bring a repair, which takes effect unless the file is taken literally: then the fault happens.
"""

from __future__ import annotations

from budnet.lint import accepted, addressing, certificates, dns, egress, mesh, structure, tls
from budnet.lint.design import Design
from budnet.lint.rule import Hit, Rule
from budnet.model.topology import Topology
from budnet.source.diagnostic import Diagnostic, Finding
from budnet.source.document import Document

RULES: tuple[Rule, ...] = (
    tls.static_rsa, tls.wrong_key, tls.open_suites, tls.go_server, tls.managed_balancer, tls.dapr_minimum, tls.unverified,
    tls.clear_store, tls.clear_entrance, tls.clear_link,
    certificates.wildcard_challenge, certificates.uncovered, certificates.too_long, certificates.public_for_cluster,
    certificates.private_for_public, certificates.unownable, certificates.long_identity,
    dns.nameless, dns.other_cluster,
    egress.ntp_by_tcp, egress.quic, egress.for_nodes, egress.half_of_hub, egress.isolated, egress.everywhere, egress.no_directory,
    addressing.service_range, addressing.same_range, addressing.one_zone, addressing.refused_range,
    mesh.loopback_ports, mesh.no_sentry, mesh.past_the_sidecar, mesh.no_row,
    structure.open_management, structure.no_guarantee, structure.idle, structure.empty_subnet, structure.one_tunnel,
)  # fmt: skip
"""In the order in which their repairs are made: `isolated` takes sources out of a row, `everywhere` closes it for all."""

CODES = {each.code: each for each in RULES}


def lint(document: Document, topology: Topology) -> tuple[list[Finding], Topology, list[Diagnostic]]:
    """Findings, the topology that takes effect, and what is wrong with `accept` itself.

    What is accepted is kept as written. A repair changes the topology and never the document, so that whatever is said
    later still points at the line that the author wrote.
    """
    design = Design(document, topology)
    found: list[Finding] = []
    effective = topology
    used: set[int] = set()
    for each in RULES:
        for hit in each.hits(design):
            row = accepted.row_for(topology, each, hit)
            if row is not None:
                used.add(row)
            elif hit.repair is not None:
                effective = hit.repair(effective)
            found.append(_finding(document, each, hit, "" if row is None else topology.accept[row].because))
    return found, effective, accepted.problems(document, topology, CODES, used)


def _finding(document: Document, by: Rule, hit: Hit, because: str) -> Finding:
    span = document.nearest(hit.path, hit.key)
    if span.line != span.end_line:  # a block says less than the word above it
        span = document.nearest(hit.path, key=True)
    return Finding(
        by.code, by.severity, hit.summary, span, hit.help or by.help, (), by.title, hit.subject, hit.written,
        "as written" if because else hit.effective, by.why, by.source, by.url, because,
    )  # fmt: skip
