"""When a certificate is to be renewed, as a share of its lifetime: a fixed number of days would alarm for ever at one of 24 hours."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

LEFT = 3
"""With one third of its lifetime left a certificate is due, as cert-manager and ACME's clients have it."""

USUAL = {
    "lets-encrypt": timedelta(days=90),  # the `classic` profile until 2027-02-10, when it becomes 64 days
    "acme": timedelta(days=90),
    "internal-ca": timedelta(days=90),  # cert-manager's default
    "dapr-sentry": timedelta(hours=24),  # workloadCertTTL
}
"""Where a row says nothing. Sources: letsencrypt.org/2025/12/02/from-90-to-45, cert-manager.io/docs/usage/certificate, Dapr's chart."""


class State(StrEnum):
    """What to do about a certificate."""

    NOT_YET = "not yet valid"
    GOOD = "good"
    DUE = "due"
    EXPIRED = "expired"


def state(start: datetime, end: datetime, now: datetime) -> State:
    """Where `now` lies in a lifetime."""
    if now < start:
        return State.NOT_YET
    if now > end:
        return State.EXPIRED
    return State.DUE if now >= due(start, end) else State.GOOD


def due(start: datetime, end: datetime) -> datetime:
    """When a third of the lifetime is left."""
    return end - (end - start) / LEFT


def lifetime(issuer: str, seconds: int) -> timedelta:
    """A row's lifetime, or its issuer's usual one."""
    return timedelta(seconds=seconds) if seconds else USUAL.get(issuer, USUAL["internal-ca"])


def words(time: timedelta) -> str:
    """`90d`, `24h`, `36h`, `15m`: as a file writes it."""
    seconds = int(time.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= (2 * size if unit == "d" else size) and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s" if seconds < 3600 else f"{seconds / 86400:.1f}d"
