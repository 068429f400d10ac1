"""TLS profiles and certificates, as written."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field, model_validator

from budnet.model.values import CertificateName, DirectoryUrl, Duration, NameList, TrustDomain, Written, wrong

KeyType = Literal["rsa-2048", "rsa-3072", "rsa-4096", "ec-p256", "ec-p384", "ed25519"]
KINDS = get_args(KeyType)


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

    issuer: Literal["lets-encrypt", "acme", "internal-ca", "dapr-sentry", "files"] = Field(
        description="lets-encrypt, acme (another directory), internal-ca, dapr-sentry, or files (your own)"
    )
    names: list[CertificateName] = []
    for_: NameList = Field(default=[], alias="for")
    acme: DirectoryUrl | None = Field(default=None, description="an ACME server's directory, such as https://ca.example.net/directory")
    challenge: Literal["dns-01", "http-01", "tls-alpn-01"] | None = Field(default=None, description="how an ACME issuer is shown the names")
    chain: str | None = Field(default=None, min_length=1, description="your certificate and its issuers: a PEM file beside this one")
    private_key: str | None = Field(default=None, alias="private-key", min_length=1, description="its key: a PEM file beside this one")
    key: KeyType | None = Field(default=None, description="rsa-2048 unless a TLS profile or this says otherwise")
    trust_domain: TrustDomain | None = Field(
        default=None, alias="trust-domain", description="of the identities that dapr-sentry signs; `public` unless this says otherwise"
    )
    lifetime: Duration | None = Field(default=None, description="how long it is valid, such as 90d or 24h")

    @model_validator(mode="after")
    def _is_for_something(self) -> Certificate:
        if not self.names and not self.for_:
            raise wrong("the certificate is for nothing", "add `names: [...]` for public names, or `for: SERVICE`")
        return self

    @model_validator(mode="after")
    def _fits_its_issuer(self) -> Certificate:
        if self.issuer == "acme" and not self.acme:
            raise wrong("an ACME issuer without a directory", "add `acme: https://HOST/directory`, or write `issuer: lets-encrypt`")
        if self.issuer == "files" and not (self.chain and self.private_key):
            raise wrong("files of your own are a chain and a key", "add `chain: tls.crt` and `private-key: tls.key`, beside this file")
        belongs = {
            "acme": ("acme",),
            "challenge": ("acme", "lets-encrypt"),
            "chain": ("files",),
            "private_key": ("files",),
            "key": ("acme", "lets-encrypt", "internal-ca", "dapr-sentry"),
            "lifetime": ("acme", "lets-encrypt", "internal-ca", "dapr-sentry"),
        }
        for field, issuers in belongs.items():
            if getattr(self, field) is not None and self.issuer not in issuers:
                word = field.replace("_", "-")
                help = (
                    f"take it out, or write `issuer: {issuers[0]}`"
                    if self.issuer != "files"
                    else "take it out: the files say it themselves"
                )
                raise wrong(f"`{word}` says nothing where the issuer is {self.issuer}", help, at=word)
        return self
