"""What stands behind a Service by name and not by its selector: EndpointSlices and Endpoints.

https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/ and endpoints-v1/. Their ports are those that
take the connections: a Service's port leads to the one of its own name and protocol, and `targetPort` is for selectors alone
(https://kubernetes.io/docs/concepts/services-networking/service/#services-without-selectors). An end that is not ready should not be
used; pods that a selector selects are taken whether they are ready or not, as they come and go.
"""

from __future__ import annotations

from msgspec import Struct

from budnet.ir.address import Protocol
from budnet.observe.kubernetes.fields import Object, labels, mapping, mappings, number, sequence, text
from budnet.observe.kubernetes.policies import protocol_of

_SERVICE, _MANAGER = "kubernetes.io/service-name", "endpointslice.kubernetes.io/managed-by"
_FROM_SELECTOR = "endpointslice-controller.k8s.io"


class Slice(Struct, frozen=True):
    """Ends that have the same ports."""

    ends: tuple[str, ...]
    """`namespace/pod[Pod]`, or an address, or the name of a host."""
    ports: tuple[tuple[str, Protocol, int], ...]
    """(name, protocol, port); port 0 is whichever is asked for."""
    from_selector: bool
    """Whether the control plane made it of the pods that the Service selects."""


def of_slice(of: Object, name: str, namespace: str) -> tuple[str, list[Slice]]:
    """(Service, what an EndpointSlice says of it)."""
    written = dict(labels(mapping(of, "metadata"), where="metadata."))
    ends: list[str] = []
    for i, each in enumerate(mappings(of, "endpoints")):
        where = f"endpoints[{i}]."
        if mapping(each, "conditions", where).get("ready") is not False:
            ends += _end(each, [str(a) for a in sequence(each, "addresses", where)], namespace, where)
    one = Slice(tuple(ends), _ports(of, ""), written.get(_MANAGER) == _FROM_SELECTOR)
    return f"{namespace}/{written.get(_SERVICE, name)}", [one]


def of_endpoints(of: Object, name: str, namespace: str) -> tuple[str, list[Slice]]:
    """(Service, what an Endpoints object says of it); where a Service has a selector the control plane has written it."""
    found = []
    for i, subset in enumerate(mappings(of, "subsets")):
        where = f"subsets[{i}]."
        listed = mappings(subset, "addresses", where)
        ends = [end for j, a in enumerate(listed) for end in _end(a, [str(a.get("ip"))], namespace, f"{where}addresses[{j}].")]
        found.append(Slice(tuple(ends), _ports(subset, where), True))
    return f"{namespace}/{name}", found


def _end(of: Object, addresses: list[str], namespace: str, where: str) -> list[str]:
    target = mapping(of, "targetRef", where)
    if target.get("kind") == "Pod":
        return [f"{target.get('namespace', namespace)}/{target.get('name')}[Pod]"]
    return addresses


def _ports(of: Object, where: str) -> tuple[tuple[str, Protocol, int], ...]:
    return tuple(
        (text(p, "name", at, ""), protocol_of(p, at), number(p, "port", 1, 65535, at) or 0)
        for i, p in enumerate(mappings(of, "ports", where)) for at in [f"{where}ports[{i}]."]
    )  # fmt: skip
