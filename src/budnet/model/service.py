"""Services and the names they are known by, as written."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from budnet.model.bundle import ImageName
from budnet.model.values import (
    AddressList,
    DottedName,
    Labels,
    Name,
    NameList,
    Written,
    WrittenAddress,
    WrittenPort,
    WrittenPrefix,
    name_of_port,
    wrong,
)

DEFAULT_TTL = 30
"""Seconds; what Kubernetes' own DNS server is deployed with."""
_CLIENT_VPN = {
    "clients": "add `clients: SET`, a set of `addresses`: where these people come from",
    "pool": "add `pool: 10.250.0.0/24`, or another range for the addresses inside the tunnel",
}


class Port(Written):
    """A listener. The short form is `443/tcp`."""

    port: WrittenPort = Field(description="port and protocol, such as 443/tcp")
    service: int | None = Field(default=None, ge=1, le=65535, description="the port on the ClusterIP, where it differs")
    tls: str | None = Field(default=None, description="a TLS profile, `ssh`, or `none`, where it differs from the service's")


def _port(value: Any) -> Any:
    return value if isinstance(value, dict) else {"port": value}


class _OrShort:
    """The short form, for the JSON Schema."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "pattern": r"^[0-9]{1,5}/(tcp|udp|sctp)$"}, handler(schema)]}


WrittenListener = Annotated[Port, BeforeValidator(_port), _OrShort()]


class Service(Written):
    """Something with an address that opens connections, answers them, or both."""

    subnet: NameList = Field(description="NETWORK/SUBNET; a list places the service in several networks")
    kind: Literal["pod", "host", "load-balancer", "client-vpn"] | None = Field(
        default=None, description="`pod` where a namespace is given, else `host`"
    )
    namespace: Name | None = None
    labels: Labels = {}
    replicas: int = Field(default=1, ge=1, le=1000)
    address: WrittenAddress | None = Field(default=None, description="fixed, where it must not be allocated; one replica only")
    public: bool | None = Field(default=None, description="has a public address; a load balancer in a public subnet does unless false")
    ports: dict[Name, WrittenListener] = {}
    headless: bool = Field(default=False, description="a Service without ClusterIP: its name means all its pods, and each pod has a name")
    export: bool = Field(default=False, description="known to the clusters it is linked with, as NAME.NAMESPACE.svc.clusterset.local")
    mesh: Literal["dapr"] | None = None
    tls: str | None = Field(default=None, description="a TLS profile for all its ports, or `ssh`")
    image: ImageName | None = Field(default=None, description="the container image that runs here")
    software: Literal["haproxy", "openssh", "postgresql", "redis", "chrony", "registry", "prometheus"] | None = Field(
        default=None, description="the server that runs here; the twin runs it for real where it is installed"
    )
    clients: Name | None = Field(default=None, description="of a client-vpn: the set of `addresses` whose people have a key")
    pool: WrittenPrefix | None = Field(default=None, description="of a client-vpn: addresses inside the tunnel, such as 10.250.0.0/24")

    @model_validator(mode="after")
    def _client_vpn_is_whole(self) -> Service:
        for key in _CLIENT_VPN:
            if self.kind == "client-vpn" and getattr(self, key) is None:
                raise wrong(f"a client-vpn needs `{key}`", _CLIENT_VPN[key])
            if self.kind != "client-vpn" and getattr(self, key) is not None:
                raise wrong(f"`{key}` is for a client-vpn", "remove it, or add `kind: client-vpn`", at=key)
        return self


class _Name(Written):
    """What a name may stand for, beside something of ours: another name, or addresses that are not ours."""

    alias: DottedName | None = Field(default=None, description="another name that this one stands for, in full: a CNAME record")
    address: AddressList | None = Field(default=None, description="addresses of what is not described here")
    ttl: int = Field(default=DEFAULT_TTL, ge=1, le=86400, description="how long an answer may be kept, in seconds")

    def _one_of(self, *forms: str) -> None:
        given = [form for form in forms if getattr(self, form) is not None]
        if not given:
            raise wrong("the name does not say what it stands for", f"add {' or '.join(f'`{f}`' for f in forms)}")
        if len(given) > 1:
            raise wrong(f"the name stands for its `{given[0]}` already", f"remove `{given[0]}` or `{given[1]}`", at=given[1])


class ExternalName(_Name):
    """`NAME.DOMAIN` as everybody sees it: answered by a load balancer and handed to a service behind it, or outside."""

    at: str | None = Field(default=None, description="the load balancer")
    to: str | None = Field(default=None, description="the service behind it")
    port: Annotated[Name, BeforeValidator(name_of_port)] | None = Field(default=None, description="the name of one of its ports")

    @model_validator(mode="after")
    def _whole(self) -> ExternalName:
        self._one_of("at", "alias", "address")
        for other in ("to", "port"):
            if self.at is not None and getattr(self, other) is None:
                raise wrong(f"the key '{other}' is missing", f"add `{other}:`: a load balancer hands requests to a port of a service")
            if self.at is None and getattr(self, other) is not None:
                raise wrong(f"`{other}` says what is behind a load balancer, and there is none", "add `at:`, or remove it", at=other)
        return self


class InternalName(_Name):
    """`NAME.DOMAIN` in private zones only."""

    to: str | None = Field(default=None, description="the service")
    in_: NameList | None = Field(default=None, alias="in", description="the networks that know it; all where not said")

    @model_validator(mode="after")
    def _whole(self) -> InternalName:
        self._one_of("to", "alias", "address")
        return self


class ClusterName(Written):
    """A Service of type ExternalName."""

    alias: DottedName = Field(description="what it stands for, in full")
    in_: NameList | None = Field(default=None, alias="in", description="the networks whose cluster has it; all where not said")
    ttl: int = Field(default=DEFAULT_TTL, ge=1, le=86400, description="how long an answer may be kept, in seconds")


class Names(Written):
    """DNS beside what the cluster gives by itself. Every name is written: there are no wildcard records."""

    external: dict[DottedName, ExternalName] = {}
    internal: dict[DottedName, InternalName] = {}
    cluster: dict[DottedName, ClusterName] = Field(default={}, description="Services that stand for a name outside, by NAME.NAMESPACE")
    services: list[str] | None = Field(default=None, description="the services that have a Service, and so a name, in their cluster; all")
