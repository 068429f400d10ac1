"""New certificates for servers that run, without a connection lost: each by the way that it has for it.

PostgreSQL reads its files anew at a SIGHUP; Redis takes new file names by CONFIG SET; HAProxy takes the certificate itself over
its runtime API. Connections that are open stay as they are. A registry reads its files only when it starts.
"""

from __future__ import annotations

import os
import signal
import socket
import ssl
from pathlib import Path

from budnet.errors import TwinError
from budnet.pki.issuer import Leaf
from budnet.twin import supervisor
from budnet.twin.servers.haproxy import CONTROL

_SECONDS = 5.0
SOFTWARE = ("postgresql", "redis", "haproxy")
"""What `switch` can do it for."""


def switch(software: str, server: supervisor.Running, leaf: Leaf, number: int = 0) -> None:
    """Makes a server present another certificate. Leaves this thread in the server's network namespace. Raises TwinError."""
    if software == "postgresql":
        postgresql(server, leaf)
    elif software == "redis":
        redis(server, leaf)
    elif software == "haproxy":
        haproxy(server, leaf, number)
    else:
        raise TwinError(f"{software} has no way to take another certificate while it runs")


def postgresql(server: supervisor.Running, leaf: Leaf) -> None:
    """Both files, then SIGHUP: it looks at neither before, and keeps what it has where they do not fit together."""
    _replace(server.directory / "server.crt", leaf.chain, 0o644)
    _replace(server.directory / "server.key", leaf.key, 0o600)
    os.kill(server.pid, signal.SIGHUP)


def redis(server: supervisor.Running, leaf: Leaf) -> None:
    """New names, since a setting that stays the same is not applied; both in one command, so they always fit together."""
    supervisor.enter(server.netns)
    port = next(port for _, port in server.process.listens)
    names = [f"server-{leaf.certificate.serial_number:x}.{end}" for end in ("crt", "key")]
    for name, content, mode in zip(names, (leaf.chain, leaf.key), (0o644, 0o600), strict=True):
        _replace(server.directory / name, content, mode)
    here = [str(server.directory / n) for n in names]
    said = _redis(port, "CONFIG", "SET", "tls-cert-file", here[0], "tls-key-file", here[1])
    if not said.startswith("+OK"):
        raise TwinError(f"{server.process.name} does not take the certificate: {said}")


def haproxy(server: supervisor.Running, leaf: Leaf, number: int = 0) -> None:
    """A transaction of its runtime API: `set ssl cert` and `commit`. The file is written too, for the day it starts again."""
    path = server.directory / f"{number}.pem"
    content = leaf.chain + leaf.key
    _replace(path, content, 0o600)
    text = "\n".join(line for line in content.decode().splitlines() if line)
    for command in (f"set ssl cert {path} <<\n{text}\n", f"commit ssl cert {path}"):
        said = _runtime(server.directory, command)
        if not ("Transaction" in said or "Success" in said):
            _runtime(server.directory, f"abort ssl cert {path}")
            raise TwinError(f"{server.process.name} does not take the certificate: {said}")


def trust(server: supervisor.Running, roots: str) -> None:
    """Other roots for an HAProxy that is a client of servers with TLS; nothing for who is not."""
    path = server.directory / "roots.pem"
    if not path.exists():
        return
    _replace(path, roots.encode(), 0o644)
    text = "\n".join(line for line in roots.splitlines() if line)
    for command in (f"set ssl ca-file {path} <<\n{text}\n", f"commit ssl ca-file {path}"):
        said = _runtime(server.directory, command)
        if not ("ransaction" in said or "Success" in said):
            _runtime(server.directory, f"abort ssl ca-file {path}")
            raise TwinError(f"{server.process.name} does not take the roots: {said}")


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


def _redis(port: int, *words: str) -> str:
    """One command over TLS from the server's own loopback, where its name cannot be checked and nobody else can be."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    request = f"*{len(words)}\r\n" + "".join(f"${len(w.encode())}\r\n{w}\r\n" for w in words)
    with socket.create_connection(("127.0.0.1", port), _SECONDS) as plain, context.wrap_socket(plain) as tls:
        tls.sendall(request.encode())
        return tls.recv(4096).decode(errors="replace").strip()


def _replace(path: Path, content: bytes, mode: int) -> None:
    part = path.with_name(f"{path.name}.part")
    part.touch(0o600)
    part.write_bytes(content)
    part.chmod(mode)
    part.rename(path)
