"""TOPOLOGY -> NETWORK. One pass a file; PASSES is their order, and the whole program of this folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from budnet.ir.network import Network
from budnet.model.topology import Topology
from budnet.resolve.acls import acls
from budnet.resolve.airgap import airgap
from budnet.resolve.bundle import bundle
from budnet.resolve.client_vpns import client_vpns
from budnet.resolve.cluster_names import cluster_names
from budnet.resolve.draft import Draft
from budnet.resolve.egress import egress
from budnet.resolve.endpoints import endpoints, fixed
from budnet.resolve.fleets import fleets
from budnet.resolve.flows import built_in, flows
from budnet.resolve.fronts import fronts
from budnet.resolve.groups import security_groups
from budnet.resolve.guarantees import guarantees
from budnet.resolve.kubernetes import cluster_services
from budnet.resolve.links import links
from budnet.resolve.mesh_access import mesh_access
from budnet.resolve.names import names
from budnet.resolve.networks import networks
from budnet.resolve.outside import outside
from budnet.resolve.pins import Pins
from budnet.resolve.policies import policies
from budnet.resolve.quotas import quotas
from budnet.resolve.references import references
from budnet.resolve.routes import routes
from budnet.resolve.tls import tls
from budnet.resolve.trust import trust
from budnet.source.diagnostic import Diagnostic, has_errors
from budnet.source.document import Document

Pass = Callable[[Draft], None]

PASSES: tuple[Pass, ...] = (
    airgap,  # without a way out: every table as it is then
    fleets,  # networks with `count` become their members; ranges are chosen
    references,  # what every name means
    fixed,  # addresses that the file gives: first, so that nothing else takes them
    networks,  # VPCs, subnets, clusters, gateways
    links,  # peerings and tunnels, which flows between VPCs need
    quotas,  # whether the cloud allows so many
    outside,  # clients, hosts of egress rows
    endpoints,  # interfaces with addresses and listeners
    client_vpns,  # tunnels for people, whose gateways are endpoints
    cluster_services,  # ClusterIPs in front of pods
    flows,  # what may be opened, spelt out
    egress,  # what may leave; adds its flows
    fronts,  # endpoints and balancers on links that do not route; adds their flows
    built_in,  # the flows that every endpoint has
    routes,  # from here on everything is derived from flows
    security_groups,
    acls,
    policies,
    cluster_names,  # what the clusters give to every Service
    mesh_access,  # who may call whom, by identity
    names,
    tls,
    trust,
    guarantees,
    bundle,
)


def resolve(document: Document, topology: Topology, locked: Mapping[str, str]) -> tuple[Network | None, list[Diagnostic], dict[str, str]]:
    """The Network (None where there are errors), diagnostics, and the addresses that were handed out by name."""
    draft = Draft(topology, document, Pins(locked))
    for each in PASSES:
        if has_errors(draft.diagnostics) and each in _NEED_ALL:
            break
        if not has_errors(draft.diagnostics) or each not in _DERIVED:
            each(draft)
    if has_errors(draft.diagnostics):
        return None, draft.diagnostics, {}
    network = Network(
        topology.name, topology.domain, **{part: tuple(getattr(draft, part)) for part in _PARTS}, airgap=draft.airgap, bundle=draft.bundle
    )
    return network, draft.diagnostics, dict(draft.pins.given)


# After an error the passes behind it still find errors of their own, so that a file is mended in one go. Without all
# ranges or all endpoints they would find false ones: then the run ends here. Passes that only derive find none, and are left out.
_NEED_ALL: tuple[Pass, ...] = (references, cluster_services)
_DERIVED: tuple[Pass, ...] = (fronts, built_in, routes, security_groups, acls, policies)
_PARTS = (
    "vpcs", "subnets", "route_tables", "internet_gateways", "egress_only_gateways", "nat_gateways", "peerings",
    "security_groups", "acls", "policies", "egress_filters", "clusters", "endpoints", "services", "address_groups",
    "zones", "records", "certificates", "tls_profiles", "flows", "guarantees",
    "links", "vpns", "fronts", "client_vpns",
    "dns_filters", "sni_filters", "access_controls",
)  # fmt: skip
