"""Scalars of the language: names, prefixes, ports. Each says what it takes in words a user can act on."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from budnet.ir.address import Address, Match, PortRange, Prefix, Protocol

PROTOCOLS = {"tcp": Protocol.TCP, "udp": Protocol.UDP, "sctp": Protocol.SCTP}
_PORT = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?/(tcp|udp|sctp)")
# A name becomes a DNS label, a namespace and part of an id, so it keeps to what all of them take (RFC 1123).
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
DottedName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]


class Written(BaseModel):
    """Anything a user writes: unknown keys are errors, values are not changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, hide_input_in_errors=True)


def _prefix(value: Any) -> Prefix:
    if not isinstance(value, str) or "/" not in value:
        raise PydanticCustomError("prefix", "expected a prefix such as 10.0.0.0/16 or fd00::/48")
    try:
        return ip_network(value)
    except ValueError:
        pass
    try:
        fixed = ip_network(value, strict=False)
    except ValueError:
        raise PydanticCustomError("prefix", "this is not a prefix; write it like 10.0.0.0/16 or fd00::/48") from None
    raise PydanticCustomError("prefix", "the address has bits set behind the prefix length; did you mean {fixed}?", {"fixed": str(fixed)})


def _address(value: Any) -> Address:
    try:
        return ip_address(value if isinstance(value, str) else "")
    except ValueError:
        raise PydanticCustomError("address", "expected an address such as 10.0.0.5 or fd00::5") from None


def _match(value: Any) -> Match:
    found = _PORT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise PydanticCustomError("port", "expected a port with its protocol, such as 443/tcp or 8000-8100/tcp")
    first, last = int(found[1]), int(found[2] or found[1])
    if not 1 <= first <= last <= 65535:
        raise PydanticCustomError("port", "ports run from 1 to 65535, the smaller one first")
    return Match(PROTOCOLS[found[3]], PortRange(first, last))


def _port(value: Any) -> Match:
    match = _match(value)
    if match.ports.first != match.ports.last:
        raise PydanticCustomError("port", "a listener has one port, such as 443/tcp")
    return match


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _schema(description: str, pattern: str | None = None) -> Any:
    extra: dict[str, Any] = {"type": "string", "description": description} | ({"pattern": pattern} if pattern else {})
    return Field(json_schema_extra=extra)


WrittenPrefix = Annotated[Any, BeforeValidator(_prefix), _schema("a prefix, such as 10.0.0.0/16 or fd00::/48")]
WrittenAddress = Annotated[Any, BeforeValidator(_address), _schema("an address, such as 10.0.0.5")]
WrittenMatch = Annotated[Any, BeforeValidator(_match), _schema("ports and protocol", _PORT.pattern)]
WrittenPort = Annotated[Any, BeforeValidator(_port), _schema("port and protocol, such as 443/tcp", r"[0-9]{1,5}/(tcp|udp|sctp)")]
PrefixList = Annotated[list[WrittenPrefix], BeforeValidator(_as_list), Field(min_length=1)]
NameList = Annotated[list[str], BeforeValidator(_as_list), Field(min_length=1)]
