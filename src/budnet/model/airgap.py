"""A network without a way out, as written."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from budnet.model.values import Name, NameList, Written, wrong_type


class Airgap(Written):
    """Who stands in, inside, for what is outside otherwise. What is not said is found: by `software`, or by the name of a port."""

    registry: Name | None = Field(default=None, description="the service that images are pulled from; the one with `software: registry`")
    models: Name | None = Field(default=None, description="the object store with the models; the service with a port called s3")
    time: Name | None = Field(default=None, description="the time server; the service with `software: chrony`")
    identity: Name | None = Field(default=None, description="who signs users in, where others did")
    drop: NameList = Field(default=[], description="rows of `egress` that nothing inside replaces")


def _airgap(value: Any) -> Any:
    if isinstance(value, bool):
        return {} if value else None
    if isinstance(value, dict | Airgap):
        return value
    raise wrong_type("true or false", "write `airgapped: true`, or `airgapped: {drop: [...], ...}`")


class _OrTrue:
    """The short form, for the JSON Schema."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"type": "boolean"}, *handler(schema)["anyOf"]]}


MaybeAirgapped = Annotated[Airgap | None, BeforeValidator(_airgap), _OrTrue()]
