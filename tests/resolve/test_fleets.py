"""Fleets: what one network with `count` stands for, and that its ranges neither overlap nor move."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from budnet.catalog import topology_text
from budnet.ir.address import Prefix
from budnet.ir.network import Network
from budnet.pipeline import Loaded, load_text, lock_path, lock_text, read_lock
from budnet.records import replace
from budnet.source.diagnostic import has_errors

TIERS = {"gpu": 20, "system": 24, "public": 24}


def text(members: int, tiers: Iterable[str] = TIERS, more: str = "", v6: bool = False) -> bytes:
    """A hub and a fleet of `members`."""
    cidr = "[{pool: 10.64.0.0/10, size: 16}, {pool: 'fd00:40::/32', size: 48}]" if v6 else "{pool: 10.64.0.0/10, size: 16}"
    part = "[{{size: {0}}}, {{size: 64}}]" if v6 else "{{size: {0}}}"
    subnets = "".join(f"      {t}: {{cidr: {part.format(TIERS.get(t, 24))}, access: isolated}}\n" for t in tiers)
    return f"""\
budnet: 1
name: fleet
networks:
  hub:
    cidr: {"[10.0.0.0/16, 'fd00:1::/48']" if v6 else "10.0.0.0/16"}
    subnets:
      core: {{cidr: {"[10.0.1.0/24, 'fd00:1:0:1::/64']" if v6 else "10.0.1.0/24"}, access: isolated}}
{more}  work:
    count: {members}
    cidr: {cidr}
    cluster: {{services: {{pool: 172.16.0.0/12, size: 20}}}}
    subnets:
{subnets}links:
  way: {{between: [hub, work], method: vpc-peering}}
services:
  boss: {{subnet: hub/core, ports: {{http: 80/tcp}}}}
  api:  {{subnet: work/gpu, kind: host, ports: {{https: 443/tcp}}}}
  pod:  {{subnet: work/gpu, namespace: models, ports: {{http: 8000/tcp}}}}
flows:
  - {{from: boss, to: api, port: https}}
  - {{from: api, to: pod, port: http}}
guarantees:
  - {{never: {{from: work/gpu, to: hub}}}}
  - {{only: {{from: boss, to: api}}, name: api}}
""".encode()


def read(text: bytes, locked: dict[str, str] | None = None) -> tuple[Network, dict[str, str]]:
    loaded = load_text(text, "fleet.yaml", locked or {})
    assert loaded.network is not None, loaded.diagnostics
    return loaded.network, loaded.addresses


def ranges(given: dict[str, str]) -> dict[str, str]:
    return {name: r for name, r in given.items() if "/" in r}


def disjoint(prefixes: Iterable[Prefix]) -> bool:
    return not any(a.version == b.version and a.overlaps(b) for a, b in combinations(prefixes, 2))


def test_members_are_networks_like_any_other() -> None:
    network, _ = read(text(3, v6=True))
    assert [v.id for v in network.vpcs] == ["hub", "work-01", "work-02", "work-03"]
    assert [p.between for p in network.peerings] == [("hub", "work-01"), ("hub", "work-02"), ("hub", "work-03")]
    assert [e.id for e in network.inside if e.service == "api"] == [f"work-0{i}/gpu/api" for i in (1, 2, 3)]
    assert len(network.clusters) == 3 and len(network.services) == 3
    assert {str(p) for v in network.vpcs for p in v.prefixes} >= {"10.64.0.0/16", "10.65.0.0/16", "fd00:40::/48", "fd00:40:2::/48"}
    assert disjoint([*(p for v in network.vpcs for p in v.prefixes), *(p for c in network.clusters for p in c.services)])
    for vpc in network.vpcs:
        subnets = [p for s in network.subnets if s.vpc == vpc.id for p in s.prefixes]
        assert disjoint(subnets)
        assert all(any(p.version == v.version and p.subnet_of(v) for v in vpc.prefixes) for p in subnets)  # type: ignore[arg-type]


def test_a_fleet_is_what_a_user_would_have_written() -> None:
    """Spelt out by hand, the same Network comes out, but for the lines where it was written."""
    spelt_out = b"""\
budnet: 1
name: fleet
networks:
  hub:     {cidr: 10.0.0.0/16, subnets: {core: {cidr: 10.0.1.0/24, access: isolated}}}
  work-01: {cidr: 10.64.0.0/16, cluster: {services: 172.16.0.0/20}, subnets: {gpu: {cidr: 10.64.0.0/20, access: isolated}}}
  work-02: {cidr: 10.65.0.0/16, cluster: {services: 172.16.16.0/20}, subnets: {gpu: {cidr: 10.65.0.0/20, access: isolated}}}
links:
  way-01: {between: [hub, work-01], method: vpc-peering}
  way-02: {between: [hub, work-02], method: vpc-peering}
services:
  boss: {subnet: hub/core, ports: {http: 80/tcp}}
  api:  {subnet: [work-01/gpu, work-02/gpu], kind: host, ports: {https: 443/tcp}}
  pod:  {subnet: [work-01/gpu, work-02/gpu], namespace: models, ports: {http: 8000/tcp}}
flows:
  - {from: boss, to: api, port: https}
  - {from: api, to: pod, port: http}
"""
    short, given = read(text(2, ["gpu"]))
    for member in (1, 2):
        part = ip_network(given[f"range:work-0{member}/gpu/v4"])
        spelt_out = spelt_out.replace(f"10.{63 + member}.0.0/20".encode(), str(part).encode())
    long, _ = read(spelt_out)
    for field in (
        "vpcs",
        "subnets",
        "route_tables",
        "peerings",
        "clusters",
        "endpoints",
        "services",
        "security_groups",
        "acls",
        "policies",
    ):
        assert [bare(x) for x in getattr(short, field)] == [bare(x) for x in getattr(long, field)], field


def bare(item: object) -> str:
    """Without places."""
    import re

    return re.sub(r"Origin\([^)]*\)", "", repr(item))


@given(st.integers(1, 30), st.integers(0, 10), st.permutations(["gpu", "system", "public", "store", "edge"]), st.integers(1, 4))
@settings(max_examples=20, deadline=None)
def test_with_a_lock_nothing_that_is_there_moves(members: int, more: int, tiers: list[str], kept: int) -> None:
    """Members, tiers and other networks come and the file is turned around: what was given stays."""
    before = read(text(members, dict.fromkeys(["gpu", *tiers[:kept]])))[1]
    other = "  other: {cidr: {pool: 10.64.0.0/10, size: 14}, subnets: {a: {cidr: {size: 24}, access: isolated}}}\n"
    after = read(text(members + more, dict.fromkeys([*tiers, "gpu"]), other), before)[1]
    assert {n: after[n] for n in before} == before
    assert disjoint(ip_network(r) for n, r in ranges(after).items() if n.count("/") == 1)


def test_without_a_lock_a_new_member_and_a_new_tier_move_nothing_here() -> None:
    before = ranges(read(text(5, ["gpu"]))[1])
    assert ranges(read(text(12, ["gpu", "system"]))[1]).items() >= before.items()


def test_the_hundredth_member_renames_none() -> None:
    few, many = read(text(3).replace(b"size: 16", b"size: 18"))[0], read(text(101).replace(b"size: 16", b"size: 18"))[0]
    assert [v.id for v in many.vpcs][:4] == [v.id for v in few.vpcs]
    assert [v.id for v in many.vpcs][-2:] == ["work-100", "work-101"]


def test_a_pool_is_used_to_its_last_range() -> None:
    assert len(read(text(8).replace(b"10.64.0.0/10", b"10.64.0.0/13"))[0].vpcs) == 9
    assert has_errors(load_text(text(9).replace(b"10.64.0.0/10", b"10.64.0.0/13"), "fleet.yaml", {}).diagnostics)


def test_a_range_that_is_written_is_left_free() -> None:
    other = "  other: {cidr: 10.65.0.0/16, subnets: {a: {cidr: 10.65.1.0/24, access: isolated}}}\n"
    assert disjoint(p for v in read(text(4, more=other))[0].vpcs for p in v.prefixes)


def test_a_lock_with_a_range_that_no_longer_fits_is_not_followed() -> None:
    for wrong in ("10.64.0.0/20", "192.168.0.0/16", "10.0.0.0/16"):
        assert ranges(read(text(2), {"range:work-01/v4": wrong})[1])["range:work-01/v4"] == "10.64.0.0/16"


def test_a_lock_is_written_and_read(tmp_path) -> None:  # type: ignore[no-untyped-def]
    given = read(text(3, v6=True))[1]
    file = tmp_path / "fleet.yaml"
    lock_path(file).write_text(lock_text(given), encoding="utf-8")
    assert read_lock(lock_path(file)) == (given, [])


def test_a_fault_of_every_member_is_said_once_and_where_it_is_written() -> None:
    """Also of the thirty-seventh."""
    written = text(40).replace(b"gpu: {cidr: {size: 20}, access: isolated}", b"gpu: {cidr: {size: 20}, access: private}")
    loaded: Loaded = load_text(written, "fleet.yaml", {})
    assert [d.code for d in loaded.diagnostics] == ["R104"]
    span = loaded.diagnostics[0].span
    assert span is not None and written.decode().splitlines()[span.line - 1].lstrip().startswith("gpu:")


def test_every_object_of_a_member_names_a_line_of_the_file() -> None:
    network, _ = read(text(40))
    lines = text(40).decode().splitlines()
    assert lines[next(v for v in network.vpcs if v.id == "work-37").origin.line - 1].strip() == "work:"
    assert lines[next(p for p in network.peerings if p.id == "way-37").origin.line - 1].startswith("  way:")


def test_a_guarantee_about_a_fleet_is_about_all_of_it() -> None:
    never, only = read(text(7))[0].guarantees
    assert len(never.sources.endpoints) == 14 and never.sources.name == "work/gpu"
    assert len(only.destinations.endpoints) == 7


def test_two_fleets_are_linked_each_with_each_and_one_fleet_with_itself() -> None:
    other = "  edge: {count: 2, cidr: {pool: 10.128.0.0/12, size: 16}, subnets: {a: {cidr: {size: 24}, access: isolated}}}\n"
    links = b"links:\n  far: {between: [work, edge], method: vpc-peering}\n  near: {between: [work, work], method: vpc-peering}\n"
    network, _ = read(text(3, more=other).replace(b"links:\n", links))
    assert len({p.between for p in network.peerings if p.id.startswith("far-")}) == 6
    assert sorted(p.id for p in network.peerings if p.id.startswith("near-")) == ["near-01-02", "near-01-03", "near-02-03"]


def test_the_fleet_that_ships_is_short_and_has_fifty_clusters() -> None:
    shipped = topology_text("fleet")
    assert len(shipped.splitlines()) < 60
    network, _ = read(shipped)
    assert len(network.vpcs) == 51 and len(network.peerings) == 50
    assert replace(network.vpcs[37], origin=network.vpcs[1].origin).id == "workload-37"
