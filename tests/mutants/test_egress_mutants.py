"""Single faults in what names decide on the way out: each turns rows red, and they name what was spoilt."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import pytest

from budnet.ir.address import EVERYWHERE, Match, PortRange, Protocol
from budnet.ir.filters import AclRule, EgressRule, HostName, SgRule, SniRule
from budnet.ir.names import PUBLIC_VIEW
from budnet.ir.network import Network
from budnet.probe import egress
from budnet.probe.truth import Truth
from budnet.records import replace
from budnet.twin import outside as outside_hosts
from budnet.twin import sni, tools
from budnet.twin.build import plan
from budnet.twin.process import File, Process
from budnet.twin.staging import Stage, stage
from egress.networks import TEXT, network
from helpers import twin_of

pytestmark = pytest.mark.live
TOOLS = tools.find()
OpenAI, Mistral = HostName("api.openai.com"), HostName("api.mistral.ai")


@dataclass(frozen=True)
class Mutant:
    """The twin is made of the changed network, or staged and then changed; `row` is in a row that turns red, with `line`."""

    what: str
    row: str
    line: str
    network: Callable[[Network], Network] = lambda n: n
    stage: Callable[[Stage], Stage] = lambda s: s


def rewritten(old: str, new: str) -> Callable[[Network], Network]:
    """The network that another text means."""
    return lambda _: network((old, new))


def sni_rules(change: Callable[[SniRule], SniRule | None]) -> Callable[[Network], Network]:
    """Rules of the SNI filters changed, or gone."""

    def edit(n: Network) -> Network:
        return replace(n, sni_filters=tuple(replace(f, rules=tuple(c for r in f.rules if (c := change(r)))) for f in n.sni_filters))

    return edit


def egress_rules(change: Callable[[EgressRule], Sequence[EgressRule]]) -> Callable[[Network], Network]:
    """Rules of the filters by address changed."""

    def edit(n: Network) -> Network:
        return replace(n, egress_filters=tuple(replace(f, rules=tuple(c for r in f.rules for c in change(r))) for f in n.egress_filters))

    return edit


def opened(match: Match) -> Callable[[Network], Network]:
    """Every filter on the way lets a port out to everywhere."""

    def edit(n: Network) -> Network:
        groups = tuple(replace(g, egress=(*g.egress, *(SgRule("any", p, match, g.origin) for p in EVERYWHERE))) for g in n.security_groups)
        rules = [AclRule("any", i + 1, True, p, Match(), n.vpcs[0].origin) for i, p in enumerate(EVERYWHERE)]
        acls = tuple(replace(a, ingress=(*rules, *a.ingress), egress=(*rules, *a.egress)) for a in n.acls)
        wide = egress_rules(lambda r: (r, replace(r, prefixes=EVERYWHERE, match=match)))
        return wide(replace(n, security_groups=groups, acls=acls, policies=()))

    return edit


def resolver_knows_all(n: Network) -> Network:
    public = [r for r in n.records if r.view == PUBLIC_VIEW and r.kind == "A"]
    return replace(n, records=(*n.records, *(replace(r, view="far") for r in public)))


def resolver_knows_nothing(n: Network) -> Network:
    return replace(n, records=tuple(r for r in n.records if r.view != "far"))


def lists_swapped(n: Network) -> Network:
    one, other = n.sni_filters
    return replace(n, sni_filters=(replace(one, rules=other.rules), replace(other, rules=one.rules)))


def configured(process: str, file: str, pattern: str, by: str) -> Callable[[Stage], Stage]:
    """A file of a server changed."""

    def file_of(found: File) -> File:
        if found.path != file:
            return found
        changed = replace(found, content=re.sub(pattern.encode(), by.encode(), found.content))
        assert changed != found
        return changed

    def edit(staged: Stage) -> Stage:
        changed = tuple(replace(p, files=tuple(map(file_of, p.files))) if p.name == process else p for p in staged.processes)
        return replace(staged, processes=changed)

    return edit


def certificates_swapped(staged: Stage) -> Stage:
    def edit(process: Process) -> Process:
        if process.name != outside_hosts.NAME:
            return process
        pems = [f for f in process.files if f.path.endswith(".pem")]
        return replace(
            process,
            files=(
                *(f for f in process.files if f not in pems),
                *(replace(f, path=g.path) for f, g in zip(pems, reversed(pems), strict=True)),
            ),
        )

    return replace(staged, processes=tuple(map(edit, staged.processes)))


def not_handed_over(gateway: str) -> Callable[[Stage], Stage]:
    """A gateway that gives nothing to the filter."""

    def edit(staged: Stage) -> Stage:
        spaces = tuple(
            replace(s, ruleset=replace(s.ruleset, chains=tuple(c for c in s.ruleset.chains if c.name not in ("first", "answer", "hand"))))
            if s.id == gateway else s for s in staged.plan.spaces
        )  # fmt: skip
        assert spaces != staged.plan.spaces
        return replace(staged, plan=replace(staged.plan, spaces=spaces))

    return edit


def bypassed(rule: SniRule) -> SniRule:
    return replace(rule, prefixes=EVERYWHERE) if rule.id.startswith("models") else rule


MUTANTS = (
    Mutant("a provider's name added to a row", "internet/hf.co", "  net:", rewritten("api.mistral.ai, partner]", "api.mistral.ai, hf.co, partner]")),
    Mutant("a row's source widened", "net/back/other", "  other:", rewritten("calls:  {from: caller", "calls:  {from: [caller, other]")),
    Mutant("another region", "bedrock-runtime.eu-west-3.amazonaws.com", "  clouds:", rewritten("region: eu-west-3", "region: eu-west-2")),
    Mutant("any depth in place of one", "two.one.quay.io", "  net:", rewritten("name: quay.io, depth: 1", "name: quay.io, depth: any")),
    Mutant("the name itself beside what is below it", "far/resolver azmk8s.io", "  far:", rewritten(", apex: false", "")),
    Mutant("SNI list without a source", "net/back/caller", "  calls:", sni_rules(lambda r: None if r.id == "calls:caller" else r)),
    Mutant("SNI list without a name", "internet/api.mistral.ai", "  calls:", sni_rules(lambda r: replace(r, names=tuple(n for n in r.names if n != Mistral)))),
    Mutant("SNI lists of two VPCs swapped", "far/back/remote", "  below:", lists_swapped),
    Mutant("an address let through under every name", "as nobody", "  net:", sni_rules(bypassed)),
    Mutant("resolver with a name too many", "far/resolver hf.co", "  far:", resolver_knows_all),
    Mutant("resolver without its names", "far/resolver api.mistral.ai", "  far:", resolver_knows_nothing),
    Mutant("UDP/443 open", "443/udp", "  puller:", opened(Match(Protocol.UDP, PortRange(443, 443)))),
    Mutant("DNS over TLS open", "853", "  puller:", opened(Match(Protocol.TCP, PortRange(853, 853)))),
    Mutant("NTP closed", "internet/time.google.com", "  clock:", egress_rules(lambda r: () if r.id.startswith("clock") else (r,))),
    Mutant("NTP from one source only", "far/back/remote", "  clock:", egress_rules(lambda r: () if r.id == "clock:remote" else (r,))),
    Mutant("name and address not compared", "internet/hf.co as quay.io", "  net:", stage=configured(sni.NAME, "haproxy.cfg", r"\{ var\(txn.pair\) .*?addresses \} ", "")),
    Mutant("filter lets everything through", "as not-on-any-list.example", "  net:", stage=configured(sni.NAME, "haproxy.cfg", "content reject", "content accept")),
    Mutant("filter cuts everything", "net/back/puller", "  models:", stage=configured(sni.NAME, "haproxy.cfg", "str passed", "str nothing")),
    Mutant("IPv6 past the filter", "3fff:1:", "  net:", stage=not_handed_over("net/egress-only-gateway")),
    Mutant("NAT gateway past the filter", "net/back/caller", "  net:", stage=not_handed_over("net/nat")),
    Mutant("internet gateway past the filter", "net/edge/front", "  net:", stage=not_handed_over("net/internet-gateway")),
    Mutant("hosts with each other's certificates", "somebody with another certificate", "  models:", stage=certificates_swapped),
)  # fmt: skip


def asked(changed: Network, edit: Callable[[Stage], Stage] = lambda s: s) -> Truth:
    wanted = plan(changed)
    staged = edit(stage(changed, wanted, TOOLS))
    with twin_of(staged.plan, staged) as twin:
        return egress.truth(network(), twin)


@cache
def spaces() -> set[str]:
    return {s.id for s in plan(network()).spaces}


def test_without_a_fault_all_agree() -> None:
    table = asked(network())
    assert not table.disagree, "\n".join(map(str, table.disagree[:5]))
    assert table.questions > 150
    assert {"DELIVERED", "DENIED_OUT"} <= set(table.fates)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.what)
def test_fault_is_seen_and_named(mutant: Mutant) -> None:
    table = asked(mutant.network(network()), mutant.stage)
    red = [f"{d} {d.question.address}" for d in table.disagree]
    line = next(i for i, text in enumerate(TEXT.splitlines(), 1) if text.startswith(mutant.line))
    assert any(mutant.row in row and f"names.yaml:{line}:" in row for row in red), "\n".join([*red[:12], f"{len(red)} rows"])
