"""Flows, egress and guarantees, as written."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from budnet.ir.filters import ANY_DEPTH
from budnet.model.values import ONE_OR_MANY, Name, NameList, PortName, Written, WrittenMatch, as_list, wrong, wrong_type

Ports = Annotated[list[PortName], BeforeValidator(as_list), Field(min_length=1), ONE_OR_MANY]


class Flow(Written):
    """Who may open a connection to whom. Everything else is denied."""

    from_: NameList = Field(alias="from", description="who opens connections: services, groups, `internet`, sets of `addresses`")
    to: NameList = Field(description="who answers: services and groups")
    port: PortName | None = Field(default=None, description="a port's name, or 443/tcp")
    ports: list[PortName] | None = Field(default=None, min_length=1)
    via: Literal["mesh"] | None = Field(default=None, description="between the sidecars of both, with mTLS")
    verify: bool = Field(default=True, description="false where the client takes any certificate")
    because: str = ""

    @model_validator(mode="after")
    def _one_way_to_say_ports(self) -> Flow:
        given = [name for name in ("port", "ports", "via") if getattr(self, name) is not None]
        if not given:
            raise wrong("the flow does not say on which port", "add `port: NAME`, `port: 443/tcp`, `ports: [NAME, ...]`, or `via: mesh`")
        if len(given) > 1:
            raise wrong(f"the flow has `{given[0]}` already", f"remove `{given[0]}` or `{given[1]}`", at=given[1])
        return self

    @property
    def all_ports(self) -> list[str]:
        return self.ports or ([self.port] if self.port else [])


def _depth(value: Any) -> int:
    if value == "any":
        return ANY_DEPTH
    if isinstance(value, int) and not isinstance(value, bool) and value in (0, 1):
        return value
    raise wrong("this is not a depth", "write 0 for the name alone, 1 for one label below it as well, or any")


class Target(Written):
    """Where an egress row leads. The short form is the name."""

    name: str = Field(description="catalog/GROUP, a host name, or a set of `addresses`")
    depth: Annotated[Any, BeforeValidator(_depth), Field(json_schema_extra={"enum": [0, 1, "any"]})] = Field(
        default=0, description="how many labels below a host name are meant as well: 0, 1 or any"
    )
    apex: bool = Field(default=True, description="whether the host name itself is meant")

    @model_validator(mode="after")
    def _means_something(self) -> Target:
        if not self.apex and not self.depth:
            raise wrong("neither the name itself is meant nor what is below it", "write `depth: 1`, or remove `apex`", at="apex")
        return self


def _target(value: Any) -> Any:
    if isinstance(value, dict):
        return value
    if isinstance(value, str):
        return {"name": value}
    raise wrong_type("a name, or {name: ..., depth: ...}", "what belongs here: catalog/GROUP, host names, sets of `addresses`")


class _NameOr:
    """The short form, for the JSON Schema."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, handler(schema)]}


def _targets(value: Any) -> Any:
    return [value] if isinstance(value, dict) else as_list(value)


class _OneOrMany:
    """One target stands for a list of one, in the JSON Schema, too."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        many = handler(schema)
        return {"anyOf": [many["items"], many]}


class Egress(Written):
    """What may leave to the outside, by name: `catalog/GROUP`, a host name, or a set of `addresses`."""

    from_: NameList = Field(alias="from", description="who may leave: services and groups")
    to: Annotated[
        list[Annotated[Target, BeforeValidator(_target), _NameOr()]], BeforeValidator(_targets), Field(min_length=1), _OneOrMany()
    ] = Field(description="catalog/GROUP, host names, sets of `addresses`")
    port: WrittenMatch = Field(description="port and protocol there, such as 443/tcp")
    because: str = ""


class Pair(Written):
    """The two sides of a guarantee; `ports` are names or 443/tcp, none means any."""

    from_: NameList = Field(alias="from", description="services, groups, subnets, networks, `internet`, sets of `addresses`")
    to: NameList = Field(description="services, groups, subnets, networks, `internet`, sets of `addresses`")
    ports: Ports | None = None


class Encrypted(Written):
    """What crosses a border between subnets or networks is protected, but for what is waived."""

    across: Literal["subnets", "networks"] = Field(description="subnets or networks")
    waive: list[str] = []


class Guarantee(Written):
    """What must hold of everything that is reachable. One of the four keys."""

    never: Pair | None = None
    only: Pair | None = None
    reaches: Pair | None = None
    encrypted: Encrypted | None = None
    name: Name | None = None
    because: str = ""

    @model_validator(mode="after")
    def _one_kind(self) -> Guarantee:
        given = [kind for kind in ("never", "only", "reaches", "encrypted") if getattr(self, kind) is not None]
        if not given:
            raise wrong("the guarantee does not say what it guarantees", "add one of `never`, `only`, `reaches`, `encrypted`")
        if len(given) > 1:
            raise wrong(f"the guarantee is `{given[0]}` already", "make two guarantees of them, each an item of its own", at=given[1])
        return self
