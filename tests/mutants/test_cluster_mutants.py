"""A single fault in how clusters are read or decided is seen: some flow is then judged otherwise than the specifications say.

Every mutant replaces one function of the program. It is found by the cases of `tests/conformance/kubernetes` or, failing
these, by random flows through random clusters.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest

from budnet.ir.address import Protocol
from budnet.ir.endpoint import EndpointKind
from budnet.ir.filters import Action, BlockPeer, NamePeer, Operator, PodPeer
from budnet.observe.kubernetes import cluster, policies
from budnet.observe.kubernetes.foreign import is_foreign
from budnet.observe.kubernetes.kinds import is_read
from budnet.observe.kubernetes.workloads import Workloads
from budnet.packets.connections import Connections
from budnet.reach import semantics
from budnet.reach.nodes import Nodes
from budnet.reach.semantics import PERHAPS, YES
from budnet.reach.table import peers as peers_module
from budnet.reach.table import rows
from budnet.reach.table.columns import Columns
from budnet.reach.table.peers import Peers
from budnet.reach.table.rows import RowMaker
from budnet.reach.table.terms import Terms
from budnet.reach.tiers import Lanes, decide
from budnet.records import replace
from conformance.kubernetes.cases import CASES, policies_of, rows_of
from conformance.kubernetes.cases import cluster as cluster_of_cases
from properties.cluster_flows import Tabled, disagreements
from properties.clusters import random_cluster
from properties.kubernetes_judge import Judge

Patch = Callable[[pytest.MonkeyPatch], None]
MUTANTS: dict[str, Patch] = {}
_CLUSTERS, _FLOWS = 150, 150


def mutant(patch: Patch) -> Patch:
    """Lists a mutant by its function's name."""
    MUTANTS[patch.__name__.replace("_", " ").strip()] = patch
    return patch


# ---- selectors ----------------------------------------------------------------------------------------------------------


def _requirements(patch: pytest.MonkeyPatch, change: Callable[[Any], Any]) -> None:
    """Every requirement of a label selector is looked at after `change`."""
    holds = Peers._holds
    patch.setattr(Peers, "_holds", lambda self, r: holds(self, change(r)))


@mutant
def not_in_wants_the_key(patch: pytest.MonkeyPatch) -> None:
    holds = Peers._holds

    def changed(self: Peers, r: Any) -> Any:
        found = holds(self, r)
        return found & holds(self, replace(r, operator=Operator.EXISTS, values=())) if r.operator is Operator.NOT_IN else found

    patch.setattr(Peers, "_holds", changed)


@mutant
def not_in_is_in(patch: pytest.MonkeyPatch) -> None:
    _requirements(patch, lambda r: replace(r, operator=Operator.IN) if r.operator is Operator.NOT_IN else r)


@mutant
def only_the_first_value_counts(patch: pytest.MonkeyPatch) -> None:
    _requirements(patch, lambda r: replace(r, values=r.values[:1]))


@mutant
def does_not_exist_is_exists(patch: pytest.MonkeyPatch) -> None:
    _requirements(patch, lambda r: replace(r, operator=Operator.EXISTS) if r.operator is Operator.DOES_NOT_EXIST else r)


@mutant
def only_the_first_requirement_counts(patch: pytest.MonkeyPatch) -> None:
    labelled = Peers._labelled
    patch.setattr(Peers, "_labelled", lambda self, selector: labelled(self, selector[:1]))


@mutant
def namespaces_have_no_label_of_their_name(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(cluster, "_NAME", "name")


@mutant
def pods_of_all_namespaces_are_meant_by_a_pod_selector_alone(patch: pytest.MonkeyPatch) -> None:
    shapes = Peers._pod_shapes
    patch.setattr(Peers, "_pod_shapes", lambda self, peer, of, namespace, *rest: shapes(self, peer, of, "", *rest))


@mutant
def a_namespace_selector_forgets_the_pod_selector(patch: pytest.MonkeyPatch) -> None:
    shapes = Peers._pod_shapes

    def changed(self: Peers, peer: PodPeer, *rest: Any) -> Any:
        return shapes(self, replace(peer, pods=()) if peer.namespaces else peer, *rest)

    patch.setattr(Peers, "_pod_shapes", changed)


@mutant
def a_namespace_that_was_not_read_has_no_labels(patch: pytest.MonkeyPatch) -> None:
    spaces = semantics.spaces
    patch.setattr(semantics, "spaces", lambda network: {at: replace(space, known=True) for at, space in spaces(network).items()})


@mutant
def a_subject_that_may_be_one_is_one(patch: pytest.MonkeyPatch) -> None:
    subjects = Peers.subjects

    def changed(self: Peers, peer: PodPeer, of: str, fits: int = YES) -> Any:
        return np.union1d(subjects(self, peer, of), subjects(self, peer, of, PERHAPS)) if fits == YES else subjects(self, peer, "nobody's")

    patch.setattr(Peers, "subjects", changed)


# ---- prefixes -----------------------------------------------------------------------------------------------------------


def _blocks(patch: pytest.MonkeyPatch, change: Callable[[BlockPeer], BlockPeer]) -> None:
    block = policies._block
    patch.setattr(policies, "_block", lambda of, where: change(block(of, where)))


@mutant
def except_is_ignored(patch: pytest.MonkeyPatch) -> None:
    _blocks(patch, lambda b: replace(b, without=()))


@mutant
def only_the_first_exception_counts(patch: pytest.MonkeyPatch) -> None:
    _blocks(patch, lambda b: replace(b, without=b.without[:1]))


@mutant
def blocks_do_not_match_pods(patch: pytest.MonkeyPatch) -> None:
    look = Peers._look

    def changed(self: Peers, peer: Any, *rest: Any) -> Any:
        found = look(self, peer, *rest)
        return found & self._outside if isinstance(peer, BlockPeer) else found

    patch.setattr(Peers, "_look", changed)


@mutant
def pods_without_an_address_are_in_no_block(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(peers_module, "covers_partly", lambda block: False)


@mutant
def pods_without_an_address_are_in_every_block(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(peers_module, "covers", lambda block: True)


@mutant
def pods_without_an_address_have_any_family(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Peers, "_unplaced_of", lambda self, block: self._unplaced)


@mutant
def names_of_domains_mean_nobody(patch: pytest.MonkeyPatch) -> None:
    perhaps = Peers.perhaps
    patch.setattr(Peers, "perhaps", lambda self, asked, *rest: perhaps(self, [p for p in asked if not isinstance(p, NamePeer)], *rest))


@mutant
def nodes_are_not_their_host_network_pods(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Peers, "_on_host", lambda self, of: np.zeros(self.columns.count, bool))


# ---- ports --------------------------------------------------------------------------------------------------------------


@mutant
def end_port_is_left_out(patch: pytest.MonkeyPatch) -> None:
    _ports(patch, lambda port: replace(port, end=port.end - 1) if port.end else port)


@mutant
def end_port_is_ignored(patch: pytest.MonkeyPatch) -> None:
    _ports(patch, lambda port: replace(port, end=None))


def _ports(patch: pytest.MonkeyPatch, change: Callable[[Any], Any]) -> None:
    port = policies._port
    patch.setattr(policies, "_port", lambda of, where: change(port(of, where)))


@mutant
def a_named_port_is_of_any_protocol(patch: pytest.MonkeyPatch) -> None:
    named = Terms._named_mask

    def changed(self: Terms, port: Any, ports: Any) -> int:
        masks = [named(self, replace(port, protocol=p), ports) for p in (Protocol.TCP, Protocol.UDP, Protocol.SCTP)]
        return masks[0] | masks[1] | masks[2]

    patch.setattr(Terms, "_named_mask", changed)


@mutant
def a_named_port_matches_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Terms, "_named_mask", lambda self, port, ports: 0)


@mutant
def ports_are_udp_by_default(patch: pytest.MonkeyPatch) -> None:
    protocol = policies.protocol_of
    patch.setattr(policies, "protocol_of", lambda of, where: protocol({"protocol": "UDP", **of}, where))


@mutant
def sctp_is_tcp(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(policies.PROTOCOLS, "SCTP", Protocol.TCP)


@mutant
def a_rule_without_ports_has_none(patch: pytest.MonkeyPatch) -> None:
    spelt = Terms._spelt
    patch.setattr(Terms, "_spelt", lambda self, where, written, *rest: spelt(self, where, written, *rest) if written else iter(()))


# ---- directions and isolation -------------------------------------------------------------------------------------------


@mutant
def policy_types_default_to_ingress_only(patch: pytest.MonkeyPatch) -> None:
    read = policies.network_policy

    def changed(of: Any, *rest: Any) -> Any:
        found = read(of, *rest)
        return found if of["spec"].get("policyTypes") else replace(found, egress=None)

    patch.setattr(policies, "network_policy", changed)


@mutant
def policy_types_default_to_what_is_written(patch: pytest.MonkeyPatch) -> None:
    read = policies.network_policy

    def changed(of: Any, *rest: Any) -> Any:
        found = read(of, *rest)
        return found if of["spec"].get("policyTypes") or "ingress" in of["spec"] else replace(found, ingress=None)

    patch.setattr(policies, "network_policy", changed)


@mutant
def a_policy_without_rules_does_not_isolate(patch: pytest.MonkeyPatch) -> None:
    read = policies.network_policy

    def changed(*of: Any) -> Any:
        found = read(*of)
        return replace(found, ingress=found.ingress or None, egress=found.egress or None)

    patch.setattr(policies, "network_policy", changed)


@mutant
def only_one_end_is_asked(patch: pytest.MonkeyPatch) -> None:
    meet = Connections.meet
    patch.setattr(Connections, "meet", lambda self, left, right: meet(self, np.full_like(left, 1), right))


# ---- tiers --------------------------------------------------------------------------------------------------------------


def _actions(patch: pytest.MonkeyPatch, of: dict[Action, Action]) -> None:
    def swapped(groups: Any) -> Any:
        return [[[(of.get(a, a), mask) for a, mask in rules] for rules in group] for group in groups]

    patch.setattr(
        rows,
        "decide",
        lambda lanes, admin, isolated, allowed, baseline: decide(lanes, swapped(admin), isolated, allowed, swapped(baseline)),
    )


@mutant
def pass_is_accept(patch: pytest.MonkeyPatch) -> None:
    _actions(patch, {Action.PASS: Action.ACCEPT})


@mutant
def pass_is_deny(patch: pytest.MonkeyPatch) -> None:
    _actions(patch, {Action.PASS: Action.DENY})


@mutant
def pass_does_nothing(patch: pytest.MonkeyPatch) -> None:
    def without(groups: Any) -> Any:
        return [[[r for r in rules if r[0] is not Action.PASS] for rules in group] for group in groups]

    patch.setattr(rows, "decide", lambda lanes, admin, *rest: decide(lanes, without(admin), *rest))


@mutant
def the_tiers_are_swapped(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rows, "decide", lambda lanes, admin, isolated, allowed, baseline: decide(lanes, baseline, isolated, allowed, admin))


@mutant
def the_highest_number_is_asked_first(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rows, "decide", lambda lanes, admin, *rest: decide(lanes, list(admin)[::-1], *rest))


@mutant
def the_last_rule_decides(patch: pytest.MonkeyPatch) -> None:
    def turned(groups: Any) -> Any:
        return [[rules[::-1] for rules in group] for group in groups]

    patch.setattr(rows, "decide", lambda lanes, admin, *rest: decide(lanes, turned(admin), *rest))


@mutant
def equal_priorities_are_asked_one_after_the_other(patch: pytest.MonkeyPatch) -> None:
    def apart(groups: Any) -> Any:
        return [[rules] for group in groups for rules in group]

    patch.setattr(rows, "decide", lambda lanes, admin, *rest: decide(lanes, apart(admin), *rest))


@mutant
def the_baseline_is_never_asked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rows, "decide", lambda lanes, admin, isolated, allowed, baseline: decide(lanes, admin, isolated, allowed, ()))


@mutant
def the_baseline_is_asked_of_isolated_pods(patch: pytest.MonkeyPatch) -> None:
    def changed(lanes: Lanes, admin: Any, isolated: bool, allowed: int, baseline: Any) -> int:
        return decide(lanes, admin, isolated, decide(lanes, (), isolated, allowed, ()) & decide(lanes, (), False, 0, baseline), baseline)

    patch.setattr(rows, "decide", changed)


@mutant
def network_policies_come_before_the_admin(patch: pytest.MonkeyPatch) -> None:
    def changed(lanes: Lanes, admin: Any, isolated: bool, allowed: int, baseline: Any) -> int:
        return allowed if isolated else decide(lanes, admin, isolated, allowed, baseline)

    patch.setattr(rows, "decide", changed)


# ---- who there is -------------------------------------------------------------------------------------------------------


@mutant
def host_network_pods_are_selected(patch: pytest.MonkeyPatch) -> None:
    shape = Columns._shape
    patch.setattr(Columns, "_shape", lambda self, e, on: shape(self, replace(e, host_network=False), on))


@mutant
def a_pod_s_own_node_is_as_any_other(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Nodes, "of", lambda self, e: "")


@mutant
def every_node_is_a_pod_s_own(patch: pytest.MonkeyPatch) -> None:
    of = Nodes.of
    patch.setattr(Nodes, "of", lambda self, e: of(self, e) and "the node")


@mutant
def pods_that_do_not_run_yet_are_on_no_node(patch: pytest.MonkeyPatch) -> None:
    of = Nodes.of
    patch.setattr(
        Nodes, "of", lambda self, e: of(self, e).replace("?", "nowhere" if e.kind is EndpointKind.POD and not e.host_network else "?")
    )


@mutant
def an_admin_s_deny_is_for_a_pod_s_own_node_as_well(patch: pytest.MonkeyPatch) -> None:
    row, perhaps = RowMaker._row, Lanes.perhaps

    def changed(self: RowMaker, kind: Any) -> Any:
        with pytest.MonkeyPatch.context() as inner:
            if kind.on and not kind.unknown:
                inner.setattr(Lanes, "perhaps", lambda lanes, mask: 0 if mask == self.terms.alphabet.all else perhaps(lanes, mask))
            return row(self, kind)

    patch.setattr(RowMaker, "_row", changed)


@mutant
def policies_that_are_not_read_do_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(cluster, "is_read", lambda group, kind: is_read(group, kind) and not is_foreign(group, kind))


@mutant
def policies_that_are_not_read_speak_of_both_directions(patch: pytest.MonkeyPatch) -> None:
    foreign = cluster.foreign
    patch.setattr(cluster, "foreign", lambda *of: replace(foreign(*of), ingress=True, egress=True))


@mutant
def labels_of_pods_are_lost(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Workloads, "_shared", lambda self, written: ())


@pytest.mark.parametrize("what", MUTANTS)
def test_a_fault_is_seen(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    MUTANTS[what](monkeypatch)
    for case in CASES:
        objects = cluster_of_cases() + policies_of(case)
        tabled = Tabled(objects)
        if any(tabled.verdict(flow) != verdict for flow, verdict in rows_of(case, Judge(objects))):
            return
    for seed in range(_CLUSTERS):
        if disagreements(random_cluster(seed), Random(seed), _FLOWS)[1]:
            return
    pytest.fail(f"{_CLUSTERS} clusters are judged as before")


def test_there_are_mutants_enough() -> None:
    assert len(MUTANTS) >= 25
