"""Advice: the method that fits, why the others do not, and that what fits is what `check` takes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budnet.catalog import topology_text
from budnet.model.decode import decode
from budnet.pipeline import load_text
from budnet.resolve.advice import METHODS, Advice, advise
from budnet.source.yaml import parse

LINK = "links:\n  way: {between: [one, two], method: vpc-peering}\n"
ONE, TWO = ("10.1.0.0/16", "aws", "eu-west-1"), ("10.2.0.0/16", "aws", "eu-west-1")


def text(one: tuple[str, str, str] = ONE, two: tuple[str, str, str] = TWO, *, flows: str = "web -> db 5432/tcp", links: str = LINK,
         access: str = "private", more: str = "") -> bytes:  # fmt: skip
    """Two networks with a service each, and what else is wanted."""
    networks = "".join(
        f"  {name}:\n    cidr: {cidr}\n    cloud: {{provider: {provider}{', region: ' + region if region else ''}}}\n    subnets:\n"
        f"      front: {{cidr: {cidr.replace('.0.0/16', '.0.0/24')}, access: public}}\n"
        f"      back:  {{cidr: {cidr.replace('.0.0/16', '.1.0/24')}, access: {access}}}\n"
        for name, (cidr, provider, region) in (("one", one), ("two", two))
    )
    arrows = (flow.split() for flow in flows.split(", ") if flow)
    rows = "".join(f"\n  - {{from: {a}, to: {b}, port: {port}}}" for a, _, b, port in arrows) or " []"
    return f"""\
budnet: 1
name: two
networks:
{networks}{more}{links}services:
  web: {{subnet: one/back, ports: {{http: 80/tcp}}}}
  db:  {{subnet: two/back, ports: {{sql: 5432/tcp, time: 123/udp}}}}
flows:{rows}
""".encode()


def advised(written: bytes) -> list[Advice]:
    document, problems = parse(written, "two.yaml")
    assert document is not None and not problems
    topology, problems = decode(document)
    assert topology is not None, problems
    found = advise(document, topology, {})
    assert found is not None
    return found


AZURE, ON_PREM = ("10.2.0.0/16", "azure", "westeurope"), ("10.2.0.0/16", "on-prem", "")
SAME = ("10.1.0.0/16", "aws", "eu-west-1")
CASES = {
    "one cloud and region": (text(), "vpc-peering", "one region", False),
    "two regions": (text(two=("10.2.0.0/16", "aws", "us-east-1")), "vpc-peering", "two regions", False),
    "overlap on AWS": (text(two=SAME), "aws-privatelink", "overlap", True),
    "overlap on Azure": (text(("10.1.0.0/16", "azure", "a"), ("10.1.0.0/16", "azure", "b")), "azure-private-link", "overlap", True),
    "overlap, both ways": (text(two=SAME, flows="web -> db 5432/tcp, db -> web 80/tcp"), "aws-privatelink", "in each", True),
    "overlap, UDP": (text(two=SAME, flows="web -> db time"), "", "not TCP", True),
    "AWS and Azure": (text(two=AZURE), "vpn", "different clouds", True),
    "AWS and a site": (text(two=ON_PREM), "vpn", "different clouds", True),
    "two sites": (text(("10.1.0.0/16", "on-prem", ""), ON_PREM), "vpn", "no peering", True),
    "AWS and Azure, overlap": (text(two=("10.1.0.0/16", "azure", "")), "public", "only the internet", True),
    "AWS and Azure, overlap, shut in": (text(two=("10.1.0.0/16", "azure", ""), access="isolated"), "", "isolated", True),
    "no link and a flow": (text(links=""), "vpc-peering", "one cloud", True),
    "a link and no flow": (text(flows=""), "vpc-peering", "one cloud", False),
}


@pytest.mark.parametrize("case", CASES)
def test_a_pair(case: str) -> None:
    written, method, why, to_do = CASES[case]
    (found,) = advised(written)
    assert (found.advised, found.to_do) == (method, to_do)
    assert why in found.why
    assert [j.method for j in found.judgments] == ["vpc-peering", "aws-privatelink", "azure-private-link", "vpn", "public"]
    assert len(METHODS) == 5 and all(j.why and j.source.startswith("https://") for j in found.judgments)


def test_the_facts_are_told() -> None:
    facts = advised(text(two=SAME, flows="web -> db sql, db -> web http"))[0].facts
    assert facts.overlap == (("10.1.0.0/16", "10.1.0.0/16"),)
    assert facts.there == ("web -> db sql",) and facts.back == ("db -> web http",)
    assert facts.clouds == ("aws eu-west-1", "aws eu-west-1")


def test_of_two_with_one_range_only_one_is_routed() -> None:
    """`one` routes to `two`; `three` has the range of `two`, so it does not go by a route as well."""
    more = "  three: {cidr: 10.2.0.0/16, cloud: {region: eu-west-1}, subnets: {a: {cidr: 10.2.9.0/24, access: isolated}}}\n"
    links = LINK + "  other: {between: [one, three], method: vpc-peering}\n"
    found = {a.facts.between: a for a in advised(text(more=more, links=links))}
    assert found["one", "three"].advised == "aws-privatelink"
    assert found["one", "three"].facts.crowd == ("three overlaps two, to which one routes",)


def test_nothing_goes_through_a_third_network() -> None:
    more = "  hub: {cidr: 10.9.0.0/16, cloud: {region: eu-west-1}, subnets: {a: {cidr: 10.9.1.0/24, access: isolated}}}\n"
    links = "links:\n  a: {between: [one, hub], method: vpc-peering}\n  b: {between: [two, hub], method: vpc-peering}\n"
    found = {a.facts.between: a for a in advised(text(more=more, links=links))}
    assert found["one", "two"].facts.through == "hub" and found["one", "two"].to_do


def test_a_fleet_is_one_entry_and_has_a_quota() -> None:
    def fleet(count: int) -> bytes:
        more = f"  many: {{count: {count}, cidr: {{pool: 10.64.0.0/10, size: 20}}, cloud: {{region: eu-west-1}}, subnets: {{a: {{cidr: {{size: 24}}, access: isolated}}}}}}\n"
        return text(more=more, links=LINK + "  all: {between: [one, many], method: vpc-peering}\n")

    found = {a.link: a for a in advised(fleet(60))}
    assert found["all"].pairs == 60 and found["all"].facts.between == ("many", "one")
    assert found["all"].advised == "vpc-peering" and "quota above 50" in found["all"].why
    found = {a.link: a for a in advised(fleet(130))}
    assert found["all"].advised == "aws-privatelink" and found["all"].to_do and "allows 125" in found["all"].why


ENDS = st.tuples(
    st.sampled_from(["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"]), st.sampled_from(["aws", "azure"]), st.sampled_from(["", "north"])
)


@given(ENDS, ENDS)
@settings(max_examples=60, deadline=None)
def test_a_peering_fits_where_check_takes_it(one: tuple[str, str, str], two: tuple[str, str, str]) -> None:
    written = text(one, two)
    fits = advised(written)[0].of("vpc-peering").fits
    assert fits == (load_text(written, "two.yaml", {}).network is not None)


def test_names_that_mean_nothing_are_not_advised_on() -> None:
    document, _ = parse(text().replace(b"services:", b"groups: {all: [nobody]}\nservices:"), "two.yaml")
    assert document is not None
    topology, _ = decode(document)
    assert topology is not None and advise(document, topology, {}) is None


def test_every_link_of_the_five_ways_is_as_advised() -> None:
    """Whoever wrote that file chose by hand."""
    found = advised(topology_text("five-ways"))
    assert {a.written for a in found} == {"vpc-peering", "aws-privatelink", "azure-private-link", "vpn", "public"}
    assert [a.result for a in found] == ["as written"] * len(found)
