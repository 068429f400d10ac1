"""Certificates, with the names that they have to cover."""

from __future__ import annotations

from budnet.ir.names import CLUSTERSET, Certificate
from budnet.model.trust import Certificate as Written
from budnet.resolve.certificate_files import own_files
from budnet.resolve.draft import Draft
from budnet.resolve.references import services_of, unknown

LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"


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
        draft.certificates.append(
            Certificate(
                name, name, certificate.issuer, tuple(dict.fromkeys(names)), tuple(dict.fromkeys(owners)),
                certificate.acme or (LETS_ENCRYPT if certificate.issuer == "lets-encrypt" else ""), _challenge(certificate, names),
                own_files(draft, name, certificate, names), certificate.key or "", certificate.lifetime or 0, draft.origin("certificates", name),
            )
        )  # fmt: skip


def _challenge(certificate: Written, names: list[str]) -> str:
    """How the names are shown to an ACME issuer. Only a record in DNS shows that every name below one's own is, too (RFC 8555,
    section 7.1.3; Let's Encrypt, "Challenge Types")."""
    if not (certificate.acme or certificate.issuer == "lets-encrypt"):
        return ""
    return certificate.challenge or ("dns-01" if any(n.startswith("*.") for n in names) else "http-01")


def _forms(draft: Draft, service: str) -> list[str]:
    """Every form of a Service's name that clients in the cluster use."""
    out: list[str] = []
    for found in (s for s in draft.services if s.name == service):
        base = f"{found.name}.{found.namespace}"
        out += [found.host] if found.zone == CLUSTERSET else [found.name, base, f"{base}.svc", found.host]
    return out
