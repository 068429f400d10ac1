"""A cluster that budnet did not write as one that the twin can run, and what is asked of it.

Pods that nothing tells apart are one class (the prover's columns), and two of each stand for all of them. Whose address is not
known yet gets a free one; parts of the outside that some rule tells apart get a host each; everybody listens on one port of
each set of ports that some rule tells apart, and on those that it declares. The packets are then compared twice: with the walk
through this cluster, object by object, and with the table of the cluster as it was read, which must allow no more and deny no
more than happens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network

from budnet.ir.address import Address, Prefix, Protocol, inside
from budnet.ir.endpoint import Endpoint, EndpointKind, Listener
from budnet.ir.filters import BlockPeer
from budnet.ir.network import Network
from budnet.packets.transports import Transports
from budnet.probe.answer import Answer
from budnet.probe.predicted import Predicted
from budnet.probe.question import Question, echo
from budnet.reach import cuts
from budnet.reach.disposition import Disposition
from budnet.reach.table.table import Table
from budnet.records import replace

EACH, MOST = 2, 100
"""How many stand for a class, and how many run at all: 100 send 9,900 packets on every port."""
SOCKETS, QUESTIONS = 12_000, 200_000
"""Listeners of a twin, each of which is an open file, and what is asked of it without `--all`: some ten seconds of packets."""
_PROBED = (Protocol.TCP, Protocol.UDP)
_FREE: dict[int, Prefix] = {4: ip_network("10.255.0.0/16"), 6: ip_network("fd00:255::/64")}
"""Where pods without an address get one: private, as `reach` takes it for granted (RFC 1918, RFC 4193)."""
_USUAL = [ip_network(p) for p in ("203.0.113.0/24", "198.51.100.0/24", "2001:db8::/32", "2000::/3")]
"""What stands for the internet where it may (RFC 5737, RFC 3849)."""

Port = tuple[Protocol, int]


@dataclass
class Rehearsal:
    """`network` is what runs, `table` of what was read. `notes` say what is not run, and why."""

    network: Network
    table: Table
    columns: dict[tuple[str, Address], int]
    """The column in `table` that an endpoint's address stands for."""
    notes: list[str] = field(default_factory=list)
    unknown: int = 0
    """Questions that are not asked, because nobody can know the answer."""

    def questions(self, predict: Expected) -> Iterator[Question]:
        """Everybody asks everybody, by each family, on each port; those outside not each other."""
        self.unknown = 0
        for source in self.network.endpoints:
            families = {a.version for a in source.addresses}
            for destination in self.network.endpoints:
                outside = source.kind is EndpointKind.EXTERNAL and destination.kind is EndpointKind.EXTERNAL
                if source is destination or outside:
                    continue
                for address in (a for a in destination.addresses if a.version in families):
                    for protocol, port in (*_asked(destination), *echo(destination, address)):
                        question = Question(source.id, destination.id, address, protocol, port)
                        if predict(question)[0].disposition == Disposition.UNKNOWN.value:
                            self.unknown += 1
                        else:
                            yield question


class Expected:
    """What both readings of the prover say to a question, as one answer; where they contradict each other, no packet agrees."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self.rehearsal = rehearsal
        self._walk = Predicted(rehearsal.network)
        self._first = {
            (e.id, v): next((a for a in e.addresses if a.version == v), None) for e in rehearsal.network.endpoints for v in (4, 6)
        }
        self._cells = _cells(rehearsal.table, set(rehearsal.columns.values()))
        self._sets: dict[int, tuple[Transports, Transports, Transports]] = {}

    def __call__(self, question: Question) -> list[Answer]:
        """One answer."""
        found = self._walk(question)
        says = self.by_table(question)
        delivered = found[0].disposition in (Disposition.DELIVERED.value, Disposition.EXITS.value)
        if found[0].disposition == Disposition.UNKNOWN.value or says is None or says is delivered:
            return found
        return [Answer(f"{'ALLOWED' if says else 'DENIED'} by the table, {found[0].disposition} by the walk")]

    def by_table(self, question: Question) -> bool | None:
        """Whether the cluster as it was read lets it pass; None where that is not known."""
        columns, first = self.rehearsal.columns, self._first[question.source, question.address.version]
        assert first is not None
        cell = self._cells[columns[question.source, first], columns[question.destination, question.address]]
        if cell not in self._sets:
            self._sets[cell] = self.rehearsal.table.sets(cell)
        allowed, unknown, _ = self._sets[cell]
        what = question.protocol, question.port
        return True if what in allowed else None if what in unknown else False


def _cells(table: Table, columns: set[int]) -> dict[tuple[int, int], int]:
    out: dict[tuple[int, int], int] = {}
    for sources, there, found in table.blocks(sorted(columns)):
        for i, source in enumerate(sources.tolist()):
            out |= {(source, column): int(found[i, j]) for j, column in enumerate(there.tolist()) if column in columns}
    return out


def rehearse(network: Network, everything: bool = False) -> Rehearsal:
    """What runs of a cluster. `everything`: every pod, and not only some of each class."""
    table = Table(network)
    notes: list[str] = []
    chosen = _chosen(table, everything, notes)
    columns: dict[tuple[str, Address], int] = {}
    given = _Addresses(network)
    endpoints = [e for endpoint in chosen if (e := _inside(endpoint, table, given, columns)) is not None]
    endpoints, shared = _one_each(endpoints)
    endpoints += _outside(table, given, columns, notes)
    _say(network, endpoints, shared, given, notes)
    count = max(len(endpoints), 1)
    room = SOCKETS // count if everything else min(SOCKETS // count, QUESTIONS // count**2)
    ports = _some(list(_ports(table)), max(room, 1), notes)
    running = tuple(replace(e, listeners=_listening(e, ports)) for e in endpoints)
    return Rehearsal(replace(network, endpoints=running, entries=(), guarantees=()), table, columns, notes)


def _say(network: Network, endpoints: Sequence[Endpoint], shared: int, given: _Addresses, notes: list[str]) -> None:
    if given.pods:
        notes.append(f"{given.pods} pods without an address were given one of {' or '.join(str(_FREE[v]) for v in given.families)}")
    if shared:
        notes.append(f"{shared} pods on their node's network are their node")
    if nowhere := sum(e.host_network and not e.addresses for e in network.endpoints):
        notes.append(f"{nowhere} pods are on the network of a node that is not known, and do not run")
    if entries := len(network.entries):
        kinds = sorted({e.kind.value for e in network.entries})
        notes.append(f"{entries} ways in ({', '.join(kinds)}) do not run: pods are asked at their own addresses")
    notes += [f"{p.id} is not enforced, and what it decides is not asked: {p.why}" for p in network.unknown_policies]


# ---- who runs -----------------------------------------------------------------------------------------------------------


def _chosen(table: Table, everything: bool, notes: list[str]) -> list[Endpoint]:
    """Some of each class; of too many classes, classes at even distances."""
    members = table.columns.members[: table.columns.inside]
    every = {e.id: e for of in members for e in of}
    if everything or len(every) <= MOST:
        return list(every.values())
    for each in range(EACH, 0, -1):
        some = {e.id: e for of in members for e in of[:each]}
        if len(some) <= MOST or each == 1:
            break
    notes.append(f"{len(some)} of {len(every)} endpoints run, so that each of {len(members)} classes has one (`--all` runs all)")
    if len(some) > MOST:
        ids = list(some)
        some = {ids[i * len(ids) // MOST]: some[ids[i * len(ids) // MOST]] for i in range(MOST)}
        notes[-1] = f"{MOST} of {len(every)} endpoints run, of {len(members)} classes (`--all` runs all)"
    return list(some.values())


class _Addresses:
    """Hands out addresses that nobody has."""

    def __init__(self, network: Network) -> None:
        self.taken = {a for e in network.endpoints for a in e.addresses}
        # a cluster whose pods have addresses of one family gives its next pods addresses of that family
        known = {a.version for e in network.endpoints if e.kind is EndpointKind.POD for a in e.addresses}
        blocks = {p.prefix.version for p in cuts.policy_peers(network) if isinstance(p, BlockPeer)}
        self.families = sorted(known or {4} | blocks)
        self._next = {version: iter(range(1, 1 << 16)) for version in (4, 6)}
        self.pods = 0

    def for_pod(self) -> tuple[Address, ...]:
        """One of each family."""
        self.pods += 1
        return tuple(self._one(version) for version in self.families)

    def _one(self, version: int) -> Address:
        first = _FREE[version].network_address
        found = next(a for i in self._next[version] if (a := first + i) not in self.taken)
        self.taken.add(found)
        return found

    def within(self, prefixes: Iterable[Prefix]) -> Address | None:
        """One that a host can have, of a part of the outside."""
        for prefix in prefixes:
            usual = [p[1] for p in _USUAL if inside(p, prefix)]
            size = prefix.num_addresses
            for address in (
                *usual,
                *(prefix[size // 4 * quarter + i] for quarter in range(4) for i in range(min(size - size // 4 * quarter, 4))),
            ):
                if _usable(address) and address not in self.taken:
                    self.taken.add(address)
                    return address
        return None


def _usable(address: Address) -> bool:
    special = address.is_multicast or address.is_loopback or address.is_unspecified or address.is_link_local
    return not special and not (address.version == 4 and (address.is_reserved or int(address) >> 24 == 0))


def _inside(endpoint: Endpoint, table: Table, given: _Addresses, columns: dict[tuple[str, Address], int]) -> Endpoint | None:
    """An endpoint with its addresses; None for a pod on the network of a node that is not known."""
    if endpoint.addresses:
        columns |= {(endpoint.id, a): table.columns.of[endpoint.id, a] for a in endpoint.addresses}
        return endpoint
    if endpoint.host_network or endpoint.kind is not EndpointKind.POD:
        return None
    found = given.for_pod()
    columns |= {(endpoint.id, a): table.columns.unplaced[endpoint.id, a.version] for a in found}
    return replace(endpoint, addresses=found)


def _one_each(endpoints: Sequence[Endpoint]) -> tuple[list[Endpoint], int]:
    """Nobody has an address that another one has: a node stands for the pods on its network, and is asked for them."""
    first: dict[Address, Endpoint] = {}
    for e in sorted(endpoints, key=lambda e: e.kind is not EndpointKind.HOST):
        for a in e.addresses:
            first.setdefault(a, e)
    kept = [e for e in endpoints if all(first[a] is e for a in e.addresses)]
    return kept, len(endpoints) - len(kept)


def _outside(table: Table, given: _Addresses, columns: dict[tuple[str, Address], int], notes: list[str]) -> list[Endpoint]:
    """A host for each part of the outside."""
    out = []
    for column in range(table.columns.inside, table.columns.count):
        prefixes = table.columns.outside_prefixes([column])
        address = given.within(prefixes)
        if address is None:
            notes.append(f"{prefixes[0]} has no address that a host can have")
            continue
        name = f"outside/{address}"
        columns[name, address] = column
        out.append(Endpoint(name, EndpointKind.EXTERNAL, "outside", "", "", (address,), any_port=True))
    return out


# ---- on which ports -----------------------------------------------------------------------------------------------------


def _ports(table: Table) -> Iterator[Port]:
    """The first and the last of each set of ports that nothing tells apart; of a set of one, also by the other protocol.
    Nothing listens on port 0."""
    atoms = [a for bit in range(table.alphabet.all.bit_length()) for a in table.alphabet.decode(1 << bit)]
    atoms = [(protocol, ports) for protocol, ports in atoms if protocol in _PROBED and ports.last > 0]
    for protocol in _PROBED:
        edges = {edge for of, ports in atoms for edge in (max(ports.first, 1), ports.last) if of is protocol or ports.first == ports.last}
        yield from ((protocol, edge) for edge in sorted(edges))


def _some(ports: list[Port], room: int, notes: list[str]) -> list[Port]:
    """Of too many, ports at even distances."""
    if len(ports) <= room:
        return ports
    notes.append(f"{room} of {len(ports)} ports at the edges of rules are asked (`--all` asks as many as one process can listen on)")
    return [ports[i * len(ports) // room] for i in range(room)]


def _listening(endpoint: Endpoint, ports: Sequence[Port]) -> tuple[Listener, ...]:
    declared = {(x.protocol, x.port) for x in endpoint.listeners}
    return (*endpoint.listeners, *(Listener("", *p) for p in ports if p not in declared))


def _asked(endpoint: Endpoint) -> list[Port]:
    return list(dict.fromkeys((x.protocol, x.port) for x in endpoint.listeners if x.protocol in _PROBED))
