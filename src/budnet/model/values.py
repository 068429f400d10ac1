"""Scalars of the language: names, prefixes, ports. Each says what it takes in words a user can act on."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from budnet.ir import icmp
from budnet.ir.address import ALL_PORTS, PORTED, Address, Match, PortRange, Prefix, Protocol

PROTOCOLS = {p.name.lower(): p for p in sorted(PORTED)}
_PORT = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?/(tcp|udp|sctp)")
_MESSAGE = re.compile(r"(?:([0-9:-]{1,15})/)?(icmp|icmpv6)")
_DURATION, _SECONDS = re.compile(r"([0-9]{1,6})([mhd])"), {"m": 60, "h": 3600, "d": 86400}
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
# A name becomes a DNS label, a namespace and part of an id, so it keeps to what all of them take (RFC 1123).
Name = Annotated[str, StringConstraints(pattern=rf"^{_LABEL}$")]
DottedName = Annotated[str, StringConstraints(pattern=rf"^{_LABEL}(\.{_LABEL})*$", max_length=253)]
_DNS_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")
_URL = re.compile(r"https://([^/:?#]+)(?::[0-9]{1,5})?(/[^?#\s]*)?")
# https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
_LABEL_KEY = re.compile(rf"({_LABEL}(\.{_LABEL})*/)?[A-Za-z0-9]([A-Za-z0-9_.-]{{0,61}}[A-Za-z0-9])?")
_TRUST_DOMAIN = re.compile(r"[a-z0-9._-]{1,255}")
"""https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md#21-trust-domain"""
HOST_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})+")
"""A DNS name of two labels at least."""


class Written(BaseModel):
    """Anything a user writes: unknown keys are errors, nothing is taken for what it is not, values stay as they were read."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


def wrong(summary: str, help: str = "", at: str = "") -> PydanticCustomError:
    """An error in the words of this file; `at` is the key below the value where it is to be shown."""
    return PydanticCustomError("wrong", "{summary}", {"summary": summary, "help": help, "at": at})


def wrong_type(expected: str, help: str = "") -> PydanticCustomError:
    """Something of another kind is written; decode.py adds what it found."""
    return PydanticCustomError("wrong_type", "{expected}", {"expected": expected, "help": help})


def _prefix(value: Any) -> Prefix:
    if not isinstance(value, str):
        raise wrong_type("a prefix such as 10.0.0.0/16 or fd00::/48")
    address, slash, length = value.partition("/")
    bits = _bits(address)
    if not bits:
        raise wrong("this is not a prefix", _prefix_help(address, slash, length))
    try:
        prefix = ip_network(value, strict=False)
    except ValueError:
        raise wrong("the prefix length is wrong", f"write {address}/n, with n from 0 to {bits}") from None
    if not slash:
        raise wrong("the prefix length is missing", f"write {address}/n, with n from 0 to {bits}")
    if not length.isdigit():
        raise wrong("the prefix length is written as a mask", f"did you mean {prefix}?")
    if ip_address(address) != prefix.network_address:
        raise wrong("the address has bits set behind the prefix length", f"did you mean {prefix}?")
    return prefix


def _bits(address: str) -> int:
    """The length of an address, 0 where it is none; addresses with a zone (fe80::1%eth0) mean something on one machine only."""
    try:
        return 0 if "%" in address else ip_address(address).max_prefixlen
    except ValueError:
        return 0


def _prefix_help(address: str, slash: str, length: str) -> str:
    octets = address.split(".")
    if slash and length.isdecimal() and 1 < len(octets) < 4 and all(o.isdecimal() for o in octets):
        return "an IPv4 address has four numbers, such as 10.0.0.0/16"
    return "write it like 10.0.0.0/16 or fd00::/48"


def _address(value: Any) -> Address:
    if not isinstance(value, str):
        raise wrong_type("an address such as 10.0.0.5 or fd00::5")
    if not _bits(value):
        raise wrong("this is not an address", "write one address without prefix length, such as 10.0.0.5 or fd00::5")
    return ip_address(value)


def read_match(text: str) -> Match | str:
    """`443/tcp`, `8000-8100/tcp`, `icmp`, `8/icmp` (a type) or `3:4/icmp` (a type's code) as a Match, or what is wrong with it."""
    message = _MESSAGE.fullmatch(text)
    if message is not None:
        return _message(message[1], Protocol[message[2].upper()])
    found = _PORT.fullmatch(text)
    if found is None:
        return "expected a port with its protocol, such as 443/tcp or 8000-8100/tcp"
    first, last = int(found[1]), int(found[2] or found[1])
    if not 1 <= first <= 65535 or not 1 <= last <= 65535:
        return "ports run from 1 to 65535"
    if first > last:
        return "the range runs backwards"
    return Match(PROTOCOLS[found[3]], PortRange(first, last))


def _message(written: str | None, protocol: Protocol) -> Match | str:
    found = (ALL_PORTS.first, ALL_PORTS.last) if written is None else icmp.read(written)
    if found is None:
        return "expected a message of ICMP, such as 8/icmp (a type) or 3:4/icmp (a type and its code), with numbers from 0 to 255"
    return Match(protocol, PortRange(*found)) if found[0] <= found[1] else "the range runs backwards"


def match_help(text: str) -> str:
    """What was probably meant by a text that `read_match` does not take."""
    numbers, slash, protocol = text.partition("/")
    if _MESSAGE.fullmatch(f"8/{protocol.lower()}"):
        first, dash, last = numbers.partition("-")
        return _did_you_mean(f"{last}{dash}{first}/{protocol.lower()}", f"{numbers}/{protocol.lower()}")
    if re.fullmatch(r"[0-9]{1,5}(-[0-9]{1,5})?", numbers):
        first, dash, last = numbers.partition("-")
        if dash and int(first) > int(last):
            numbers = f"{last}-{first}"
        near = protocol.lower() if protocol.lower() in PROTOCOLS else "tcp"
        return _did_you_mean(f"{numbers}/{near}")
    return _did_you_mean(f"{protocol}/{numbers.lower()}") if slash else ""


def _did_you_mean(*texts: str) -> str:
    """The first that can be read."""
    return next((f"did you mean {text}?" for text in texts if isinstance(read_match(text), Match)), "")


def _match(value: Any) -> Match:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise wrong_type("a port with its protocol, such as 443/tcp")
    found = read_match(str(value))
    if isinstance(found, str):
        raise wrong(found, match_help(str(value)) or "write a number from 1 to 65535 and its protocol, such as 443/tcp")
    return found


def _port(value: Any) -> Match:
    match = _match(value)
    if match.protocol not in PORTED:
        raise wrong("nobody listens for ICMP on a port", "leave it out: hosts answer an echo request by themselves")
    if match.ports.first != match.ports.last:
        raise wrong("a listener has one port, such as 443/tcp", "write one entry in `ports` for each port it listens on")
    return match


def _certificate_name(value: Any) -> Any:
    if isinstance(value, str) and not _DNS_NAME.fullmatch(value.removeprefix("*.")):
        raise wrong(
            "a certificate cannot carry this name",
            "write it like www.example.com or *.example.com: small letters, '*' only as the first label",
        )
    return value


def _directory_url(value: Any) -> Any:
    if isinstance(value, str):
        found = _URL.fullmatch(value)
        if found is None or not HOST_NAME.fullmatch(found[1]):
            raise wrong(
                "this is not the address of an ACME directory", "write it like https://ca.example.net/directory: ACME is spoken over HTTPS"
            )
    return value


def _trust_domain(value: Any) -> Any:
    if isinstance(value, str) and not _TRUST_DOMAIN.fullmatch(value):
        raise wrong("this cannot be a trust domain", "write it like mesh.example.com: small letters, digits, '.', '-' and '_', 255 at most")
    return value


def _duration(value: Any) -> int:
    if not isinstance(value, str):
        raise wrong_type("a time such as 90d or 24h", "write a number and a unit: m, h or d")
    found = _DURATION.fullmatch(value)
    if found is None or not int(found[1]):
        raise wrong("this is not a time", "write a number and a unit, such as 90d, 24h or 15m")
    return int(found[1]) * _SECONDS[found[2]]


def _label_key(value: Any) -> Any:
    if isinstance(value, str) and not _LABEL_KEY.fullmatch(value):
        raise wrong("this cannot be the key of a label", "write it like team or example.com/team, 63 characters at most behind the '/'")
    return value


def _label_value(value: Any) -> Any:
    if isinstance(value, str) and not _LABEL_VALUE.fullmatch(value):
        raise wrong("this cannot be the value of a label", "labels are letters, digits, '-', '_' and '.', 63 characters at most")
    return value


def _port_name(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        raise wrong("a port needs its protocol", match_help(str(value)))
    if not isinstance(value, str):
        raise wrong_type("the name of a port, or 443/tcp")
    return value


def name_of_port(value: Any) -> Any:
    """A port that goes by its name only."""
    if isinstance(value, int) or (isinstance(value, str) and "/" in value):
        raise wrong("expected the name of a port, not its number", "write the name that it has in the service's `ports`")
    return value


def as_list(value: Any) -> Any:
    """One value stands for a list of one; a mapping or nothing does not."""
    if value is None or isinstance(value, dict):
        raise wrong_type("one value or a list")
    return value if isinstance(value, list) else [value]


def _schema(description: str, pattern: str | None = None) -> Any:
    extra: dict[str, Any] = {"type": "string", "description": description} | ({"pattern": pattern} if pattern else {})
    return Field(json_schema_extra=extra)


ONE_OR_MANY = WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]})
WrittenPrefix = Annotated[Any, BeforeValidator(_prefix), _schema("a prefix, such as 10.0.0.0/16 or fd00::/48")]
WrittenAddress = Annotated[Any, BeforeValidator(_address), _schema("an address, such as 10.0.0.5")]
WrittenMatch = Annotated[
    Any, BeforeValidator(_match), _schema("ports and protocol, or ICMP messages", f"{_PORT.pattern}|{_MESSAGE.pattern}")
]
WrittenPort = Annotated[Any, BeforeValidator(_port), _schema("port and protocol, such as 443/tcp", r"[0-9]{1,5}/(tcp|udp|sctp)")]


class Pool(Written):
    """A range that budnet chooses: one of length `size` out of `pool`. The short form is the range itself."""

    prefix: WrittenPrefix | None = None
    pool: WrittenPrefix | None = Field(default=None, description="where it is taken from, such as 10.64.0.0/10")
    size: int | None = Field(default=None, ge=1, le=128, description="its prefix length, such as 16")

    @model_validator(mode="after")
    def _whole(self) -> Pool:
        for key in ("pool", "size"):
            if (self.prefix is None) is (getattr(self, key) is None):
                said = "is missing" if self.prefix is None else "is too much: the range is written already"
                raise wrong(f"'{key}' {said}", "write it like {pool: 10.64.0.0/10, size: 16}, or give the range itself: 10.64.0.0/16")
        return self


class Part(Written):
    """A part that budnet chooses of the network's own range. The short form is the range itself."""

    prefix: WrittenPrefix | None = None
    size: int | None = Field(default=None, ge=1, le=128, description="its prefix length, such as 24")

    @model_validator(mode="after")
    def _whole(self) -> Part:
        if (self.prefix is None) is (self.size is None):
            said = "is missing" if self.prefix is None else "is too much: the range is written already"
            raise wrong(f"'size' {said}", "write it like {size: 24}, or give the range itself: 10.0.1.0/24")
        return self


def _spelt_out(value: Any) -> Any:
    return value if isinstance(value, dict) else {"prefix": value}


def _or_prefix(value: Pool | Part) -> Any:
    return value if value.prefix is None else value.prefix


def _as_ranges(value: Any) -> Any:
    return [value] if isinstance(value, dict) else as_list(value)


def _ranges(**keys: str) -> WithJsonSchema:
    """The JSON Schema of one or many ranges; `keys` are those of the long form."""
    long = {
        "type": "object",
        "properties": {k: {"type": t} for k, t in keys.items()},
        "required": list(keys),
        "additionalProperties": False,
    }
    one = [{"type": "string"}, long]
    return WithJsonSchema({"anyOf": [*one, {"type": "array", "items": {"anyOf": one}, "minItems": 1}]})


Duration = Annotated[Any, BeforeValidator(_duration), _schema("a time, such as 90d or 24h", _DURATION.pattern)]
"""In seconds."""
DirectoryUrl = Annotated[str, BeforeValidator(_directory_url)]
TrustDomain = Annotated[str, BeforeValidator(_trust_domain)]
CertificateName = Annotated[str, BeforeValidator(_certificate_name)]
Labels = dict[Annotated[str, BeforeValidator(_label_key)], Annotated[str, BeforeValidator(_label_value)]]
PortName = Annotated[str, BeforeValidator(_port_name)]
PrefixList = Annotated[list[WrittenPrefix], BeforeValidator(as_list), Field(min_length=1), ONE_OR_MANY]
AddressList = Annotated[list[WrittenAddress], BeforeValidator(as_list), Field(min_length=1), ONE_OR_MANY]
if TYPE_CHECKING:
    RangeList = list[Any]
    PartList = list[Any]
else:  # a Pool or Part where budnet is to choose; behind the pass `fleets` they are all prefixes, and everybody takes them for that
    RangeList = Annotated[list[Annotated[Pool, BeforeValidator(_spelt_out), AfterValidator(_or_prefix)]],
                          BeforeValidator(_as_ranges), Field(min_length=1), _ranges(pool="string", size="integer")]  # fmt: skip
    PartList = Annotated[list[Annotated[Part, BeforeValidator(_spelt_out), AfterValidator(_or_prefix)]],
                         BeforeValidator(_as_ranges), Field(min_length=1), _ranges(size="integer")]  # fmt: skip
NameList = Annotated[list[str], BeforeValidator(as_list), Field(min_length=1), ONE_OR_MANY]
