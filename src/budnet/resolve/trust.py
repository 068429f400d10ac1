"""Certificates, with the names that they have to cover."""

from __future__ import annotations

from budnet.ir.names import CLUSTERSET, Certificate
from budnet.resolve.draft import Draft
from budnet.resolve.references import services_of, unknown


def trust(draft: Draft) -> None:
    """The pass."""
    for name, certificate in draft.topology.certificates.items():
        names, owners = list(certificate.names), list[str]()
        for i, target in enumerate(certificate.for_):
            path = ("certificates", name, "for", i)
            services = services_of(draft, target)
            if services is None:
                unknown(draft, target, path)
            for service in services or []:
                names += _forms(draft, service)
                owners.append(service)
        # only a challenge by DNS shows that a wildcard is one's own (RFC 8555, section 7.1.3; Let's Encrypt, "Challenge Types")
        usual = "dns-01" if any(n.startswith("*.") for n in names) else "http-01"
        draft.certificates.append(
            Certificate(
                name, name, certificate.issuer, tuple(dict.fromkeys(names)), tuple(dict.fromkeys(owners)),
                (certificate.challenge or usual) if certificate.issuer == "lets-encrypt" else "",
                certificate.key or "", certificate.lifetime or 0, draft.origin("certificates", name),
            )
        )  # fmt: skip


def _forms(draft: Draft, service: str) -> list[str]:
    """Every form of a Service's name that clients in the cluster use."""
    out: list[str] = []
    for found in (s for s in draft.services if s.name == service):
        base = f"{found.name}.{found.namespace}"
        out += [found.host] if found.zone == CLUSTERSET else [found.name, base, f"{base}.svc", found.host]
    return out
