"""Sets of packets against plain Python sets, over universes small enough to list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_address, ip_network
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from budnet.ir.address import ALL_PORTS, Address, Match, PortRange, Prefix, Protocol
from budnet.packets import intervals
from budnet.packets.addresses import AddressSet, address, number, partition
from budnet.packets.connections import distinct
from budnet.packets.transports import Alphabet, Transports

LAWS = settings(max_examples=100, deadline=None, derandomize=True, database=None)

# ---- intervals ------------------------------------------------------------------------------------------------------

LINE = 12
_parts = st.lists(st.tuples(st.integers(0, LINE - 1), st.integers(0, LINE - 1)), max_size=5)


def numbers(parts: Iterable[intervals.Interval]) -> set[int]:
    return {n for first, last in parts for n in range(first, last + 1)}


@LAWS
@given(_parts, _parts)
def test_intervals_are_sets_of_integers(a: list[tuple[int, int]], b: list[tuple[int, int]]) -> None:
    one, two = intervals.canonical(a), intervals.canonical(b)
    assert numbers(one) == numbers(a)
    assert all(x[1] + 1 < y[0] for x, y in pairwise(one)), "sorted, disjoint, not adjacent"
    assert numbers(intervals.intersect(one, two)) == numbers(a) & numbers(b)
    assert numbers(intervals.subtract(one, two)) == numbers(a) - numbers(b)
    assert numbers(intervals.complement(one, (2, LINE - 3))) == set(range(2, LINE - 2)) - numbers(a)
    assert [intervals.contains(one, n) for n in range(LINE)] == [n in numbers(a) for n in range(LINE)]


# ---- addresses ------------------------------------------------------------------------------------------------------

# The ends of both families: where IPv4 ends on the line of numbers, IPv6 begins.
CORNERS: tuple[Prefix, ...] = tuple(
    ip_network(p) for p in ("0.0.0.0/29", "255.255.255.248/29", "::/125", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff8/125")
)
UNIVERSE: list[Address] = [a for corner in CORNERS for a in corner]
_SMALL: list[Prefix] = [p for corner in CORNERS for bits in range(4) for p in corner.subnets(bits)]
_prefixes = st.lists(st.sampled_from([*_SMALL, *map(ip_network, ("0.0.0.0/0", "::/0", "128.0.0.0/1", "8000::/1"))]))
_sets = _prefixes.map(AddressSet.of)


def listed(addresses: AddressSet) -> set[Address]:
    return {a for a in UNIVERSE if a in addresses}


@LAWS
@given(_prefixes)
def test_an_address_set_is_the_union_of_its_prefixes(prefixes: list[Prefix]) -> None:
    whole = AddressSet.of(prefixes)
    assert listed(whole) == {a for a in UNIVERSE if any(a.version == p.version and a in p for p in prefixes)}
    assert bool(whole) == bool(prefixes)
    assert whole == AddressSet.of(reversed(prefixes)) == AddressSet.of([*prefixes, *prefixes])
    if prefixes:
        assert number(whole.first()) == min(number(p.network_address) for p in prefixes)


@LAWS
@given(_sets, _sets, _sets)
def test_boolean_laws(a: AddressSet, b: AddressSet, c: AddressSet) -> None:
    assert listed(a | b) == listed(a) | listed(b)
    assert listed(a & b) == listed(a) & listed(b)
    assert listed(a - b) == listed(a) - listed(b)
    assert listed(~a) == set(UNIVERSE) - listed(a)
    nothing = AddressSet()
    assert ~~a == a and a | ~a == ~nothing and a & ~a == nothing
    assert a | b == b | a and a & b == b & a
    assert a & (b | c) == (a & b) | (a & c) and a | (b & c) == (a | b) & (a | c)
    assert ~(a | b) == ~a & ~b and a - b == a & ~b
    assert (a == b) == (not (a - b) and not (b - a))
    assert len({a | b, b | a}) == 1


@LAWS
@given(_sets, _sets)
def test_prefixes_say_exactly_the_set_and_no_list_is_shorter(a: AddressSet, b: AddressSet) -> None:
    for some in (a, ~a, a - b):
        prefixes = some.prefixes()
        assert AddressSet.of(prefixes) == some
        four = [p for p in prefixes if isinstance(p, IPv4Network)]
        six = [p for p in prefixes if isinstance(p, IPv6Network)]
        assert len(prefixes) == len(list(collapse_addresses(four))) + len(list(collapse_addresses(six)))


@LAWS
@given(st.lists(_sets, max_size=4), _sets)
def test_partition_cuts_into_the_coarsest_pieces(sets: list[AddressSet], within: AddressSet) -> None:
    atoms = partition(sets, within)
    assert all(atoms) and sum(len(listed(a)) for a in atoms) == len(listed(within)), "disjoint"
    whole = AddressSet()
    for atom in atoms:
        assert not whole & atom
        whole |= atom
    assert whole == within
    for atom in atoms:
        assert all(not atom & s or not atom - s for s in sets), "no set cuts an atom"
        assert len({a.version for part in atom.parts for a in map(address, part)}) == 1, "an atom is of one family"
    kinds = [(atom.first().version, *(atom.first() in s for s in sets)) for atom in atoms]
    assert len(set(kinds)) == len(kinds), "what no set tells apart is one atom"


@LAWS
@given(st.sampled_from(UNIVERSE), st.sampled_from(UNIVERSE))
def test_the_line_of_numbers_keeps_order_and_loses_nothing(a: Address, b: Address) -> None:
    assert address(number(a)) == a
    assert (number(a) < number(b)) == ((a.version, int(a)) < (b.version, int(b)))
    assert ip_address(str(a)) == address(number(a))


# ---- transports -----------------------------------------------------------------------------------------------------

PORTS = (0, 1, 2, 22, 443, 444, 1023, 1024, 65534, 65535)
_ranges = st.tuples(st.sampled_from(PORTS), st.sampled_from(PORTS)).map(lambda p: PortRange(min(p), max(p)))
_matches = st.builds(Match, st.sampled_from([None, *Protocol]), st.one_of(st.just(ALL_PORTS), _ranges))


def asked() -> Iterator[tuple[Protocol, int]]:
    return ((protocol, port) for protocol in Protocol for port in (*PORTS, 3, 21, 23, 442, 30000))


def holds(match: Match, protocol: Protocol, port: int) -> bool:
    return match.protocol is None or (match.protocol is protocol and match.ports.first <= port <= match.ports.last)


@LAWS
@given(st.lists(_matches, min_size=1, max_size=8))
def test_a_mask_is_exactly_its_match(matches: list[Match]) -> None:
    alphabet = Alphabet(matches)
    for match in matches:
        mask, plain = alphabet.mask(match), alphabet.decode(alphabet.mask(match))
        for protocol, port in asked():
            assert bool(mask & alphabet.bit(protocol, port)) == holds(match, protocol, port)
            assert ((protocol, port) in plain) == holds(match, protocol, port)
    for protocol in Protocol:
        assert alphabet.decode(alphabet.protocol(protocol)) == Transports(((protocol, (ALL_PORTS,)),))
    assert alphabet.decode(0) == Transports() and not Transports()
    assert alphabet.mask(Match()) == alphabet.all


@LAWS
@given(st.lists(_matches, min_size=1, max_size=8), st.integers(min_value=0), st.integers(min_value=0))
def test_masks_and_sets_are_the_same_thing(matches: list[Match], one: int, two: int) -> None:
    alphabet = Alphabet(matches)
    a, b = one & alphabet.all, two & alphabet.all
    for mask in (a, b, a | b, a & b, a & ~b):
        plain = alphabet.decode(mask)
        again = 0
        for protocol, ports in plain:
            again |= alphabet.mask(Match(protocol, ports))
        assert again == mask, "decode, then encode"
        touching = [(x, y) for _, ranges in plain.parts for x, y in pairwise(ranges) if y.first <= x.last + 1]
        assert not touching, "canonical"
    plain_a, plain_b = alphabet.decode(a), alphabet.decode(b)
    for item in asked():
        assert (item in alphabet.decode(a | b)) == (item in plain_a or item in plain_b)
        assert (item in alphabet.decode(a & b)) == (item in plain_a and item in plain_b)
        assert (item in alphabet.decode(a & ~b)) == (item in plain_a and item not in plain_b)


@LAWS
@given(st.lists(_matches, min_size=1, max_size=8), _matches)
def test_an_alphabet_tells_apart_what_its_matches_do_and_nothing_else(matches: list[Match], more: Match) -> None:
    """A match that adds no edge adds no bit."""
    alphabet, wider = Alphabet(matches), Alphabet([*matches, more])
    assert alphabet.all.bit_count() <= wider.all.bit_count()
    assert Alphabet([*matches, *reversed(matches)]).all == alphabet.all
    for match in matches:
        assert wider.decode(wider.mask(match)) == alphabet.decode(alphabet.mask(match))


@LAWS
@given(st.lists(st.one_of(st.integers(0, 9), st.integers(0, 10**9)), max_size=40))
def test_distinct_numbers_are_those_of_a_set(numbers: list[int]) -> None:
    """Few that there could be are flagged, many are sorted."""
    for some in (numbers, [n % 7 for n in numbers]):
        assert distinct(np.array(some, np.int32)).tolist() == sorted(set(some))
