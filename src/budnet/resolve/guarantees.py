"""What must hold, with its names looked up."""

from __future__ import annotations

from budnet.ir.address import Match
from budnet.ir.intent import Guarantee, GuaranteeKind, Side
from budnet.model import flow as written
from budnet.model.values import match_help, read_match
from budnet.resolve.draft import Draft
from budnet.resolve.references import ports_of, services_of, side
from budnet.source.document import Path
from budnet.source.text import quoted

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
    for i, port in enumerate(pair.ports or []):
        number = read_match(port)
        if isinstance(number, Match):
            out[number] = None
            continue
        place = (*path, "ports", i)
        services = [s for name in pair.to for s in services_of(draft, name) or []]
        if not services and "/" in port:
            draft.error(NOT_A_NUMBER, number, place, match_help(port) or "write it like 443/tcp")
        elif not services:
            draft.error(NOT_A_NUMBER, f"{quoted(port)} is a name, and the guarantee is not about a service that could have it", place,
                        match_help(port) or "write a number, such as 443/tcp")  # fmt: skip
        for service in services:
            out.update({match: None for _, match in ports_of(draft, service, [port], place)})
    return tuple(out)


def _short(name: str, limit: int = 48) -> str:
    return name if len(name) <= limit else name[: name.rfind(",", 0, limit)] + ", ..."
