"""The mesh: the ports that sidecars really use, and what goes past them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from budnet.lint.design import Design
from budnet.lint.rule import ERROR, WARNING, Hit, changed, few, rule
from budnet.model.flow import Flow
from budnet.model.topology import Topology

_API_PORTS = ("3500/tcp", "50001/tcp")
_SOURCE = "Dapr, Arguments and annotations (dapr-internal-grpc-port, dapr-listen-addresses)"
_URL = "https://docs.dapr.io/reference/arguments-annotations-overview/"


@rule(
    "D601", ERROR, "ports of a sidecar that only its own pod can reach",
    why="A sidecar's API, 3500 and 50001, listens on loopback for its own app. Sidecars call each other on 50002, with mTLS. A policy that "
    "opens the former and not the latter breaks every call.",
    source=_SOURCE, url=_URL,
    help="write `via: mesh` in place of the ports",
)  # fmt: skip
def loopback_ports(design: Design) -> Iterator[Hit]:
    """A flow names 3500/tcp or 50001/tcp, and its targets have sidecars."""
    for i, flow in enumerate(design.topology.flows):
        wrong = [port for port in flow.all_ports if port in _API_PORTS]
        ends = design.services([*flow.from_, *flow.to])
        if wrong and ends and all(map(design.has_sidecar, design.services(flow.to))):
            key = "port" if flow.port else "ports"
            works = all(map(design.has_sidecar, ends)) and not {"internet", *design.topology.addresses} & set(flow.from_)
            yield Hit(("flows", i, key), ", ".join(flow.to), f"{' and '.join(wrong)} of {few(flow.to)} listen on loopback only",
                      ", ".join(wrong), "via: mesh, which is 50002/tcp" if works else "as written: not everybody here has a sidecar",
                      partial(_via_mesh, i=i) if works else None)  # fmt: skip


def _via_mesh(topology: Topology, i: int) -> Topology:
    flow = topology.flows[i]
    rest = [port for port in flow.all_ports if port not in _API_PORTS]
    by_mesh: Flow = flow.model_copy(update={"port": None, "ports": None, "via": "mesh"})
    if not rest:
        return topology.model_copy(update={"flows": [by_mesh if at == i else f for at, f in enumerate(topology.flows)]})
    kept = changed(topology, path=("flows", i), port=None, ports=rest)
    return kept.model_copy(update={"flows": [*kept.flows, by_mesh]})  # type: ignore[no-any-return]


@rule(
    "D602", WARNING, "sidecars without somebody who signs their identities",
    why="A sidecar asks Sentry for its certificate when it starts and every day after. Without a way there it does not start, and where the "
    "injector is missing, too, pods run without a sidecar: without mTLS, silently.",
    source="Dapr, Security concept (Sentry); dapr/dapr issue 4996", url="https://docs.dapr.io/concepts/security-concept/",
    help="add the service `dapr-sentry`, and a flow `{from: mesh/dapr, to: dapr-sentry, port: ...}`",
)  # fmt: skip
def no_sentry(design: Design) -> Iterator[Hit]:
    """There are services with sidecars, and no flow leads from one of them to a service with `sentry` in its name."""
    signed = {e.source for e in design.edges if "sentry" in e.target}
    without = [s for s in design.mesh if s not in signed]
    if without:
        yield Hit(("services", without[0], "mesh"), ", ".join(without), f"no flow leads to a Sentry from the sidecar of {few(without)}", "mesh: dapr", "as written: identities come from outside of what is modelled")  # fmt: skip


@rule(
    "D603", WARNING, "past the sidecar",
    why="The caller and the callee have sidecars, and the flow goes to the app's own port: in clear, without identity, and past the access "
    "control that the mesh has for the same call.",
    source="Dapr, Service invocation overview", url="https://docs.dapr.io/developing-applications/building-blocks/service-invocation/service-invocation-overview/",
    help="write `via: mesh`; the app's port can then listen on loopback",
)  # fmt: skip
def past_the_sidecar(design: Design) -> Iterator[Hit]:
    """A flow between two services with sidecars ends at a port in clear, other than the sidecar's own."""
    seen: set[tuple[int, str]] = set()
    for edge in design.edges:
        both = design.has_sidecar(edge.source) and design.has_sidecar(edge.target) and edge.source != edge.target
        if both and edge.transport == "plaintext" and edge.port not in _API_PORTS and (edge.flow, edge.target) not in seen:
            seen.add((edge.flow, edge.target))
            yield Hit(
                ("flows", edge.flow), edge.target, f"'{edge.source}' calls '{edge.target}' on {edge.port}, past both sidecars", edge.port
            )


@rule(
    "D604", WARNING, "sidecars without a row for their certificates",
    why="Who signs the mesh's identities decides who can call whom. Without a row nothing says who that is, and nothing watches when it expires.",
    source="Dapr, Setup & configure mTLS certificates", url="https://docs.dapr.io/operations/security/mtls/",
    help="add `mesh: {issuer: dapr-sentry, for: mesh/dapr}` to `certificates`",
)  # fmt: skip
def no_row(design: Design) -> Iterator[Hit]:
    """A service has a sidecar, and no certificate row by Dapr's Sentry is for it."""
    rows = [row for row in design.topology.certificates.values() if row.issuer == "dapr-sentry"]
    named = {s for row in rows for s in design.services(row.for_)}
    without = [s for s in design.mesh if s not in named]
    if without:
        yield Hit(("services", without[0], "mesh"), ", ".join(without), f"no row of `certificates` says who signs the identity of {few(without)}", "mesh: dapr", "dapr-sentry, with its defaults")  # fmt: skip
