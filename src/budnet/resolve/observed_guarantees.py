"""Guarantees about a network that budnet did not write: their names are looked up in what was observed."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from budnet.ir.address import EVERYWHERE, Match, PortRange, Prefix
from budnet.ir.called import named
from budnet.ir.endpoint import Endpoint
from budnet.ir.intent import Guarantee, GuaranteeKind, Side
from budnet.ir.network import Network
from budnet.ir.origin import Origin
from budnet.model.flow import Guarantee as Written
from budnet.model.flow import Pair
from budnet.model.topology import Guarantees
from budnet.model.values import match_help, read_match
from budnet.source.diagnostic import Diagnostic, error, suggest
from budnet.source.document import Document, Path
from budnet.source.text import quoted

NOBODY, NO_PORT, NOT_A_LABEL = "Q101", "Q102", "Q103"
_FORMS = "write NAMESPACE/WORKLOAD, NAMESPACE/*, NAMESPACE?KEY=VALUE, `internet`, or a prefix such as 203.0.113.0/24"
_NOBODY = Side("")


def observed_guarantees(document: Document, written: Guarantees, network: Network) -> tuple[list[Guarantee], list[Diagnostic]]:
    """All of them, and what is wrong with those that are left out."""
    reader = _Reader(document, network)
    return [g for i, each in enumerate(written.guarantees) for g in reader.read(each, ("guarantees", i))], reader.problems


class _Reader:
    def __init__(self, document: Document, network: Network) -> None:
        self.document, self.network = document, network
        self.problems: list[Diagnostic] = []

    def read(self, written: Written, path: Path) -> Iterator[Guarantee]:
        """The guarantee of an item, where its names mean something."""
        span = self.document.nearest(path)
        origin, because = Origin(span.file, span.line, span.column), written.because
        for kind in (GuaranteeKind.NEVER, GuaranteeKind.ONLY, GuaranteeKind.REACHES):
            pair: Pair | None = getattr(written, kind.value)
            if pair is not None:
                before = len(self.problems)
                sources, targets = self._side(pair.from_, (*path, kind.value, "from")), self._side(pair.to, (*path, kind.value, "to"))
                matches = tuple(dict.fromkeys(self._ports(pair, targets, (*path, kind.value, "ports"))))
                if len(self.problems) == before:
                    name = written.name or f"{kind.value}: {sources.name} to {targets.name}"
                    yield Guarantee(name, kind, sources, targets, matches, "", (), because, origin)
        if written.encrypted is not None:
            across = written.encrypted.across
            name = written.name or f"encrypted across {across}"
            yield Guarantee(name, GuaranteeKind.ENCRYPTED, _NOBODY, _NOBODY, (), across, (), because, origin)

    def _side(self, names: list[str], path: Path) -> Side:
        endpoints: dict[str, None] = {}
        prefixes: list[Prefix] = []
        for i, name in enumerate(names):
            if name == "internet":
                prefixes += EVERYWHERE
                continue
            prefix = _prefix(name)
            if prefix is not None:
                prefixes.append(prefix)
                continue
            endpoints.update(dict.fromkeys(e.id for e in self._named(name, (*path, i))))
        return Side(", ".join(names), tuple(endpoints), tuple(prefixes))

    def _named(self, name: str, path: Path) -> list[Endpoint]:
        try:
            found = named(self.network.endpoints, name)
        except ValueError as wrong:
            self.problems.append(error(NOT_A_LABEL, f"{wrong}, which labels of pods are", self.document.nearest(path), _FORMS))
            return []
        if not found:
            known = {e.service.partition("[")[0] for e in self.network.endpoints}
            help = suggest(name, sorted(known)) or _FORMS
            self.problems.append(error(NOBODY, f"nobody is called {quoted(name)}", self.document.nearest(path), help))
        return found

    def _ports(self, pair: Pair, targets: Side, path: Path) -> Iterator[Match]:
        """Ports by number, or by the names that containers give them."""
        ids = set(targets.endpoints)
        for i, port in enumerate(pair.ports or []):
            number = read_match(port)
            if isinstance(number, Match):
                yield number
                continue
            found = {
                Match(x.protocol, PortRange(x.port, x.port)): None
                for e in self.network.endpoints if e.id in ids for x in e.listeners if x.name == port
            }  # fmt: skip
            if not found:
                help = match_help(port) or "write a number, such as 443/tcp"
                self.problems.append(error(NO_PORT, f"no container of {quoted(targets.name)} has a port {quoted(port)}",
                                           self.document.nearest((*path, i)), help))  # fmt: skip
            yield from found


def _prefix(text: str) -> Prefix | None:
    try:
        return ip_network(text)
    except ValueError:
        return None
