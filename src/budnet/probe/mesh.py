"""The mesh: who may call whom, asked of the proof and of the sidecars of the twin.

- Every app's certificate is shown at every other app's sidecar, from inside the callee's own pod: what packet filters do
  cannot hide what the sidecar would do, and most pairs never get as far as a sidecar.
- Where packets arrive, the call is made as an app makes it: to the sidecar on the caller's loopback, by the callee's name.
- What no sidecar may accept is tried at each: no certificate, one that has expired, of another issuer, of another trust
  domain, namespace or app, TLS 1.2, clear text. Such a refusal counts only where the same door answered somebody.
- No sidecar may speak to a pod that is not the callee it wants: its table of addresses is made to lie for a moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from budnet.ir.address import Address, Protocol
from budnet.ir.endpoint import Endpoint
from budnet.ir.mesh import AccessControl, Identity
from budnet.ir.network import Network
from budnet.probe.answer import Answer
from budnet.probe.question import Question
from budnet.probe.truth import Truth
from budnet.reach.engine import Engine
from budnet.reach.mesh_access import LAYER, decide
from budnet.reach.trace import trace
from budnet.twin import mesh
from budnet.twin.caller import Call, Said
from budnet.twin.lab import Twin

TLS = "mesh-tls"
MOST = 5000
"""So many pairs of an identity and a sidecar are all asked: some seconds."""
_LOST = "no call was answered there, so that this one was not says nothing"


@dataclass(frozen=True)
class _Row:
    """A question, what is predicted (any of), the call that asks it, and how its answer reads."""

    question: Question
    predicted: list[Answer]
    call: Call
    read: Callable[[Said], Answer]
    needs: int = -1
    """The number of a row on the same path: without an answer there, a refusal here is no evidence."""


def truth(network: Network, twin: Twin) -> Truth:
    """Nothing where there is no mesh; where the twin's cannot be asked, the reason."""
    table = Truth()
    if not network.access_controls:
        return table
    status = twin.status()
    if status["mesh"]["kind"] != "haproxy":
        table.notes.append(status["mesh"]["said"])
        return table
    asker = _Asker(network, {(e, port) for e, protocol, port, _ in status["listeners"] if protocol == "tcp"})
    rows = asker.rows()
    if asker.left_out:
        table.notes.append(f"{asker.left_out} pairs of an app and a sidecar that no flow names: every {asker.step}th of them was")
    said = twin.call([row.call for row in rows], asker.lies)
    for row, answer in zip(rows, said, strict=True):
        lost = row.needs >= 0 and not said[row.needs].status
        table.add(row.question, row.predicted, Answer("LOST", TLS, _LOST) if lost else row.read(answer))
    return table


class _Asker:
    def __init__(self, network: Network, own: set[tuple[str, int]]) -> None:
        self.network, self.own = network, own
        self.engine = Engine(network)
        self.lies: dict[str, dict[str, str]] = {}
        self.found: list[_Row] = []
        self.left_out = 0
        self.pods: dict[Identity, str] = {}
        for endpoint, identity in network.identity.items():
            self.pods.setdefault(identity, endpoint)
        self.step = -(-len(self.pods) * len(network.identity) // MOST)

    def rows(self) -> list[_Row]:
        """All questions. Each about a callee comes behind one that shows that its door answers."""
        for control in self.network.access_controls:
            for callee in (self.network.endpoint[e] for e in control.endpoints):
                door = len(self.found)
                self.found += self.identities(control, callee)
                self.found += self.refusals(control, callee, door)
        for caller in (self.network.endpoint[e] for e in self.network.identity):
            self.found += self.invocations(caller)
        return self.found

    # ---- at the callee's door -------------------------------------------------------------------------------------------

    def identities(self, control: AccessControl, callee: Endpoint) -> Iterator[_Row]:
        """Every app's own certificate, the callee's first; in a large mesh only a part of those that no rule is for."""
        ruled = {rule.caller for rule in control.rules} | {control.callee}
        for number, (identity, pod) in enumerate(sorted(self.pods.items(), key=lambda row: row[0] != control.callee)):
            if number % self.step and identity not in ruled:
                self.left_out += 1
                continue
            yield self.door(control, callee, pod, identity, f"{identity.name}.pem")

    def refusals(self, control: AccessControl, callee: Endpoint, door: int) -> Iterator[_Row]:
        """Identities that are nobody's, then what does not even get through TLS."""
        known = next((r.caller for r in control.rules if r.allow), control.callee)
        first = self.network.access_controls[0].callee
        for what, identity, certificate in (
            ("another trust domain", mesh.in_other_domain(known), mesh.other_domain(known)),
            ("another namespace", mesh.in_other_namespace(known), mesh.other_namespace(known)),
            ("an unknown app", mesh.unknown_app(first), mesh.UNKNOWN),
        ):
            yield self.door(control, callee, f"{known.name} of {what}" if identity.app == known.app else what, identity, certificate)
        for what, certificate, maximum, secure, alert in (
            ("no certificate", "", "", True, "certificate required"),
            ("an expired certificate", mesh.EXPIRED, "", True, "certificate expired"),
            ("a certificate of another issuer", mesh.STRANGER, "", True, "unknown ca"),
            ("TLS 1.2", f"{known.name}.pem", "1.2", True, "protocol version"),
            ("clear text", "", "", False, "closed"),
        ):
            question = self.question(what, callee, control)
            call = Call(callee.id, str(question.address), control.port, secure, certificate, maximum)
            predicted = Answer("DENIED_IN", TLS, f"{callee.id}: {alert}", control.origin)
            yield _Row(question, [predicted], call, lambda said, at=callee.id: _refusal(said, at), door)  # type: ignore[misc]

    def door(self, control: AccessControl, callee: Endpoint, source: str, identity: Identity, certificate: str) -> _Row:
        """One certificate at one sidecar."""
        question = self.question(source, callee, control)
        call = Call(callee.id, str(question.address), control.port, True, certificate)

        def read(said: Said) -> Answer:
            if said.status and said.identity != control.callee.uri:
                return Answer("DENIED_OUT", TLS, f"{callee.id} shows {said.identity or 'no identity'}")
            return self.read(said, control)

        return _Row(question, [self.predict(control, identity, callee.id)], call, read)

    def question(self, source: str, callee: Endpoint, control: AccessControl) -> Question:
        return Question(source, f"{callee.id} mesh", callee.addresses[0], Protocol.TCP, control.port)

    # ---- from the caller's own sidecar ------------------------------------------------------------------------------------

    def invocations(self, caller: Endpoint) -> Iterator[_Row]:
        """By name, to every app whose sidecars the caller's packets reach; and once to one that is not who it should be."""
        lied = False
        for control in self.known_to(caller):
            callees = [self.network.endpoint[e] for e in control.endpoints]
            if not all(self.arrives(caller, callee, control) for callee in callees):
                continue
            number = len(self.found)
            identity = self.network.identity[caller.id]
            predicted = [self.predict(control, identity, callee.id) for callee in callees]
            name = control.callee.name
            yield _Row(self.loopback(caller, name), predicted, self.to(caller, name), lambda said, c=control: self.read(said, c))  # type: ignore[misc]
            if not lied:
                lied = True
                yield self.impostor(caller, control, callees[0], number)

    def known_to(self, caller: Endpoint) -> Iterator[AccessControl]:
        """Every other app, in the caller's own cluster where it is there."""
        controls = sorted(self.network.access_controls, key=lambda c: not c.id.startswith(f"{caller.cluster}/"))
        seen = {self.network.identity[caller.id]}
        for control in controls:
            if control.callee not in seen:
                seen.add(control.callee)
                yield control

    def arrives(self, caller: Endpoint, callee: Endpoint, control: AccessControl) -> bool:
        """Whether packets of the family that sidecars use get to the callee's door."""
        target = self.address(caller, callee)
        for source in self.engine.interfaces[caller.id]:
            for destination in self.engine.interfaces[callee.id]:
                if destination.address == target and source.address.version == destination.address.version:
                    return trace(self.engine, source, destination, Protocol.TCP, control.port).verdict.reachable
        return False

    def impostor(self, caller: Endpoint, control: AccessControl, callee: Endpoint, number: int) -> _Row:
        """An app that does not exist, at the address of one that does: its sidecar answers, and shows another identity."""
        name, group = f"impostor-of-{control.callee.app}.{caller.namespace}", mesh.group_of(caller)
        self.lies.setdefault(f"callees-{group}", {})[f"{name}/0"] = str(self.address(caller, callee))
        self.lies.setdefault(f"replicas-{group}", {})[name] = "1"
        predicted = Answer("DENIED_OUT", TLS, caller.id, control.origin)

        def read(said: Said) -> Answer:
            return Answer("DENIED_OUT", TLS, caller.id) if said.status == 503 else self.read(said, control)

        return _Row(self.loopback(caller, name), [predicted], self.to(caller, name), read, number)

    @staticmethod
    def address(caller: Endpoint, callee: Endpoint) -> Address | None:
        families = {a.version for a in caller.addresses}
        return next((a for a in callee.addresses if a.version in families), None)

    @staticmethod
    def to(caller: Endpoint, name: str) -> Call:
        return Call(caller.id, "127.0.0.1", mesh.API, False, app=name)

    @staticmethod
    def loopback(caller: Endpoint, name: str) -> Question:
        return Question(caller.id, f"invoke {name}", ip_address("127.0.0.1"), Protocol.TCP, mesh.API)

    # ---- answers ----------------------------------------------------------------------------------------------------------

    @staticmethod
    def predict(control: AccessControl, identity: Identity, callee: str) -> Answer:
        verdict = decide(control, identity)
        if not verdict.reachable:
            return Answer(verdict.disposition.value, LAYER, control.id, verdict.reason.origin)
        origin = next((r.origin for r in control.rules if r.caller == identity), control.origin)
        return Answer("DELIVERED", LAYER, callee, origin)

    def read(self, said: Said, control: AccessControl) -> Answer:
        """Who answered: where our own listener is the app, the app; else the sidecar in front of it."""
        if not said.status:
            return Answer("LOST", TLS, said.text)
        if said.status == 403 and said.sidecar in control.endpoints:
            return Answer("DENIED_IN", LAYER, control.id)
        if said.status == 200:
            return Answer("DELIVERED", LAYER, said.text if (said.sidecar, control.app_port) in self.own else said.sidecar)
        if said.status == 404 and not control.app_port:
            return Answer("DELIVERED", LAYER, said.sidecar)
        return Answer("LOST", LAYER, f"HTTP {said.status} {said.sidecar}".strip())


def _refusal(said: Said, callee: str) -> Answer:
    """What did not get through TLS, and by which alert; what did, by what was answered."""
    if said.status:
        return Answer("DELIVERED", TLS, f"{callee}: HTTP {said.status}")
    return Answer("DENIED_IN", TLS, f"{callee}: {said.text}")
