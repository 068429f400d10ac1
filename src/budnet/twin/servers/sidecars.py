"""HAProxy as the sidecars of a mesh: one process with a foot in every pod.

To each pod belong two doors. The inner one, on the pod's loopback, takes what the app sends to others, as Dapr's HTTP API
does: the callee is named by the header `dapr-app-id` or by `/v1.0/invoke/APP/method/PATH`, `APP.NAMESPACE` in another
namespace. The outer one, on all addresses, takes what other sidecars send: TLS 1.3 with a certificate of the mesh, whose
identity must be on the callee's list; then the request goes to the app over the pod's own loopback. Between the two the
caller's sidecar checks that it speaks to the callee that was named.

It is Dapr's way to call and to trust, not its wire: inside TLS two of these speak HTTP, two of Dapr's speak gRPC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from budnet.twin.process import MASTER, File, Process
from budnet.twin.servers import Certificate, lines
from budnet.twin.servers.haproxy_run import command, head
from budnet.twin.tools import Tools

SIDECAR = "x-budnet-sidecar"
"""The header in which a callee's sidecar says which pod it belongs to."""
SERIALS = "x-budnet-serials"
"""The header with the serial numbers of the certificates that it showed and was shown."""

# Nothing is remembered of a TLS session: a resumed one would not be asked for its certificate again.
_GLOBAL = head(
    settings=["tune.ssl.cachesize 0"],
    defaults=["option dontlognull", 'log-format "%ci %f %[var(txn.caller)] %[var(txn.to)] %HM %HP %ST %ts"'],
)


@dataclass(frozen=True, slots=True)
class Sidecar:
    """One pod's."""

    namespace: str
    """Of the network."""
    app: str
    """Which of the `apps` it stands in front of."""
    home: str
    """The Kubernetes namespace, in which callees need not be named in full."""
    port: int
    app_port: int
    """0 where the app does not listen."""
    loopback: tuple[str, ...]
    callees: str
    """Which of the `callees` it knows others by."""


@dataclass(frozen=True, slots=True)
class App:
    """What the sidecars of one app prove, and whom they let in, by SPIFFE ID. `default_allow`: whoever is on neither list."""

    name: str
    """`app.namespace`, by which others call it."""
    certificate: Certificate
    allowed: tuple[str, ...]
    denied: tuple[str, ...]
    default_allow: bool


def sidecars(
    tools: Tools,
    *,
    name: str,
    apps: Mapping[str, App],
    pods: Sequence[Sidecar],
    identities: Mapping[str, bytes],
    callees: Mapping[str, Mapping[str, Sequence[str]]],
    trust: bytes,
    suffix: str,
    api: int = 3500,
    min_version: str = "TLSv1.3",
) -> Process:
    """`apps` by any name that can be a file's; `identities`: what the names in a certificate look like (DER), by SPIFFE ID;
    `callees`: for each set of callers the addresses of every app; `suffix` makes an app's name the DNS name in its
    certificate."""
    program = tools.need("haproxy")
    text = [_GLOBAL]
    counts = sorted({len(addresses) for known in callees.values() for addresses in known.values()})
    for number, pod in enumerate(pods):
        text += [*_inbound(number, pod, apps[pod.app], min_version), *_outbound(number, pod, counts, api, suffix, min_version)]
    files = [File("haproxy.cfg", lines(*text)), File("trust.pem", trust)]
    files.append(File("identities", lines(*(f"{der.hex().upper()} {uri}" for uri, der in identities.items()))))
    for app, it in apps.items():
        files.append(File(f"{app}.pem", it.certificate.chain + it.certificate.key, 0o600))
        files += [File(f"{app}.allowed", lines(*it.allowed)), File(f"{app}.denied", lines(*it.denied))]
    for group, known in callees.items():
        files.append(File(f"callees-{group}", lines(*(f"{a}/{i} {at}" for a, every in known.items() for i, at in enumerate(every)))))
        files.append(File(f"replicas-{group}", lines(*(f"{a} {len(every)}" for a, every in known.items()))))
    first, *rest = pods
    return Process(
        name=name,
        namespace=first.namespace,
        software=program.called("HAProxy"),
        argv=command(program),
        files=tuple(files),
        env=program.env,
        takes=MASTER,
        doors=tuple(f"out-{number}" for number in range(len(pods))),
        netns=tuple((pod.namespace, pod.namespace) for pod in pods),
        listens=(("tcp", first.port), ("tcp", api)),
        elsewhere=tuple((pod.namespace, "tcp", port) for pod in rest for port in (pod.port, api)),
    )


def _tls(app: str, min_version: str) -> str:
    return f"ssl crt {{dir}}/{app}.pem ca-file {{dir}}/trust.pem verify required ssl-min-ver {min_version}"


def _inbound(number: int, pod: Sidecar, app: App, min_version: str) -> list[str]:
    """HAProxy has no word for a URI in a certificate, but the certificate itself: what it must contain is looked up in
    a table. Names that are not exactly as our issuer writes them are nobody's."""
    refused = f'lf-string "access control of {app.name} denies %[var(txn.caller)]"'
    deny = f"    http-request return status 403 content-type text/plain {refused}"
    return [
        f"frontend in-{number}",
        f"    bind [::]:{pod.port} v4v6 namespace {pod.namespace} {_tls(pod.app, min_version)} no-tls-tickets",
        f"    http-after-response set-header {SIDECAR} {pod.namespace}",
        f'    http-after-response set-header {SERIALS} "%[ssl_f_serial,hex] %[ssl_c_serial,hex]"',
        "    http-request set-var(txn.caller) ssl_c_der,hex,map_sub({dir}/identities,nobody)",
        f"{deny} if {{ var(txn.caller) -m str -f {{dir}}/{pod.app}.denied }}",
        "" if app.default_allow else f"{deny} unless {{ var(txn.caller) -m str -f {{dir}}/{pod.app}.allowed }}",
        "" if pod.app_port else '    http-request return status 404 content-type text/plain string "the app does not listen"',
        f"    default_backend app-{number}" if pod.app_port else "",
        f"backend app-{number}",
        f"    server app 127.0.0.1:{pod.app_port} namespace {pod.namespace}" if pod.app_port else "",
    ]


def _outbound(number: int, pod: Sidecar, counts: Sequence[int], api: int, suffix: str, min_version: str) -> list[str]:
    """One server line for all callees: where it connects and whom it expects there are looked up for each request."""
    unknown = 'http-request return status 404 content-type text/plain string "no such app in the mesh"'
    path = "{ path_beg /v1.0/invoke/ }"
    return [
        f"frontend out-{number}",
        "    option httpclose",  # who has been served is gone, so that this door can be seen to be empty
        *(f"    bind {address}:{api} namespace {pod.namespace}" for address in pod.loopback),
        "    http-request set-var(txn.to) req.hdr(dapr-app-id),lower",
        f"    http-request set-var(txn.to) path,field(4,/),lower if {path}",
        f"    http-request set-path /%[path,field(6,/,0)] if {path}",
        f"    http-request set-var-fmt(txn.to) %[var(txn.to)].{pod.home} unless {{ var(txn.to) -m sub . }}",
        f"    http-request set-var(txn.replicas) var(txn.to),map({{dir}}/replicas-{pod.callees})",
        f"    {unknown} unless {{ var(txn.replicas) -m found }}",
        *(
            f"    http-request set-var-fmt(txn.one) %[var(txn.to)]/%[rand({count})] if {{ var(txn.replicas) -m str {count} }}"
            for count in counts
        ),
        f"    http-request set-dst var(txn.one),map({{dir}}/callees-{pod.callees})",
        f"    http-request set-var-fmt(txn.host) %[var(txn.to)].{suffix}",
        f"    default_backend mesh-{number}",
        f"backend mesh-{number}",
        f"    server callee 0.0.0.0:{pod.port} namespace {pod.namespace} {_tls(pod.app, min_version)} sni var(txn.host) no-ssl-reuse",
    ]
