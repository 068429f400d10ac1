"""What the twin says to each question: a real packet, and the evidence of what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from budnet.ir.address import Protocol
from budnet.ir.network import Network
from budnet.ir.origin import Origin
from budnet.probe.answer import Answer
from budnet.probe.question import Question
from budnet.twin import prober
from budnet.twin.lab import Twin
from budnet.twin.prober import Observed

_NUMBER = {Protocol.TCP: prober.TCP, Protocol.UDP: prober.UDP}
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

    def ask(self, questions: Sequence[Question]) -> Iterator[tuple[int, Answer]]:
        """(number, answer) as they end."""
        for number, observed in self.twin.ask(self._packet(q) for q in questions):
            yield number, self._answer(questions[number], observed)

    def _packet(self, question: Question) -> prober.Question:
        return prober.Question(question.source, str(question.address), _NUMBER[question.protocol], question.port, self._payload(question))

    def _payload(self, question: Question) -> bytes:
        """Our own listeners answer whatever is said; real ones are spoken to in their protocol, or only connected to."""
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

    def _answer(self, question: Question, observed: Observed) -> Answer:
        match observed.kind:
            case "open":
                return Answer("DELIVERED", "listener", self._who(question, observed))
            case "closed":
                return Answer("NOT_LISTENING", "listener", self._behind(question))
            case "logged":
                return self._marks[observed.mark]
            case _:
                return Answer("LOST", "", observed.said.decode(errors="replace"))

    def _who(self, question: Question, observed: Observed) -> str:
        """The name that came back; of a real server, which says no name, the endpoint that holds the address."""
        return observed.said.decode(errors="replace").strip() if self._is_own(question) else self._behind(question)

    def _behind(self, question: Question) -> str:
        return self._services[question.destination].backends[0] if question.service else question.destination


def _origin(place: str) -> Origin:
    file, line, column = place.rsplit(":", 2)
    return Origin(file, int(line), int(column))
