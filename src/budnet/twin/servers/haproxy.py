"""HAProxy as a load balancer: it ends TLS, chooses by host name, and passes plain TCP on.

Which certificate a client sees, its SNI decides; which backend its request goes to, the Host header. A name that no
route has gets 404, a route without a backend 503. Backends are not checked, which would be packets that nobody sent.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from budnet.tls.enforce import DEFAULT, Setting
from budnet.twin.process import MASTER, File, Process
from budnet.twin.servers import Address, Certificate, hostport, lines
from budnet.twin.servers.haproxy_run import command, head
from budnet.twin.tools import Tools

Route = tuple[str, Sequence[Address]]
"""A host name, `*.example.com` for every name below it, and its backends."""

Listener = tuple[int, Sequence[Address]]
"""A TCP port and its backends."""

_GLOBAL = (
    head(defaults=["option dontlognull"])
    + """
backend none
    http-request return status 404"""
)


def load_balancer(
    tools: Tools,
    *,
    name: str,
    namespace: str,
    certificates: Sequence[Certificate] = (),
    routes: Sequence[Route] = (),
    https: int = 443,
    http: int | None = 80,
    tcp: Sequence[Listener] = (),
    addresses: Sequence[str] = (),
    tls: Setting = DEFAULT,
    clients: bytes = b"",
    secure: Collection[Address] = (),
    roots: bytes = b"",
    thumbprint: str = "",
) -> Process:
    """Listens on `https` if there is a certificate, the first being for names that none is for, and then `http` only
    redirects; on `http` unless that is None; on every port of `tcp`. `clients` are the roots of those who may come.
    To `secure` backends it speaks TLS, and believes those that `roots` vouch for. With an ACME account's `thumbprint` it answers
    that account's HTTP-01 challenges on `http`, all of them by itself."""
    program = tools.need("haproxy")
    text = [_GLOBAL]
    ports: list[int] = []
    if certificates:
        text += [
            "frontend https",
            "    option httplog",
            *_binds(addresses, https, f"ssl crt-list {{dir}}/certificates alpn h2,http/1.1 {secured(tls)}"),
            *_choose(routes),
        ]
        ports.append(https)
    if http is not None:
        text += ["frontend http", "    option httplog", *_binds(addresses, http)]
        text += [_challenge(thumbprint)] if thumbprint else []
        text += [_redirect(https)] if certificates else _choose(routes)
        ports.append(http)
    for number, (_, backends) in enumerate(routes):
        text += [f"backend route-{number}", "    option forwardfor", *_servers(backends, secure)]
    for port, backends in tcp:
        text += [
            f"listen tcp-{port}",
            "    mode tcp",
            "    option tcplog",
            *_binds(addresses, port),
            *_servers(backends),
        ]
        ports.append(port)

    pems = [File(f"{number}.pem", it.chain + it.key, 0o600) for number, it in enumerate(certificates)]
    return Process(
        name=name,
        namespace=namespace,
        software=program.called("HAProxy"),
        argv=command(program),
        files=(
            File("haproxy.cfg", lines(*text)),
            File("certificates", lines(*(f"{{dir}}/{pem.path}" for pem in pems))),
            *pems,
            *([File("clients.pem", clients)] if tls.clients else ()),
            *([File("roots.pem", roots)] if secure else ()),
        ),
        env=program.env,
        takes=MASTER,
        listens=tuple(("tcp", port) for port in ports),
    )


def secured(tls: Setting) -> str:
    """The options of a `bind` for a profile; roots of clients are in `{dir}/clients.pem`."""
    options = {
        "ssl-min-ver": f"TLSv{tls.minimum}",
        "ciphers": ":".join(tls.ciphers),
        "ciphersuites": ":".join(tls.suites),
        "curves": ":".join(tls.groups),
        "ca-file": "{dir}/clients.pem verify required" if tls.clients else "",
    }
    return " ".join(f"{option} {value}" for option, value in options.items() if value)


def _binds(addresses: Sequence[str], port: int, options: str = "") -> list[str]:
    places = [hostport(address, port) for address in addresses] or [f"[::]:{port} v4v6"]
    return [f"    bind {place} {options}".rstrip() for place in places]


def _challenge(thumbprint: str) -> str:
    answer = f'"%[path,field(-1,/)].{thumbprint}"'
    return f"    http-request return status 200 content-type text/plain lf-string {answer} if {{ path_beg /.well-known/acme-challenge/ }}"


def _redirect(https: int) -> str:
    if https == 443:
        return "    http-request redirect scheme https code 301"
    return f"    http-request redirect prefix https://%[req.hdr(host),field(1,:)]:{https} code 301"


def _choose(routes: Sequence[Route]) -> list[str]:
    """An exact name goes before a wildcard and a longer one before a shorter, in whatever order they are written."""
    text = []
    for number, (host, _) in sorted(enumerate(routes), key=lambda row: (row[1][0].startswith("*"), -len(row[1][0]))):
        how = f"-m end {host[1:]}" if host.startswith("*.") else f"-m str {host}"
        text.append(f"    use_backend route-{number} if {{ req.hdr(host),field(1,:),lower {how.lower()} }}")
    return [*text, "    default_backend none"]


def _servers(backends: Sequence[Address], secure: Collection[Address] = ()) -> list[str]:
    tls = " ssl verify required ca-file {dir}/roots.pem"
    return [f"    server s{number} {hostport(*at)}{tls if at in secure else ''}" for number, at in enumerate(backends)]
