"""Flows, egress and guarantees, as written."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from budnet.model.values import Name, NameList, Written, WrittenMatch


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


Ports = Annotated[list[str], BeforeValidator(_as_list), Field(min_length=1)]


class Flow(Written):
    """Who may open a connection to whom. Everything else is denied."""

    from_: NameList = Field(alias="from")
    to: NameList
    port: str | None = Field(default=None, description="a port's name, or 443/tcp")
    ports: list[str] | None = Field(default=None, min_length=1)
    via: Literal["mesh"] | None = Field(default=None, description="between the sidecars of both, with mTLS")
    because: str = ""

    @model_validator(mode="after")
    def _one_way_to_say_ports(self) -> Flow:
        given = [name for name in ("port", "ports", "via") if getattr(self, name) is not None]
        if len(given) != 1:
            raise PydanticCustomError("ports", "a flow has exactly one of `port`, `ports` and `via`")
        return self

    @property
    def all_ports(self) -> list[str]:
        return self.ports or ([self.port] if self.port else [])


class Egress(Written):
    """What may leave to the outside, by name: `catalog/GROUP`, a host name, or a set of `addresses`."""

    from_: NameList = Field(alias="from")
    to: NameList
    port: WrittenMatch
    because: str = ""


class Pair(Written):
    """The two sides of a guarantee; `ports` are names or 443/tcp, none means any."""

    from_: NameList = Field(alias="from")
    to: NameList
    ports: Ports | None = None


class Encrypted(Written):
    """What crosses a border between subnets or networks is protected, but for what is waived."""

    across: Literal["subnets", "networks"]
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
        if sum(getattr(self, kind) is not None for kind in ("never", "only", "reaches", "encrypted")) != 1:
            raise PydanticCustomError("guarantee", "a guarantee has exactly one of `never`, `only`, `reaches`, `encrypted`")
        return self
