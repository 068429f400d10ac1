"""Who is who in a service mesh, and who may call whom: identities, and access control as Dapr's sidecars apply it."""

from __future__ import annotations

from msgspec import Struct

from budnet.ir.origin import Origin


class Identity(Struct, frozen=True, order=True):
    """What a sidecar proves with its certificate. All replicas of an app have the same one."""

    trust_domain: str
    namespace: str
    app: str

    @property
    def uri(self) -> str:
        """The SPIFFE ID, as Dapr's Sentry writes it into certificates."""
        return f"spiffe://{self.trust_domain}/ns/{self.namespace}/{self.app}"

    @property
    def name(self) -> str:
        """How an app is called in another namespace: `app.namespace`."""
        return f"{self.app}.{self.namespace}"


class CallerRule(Struct, frozen=True):
    """An item of `spec.accessControl.policies`: what one caller may do."""

    id: str
    caller: Identity
    allow: bool
    origin: Origin


class AccessControl(Struct, frozen=True):
    """`spec.accessControl` of the Configuration that a callee's sidecars read, one for each app and cluster.

    `default_allow` is what becomes of a caller that no rule is for.
    """

    id: str
    """`cluster/namespace/app`."""
    callee: Identity
    endpoints: tuple[str, ...]
    """The pods whose sidecars apply it."""
    port: int
    """Where its sidecars listen for other sidecars."""
    app_port: int
    """Where the app listens for its own sidecar; 0 where it does not listen at all."""
    default_allow: bool
    rules: tuple[CallerRule, ...]
    key: str
    """The kind of key that its certificates have, such as `ec-p256`."""
    lifetime: int
    """Of its certificates, in seconds."""
    origin: Origin
