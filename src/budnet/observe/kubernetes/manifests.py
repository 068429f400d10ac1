"""Pods by type: the fields that are read of the kind of object that a cluster has most of (decision 0027).

msgspec decodes a text of JSON into these, or a mapping that YAML or an API server gave, and says where one does not fit. Of fields that
are not named here, which are most of a pod, it builds nothing. What a field may hold is its type; what it means is `workloads.py`.

https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/; every field may be null, which is as if it were missing.
"""

from __future__ import annotations

from typing import Any

from msgspec import DecodeError, Struct, ValidationError
from msgspec.json import Decoder, encode

from budnet.observe.kubernetes.fields import Object


class Owner(Struct, frozen=True):
    """Who made an object."""

    kind: str
    name: str
    controller: bool | None = True


class Meta(Struct, frozen=True):
    """What every object says of itself."""

    name: str | None = None
    generateName: str | None = None
    namespace: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, Any] | None = None
    ownerReferences: tuple[Owner, ...] | None = None


class ContainerPort(Struct, frozen=True):
    """A port of a container."""

    containerPort: int
    name: str | None = None
    protocol: str | None = None
    hostPort: int | None = None
    hostIP: str | None = None


class Container(Struct, frozen=True):
    """A container, or an init container."""

    ports: tuple[ContainerPort, ...] | None = None
    restartPolicy: str | None = None


class PodSpec(Struct, frozen=True):
    """Of a Pod, and of the template that a workload's pods are made from."""

    containers: tuple[Container, ...] | None = None
    initContainers: tuple[Container, ...] | None = None
    nodeName: str | None = None
    hostNetwork: bool | None = None


class PodIP(Struct, frozen=True):
    """One address of a pod."""

    ip: str | None = None


class PodStatus(Struct, frozen=True):
    """What became of a pod."""

    phase: str | None = None
    podIP: str | None = None
    podIPs: tuple[PodIP, ...] | None = None


class Pod(Struct, frozen=True, tag_field="kind", tag="Pod", omit_defaults=True):
    """A Pod."""

    apiVersion: str
    metadata: Meta | None = None
    spec: PodSpec | None = None
    status: PodStatus | None = None


_typed, _any = Decoder(Pod), Decoder()


def decode(text: bytes | memoryview) -> Any:
    """What a text of JSON holds; a Pod as one, unless something in it is not what the API takes: that is said by who reads it.
    Raises what msgspec does where it is no JSON."""
    try:
        return _typed.decode(text)
    except (ValidationError, DecodeError):
        return _any.decode(text)


def written(of: Object | Pod) -> Object:
    """An object as a mapping, as JSON has it; of a Pod with the fields that are read."""
    found: Object = _any.decode(encode(of)) if isinstance(of, Pod) else of
    return found
