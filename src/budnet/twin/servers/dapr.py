"""Dapr itself as the mesh: Sentry, and a `daprd` beside every app, in Dapr's self-hosted mode.

Written from the options that `daprd` and `sentry` document (dapr/dapr, cmd/daprd/options and cmd/sentry/options; name
resolution by `structuredformat`, which is in Dapr from 1.16 on) and never run here: no package of Debian has them. In
this mode Sentry signs whatever name it is asked for, so an identity is worth as much as the pod that asks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from budnet.ir.mesh import AccessControl
from budnet.twin.process import File, Process
from budnet.twin.servers import Address, Certificate, hostport
from budnet.twin.tools import Tools

TRUST_DOMAIN = "cluster.local"
"""Of the control plane, as Dapr's charts have it; apps have their own."""


def sentry(
    tools: Tools, *, name: str, namespace: str, kubernetes_namespace: str, issuer: Certificate, trust: bytes, port: int = 50001
) -> Process:
    """The certificate authority, with an issuer that it is given instead of one that it makes itself."""
    program = tools.need("sentry")
    return Process(
        name=name,
        namespace=namespace,
        software=program.called("Dapr Sentry"),
        argv=(
            *program.argv,
            "--mode=standalone",
            f"--trust-domain={TRUST_DOMAIN}",
            "--issuer-credentials={dir}",
            "--issuer-ca-filename=ca.crt",
            "--issuer-certificate-filename=issuer.crt",
            "--issuer-key-filename=issuer.key",
            "--config={dir}/config.yaml",
            f"--port={port}",
            "--healthz-listen-address=127.0.0.1",
            "--metrics-listen-address=127.0.0.1",
        ),
        files=(
            File("ca.crt", trust),
            File("issuer.crt", issuer.chain),
            File("issuer.key", issuer.key, 0o600),
            File("config.yaml", _yaml({"mtls": {"enabled": True, "workloadCertTTL": "24h", "allowedClockSkew": "15m"}})),
        ),
        env=(*program.env, ("NAMESPACE", kubernetes_namespace)),
        listens=(("tcp", port),),
    )


def sidecar(
    tools: Tools,
    *,
    name: str,
    namespace: str,
    control: AccessControl,
    authority: Address,
    authority_namespace: str,
    trust: bytes,
    apps: Mapping[str, Sequence[Address]],
    loopback: Sequence[str] = ("127.0.0.1",),
    api: int = 3500,
    grpc: int = 50001,
) -> Process:
    """One `daprd`. `authority` is Sentry, in the Kubernetes namespace `authority_namespace`; `apps`: where each app's
    sidecars listen for others."""
    program = tools.need("daprd")
    options = {
        "mode": "standalone",
        "app-id": control.callee.app,
        "app-protocol": "http",
        "app-channel-address": "127.0.0.1",
        "dapr-http-port": api,
        "dapr-grpc-port": grpc,
        "dapr-listen-addresses": ",".join(loopback),
        "dapr-internal-grpc-port": control.port,
        "sentry-address": hostport(*authority),
        "control-plane-trust-domain": TRUST_DOMAIN,
        "control-plane-namespace": authority_namespace,
        "config": "{dir}/config.yaml",
        "metrics-listen-address": "127.0.0.1",
    } | ({"app-port": control.app_port} if control.app_port else {})
    return Process(
        name=name,
        namespace=namespace,
        software=program.called("Dapr"),
        argv=(*program.argv, "--enable-mtls", *(f"--{option}={value}" for option, value in options.items())),
        files=(File("config.yaml", configuration(control, apps)),),
        env=(*program.env, ("DAPR_TRUST_ANCHORS", trust.decode()), ("NAMESPACE", control.callee.namespace)),
        listens=(("tcp", control.port), ("tcp", api)),
    )


def configuration(control: AccessControl, apps: Mapping[str, Sequence[Address]]) -> bytes:
    """The Configuration of one app: who may call it, and where the others are."""
    action = {True: "allow", False: "deny"}
    instances = {app: [_instance(*at) for at in every] for app, every in apps.items()}
    return _yaml(
        {
            "mtls": {"enabled": True, "controlPlaneTrustDomain": TRUST_DOMAIN},
            "nameResolution": {
                "component": "structuredformat",
                "version": "v1",
                "configuration": {"structuredType": "jsonString", "stringValue": json.dumps({"appInstances": instances})},
            },
            "accessControl": {
                "defaultAction": action[control.default_allow],
                "trustDomain": control.callee.trust_domain,
                "policies": [
                    {
                        "appId": rule.caller.app,
                        "namespace": rule.caller.namespace,
                        "trustDomain": rule.caller.trust_domain,
                        "defaultAction": action[rule.allow],
                    }
                    for rule in control.rules
                ],
            },
        }
    )


def _instance(address: str, port: int) -> dict[str, object]:
    family = "ipv6" if ":" in address else "ipv4"
    return {"domain": "", "ipv4": "", "ipv6": "", "port": port} | {family: address}


def _yaml(spec: Mapping[str, object]) -> bytes:
    """Every JSON document is a YAML document, and nothing in it needs to be quoted by hand."""
    resource = {"apiVersion": "dapr.io/v1alpha1", "kind": "Configuration", "metadata": {"name": "budnet"}, "spec": spec}
    return json.dumps(resource, indent=1).encode() + b"\n"
