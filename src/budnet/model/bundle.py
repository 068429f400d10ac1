"""What is carried into an air gap, as written."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from budnet.model.values import Written, wrong, wrong_type

_TAG = r"(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?"
_DIGEST = r"sha256:[0-9a-f]{64}"
_IMAGE = rf"[a-z0-9]([a-z0-9._/-]|:[0-9]+/)*{_TAG}(@{_DIGEST})?"


def _image(value: Any) -> str:
    if not isinstance(value, str):
        raise wrong_type("a repository with a tag, such as library/redis:7.2")
    if not re.fullmatch(_IMAGE, value):
        near = f"did you mean '{value.lower()}'? " if re.fullmatch(_IMAGE, value.lower()) else ""
        raise wrong(
            "this is not what a registry can call something", f"{near}write a repository in small letters, and a tag: library/redis:7.2"
        )
    return value


def _digest(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(_DIGEST, value):
        raise wrong("this is not a digest", "write sha256: and 64 hexadecimal digits")
    return value


ImageName = Annotated[str, BeforeValidator(_image), WithJsonSchema({"type": "string", "pattern": f"^{_IMAGE}$"})]
"""A repository with a tag, or with a digest (OCI distribution specification 1.1, "Pulling manifests")."""
Digest = Annotated[str, BeforeValidator(_digest), WithJsonSchema({"type": "string", "pattern": f"^{_DIGEST}$"})]


class Artefact(Written):
    """Something to carry."""

    name: ImageName = Field(description="what it is called in a registry, such as models/llama:1")
    from_: str = Field(alias="from", min_length=1, description="where it lies, beside this file")
    purpose: str = ""


class Image(Written):
    """A container image."""

    name: ImageName = Field(description="repository and tag, as in library/redis:7.2")
    from_: str = Field(
        alias="from", min_length=1, description="an OCI layout or archive beside this file, or https://REGISTRY/REPOSITORY:TAG"
    )
    digest: Digest | None = Field(default=None, description="of its manifest, where it is pinned")
    purpose: str = ""


class Chart(Artefact):
    """A packaged Helm chart."""

    images: list[ImageName] = Field(default=[], description="images that it runs and does not list in its artifacthub.io/images annotation")


class Bundle(Written):
    """Lists of what is carried in, by kind."""

    images: list[Image] = []
    charts: list[Chart] = []
    models: list[Artefact] = []
    packages: list[Artefact] = []
    certificates: list[Artefact] = []
    files: list[Artefact] = []
