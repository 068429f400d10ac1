"""`airgapped: true`: every table as it is where there is no outside.

The first pass. It gives the draft a Topology as a user could have written it for such a place, and a Document in which what
is new has the place of what it replaces. So no pass behind it knows of air gaps; two ask, because it cannot be written:
`outside` models the hosts that rows led to, so that `probe` can try them, and `names` has nobody to tell public names to.

Every subnet is isolated: no gateway, no default route, no public address. Rows of `egress` whose purpose has a service
inside become flows to it; rows that nothing replaces go and are listed; a row whose purpose nobody knows is an error, as long
as the file does not say that it may go. Who came from outside does not come any more, which is a warning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from budnet.ir.address import Protocol
from budnet.ir.airgap import Airgap, Row
from budnet.model.flow import Egress, Flow, Guarantee
from budnet.model.service import Service
from budnet.model.topology import Topology
from budnet.records import replace
from budnet.resolve.draft import Draft
from budnet.source.diagnostic import has_errors
from budnet.source.document import Path, Places
from budnet.source.text import quoted

OVER_INTERNET, NOBODY_THERE, LEFT_OUTSIDE, NAME_OUTSIDE, UNKNOWN, NOBODY_INSIDE, CLEAR_MIRROR = (
    "R670", "R671", "R672", "R673", "R674", "R675", "R676",
)  # fmt: skip
OUTSIDE = "internet"
GUARANTEE = "airgap: nothing leaves"


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a group of the catalogue is for. `by`: the key of `airgapped` that names who does it inside; empty: nobody does."""

    by: str
    why: str


_IMAGES, _MODELS = (
    Purpose("registry", "images come from the mirror"),
    Purpose("models", "models are in the object store before they are needed"),
)
_TIME, _USERS = Purpose("time", "time comes from inside"), Purpose("identity", "users sign in inside")
_CLOUD = Purpose("", "not in an air gap: networks and clusters are made by hand, or by the cloud's own endpoints inside")
_INFERENCE = Purpose("", "not in an air gap: models of others are not called")
_CERTIFICATES = Purpose("", "not in an air gap: certificates are the internal CA's")
PURPOSES: Mapping[str, Purpose] = {
    **dict.fromkeys(("container-registries", "docker-hub", "github-containers", "quay", "kubernetes-images", "nvidia",
                     "microsoft-containers", "aws-containers", "bud"), _IMAGES),
    "huggingface": _MODELS,
    **dict.fromkeys(("ntp", "aws-ntp"), _TIME),
    "identity": _USERS,
    **dict.fromkeys(("aws", "azure"), _CLOUD),
    **dict.fromkeys(("ai-providers", "bedrock", "azure-openai"), _INFERENCE),
    **dict.fromkeys(("acme", "azure-dns", "cloudflare-dns", "route53"), _CERTIFICATES),
}  # fmt: skip
_DROPPED = Purpose("", "not in an air gap: the file drops it")


def airgap(draft: Draft) -> None:
    """The pass."""
    if draft.topology.airgapped is not None:
        _Rewrite(draft).all()


class _Rewrite:
    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.topology: Topology = draft.topology
        assert self.topology.airgapped is not None
        self.said = self.topology.airgapped
        self.places: dict[Path, Places] = {}
        self.flows: list[Flow] = []
        self.stand_in = {key: self._stand_in(key) for key in ("registry", "models", "time", "identity")}

    def all(self) -> None:
        """Everything, in the order in which a reader of the file meets it."""
        self._links()
        self._names()
        self._unknown_rows()
        rows = tuple(self._rows())
        self._needed()
        if has_errors(self.draft.diagnostics):
            return
        flows = [*(self._inside(i, flow) for i, flow in enumerate(self.topology.flows)), *self.flows]
        self.draft.left_out = dict(self.topology.egress)
        self.draft.airgap = Airgap(
            self.stand_in["registry"], self.stand_in["models"], self.stand_in["time"], rows, self.draft.origin("airgapped")
        )
        self.draft.topology = _copy(
            self.topology,
            networks={name: self._isolated(network) for name, network in self.topology.networks.items()},
            services={name: _copy(service, public=False) for name, service in self.topology.services.items()},
            certificates={name: self._internal(row) for name, row in self.topology.certificates.items()},
            names=_copy(self.topology.names, external={n: x for n, x in self.topology.names.external.items() if x.alias is None},
                        internal=self._aliases()),
            flows=flows,
            egress={},
            guarantees=[*self.topology.guarantees, self._guarantee()],
        )  # fmt: skip
        self.draft.document = replace(self.draft.document, spans={**self.draft.document.spans, **self.places})

    # ---- networks, services, links ------------------------------------------------------------------------------------------

    def _isolated(self, network: Any) -> Any:
        return _copy(network, subnets={name: _copy(subnet, access="isolated") for name, subnet in network.subnets.items()})

    def _links(self) -> None:
        for name, link in self.topology.links.items():
            if link.method in ("public", "vpn"):
                self.draft.error(OVER_INTERNET, f"'{name}' goes over the internet, and an air gap has no way there",
                                 ("links", name, "method"), "take vpc-peering, or a private link, which stay inside one cloud")  # fmt: skip

        for name, service in self.topology.services.items():
            if service.kind == "client-vpn":
                self.draft.error(OVER_INTERNET, f"the clients of '{name}' come over the internet, and an air gap has no way there",
                                 ("services", name, "kind"), "take it out, and let people in from where they are inside")  # fmt: skip

    # ---- names and certificates ------------------------------------------------------------------------------------------------

    def _names(self) -> None:
        names = self.topology.names
        for kind, entries in (("external", names.external), ("internal", names.internal), ("cluster", names.cluster)):
            for label, entry in entries.items():
                alias = getattr(entry, "alias", None)
                if alias and not self._is_ours(alias):
                    self._outside(("names", kind, label, "alias"), f"'{label}' stands for {alias}, a name outside")
                for i, address in enumerate(getattr(entry, "address", None) or ()):
                    if kind == "external" or address.is_global:
                        self._outside(("names", kind, label, "address", i), f"'{label}' stands for {address}, an address outside")

    def _outside(self, path: Path, summary: str) -> None:
        self.draft.error(NAME_OUTSIDE, f"{summary}, which an air gap cannot reach", path, "name something inside, or take the name out")

    def _is_ours(self, name: str) -> bool:
        domains = [n.cluster.domain for n in self.topology.networks.values() if n.cluster]
        zones = (self.topology.domain, "clusterset.local", *domains)
        return "." not in name or any(name == zone or name.endswith(f".{zone}") for zone in zones)

    def _aliases(self) -> dict[str, Any]:
        """External names that stand for names of ours are internal ones now; those at a load balancer have its private address anyway."""
        internal = dict(self.topology.names.internal)
        kind: Any = type(self.topology.names).model_fields["internal"].annotation
        made = kind.__args__[1]
        for label, name in self.topology.names.external.items():
            if name.alias is not None:
                internal[label] = made(alias=name.alias, ttl=name.ttl)
                self._same_place(("names", "internal", label), ("names", "external", label))
        return internal

    def _internal(self, row: Any) -> Any:
        """An ACME directory of our own domain is inside, and stays."""
        if row.issuer not in ("lets-encrypt", "acme") or (row.acme and self._is_ours(urlsplit(row.acme).hostname or "")):
            return row
        return _copy(row, issuer="internal-ca", challenge=None, acme=None)

    # ---- flows ---------------------------------------------------------------------------------------------------------------------

    def _inside(self, i: int, flow: Flow) -> Flow:
        """Without those from outside, who are not there."""
        gone = [name for name in flow.from_ if name == OUTSIDE or name in self.topology.addresses]
        for name in gone:
            self.draft.warning(NOBODY_THERE, f"nobody comes from '{name}' in an air gap, so this opens nothing",
                               ("flows", i, "from", flow.from_.index(name)),
                               "clients come in over a link, or are inside: add a flow from where they are")  # fmt: skip
        kept = [name for name in flow.from_ if name not in gone]
        for j, name in enumerate(kept):
            self._same_place(("flows", i, "from", j), ("flows", i, "from", flow.from_.index(name)))
        return _copy(flow, from_=kept) if gone else flow

    # ---- egress ------------------------------------------------------------------------------------------------------------------------

    def _rows(self) -> Iterator[Row]:
        for name, row in self.topology.egress.items():
            targets = [_name(target) for target in row.to]
            purposes = dict.fromkeys(p for i, target in enumerate(targets) if (p := self._purpose(name, i, target)) is not None)
            instead = dict.fromkeys(by for p in purposes if (by := self.stand_in.get(p.by, "")))
            for purpose in purposes:
                self._replace(name, row, purpose)
            why = "; ".join(
                dict.fromkeys(p.why if self.stand_in.get(p.by) or not p.by else f"not in an air gap: {p.why}" for p in purposes)
            )
            yield Row(name, ", ".join(targets), ", ".join(instead), why, self.draft.origin("egress", name))

    def _purpose(self, name: str, i: int, target: str) -> Purpose | None:
        group = target.removeprefix("catalog/")
        if name in self.said.drop:
            return _DROPPED
        if group != target and group in PURPOSES:
            return PURPOSES[group]
        self.draft.error(LEFT_OUTSIDE, f"{quoted(target)} is outside, and an air gap cannot reach it", ("egress", name, "to", i),
                         f"take the row out; or write `airgapped: {{drop: [{name}]}}`, if what uses it can do without")  # fmt: skip
        return None

    def _replace(self, name: str, row: Egress, purpose: Purpose) -> None:
        """Flows to who does inside what was done outside; one for each source that has none yet."""
        target = self.stand_in.get(purpose.by, "")
        if purpose.by and not target and purpose.by != "identity":
            self._nobody(purpose.by, ("egress", name))
        if not target:
            return
        for j, source in enumerate(row.from_):
            for service in self._services(source):
                to, port = self._door(service, target, purpose.by)
                if service != to and not self._has_flow(service, to, port):
                    at = len(self.topology.flows) + len(self.flows)
                    self.flows.append(Flow.model_validate({"from": [service], "to": [to], "port": port, "because": purpose.why}))
                    self._same_place(("flows", at), ("egress", name))
                    self._same_place(("flows", at, "from", 0), ("egress", name, "from", j))

    def _door(self, source: str, target: str, by: str) -> tuple[str, str]:
        """(service, port) that a source asks. An object store that has a name at a load balancer is asked through it by those
        of other networks: they do not reach a tier of databases."""
        if by == "models" and not _networks(self.topology.services.get(source)) & _networks(self.topology.services[target]):
            name = next((n for n in self.topology.names.external.values() if n.to == target and n.at in self.topology.services), None)
            if name is not None and name.at is not None:
                ports = self.topology.services[name.at].ports
                return name.at, next((p for p, x in ports.items() if x.tls != "none"), next(iter(ports)))
        return target, self._port(target, by)

    def _port(self, service: str, by: str) -> str:
        ports = self.topology.services[service].ports
        wanted = Protocol.UDP if by == "time" else Protocol.TCP
        fitting = [name for name, p in ports.items() if p.port.protocol is wanted]
        return "s3" if "s3" in fitting and by == "models" else fitting[0]

    def _has_flow(self, source: str, target: str, port: str) -> bool:
        return any(
            port in flow.all_ports
            and target in _flat(self._services(t) for t in flow.to)
            and source in _flat(self._services(s) for s in flow.from_)
            for flow in (*self.topology.flows, *self.flows)
        )

    def _services(self, name: str) -> list[str]:
        """The services that a name means; an unknown one means itself, and is reported where flows are looked at."""
        out: dict[str, None] = {}
        seen, waiting = set[str](), [name]
        while waiting:
            each = waiting.pop(0)
            if each in seen:
                continue
            seen.add(each)
            if each == "mesh/dapr":
                waiting += [n for n, s in self.topology.services.items() if s.mesh == "dapr"]
            elif each in self.topology.groups and each not in self.topology.services:
                waiting += self.topology.groups[each]
            else:
                out[each] = None
        return list(out)

    # ---- who stands in ---------------------------------------------------------------------------------------------------------------

    def _stand_in(self, key: str) -> str:
        """As the file says; else the one service that can."""
        said = getattr(self.said, key)
        if said is None:
            found = [name for name, service in self.topology.services.items() if _can(key, service)]
            return found[0] if found else ""
        path = ("airgapped", key)
        if said not in self.topology.services:
            help = self.draft.suggest(said, self.topology.services) or "name one of `services`"
            self.draft.error(UNKNOWN, f"there is no service {quoted(said)}", path, help)
            return ""
        wanted = Protocol.UDP if key == "time" else Protocol.TCP
        if not any(p.port.protocol is wanted for p in self.topology.services[said].ports.values()):
            self.draft.error(UNKNOWN, f"'{said}' has no {wanted.name} port", path, "name the service that answers")
            return ""
        return str(said)

    def _needed(self) -> None:
        """Certificates are only as good as the clocks that judge them, so somebody has to know the time."""
        if not self.stand_in["time"] and not any(d.code in (NOBODY_INSIDE, UNKNOWN) for d in self.draft.diagnostics):
            self._nobody("time", ("airgapped",))
        mirror = self.topology.services.get(self.stand_in["registry"])
        if mirror is not None and not any((p.tls or mirror.tls or "none") not in ("none", "ssh") for p in mirror.ports.values()):
            self.draft.warning(CLEAR_MIRROR, f"mirror '{self.stand_in['registry']}' answers without TLS, which container engines refuse",
                               ("services", self.stand_in["registry"]), "give it `tls: PROFILE`")  # fmt: skip

    def _nobody(self, key: str, path: Path) -> None:
        what, how = {
            "registry": ("no registry inside to pull images from", "add a service with `software: registry`"),
            "models": ("no object store inside for models", "add a service with a port called s3"),
            "time": ("no time server inside", "add a service with `software: chrony` and a port such as `ntp: 123/udp`"),
        }[key]
        self.draft.error(
            NOBODY_INSIDE, f"in an air gap there is {what}", path, f"{how}, or name one in `airgapped: {{{key}: NAME}}`", key=True
        )

    def _unknown_rows(self) -> None:
        for i, name in enumerate(self.said.drop):
            if name not in self.topology.egress:
                help = self.draft.suggest(name, self.topology.egress) or "name rows of `egress`"
                self.draft.error(UNKNOWN, f"`egress` has no row {quoted(name)}", ("airgapped", "drop", i), help)

    def _guarantee(self) -> Guarantee:
        self._same_place(("guarantees", len(self.topology.guarantees)), ("airgapped",))
        pair = {"from": ["any"], "to": [OUTSIDE]}
        return Guarantee.model_validate({"name": "airgap", "never": pair, "because": GUARANTEE})

    def _same_place(self, new: Path, old: Path) -> None:
        """What is new is written where the old is."""
        spans = self.draft.document.spans
        while old not in spans:
            old = old[:-1]
        self.places[new] = spans[old]


def _can(key: str, service: Service) -> bool:
    match key:
        case "registry":
            return service.software == "registry" and any(p.port.protocol is Protocol.TCP for p in service.ports.values())
        case "time":
            return service.software == "chrony" and any(p.port.protocol is Protocol.UDP for p in service.ports.values())
        case "models":
            return "s3" in service.ports
    return False


def _networks(service: Service | None) -> set[str]:
    return {place.partition("/")[0] for place in service.subnet} if service else set()


def _name(target: Any) -> str:
    return str(getattr(target, "name", target))


def _flat(lists: Iterable[Iterable[str]]) -> set[str]:
    return {item for each in lists for item in each}


def _copy(written: Any, **changes: Any) -> Any:
    return written.model_copy(update=changes)
