"""Networks, subnets and links, as written."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from budnet.model.values import DottedName, Name, NameList, PartList, RangeList, Written


class Cloud(Written):
    """Where a network lives. Zones split every subnet into equal parts, one a zone."""

    provider: Literal["aws", "azure", "on-prem"] = "aws"
    region: Name = ""
    zones: int = Field(default=1, ge=1, le=6)
    nat: Literal["single", "per-zone"] = Field(default="single", description="one NAT gateway, or one in every zone")


class ClusterSettings(Written):
    """The Kubernetes cluster of a network."""

    services: RangeList = Field(description="the range that ClusterIPs come from; outside every network")
    domain: DottedName = "cluster.local"


class Subnet(Written):
    """A subnet, and what its default route is: an internet gateway, a NAT gateway, or nothing."""

    cidr: PartList = Field(description="its addresses, such as 10.0.1.0/24, a part of the network's")
    access: Literal["public", "private", "isolated"] = Field(description="public, private or isolated: what its default route is")


class Network(Written):
    """A VPC (AWS) or VNet (Azure); with `count` a fleet of them, alike in all but their addresses."""

    count: int | None = Field(default=None, ge=1, le=1000, description="how many there are: NAME-01, NAME-02, ...")
    cidr: RangeList = Field(description="its addresses, such as 10.0.0.0/16")
    cloud: Cloud = Cloud()
    cluster: ClusterSettings | None = None
    subnets: dict[Name, Subnet] = Field(min_length=1, description="its subnets by name, one at least")


class Link(Written):
    """A way between two networks."""

    between: NameList = Field(min_length=2, max_length=2, description="the two networks: [ONE, OTHER]")
    method: Literal["vpc-peering"] = Field(description="how they are joined: vpc-peering")
