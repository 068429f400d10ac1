"""What the twin says to each question: a real packet, and the evidence of what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from budnet.ir.address import Protocol
from budnet.ir.network import Network
from budnet.ir.origin import Origin
from budnet.probe.answer import Answer
from budnet.probe.cuts import Cuts
from budnet.probe.hello import certified, client_hello, is_tls
from budnet.probe.question import Question
from budnet.twin import prober
from budnet.twin.lab import Twin
from budnet.twin.prober import Observed

# What a real UDP server answers: an NTP version 4 client packet (RFC 5905), a DNS query for the root's name servers
_NTP = b"\x23" + b"\0" * 47
_DNS = b"\0\1\1\0\0\1\0\0\0\0\0\0\0\0\2\0\1"
_REAL_UDP = {123: _NTP, 53: _DNS}
_HELLO = b"\n"


class InTwin:
    """Answers from a twin that is up."""

    def __init__(self, network: Network, twin: Twin) -> None:
        self.twin = twin
        status = twin.facts
        self._marks = [Answer(d, layer, name, _origin(place)) for d, layer, name, place in status["marks"]]
        self._own = {(endpoint, protocol, port) for endpoint, protocol, port, loopback in status["listeners"] if not loopback}
        self._services = {s.id: s for s in network.services}
        self._endpoints = network.endpoint
        self._cuts = Cuts(twin)

    def ask(self, questions: Sequence[Question]) -> Iterator[tuple[int, Answer]]:
        """(number, answer) as they end."""
        for number, observed in self.twin.ask(self._packet(q) for q in questions):
            yield number, self._answer(questions[number], observed)

    def _packet(self, question: Question) -> prober.Question:
        return prober.Question(question.source, str(question.address), question.protocol.value, question.port, self._payload(question))

    def _payload(self, question: Question) -> bytes:
        """Our own listeners answer whatever is said; real ones are spoken to in their protocol, or only connected to."""
        if host := _said_in_tls(question):
            return client_hello(host)
        if self._is_own(question):
            return _HELLO
        return _REAL_UDP.get(question.port, _HELLO) if question.protocol is Protocol.UDP else b""

    def _is_own(self, question: Question) -> bool:
        protocol = question.protocol.name.lower()
        if not question.service:
            return (question.destination, protocol, question.port) in self._own
        service = self._services[question.destination]
        target = next(p.target for p in service.ports if p.protocol is question.protocol and p.port == question.port)
        return any((backend, protocol, target) in self._own for backend in service.backends)

    @property
    def reads_names(self) -> bool:
        """Whether a filter in the twin reads what is said in TLS on the way out."""
        return self._cuts.running

    def _answer(self, question: Question, observed: Observed) -> Answer:
        if observed.kind == "open" and (host := _said_in_tls(question)):
            return self.told(question.source, question.destination, str(question.address), host, observed.said)
        return self.plainly(self._who(question, observed) if observed.kind == "open" else self._behind(question), observed)

    def plainly(self, behind: str, observed: Observed) -> Answer:
        """What happened, where `behind` is who answers or would."""
        match observed.kind:
            case "open":
                return Answer("DELIVERED", "listener", behind)
            case "closed":
                return Answer("NOT_LISTENING", "listener", behind)
            case "logged":
                return self._marks[observed.mark]
            case _:
                return Answer("LOST", "", observed.said.decode(errors="replace"))

    def told(self, source: str, destination: str, address: str, says: str, said: bytes) -> Answer:
        """What came back to a ClientHello: the name in a certificate, or nothing, because a filter on the way cut it."""
        if is_tls(said):
            host = destination.removeprefix("internet/")
            return Answer("DELIVERED", "listener", destination if certified(said, host) else "somebody with another certificate")
        if said:
            return Answer("DELIVERED", "listener", said.decode(errors="replace").strip())
        sender = self._endpoints[source]
        cut = next((c for a in sender.addresses if (c := self._cuts.by(str(a), address, says))), "")
        return Answer("DENIED_OUT", "sni-filter", cut) if cut else Answer("LOST", "", "closed without a word")

    def _who(self, question: Question, observed: Observed) -> str:
        """The name that came back; of a real server, which says no name, the endpoint that holds the address."""
        return observed.said.decode(errors="replace").strip() if self._is_own(question) else self._behind(question)

    def _behind(self, question: Question) -> str:
        return self._services[question.destination].backends[0] if question.service else question.destination


def _said_in_tls(question: Question) -> str:
    """The name that a client says to a host outside on 443/tcp; empty for other questions."""
    outside, _, host = question.destination.partition("/")
    return host if outside == "internet" and "." in host and (question.protocol, question.port) == (Protocol.TCP, 443) else ""


def _origin(place: str) -> Origin:
    file, line, column = place.rsplit(":", 2)
    return Origin(file, int(line), int(column))
