"""The whole file, as written. `budnet schema` publishes this as JSON Schema."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from budnet.model.accept import Accepted
from budnet.model.airgap import MaybeAirgapped
from budnet.model.bundle import Bundle
from budnet.model.flow import Egress, Flow, Guarantee
from budnet.model.network import Link, Network
from budnet.model.service import Names, Service
from budnet.model.trust import Certificate, TlsProfile
from budnet.model.values import DottedName, Name, NameList, PrefixList, Written, wrong, wrong_type


def _version(value: Any) -> Any:
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong_type("the version of this language, the number 1", "write `budnet: 1`")
    if value != 1:
        raise wrong(f"version {value} of the language is not known to this budnet", "write `budnet: 1`, or use a newer budnet")
    return value


class Topology(Written):
    """A network in one file."""

    budnet: Annotated[Literal[1], BeforeValidator(_version)] = Field(description="the version of this language, 1")
    name: Name = Field(description="what this network is called")
    domain: DottedName = "example.com"
    airgapped: MaybeAirgapped = Field(default=None, description="true where there is no way out: every table is made for it")
    addresses: dict[Name, PrefixList] = Field(default={}, description="sets of addresses outside our networks")
    networks: dict[Name, Network] = Field(min_length=1, description="the networks by name, one at least")
    links: dict[Name, Link] = {}
    tls: dict[Name, TlsProfile] = {}
    certificates: dict[Name, Certificate] = {}
    groups: dict[Name, NameList] = Field(default={}, description="names for several services")
    services: dict[Name, Service] = {}
    names: Names = Names()
    flows: list[Flow] = []
    egress: dict[Name, Egress] = {}
    guarantees: list[Guarantee] = []
    bundle: Bundle | None = Field(default=None, description="what is carried into an air gap")
    accept: list[Accepted] = Field(default=[], description="findings of `budnet check` that are kept, each with its reason")


class Guarantees(Written):
    """What must hold of a network that is not written here."""

    guarantees: list[Guarantee] = Field(min_length=1, description="what must hold, an item each")


def json_schema() -> dict[str, Any]:
    """The language as JSON Schema (draft 2020-12), for editors."""
    schema = Topology.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "budnet topology"} | schema
