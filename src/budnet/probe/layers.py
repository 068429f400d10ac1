"""Everything that `probe` asks beside packets, in the order in which it is shown. A layer is one module with a `truth`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from budnet.ir.network import Network
from budnet.probe import airgap, certificates, egress, links, mesh, names, resolvers, tls
from budnet.probe.truth import Truth
from budnet.twin.lab import Twin


@dataclass(frozen=True, slots=True)
class Layer:
    """`what` finishes the sentence "N of N ..."."""

    name: str
    what: str
    truth: Callable[[Network, Twin], Truth]


LAYERS: tuple[Layer, ...] = (
    Layer("dns", "DNS answers, from inside and outside, are as specified", resolvers.truth),
    Layer("names", "HTTPS answers of external names come from who is behind them", names.truth),
    Layer("links", "connections, refusals and eavesdropped frames on links are as written", links.truth),
    Layer("airgap", "tries to leave an air gap stay inside, and who stands in for the outside answers", airgap.truth),
    Layer("tls", "versions, suites, groups, keys and refusals of TLS ports are as their profiles say", tls.truth),
    Layer("certificates", "certificates, by every name of every server, are as written", certificates.truth),
    Layer("egress", "look-ups and connections to names outside, under right names and wrong ones, go as written", egress.truth),
    Layer("mesh", "calls to sidecars, with right and wrong identities, end as proved", mesh.truth),
)


def truth(network: Network, twin: Twin, only: str = "") -> Truth:
    """All layers in one table, or one of them."""
    table = Truth()
    for layer in (x for x in LAYERS if only in ("", x.name)):
        table.join(layer.truth(network, twin))
    return table
