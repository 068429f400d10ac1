"""New certificates and roots for servers that run, without a connection lost: each by the way that it has for it.

PostgreSQL reads its files anew at a SIGHUP; Redis takes new file names by CONFIG SET; HAProxy takes the certificate itself over
its runtime API. Connections that are open stay as they are. A registry reads its files only when it starts.
"""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import ssl
from pathlib import Path

from budnet.errors import TwinError
from budnet.pki.issuer import Leaf
from budnet.twin import supervisor
from budnet.twin.certificates import CLIENT
from budnet.twin.servers.haproxy import CONTROL

_SECONDS = 5.0
SOFTWARE = ("postgresql", "redis", "haproxy", "front")
"""What `switch` can do it for."""


def switch(software: str, server: supervisor.Running, leaf: Leaf, number: int = 0) -> None:
    """Makes a server present another certificate. Leaves this thread in the server's network namespace. Raises TwinError."""
    if software == "postgresql":
        postgresql(server, leaf)
    elif software == "redis":
        redis(server, leaf)
    elif software in ("haproxy", "front"):
        haproxy(server, leaf, number)
    else:
        raise TwinError(f"{software} has no way to take another certificate while it runs")


def postgresql(server: supervisor.Running, leaf: Leaf) -> None:
    """Both files, then SIGHUP: it looks at neither before, and keeps what it has where they do not fit together."""
    replace(server.directory / "server.crt", leaf.chain, 0o644)
    replace(server.directory / "server.key", leaf.key, 0o600)
    os.kill(server.pid, signal.SIGHUP)


def redis(server: supervisor.Running, leaf: Leaf) -> None:
    """New names, since a setting that stays the same is not applied; both in one command, so they always fit together."""
    names = [f"server-{leaf.certificate.serial_number:x}.{end}" for end in ("crt", "key")]
    for name, content, mode in zip(names, (leaf.chain, leaf.key), (0o644, 0o600), strict=True):
        replace(server.directory / name, content, mode)
    here = [str(server.directory / n) for n in names]
    _configure(server, "certificate", "tls-cert-file", here[0], "tls-key-file", here[1])


def haproxy(server: supervisor.Running, leaf: Leaf, number: int = 0) -> None:
    """A transaction of its runtime API: `set ssl cert` and `commit`. The file is written too, for the day it starts again."""
    path = server.directory / f"{number}.pem"
    content = leaf.chain + leaf.key
    replace(path, content, 0o600)
    text = "\n".join(line for line in content.decode().splitlines() if line)
    for command in (f"set ssl cert {path} <<\n{text}\n", f"commit ssl cert {path}"):
        said = _runtime(server.directory, command)
        if not ("Transaction" in said or "Success" in said):
            _runtime(server.directory, f"abort ssl cert {path}")
            raise TwinError(f"{server.process.name} does not take the certificate: {said}")


def trust(server: supervisor.Running, roots: str) -> None:
    """Other roots of the internal CA for a server that believes it: of the servers that it is a client of, of its own clients, or
    of neither. Leaves this thread in the server's network namespace. Raises TwinError."""
    for name in ("roots.pem", "clients.pem"):
        path = server.directory / name
        if not path.exists():
            continue
        replace(path, roots.encode(), 0o644)
        if server.process.software.startswith("HAProxy"):
            _haproxy_roots(server, path, roots)
        elif server.process.software.startswith("PostgreSQL"):
            os.kill(server.pid, signal.SIGHUP)
        elif server.process.software.startswith(("Redis", "Valkey")):
            new = server.directory / f"clients-{hashlib.sha256(roots.encode()).hexdigest()[:16]}.pem"
            replace(new, roots.encode(), 0o644)
            _configure(server, "roots", "tls-ca-cert-file", str(new))


def _haproxy_roots(server: supervisor.Running, path: Path, roots: str) -> None:
    text = "\n".join(line for line in roots.splitlines() if line)
    for command in (f"set ssl ca-file {path} <<\n{text}\n", f"commit ssl ca-file {path}"):
        said = _runtime(server.directory, command)
        if not ("ransaction" in said or "Success" in said):
            _runtime(server.directory, f"abort ssl ca-file {path}")
            raise TwinError(f"{server.process.name} does not take the roots: {said}")
    if "Status: Unused" in _runtime(server.directory, f"show ssl ca-file {path}"):
        raise TwinError(
            f"{server.process.name} connects to servers with TLS, and HAProxy 2.6 takes other roots for that only when it starts"
        )


def _runtime(directory: Path, command: str) -> str:
    """A socket's path has at most 107 characters, and ours may have more: it is reached through a descriptor of its folder."""
    folder = os.open(directory, os.O_PATH)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
            control.settimeout(_SECONDS)
            control.connect(f"/proc/self/fd/{folder}/{CONTROL}")
            control.sendall(command.encode() + b"\n")
            data = b""
            while part := control.recv(65536):
                data += part
    finally:
        os.close(folder)
    return data.decode(errors="replace").strip()


def _configure(server: supervisor.Running, what: str, *settings: str) -> None:
    """CONFIG SET over TLS from Redis's own loopback, where its name cannot be checked and nobody else can be."""
    supervisor.enter(server.netns)
    port = next(port for _, port in server.process.listens)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    show(context, server.directory.parents[1] / CLIENT)
    words = ("CONFIG", "SET", *settings)
    request = f"*{len(words)}\r\n" + "".join(f"${len(w.encode())}\r\n{w}\r\n" for w in words)
    with socket.create_connection(("127.0.0.1", port), _SECONDS) as plain, context.wrap_socket(plain) as tls:
        tls.sendall(request.encode())
        said = tls.recv(4096).decode(errors="replace").strip()
    if not said.startswith("+OK"):
        raise TwinError(f"{server.process.name} does not take the {what}: {said}")


def show(context: ssl.SSLContext, certificate: Path) -> None:
    """A client that has a certificate shows it to a server that asks."""
    if certificate.exists():
        context.load_cert_chain(certificate)


def replace(path: Path, content: bytes, mode: int) -> None:
    """Writes a file whole: whoever opens it has the old or the new one."""
    part = path.with_name(f"{path.name}.part")
    part.touch(0o600)
    part.write_bytes(content)
    part.chmod(mode)
    part.rename(path)
