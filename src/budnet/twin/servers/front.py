"""HAProxy as a front: it takes connections in one namespace and opens others out of a second one.

With that one process stands in two networks at once, which may have the same addresses: an interface endpoint in the one,
the load balancer of the endpoint service in the other. A public front is in one network only, ends TLS, and asks who comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from budnet.records import replace
from budnet.tls.enforce import DEFAULT, Setting
from budnet.twin.process import MASTER, File, Process
from budnet.twin.servers import Address, Certificate, hostport, lines
from budnet.twin.servers.haproxy import secured
from budnet.twin.servers.haproxy_run import command, head
from budnet.twin.tools import Tools


@dataclass(frozen=True, slots=True)
class Door:
    """What a public front asks of clients: a certificate by `clients` (PEM of an authority), or `key` as a bearer token."""

    certificate: Certificate
    clients: bytes = b""
    key: str = ""
    tls: Setting = DEFAULT


def front(
    tools: Tools,
    *,
    name: str,
    namespace: str,
    ports: Sequence[tuple[int, Sequence[Address]]],
    onward: tuple[str, str] | None = None,
    door: Door | None = None,
    roots: bytes = b"",
) -> Process:
    """`ports` are those it listens on, each with the targets behind it. `onward`: (a name, the namespace it stands for) to
    connect from, where that is another one. Behind a `door` the targets speak TLS, too, where there are `roots` to believe."""
    program = tools.need("haproxy")
    out = f" namespace {onward[0]}" if onward else ""
    text = [head("tcp", defaults=["option dontlognull"])]
    for port, targets in ports:
        text += _listen(port, targets, out, door, bool(roots))
    files = [File("haproxy.cfg", lines(*text), 0o600)]
    if door:
        files += [File("0.pem", door.certificate.chain + door.certificate.key, 0o600), File("consumers.pem", door.clients)]
    if roots:
        files.append(File("roots.pem", roots))
    return Process(
        name=name,
        namespace=namespace,
        software=program.called("HAProxy"),
        argv=command(program, reloads=door is not None),
        files=tuple(files),
        env=program.env,
        takes=MASTER,
        listens=tuple(("tcp", port) for port, _ in ports),
        netns=(onward,) if onward else (),
    )


def _listen(port: int, targets: Sequence[Address], out: str, door: Door | None, again: bool) -> list[str]:
    bind = f"    bind [::]:{port} v4v6"
    servers = [f"server s{i} {hostport(*target)}{out}" for i, target in enumerate(targets)]
    if door is None:
        return [f"listen port-{port}", bind, *(f"    {s}" for s in servers)]
    inner = " ssl verify required ca-file {dir}/roots.pem" if again else ""
    servers = [s + inner for s in servers]
    # whoever comes shows a certificate by the link's own authority, whatever its profile says of others
    tls = f" ssl crt {{dir}}/0.pem alpn h2,http/1.1 {secured(replace(door.tls, clients=False))}"
    if not door.key:
        return [f"listen port-{port}", f"{bind}{tls} ca-file {{dir}}/consumers.pem verify required", *(f"    {s}" for s in servers)]
    return [
        f"frontend port-{port}",
        "    mode http",
        f"{bind}{tls}",
        f'    http-request deny deny_status 401 unless {{ req.hdr(authorization) -m str "Bearer {door.key}" }}',
        f"    use_backend port-{port}-h2 if {{ ssl_fc_alpn -m str h2 }}",
        f"    default_backend port-{port}",
        f"backend port-{port}",
        "    mode http",
        *(f"    {s}" for s in servers),
        f"backend port-{port}-h2",
        "    mode http",
        *(f"    {s} proto h2" for s in servers),
    ]
