"""Ingress as a way into a cluster: https://kubernetes.io/docs/reference/kubernetes-api/service-resources/ingress-v1/.

It is carried out by pods or by a cloud; which pods is not part of the API, so they are found by the labels that each controller's own
manifests give them (`controllers.py`). Where none is found, that is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from budnet.ir.address import Protocol
from budnet.ir.entry import Entry, EntryKind
from budnet.observe.kubernetes.behind import NOBODY, Behind, Leads, Pods
from budnet.observe.kubernetes.controllers import ALB, ALB_SCHEME, INTERNAL_INGRESS, PODS
from budnet.observe.kubernetes.fields import Object, Written, labels, mapping, mappings, number, sequence, text
from budnet.observe.kubernetes.ways import publicity

Backend = tuple[str, int | str]
"""(Service, its port by number or name)."""


@dataclass
class Ingresses:
    """Collects Ingresses and their classes."""

    cluster: str
    _ingresses: list[Written] = field(default_factory=list)
    _classes: dict[str, str] = field(default_factory=dict)
    _default: str = ""

    def read(self, kind: str, one: Written) -> None:
        """One object; what is wrong with it is raised here, so that later everything can be relied on."""
        if kind == "Ingress":
            self._entry(one, NOBODY)
            self._ingresses.append(one)
            return
        self._classes[one.name] = text(mapping(one.of, "spec"), "controller", "spec.", "")
        notes = dict(labels(mapping(one.of, "metadata"), "annotations", "metadata."))
        if notes.get("ingressclass.kubernetes.io/is-default-class") == "true":
            self._default = one.name

    def backends(self) -> Iterator[tuple[Written, str, str, int | str, Protocol]]:
        """(by whom, namespace, Service, port and its protocol) of everything that is referred to."""
        for one in self._ingresses:
            yield from ((one, one.namespace, *found, Protocol.TCP) for found in _backends(one.of) if not isinstance(found, str))

    def without_class(self) -> Iterator[tuple[Written, str]]:
        """Ingresses that name a class which is not there, where any class was read, and the class."""
        for one in self._ingresses if self._classes else ():
            class_ = text(mapping(one.of, "spec"), "ingressClassName", "spec.", "")
            if class_ and class_ not in self._classes:
                yield one, class_

    def entries(self, behind: Behind) -> Iterator[Entry]:
        """The ways in."""
        for one in self._ingresses:
            yield self._entry(one, behind)

    def _entry(self, one: Written, behind: Behind) -> Entry:
        spec, notes = mapping(one.of, "spec"), dict(labels(mapping(one.of, "metadata"), "annotations", "metadata."))
        class_ = text(spec, "ingressClassName", "spec.", "") or notes.get("kubernetes.io/ingress.class", "") or self._default
        controller = self._classes.get(class_, "")
        given = mappings(mapping(mapping(one.of, "status"), "loadBalancer"), "ingress")
        shown = tuple(str(g.get("ip") or g.get("hostname")) for g in given)
        hosts = tuple(dict.fromkeys(str(r["host"]) for r in mappings(spec, "rules", "spec.") if r.get("host")))
        inside = next((f"{k}: {notes[k]}" for k, words in INTERNAL_INGRESS.items() if notes.get(k) in words), "")
        if controller == ALB and ALB_SCHEME not in notes:
            inside = "the AWS Load Balancer Controller makes internal load balancers where no scheme is written"
        open_, why = publicity(shown, inside, "an ingress")
        port = 443 if sequence(spec, "tls", "spec.") else 80
        leads = Leads.union(Leads(unseen=(b,)) if isinstance(b, str) else behind.service(one.namespace, *b) for b in _backends(one.of))
        return Entry(
            f"Ingress {one.label}", EntryKind.INGRESS, self.cluster, Protocol.TCP, port, leads.pods, open_, why, one.place.origin,
            shown=hosts or shown, through=self._through(controller, class_, behind.pods), beyond=leads.beyond, unseen=leads.unseen,
        )  # fmt: skip

    def _through(self, controller: str, class_: str, pods: Pods) -> tuple[str, ...]:
        labels_ = PODS.get(controller) or PODS.get("/".join(controller.split("/")[:2])) or PODS.get(f"k8s.io/ingress-{class_}") or ()
        return next((found for each in labels_ if (found := tuple(e.id for e in pods.anywhere(each)))), ())


def _backends(of: Object) -> Iterator[Backend | str]:
    """Where it leads; a text where that is no Service: `backend.resource` means whatever its controller takes it for."""
    spec = mapping(of, "spec")
    found = [(mapping(spec, "defaultBackend", "spec."), "spec.defaultBackend.")]
    for i, rule in enumerate(mappings(spec, "rules", "spec.")):
        paths = mappings(mapping(rule, "http", f"spec.rules[{i}]."), "paths", f"spec.rules[{i}].http.")
        found += [
            (mapping(p, "backend", f"spec.rules[{i}].http.paths[{j}]."), f"spec.rules[{i}].http.paths[{j}].backend.")
            for j, p in enumerate(paths)
        ]
    for backend, where in found:
        if service := mapping(backend, "service", where):
            port = mapping(service, "port", f"{where}service.")
            at = number(port, "number", 1, 65535, f"{where}service.port.") or 0
            yield text(service, "name", f"{where}service."), text(port, "name", f"{where}service.port.", "") or at
        elif resource := mapping(backend, "resource", where):
            yield f"{resource.get('kind')} {resource.get('name')} is not modelled"
