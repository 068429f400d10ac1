"""What the prover says to each question."""

from __future__ import annotations

from budnet.ir.endpoint import ClusterService
from budnet.ir.network import Network
from budnet.probe.answer import Answer
from budnet.probe.question import Question
from budnet.reach.engine import Engine
from budnet.reach.path import Path, path
from budnet.reach.points import Point, PointKind
from budnet.reach.trace import judge, service_backends


class Predicted:
    """Answers from the proof. Paths are walked once for each pair, whatever the port."""

    def __init__(self, network: Network) -> None:
        self.engine = Engine(network)
        self._services: dict[str, ClusterService] = {s.id: s for s in network.services}
        self._paths: dict[tuple[int, int], Path] = {}
        self._senders: dict[tuple[str, int], Point] = {}
        self._targets: dict[tuple[str, str], Point] = {}
        for point in self.engine.points:
            if point.endpoint is not None:
                self._targets[point.endpoint.id, str(point.address)] = point
                if point.kind is not PointKind.PUBLIC:
                    # of several addresses the kernel sends from the first one
                    self._senders.setdefault((point.endpoint.id, point.address.version), point)
        self._answers: dict[tuple[int, int, int], Answer] = {}

    def __call__(self, question: Question) -> list[Answer]:
        """One answer; for a Service one for each pod that may be picked."""
        source = self._senders[question.source, question.address.version]
        if not question.service:
            return [self._one(source, self._targets[question.destination, str(question.address)], question, question.port)]
        backends = service_backends(self.engine, self._services[question.destination], question.protocol, question.port)
        return [self._one(source, point, question, port) for point, port in backends if point.address.version == question.address.version]

    def _one(self, source: Point, target: Point, question: Question, port: int) -> Answer:
        bit = self.engine.alphabet.bit(question.protocol, port)
        key = (source.index, target.index, bit)
        known = self._answers.get(key)
        if known is None:
            pair = (source.index, target.index)
            if pair not in self._paths:
                self._paths[pair] = path(self.engine, source, target)
            verdict = judge(self.engine, self._paths[pair], bit)
            reason = verdict.reason
            known = self._answers[key] = Answer(verdict.disposition.value, reason.layer, reason.object, reason.origin)
        return known
