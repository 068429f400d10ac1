"""What the author knows of and keeps, as written."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from budnet.model.values import NameList, Written, wrong


def _reason(value: Any) -> Any:
    if isinstance(value, str) and not value.strip():
        raise wrong("the reason is empty", "say why this is kept: whoever audits the file reads it")
    return value


class Accepted(Written):
    """A finding of `budnet check` that is kept as written. Errors cannot be accepted."""

    finding: str = Field(description="its code, such as D106")
    for_: NameList | None = Field(default=None, alias="for", description="the things it is accepted of; all of them where this is left out")
    because: Annotated[str, BeforeValidator(_reason)] = Field(description="why it is kept")
