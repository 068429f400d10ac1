"""A small network with everything that names decide: two VPCs with lists of their own, both address families, a machine
with a public address, rows by name, by address and by catalogue."""

from __future__ import annotations

from functools import cache

from budnet.ir.network import Network
from budnet.pipeline import load_text

TEXT = """\
budnet: 1
name: names
domain: names.example
addresses: {partner: [203.0.113.0/24, "2001:db8:ffff::/48"]}
networks:
  net:
    cidr: [10.7.0.0/16, "2001:db8:7::/48"]
    cloud: {provider: aws, region: eu-west-3}
    cluster: {services: 172.20.0.0/20}
    subnets:
      edge: {cidr: [10.7.1.0/24, "2001:db8:7:1::/64"], access: public}
      back: {cidr: [10.7.2.0/24, "2001:db8:7:2::/64"], access: private}
  far:
    cidr: 10.8.0.0/16
    cloud: {provider: azure, region: westeurope}
    subnets:
      edge: {cidr: 10.8.1.0/24, access: public}
      back: {cidr: 10.8.2.0/24, access: private}
services:
  puller: {subnet: net/back, kind: host}
  caller: {subnet: net/back, namespace: app}
  other:  {subnet: net/back, namespace: app}
  front:  {subnet: net/edge, kind: host, public: true}
  remote: {subnet: far/back, kind: host}
egress:
  models: {from: puller, to: [{name: hf.co, depth: any}, {name: quay.io, depth: 1}], port: 443/tcp}
  calls:  {from: caller, to: [api.openai.com, api.mistral.ai, partner], port: 443/tcp}
  clouds: {from: puller, to: catalog/bedrock, port: 443/tcp}
  below:  {from: [front, remote], to: [{name: azmk8s.io, depth: 1, apex: false}, api.mistral.ai], port: 443/tcp}
  clock:  {from: [puller, remote], to: catalog/ntp, port: 123/udp}
guarantees:
  - {never: {from: other, to: [api.openai.com, catalog/bedrock]}}
  - {only: {from: caller, to: api.openai.com}}
  - {reaches: {from: puller, to: one.hf.co, ports: [443/tcp]}}
"""


@cache
def network(*changes: tuple[str, str]) -> Network:
    """The network, with parts of its text replaced; each must be there."""
    text = TEXT
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    loaded = load_text(text.encode(), "names.yaml", {})
    assert loaded.network is not None, loaded.diagnostics
    return loaded.network
