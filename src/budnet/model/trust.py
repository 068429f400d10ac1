"""TLS profiles and certificates, as written."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from budnet.model.values import CertificateName, Duration, NameList, Written, wrong

KeyType = Literal["rsa-2048", "rsa-3072", "rsa-4096", "ec-p256", "ec-p384", "ed25519"]


class TlsProfile(Written):
    """What a connection must at least use. TLS 1.2 and 1.3 name their suites differently, so there are two lists."""

    from_: str | None = Field(
        default=None, alias="from", description="a published profile such as mozilla-intermediate, or FILE.json#NAME in Mozilla's schema"
    )
    minimum: Literal["1.2", "1.3"] = Field(default="1.2", description="1.2, unless the published profile says otherwise")
    ciphers: list[str] = Field(default=[], description="for TLS 1.2, by OpenSSL's or IANA's name; none means the server's own")
    ciphersuites: list[str] = Field(default=[], description="for TLS 1.3; none means the server's own")
    groups: list[str] = Field(default=[], description="key-exchange groups such as X25519; none means the server's own")
    key: KeyType | None = Field(default=None, description="the key that certificates under this profile have")
    clients: Literal["certificate"] | None = Field(default=None, description="what clients have to prove themselves by")
    managed_by: Literal["dapr"] | None = Field(default=None, alias="managed-by")


class Certificate(Written):
    """Who signs what a layer presents: names for public endpoints, or the services it is for."""

    issuer: Literal["lets-encrypt", "internal-ca", "dapr-sentry"] = Field(description="lets-encrypt, internal-ca or dapr-sentry")
    names: list[CertificateName] = []
    for_: NameList = Field(default=[], alias="for")
    challenge: Literal["dns-01", "http-01", "tls-alpn-01"] | None = Field(default=None, description="how an ACME issuer is shown the names")
    key: KeyType | None = Field(default=None, description="rsa-2048 unless a TLS profile or this says otherwise")
    lifetime: Duration | None = Field(default=None, description="how long it is valid, such as 90d or 24h")

    @model_validator(mode="after")
    def _is_for_something(self) -> Certificate:
        if not self.names and not self.for_:
            raise wrong("the certificate is for nothing", "add `names: [...]` for public names, or `for: SERVICE`")
        return self
