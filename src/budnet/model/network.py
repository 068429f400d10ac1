"""Networks, subnets and links, as written."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from budnet.model.values import DottedName, Name, NameList, PartList, RangeList, Written, wrong

# What AWS and Azure VPN gateways and strongSwan have in common, with forward secrecy (RFC 8247, RFC 8221, CNSA)
Proposal = Literal["aes256gcm16-prfsha384-ecp384", "aes128gcm16-prfsha256-ecp256", "aes256gcm16-prfsha512-ecp521"]
_PRIVATE = ("aws-privatelink", "azure-private-link")
_ONLY = {"tunnel": ("vpn",), "tunnels": ("vpn",), "proposal": ("vpn",), "accept": _PRIVATE, "auth": ("public",), "tls": ("public",)}


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
    method: Literal["vpc-peering", "aws-privatelink", "azure-private-link", "vpn", "public"] = Field(
        description="how they are joined: vpc-peering, aws-privatelink, azure-private-link, vpn or public"
    )
    tunnel: Literal["ipsec", "wireguard"] | None = Field(default=None, description="of a vpn: ipsec, unless this says wireguard")
    tunnels: int | None = Field(default=None, ge=1, le=4, description="of a vpn: how many, each with a gateway at both ends; 2 unless said")
    proposal: Proposal | None = Field(default=None, description="of an ipsec tunnel: the algorithms of IKE and ESP")
    accept: bool | None = Field(
        default=None, description="of private link: whether the provider has accepted the connection; true unless said"
    )
    auth: Literal["client-certificate", "key"] | None = Field(
        default=None, description="of a public link: what a client shows; client-certificate, unless this says key"
    )
    tls: Name | None = Field(default=None, description="of a public link: its TLS profile; `external`, where there is one")

    @model_validator(mode="after")
    def _keys_of_its_method(self) -> Link:
        for key, methods in _ONLY.items():
            if getattr(self, key) is not None and self.method not in methods:
                raise wrong(f"`{key}` says nothing of {self.method}", f"remove it; it is for {' and '.join(methods)}", at=key)
        if self.proposal and self.tunnel == "wireguard":
            raise wrong("WireGuard has one set of algorithms", "remove `proposal`, or take `tunnel: ipsec`", at="proposal")
        return self
