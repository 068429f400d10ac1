"""What stands behind the Services of a cluster: pods that they select, ends of slices, and what other names stand for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from msgspec import Struct

from budnet.ir.address import Protocol
from budnet.ir.endpoint import Endpoint
from budnet.observe.kubernetes.services import Port, Service
from budnet.observe.kubernetes.slices import Slice

_INSIDE = re.compile(r"([a-z0-9-]+)\.([a-z0-9-]+)\.svc(\..+)?\.?")
"""How a Service is called by a name (https://github.com/kubernetes/dns/blob/master/docs/specification.md)."""


class Pods:
    """Endpoints of one cluster, by what Services look for."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._all = endpoints

    @cached_property
    def _by_id(self) -> dict[str, Endpoint]:
        return {e.id: e for e in self._all}

    @cached_property
    def _by_address(self) -> dict[str, Endpoint]:
        return {str(a): e for e in self._all for a in e.addresses if not e.host_network}

    @cached_property
    def _by_label(self) -> dict[tuple[str, str, str], list[Endpoint]]:
        found: dict[tuple[str, str, str], list[Endpoint]] = {}
        for e in self._all:
            for key, value in e.labels:
                found.setdefault((e.namespace, key, value), []).append(e)
        return found

    @cached_property
    def _spaces(self) -> list[str]:
        return sorted({e.namespace for e in self._all})

    def selected(self, namespace: str, selector: tuple[tuple[str, str], ...]) -> list[Endpoint]:
        """Those that have all labels; a Service without a selector selects nobody."""
        if not selector:
            return []
        sets = [self._by_label.get((namespace, key, value), []) for key, value in selector]
        least = min(sets, key=len)
        wanted = set(selector)
        return [e for e in least if wanted <= set(e.labels)]

    def labelled(self, key: str) -> list[Endpoint]:
        """Those that have a label of that key, in every namespace."""
        return [e for e in self._all if any(k == key for k, _ in e.labels)]

    def anywhere(self, selector: tuple[tuple[str, str], ...]) -> list[Endpoint]:
        """The same, in every namespace."""
        return [e for space in self._spaces for e in self.selected(space, selector)]

    def named(self, what: str) -> Endpoint | None:
        """By id, or by address."""
        return self._by_id.get(what) or self._by_address.get(what)


class Leads(Struct, frozen=True):
    """Where a port leads."""

    pods: tuple[tuple[str, int], ...] = ()
    """(endpoint id, its port)."""
    beyond: tuple[tuple[str, int], ...] = ()
    """(address or name, port) of nobody who was read."""
    unseen: tuple[str, ...] = ()
    """Why it is not known who else there is."""

    @staticmethod
    def union(all_: Iterable[Leads]) -> Leads:
        """Of several, each once."""
        found = list(all_)
        fields = ([x for one in found for x in getattr(one, name)] for name in ("pods", "beyond", "unseen"))
        return Leads(*(tuple(dict.fromkeys(field)) for field in fields))


class Behind:
    """What stands behind the Services of one cluster."""

    def __init__(self, services: Mapping[str, Service], slices: Mapping[str, Sequence[Slice]], pods: Pods) -> None:
        self.services, self.slices, self.pods = services, slices, pods

    def selected(self, one: Service) -> list[Endpoint]:
        """The pods that a Service selects."""
        return [] if one.type == "ExternalName" else self.pods.selected(one.namespace, one.selector)

    def leads(self, one: Service, port: Port) -> Leads:
        """Where a Service's port leads. A name means what each pod calls so, and pods without it are left out."""
        slices = [s for s in self.slices.get(one.label, ()) if not (one.selector and s.from_selector)]
        found = [self._end(end, to or port.port) for s in slices for name, protocol, to in s.ports
                 if (name, protocol) == (port.name, port.protocol) for end in s.ends]  # fmt: skip
        selected = self.selected(one)
        if selected or not one.selector:
            found.append(Leads(_targets(port, selected)))
        elif not found:
            wanted = ", ".join(f"{k}={v}" for k, v in one.selector)
            found.append(Leads(unseen=(f"no pod that was read has {wanted}, as Service {one.label} asks",)))
        if not one.selector and not slices:
            found.append(Leads(unseen=(f"Service {one.label} has no selector, and no EndpointSlice of it was read",)))
        return Leads.union(found)

    def service(self, namespace: str, name: str, at: int | str, protocol: Protocol = Protocol.TCP) -> Leads:
        """Where a Service leads that something names, by the number or the name of its port."""
        return self._named(namespace, name, at, protocol, set())

    def missed(self, one: Service, port: Port) -> str:
        """A name that a port leads to and that nobody behind it has, with who has not; nothing where there is no such fault."""
        slices, selected = self.slices.get(one.label, ()), self.selected(one)
        if selected:
            lost = isinstance(port.target, str) and not _targets(port, selected)
            return f"'{port.target}', and none of its pods" if lost else ""
        lost = bool(slices) and not one.selector and not any((port.name, port.protocol) == at[:2] for s in slices for at in s.ports)
        return f"'{port.name}', and no EndpointSlice of it" if lost else ""

    def _named(self, namespace: str, name: str, at: int | str, protocol: Protocol, asked: set[str]) -> Leads:
        label = f"{namespace}/{name}"
        one = self.services.get(label)
        if one is None:
            return Leads(unseen=(f"Service {label} was not read",))
        if one.type == "ExternalName":
            return self._elsewhere(one, at, protocol, asked)
        port = port_of(one, at, protocol)
        return self.leads(one, port) if port else Leads()

    def _elsewhere(self, one: Service, at: int | str, protocol: Protocol, asked: set[str]) -> Leads:
        """What an ExternalName stands for: a host, or another Service where its name is in the cluster's own domain."""
        port = port_of(one, at, protocol)
        number_ = port.port if port else at if isinstance(at, int) else 0
        inside = _INSIDE.fullmatch(one.host)
        if inside is None:
            return Leads(beyond=((one.host, number_),))
        if one.label in asked:
            return Leads()
        return self._named(inside[2], inside[1], number_, protocol, asked | {one.label})

    def _end(self, what: str, port: int) -> Leads:
        pod = self.pods.named(what)
        if pod is not None:
            return Leads(((pod.id, port),))
        if what.endswith("[Pod]"):
            return Leads(unseen=(f"Pod {what.removesuffix('[Pod]')} was not read",))
        return Leads(beyond=((what, port),))


def port_of(one: Service, at: int | str, protocol: Protocol) -> Port | None:
    """A port by its number or its name; of one number there may be one for each protocol."""
    return next((p for p in one.ports if at in (p.port, p.name) and p.protocol is protocol), None)


def _targets(port: Port, behind: Sequence[Endpoint]) -> tuple[tuple[str, int], ...]:
    if isinstance(port.target, int):
        return tuple((e.id, port.target) for e in behind)
    return tuple((e.id, x.port) for e in behind for x in e.listeners if x.name == port.target and x.protocol is port.protocol)


NOBODY = Behind({}, {}, Pods(()))
"""For trying out whether what leads somewhere is written as it must be."""
