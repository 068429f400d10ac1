"""Services and the names they are known by, as written."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from budnet.model.values import DottedName, Labels, Name, NameList, Written, WrittenAddress, WrittenPort, name_of_port


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
    kind: Literal["pod", "host", "load-balancer"] | None = Field(default=None, description="`pod` where a namespace is given, else `host`")
    namespace: Name | None = None
    labels: Labels = {}
    replicas: int = Field(default=1, ge=1, le=1000)
    address: WrittenAddress | None = Field(default=None, description="fixed, where it must not be allocated; one replica only")
    public: bool | None = Field(default=None, description="has a public address; a load balancer in a public subnet does unless false")
    ports: dict[Name, WrittenListener] = {}
    mesh: Literal["dapr"] | None = None
    tls: str | None = Field(default=None, description="a TLS profile for all its ports, or `ssh`")
    software: Literal["haproxy", "openssh", "postgresql", "redis", "chrony", "registry", "prometheus"] | None = Field(
        default=None, description="the server that runs here; the twin runs it for real where it is installed"
    )


class ExternalName(Written):
    """`NAME.DOMAIN`, answered by a load balancer and handed to a service behind it."""

    at: str = Field(description="the load balancer")
    to: str = Field(description="the service behind it")
    port: Annotated[Name, BeforeValidator(name_of_port)] = Field(description="the name of one of its ports")


class InternalName(Written):
    """A name that only the inside resolves."""

    to: str = Field(description="the service")


class Names(Written):
    """DNS beside what the cluster gives by itself."""

    external: dict[DottedName, ExternalName] = {}
    internal: dict[DottedName, InternalName] = {}
