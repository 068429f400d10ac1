"""The mesh of the twin: whose sidecar stands where, with which identity, and whom it lets in.

Identities are made new for every twin. Beside those of the apps there are some that no sidecar may accept; the probe
shows them at every door. All that Sentry signs is listed, so that it can be signed again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from budnet.ir.endpoint import Endpoint
from budnet.ir.mesh import AccessControl, Identity
from budnet.ir.network import Network
from budnet.pki import store
from budnet.pki.identity import LAYER, LIFETIME, SUFFIX, Sentry, encoded_names, names_of
from budnet.pki.issuer import Leaf
from budnet.pki.store import CLIENTS, SIDECAR, Issued, Vault
from budnet.records import replace
from budnet.twin import dapr_mesh
from budnet.twin.process import Process
from budnet.twin.servers import Certificate
from budnet.twin.servers.sidecars import App, Sidecar, sidecars
from budnet.twin.tools import Missing, Tools

KINDS = ("haproxy", "dapr")
NAME = "mesh"
"""Of the process that carries all sidecars: `budnet logs mesh`."""
API = 3500
FOLDER = "mesh"
"""In the twin's directory: what those who speak to sidecars without one show and trust."""
TRUST, EXPIRED, STRANGER, UNKNOWN = "trust.pem", "expired.pem", "other-issuer.pem", "unknown-app.pem"
TRUSTED = f"{FOLDER}/{TRUST}"
ELSEWHERE = "elsewhere"
Files = tuple[tuple[str, bytes, int], ...]


@dataclass(frozen=True)
class Mesh:
    """`kind` is one of KINDS, or empty where there is no mesh or nobody to carry it. `about` tells two meshes apart."""

    kind: str = ""
    said: str = ""
    """A sentence for a user: which mesh runs, or that none does."""
    about: str = ""
    processes: tuple[Process, ...] = ()
    files: Files = ()
    missing: tuple[str, ...] = ()
    sentry: Sentry | None = None
    """Who signed `issued`; None where nobody of ours does."""
    issued: tuple[Issued, ...] = ()

    def enter(self, vault: Vault) -> None:
        """Puts Sentry and what it signed beside the internal CA."""
        if self.sentry:
            vault.authorities[store.MESH] = self.sentry.authority
            vault.issued.extend(self.issued)
        elif self.kind:
            vault.others.append("the mesh: Dapr's own Sentry has its keys, and this twin does not renew them")


def stage(network: Network, tools: Tools, kind: str = KINDS[0]) -> Mesh:
    """The sidecars of a network. Where HAProxy is missing, our own listeners stand at their doors, in clear. Dapr is run
    only for who asks for it, so where that is missing TwinError is raised."""
    controls = network.access_controls
    if not controls:
        return Mesh()
    about = hashlib.sha256(repr((kind, controls)).encode()).hexdigest()
    sentry = Sentry(network.name, controls[0].key)
    if kind == "dapr":
        processes = dapr_mesh.processes(network, tools, sentry)
        said = f"mesh of {sum(len(c.endpoints) for c in controls)} sidecars by Dapr itself: `probe` does not speak its protocol and asks packets only"
        return Mesh("dapr", said, about, processes)
    try:
        process = carrier(network, tools, sentry)
    except Missing as absent:
        said = f"no mesh: {absent.program} is not here, so {controls[0].port} answers in clear and nobody's identity is checked"
        return Mesh("", said, about, missing=(absent.program,))
    count = sum(len(c.endpoints) for c in controls)
    said = f"mesh of {count} sidecars by one {process.software}: TLS 1.3, certificates on both sides, callers by identity"
    shown = tuple(_shown(network, sentry))
    files = (*((one.server, _pem(one.leaf(sentry.issuer)), 0o600) for one in shown), *_strange(network, sentry))
    return Mesh("haproxy", said, about, (process,), files, (), sentry, (*presented(network), *shown))


def carrier(network: Network, tools: Tools, sentry: Sentry) -> Process:
    """One process for all sidecars. Raises Missing."""
    tools.need("haproxy")  # before any key is made
    return sidecars(tools, name=NAME, **parts(network, sentry))


def parts(network: Network, sentry: Sentry) -> dict[str, Any]:
    """What the recipe is given."""
    leaves = [one.leaf(sentry.issuer) for one in presented(network)]
    certificates = {c.callee: Certificate(x.chain, x.key) for c, x in zip(network.access_controls, leaves, strict=True)}
    pods = [_sidecar(control, network.endpoint[e]) for control in network.access_controls for e in control.endpoints]
    return {
        "apps": {_file(c): _app(c, certificates[c.callee]) for c in network.access_controls},
        "pods": pods,
        "identities": {i.uri: encoded_names(i) for i in certificates},
        "callees": {p.callees: _callees(network, network.endpoint[p.namespace]) for p in reversed(pods)},
        "trust": sentry.trust,
        "suffix": SUFFIX,
        "api": API,
    }


def _sidecar(control: AccessControl, pod: Endpoint) -> Sidecar:
    families = sorted({a.version for a in pod.addresses})
    loopback = ("127.0.0.1", "[::1]") if 6 in families else ("127.0.0.1",)
    return Sidecar(pod.id, _file(control), pod.namespace, control.port, control.app_port, loopback, group_of(pod))


def group_of(pod: Endpoint) -> str:
    """Pods of one group know the same addresses of the others: those of a cluster with the same address families."""
    return f"{pod.cluster}-v{'v'.join(str(v) for v in sorted({a.version for a in pod.addresses}))}"


def presented(network: Network) -> list[Issued]:
    """What the sidecars of every app prove themselves with, of all its replicas the same."""
    return [
        Issued(
            c.id, SIDECAR, 0, NAME, (f"{_file(c)}.pem",), c.port, LAYER, names_of(c.callee), c.key, c.lifetime, store.MESH, str(c.origin)
        )
        for c in network.access_controls
    ]


def _app(control: AccessControl, certificate: Certificate) -> App:
    allowed, denied = (tuple(r.caller.uri for r in control.rules if r.allow is allow) for allow in (True, False))
    return App(control.callee.name, certificate, allowed, denied, control.default_allow)


def _file(control: AccessControl) -> str:
    """What its files are called: none of the three names in its id has a dot."""
    return control.id.replace("/", ".")


def _callees(network: Network, pod: Endpoint) -> dict[str, list[str]]:
    """The addresses of every app as a pod and its like know them: those in their own cluster where it is there."""
    families = {a.version for a in pod.addresses}
    found: dict[str, list[str]] = {}
    for control in sorted(network.access_controls, key=lambda c: not c.id.startswith(f"{pod.cluster}/")):
        if control.callee.name not in found:
            addresses = [next((a for a in network.endpoint[e].addresses if a.version in families), None) for e in control.endpoints]
            found[control.callee.name] = [str(a) for a in addresses if a is not None]
    return {name: addresses for name, addresses in found.items() if addresses}


# ---- what the probe shows to sidecars --------------------------------------------------------------------------------------


def _shown(network: Network, sentry: Sentry) -> Iterator[Issued]:
    """Below `mesh/`: an identity of every app, `APP.NAMESPACE.pem`, and those that sidecars know nobody by."""
    for identity in dict.fromkeys(c.callee for c in network.access_controls):
        yield _client(f"{identity.name}.pem", identity, sentry)
        yield _client(other_domain(identity), in_other_domain(identity), sentry)
        yield _client(other_namespace(identity), in_other_namespace(identity), sentry)
    first = network.access_controls[0].callee
    yield replace(_client(EXPIRED, first, sentry), age=2 * LIFETIME.total_seconds())
    yield _client(UNKNOWN, unknown_app(first), sentry)


def _client(file: str, identity: Identity, sentry: Sentry) -> Issued:
    time = LIFETIME.total_seconds()
    return Issued(f"{FOLDER}/{file}", CLIENTS, 0, "", (), 0, LAYER, names_of(identity), sentry.kind, time, store.MESH, "")


def _strange(network: Network, sentry: Sentry) -> Files:
    """What the caller trusts, and the certificate of an issuer that nobody trusts."""
    stranger = _pem(Sentry("another", sentry.kind).sign(network.access_controls[0].callee))
    return (TRUSTED, sentry.trust, 0o644), (f"{FOLDER}/{STRANGER}", stranger, 0o600)


def in_other_domain(identity: Identity) -> Identity:
    """The same app in a trust domain that is not ours."""
    return replace(identity, trust_domain=f"{ELSEWHERE}.{identity.trust_domain}"[:255])


def in_other_namespace(identity: Identity) -> Identity:
    """An app of the same name in a namespace that is not there."""
    return replace(identity, namespace=f"{ELSEWHERE}-{identity.namespace}")


def unknown_app(identity: Identity) -> Identity:
    """An app that nobody wrote, in the same namespace."""
    return replace(identity, app=f"{ELSEWHERE}-{identity.app}")


def other_domain(identity: Identity) -> str:
    """The file with an app's certificate from another trust domain."""
    return f"{identity.name}.other-trust-domain.pem"


def other_namespace(identity: Identity) -> str:
    """The file with the certificate of an app of the same name in another namespace."""
    return f"{identity.name}.other-namespace.pem"


def _pem(leaf: Leaf) -> bytes:
    return leaf.chain + leaf.key
