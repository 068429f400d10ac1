"""What a callee's sidecar says to a caller, whatever became of packets.

The rules are those of Dapr's access control (dapr/dapr, pkg/acl): a rule is found by app and namespace, and holds only
where the trust domain is its own, too; whoever has none, or comes from another trust domain, gets the default.
"""

from __future__ import annotations

from collections.abc import Iterator

from budnet.ir.mesh import AccessControl, CallerRule, Identity
from budnet.ir.network import Network
from budnet.ir.origin import Origin
from budnet.reach.disposition import Disposition, Reason, Verdict
from budnet.reach.path import Gate

LAYER, CODE = "mesh-access", "MESH_ACCESS_RESTRICTION"


def rule_for(control: AccessControl, caller: Identity | None) -> CallerRule | None:
    """The rule that is about a caller."""
    if caller is None:
        return None
    rule = next((r for r in control.rules if (r.caller.app, r.caller.namespace) == (caller.app, caller.namespace)), None)
    return rule if rule is not None and rule.caller.trust_domain == caller.trust_domain else None


def allows(control: AccessControl, caller: Identity | None) -> bool:
    """Whether a callee's sidecar hands on what a caller sends."""
    rule = rule_for(control, caller)
    return control.default_allow if rule is None else rule.allow


def decide(control: AccessControl, caller: Identity | None) -> Verdict:
    """The word of the callee's sidecar alone, whatever becomes of packets."""
    if not allows(control, caller):
        rule = rule_for(control, caller)
        return Verdict(Disposition.DENIED_IN, Reason(CODE, LAYER, control.id, rule.origin if rule else control.origin))
    return Verdict(Disposition.DELIVERED, Reason("", "listener", control.callee.name, control.origin))


def rules_behind(network: Network, gate: Gate) -> Iterator[tuple[str, Origin]]:
    """The rule that lets a caller through this layer's gate."""
    caller = gate.peer.endpoint
    for control in network.access_controls:
        rule = rule_for(control, network.identity.get(caller.id)) if caller and control.id == gate.object else None
        if rule is not None:
            yield rule.id, rule.origin
