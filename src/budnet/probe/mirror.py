"""The mirror of an air gap: a bundle of what the file lists is written, pushed into it, and pulled from it again by a node.

Pulled by tag, as a node does; its digest has to be the one of the bundle, and so has every byte below it. The client is our own
(`bundle/registry.py`), run at the node; the registry is the real one.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from budnet.bundle import write
from budnet.bundle.oci import BadBundle
from budnet.bundle.push import split
from budnet.ir.address import Protocol
from budnet.ir.airgap import Airgap
from budnet.ir.endpoint import Endpoint
from budnet.ir.intent import Flow
from budnet.ir.network import Network
from budnet.probe.answer import Answer
from budnet.probe.question import Question
from budnet.probe.truth import Truth
from budnet.twin.lab import Twin

MIRROR = "mirror"
_AUTHORITY = "/run/budnet/ca.pem"
_CLIENT = "budnet.bundle.registry"

Puller = tuple[Flow, Endpoint, Endpoint]
"""(the flow that lets it, who pulls, from whom)."""


def truth(network: Network, gap: Airgap, twin: Twin, puller: Puller | None) -> Truth:
    """A row for each artefact of the file; a file that lists some and has nobody who pulls gets a row that says so."""
    table = Truth()
    assert network.bundle is not None
    if puller is None:
        return table
    with tempfile.TemporaryDirectory() as folder:
        try:
            bundle = Path(folder) / "bundle"
            carried(network, bundle)
            fill(network, twin, puller, bundle)
        except BadBundle as wrong:
            question = _question(network, puller, "a bundle")
            table.add(question, [Answer("DELIVERED", MIRROR, "", gap.origin)], Answer("LOST", MIRROR, str(wrong), gap.origin))
            return table
        return pulled(network, twin, puller, _rows(bundle))


def carried(network: Network, bundle: Path) -> None:
    """Writes the bundle of a file. BadBundle where a source cannot be read."""
    assert network.bundle is not None
    base = Path(network.bundle.items[0].origin.file).parent
    write.write(network.name, network.bundle, base, bundle, Ed25519PrivateKey.generate())


def fill(network: Network, twin: Twin, puller: Puller, bundle: Path) -> None:
    """Pushes all of a bundle from where somebody pulls. BadBundle where the mirror refuses."""
    rows = [[r["name"], r["mediaType"], r["digest"], write.blob(bundle, r["digest"]).stat().st_size] for r in _rows(bundle)]
    answers = _at(network, twin, puller, {"do": "push", "bundle": str(bundle), "rows": rows})
    for row, answer in zip(rows, answers, strict=True):
        if answer != row[2]:
            raise BadBundle(f"{row[0]}: {answer}")


def pulled(network: Network, twin: Twin, puller: Puller, expected: Sequence[dict[str, Any]]) -> Truth:
    """What a node gets for each name."""
    assert network.bundle is not None
    table = Truth()
    origins = {i.name: i.origin for i in network.bundle.items}
    answers = _at(network, twin, puller, {"do": "pull", "bundle": "", "rows": [split(r["name"]) for r in expected]})
    for row, answer in zip(expected, answers, strict=True):
        wanted = Answer("DELIVERED", MIRROR, row["digest"], origins[row["name"]])
        table.add(_question(network, puller, row["name"]), [wanted], Answer("DELIVERED", MIRROR, answer, wanted.origin))
    return table


def _rows(bundle: Path) -> list[dict[str, Any]]:
    from budnet.bundle import lock

    return list(lock.read((bundle / lock.LOCK).read_bytes())["artefacts"])


def _question(network: Network, puller: Puller, name: str) -> Question:
    flow, source, target = puller
    address = next(a for a in target.addresses if a.version in {b.version for b in source.addresses})
    return Question(source.id, f"{target.id} {name}", address, Protocol.TCP, flow.match.ports.first)


def _at(network: Network, twin: Twin, puller: Puller, asked: dict[str, Any]) -> list[str]:
    """Runs our client at the node. BadBundle where it did not run to its end."""
    _, source, target = puller
    question = _question(network, puller, "")
    host = next((s.host for s in network.services if target.id in s.backends), str(question.address))
    asked |= {"address": str(question.address), "port": question.port, "host": host, "authority": _AUTHORITY, "tls": True}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as wrong, open("/dev/null") as nothing:
        code = twin.exec(source.id, [sys.executable, "-m", _CLIENT, json.dumps(asked)], (nothing.fileno(), out.fileno(), wrong.fileno()))
        out.seek(0)
        wrong.seek(0)
        if code:
            raise BadBundle(f"the registry's client at {source.id} failed: {wrong.read().decode(errors='replace').strip()[-300:]}")
        return list(json.loads(out.read()))
