"""TLS profiles and certificates, as written."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from budnet.model.values import CertificateName, NameList, Written, wrong


class TlsProfile(Written):
    """What a connection must at least use. TLS 1.2 and 1.3 name their suites differently, so there are two lists."""

    minimum: Literal["1.2", "1.3"] = "1.2"
    ciphers: list[str] = Field(default=[], description="OpenSSL names, for TLS 1.2")
    ciphersuites: list[str] = Field(default=[], description="for TLS 1.3; none means the server's own")
    managed_by: Literal["dapr"] | None = Field(default=None, alias="managed-by")


class Certificate(Written):
    """Who signs what a layer presents: names for public endpoints, or the services it is for."""

    issuer: Literal["lets-encrypt", "internal-ca", "dapr-sentry"] = Field(description="lets-encrypt, internal-ca or dapr-sentry")
    names: list[CertificateName] = []
    for_: NameList = Field(default=[], alias="for")

    @model_validator(mode="after")
    def _is_for_something(self) -> Certificate:
        if not self.names and not self.for_:
            raise wrong("the certificate is for nothing", "add `names: [...]` for public names, or `for: SERVICE`")
        return self
