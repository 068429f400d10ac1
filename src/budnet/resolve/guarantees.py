"""What must hold, with its names looked up."""

from __future__ import annotations

from budnet.ir.address import Match
from budnet.ir.intent import Guarantee, GuaranteeKind, Side
from budnet.model import flow as written
from budnet.resolve.draft import Draft
from budnet.resolve.references import number_match, ports_of, services_of, side
from budnet.source.document import Path

NOT_A_NUMBER = "R531"
_NOBODY = Side("")


def guarantees(draft: Draft) -> None:
    """The pass."""
    for i, guarantee in enumerate(draft.topology.guarantees):
        origin = draft.origin("guarantees", i)
        for kind in (GuaranteeKind.NEVER, GuaranteeKind.ONLY, GuaranteeKind.REACHES):
            pair: written.Pair | None = getattr(guarantee, kind.value)
            if pair is None:
                continue
            path: Path = ("guarantees", i, kind.value)
            sources, targets = side(draft, pair.from_, (*path, "from")), side(draft, pair.to, (*path, "to"))
            matches = _matches(draft, pair, path)
            name = guarantee.name or f"{kind.value}: {_short(sources.name)} to {_short(targets.name)}"
            draft.guarantees.append(Guarantee(name, kind, sources, targets, matches, "", (), guarantee.because, origin))
        if guarantee.encrypted is not None:
            waived = side(draft, guarantee.encrypted.waive, ("guarantees", i, "encrypted", "waive"))
            across = guarantee.encrypted.across
            name = guarantee.name or f"encrypted across {across}"
            kind = GuaranteeKind.ENCRYPTED
            draft.guarantees.append(Guarantee(name, kind, _NOBODY, _NOBODY, (), across, (waived,), guarantee.because, origin))


def _matches(draft: Draft, pair: written.Pair, path: Path) -> tuple[Match, ...]:
    """Ports by number, or by their names on the services that `to` names."""
    out: dict[Match, None] = {}
    for port in pair.ports or []:
        number = number_match(port)
        if number is not None:
            out[number] = None
            continue
        services = [s for name in pair.to for s in services_of(draft, name, (*path, "to")) or []]
        if not services:
            draft.error(NOT_A_NUMBER, f"'{port}' is a name, and the guarantee is not about a service that could have it",
                        (*path, "ports"), "write a number, such as 443/tcp")  # fmt: skip
        for service in services:
            out.update({match: None for _, match in ports_of(draft, service, [port], (*path, "ports"))})
    return tuple(out)


def _short(name: str, limit: int = 48) -> str:
    return name if len(name) <= limit else name[: name.rfind(",", 0, limit)] + ", ..."
