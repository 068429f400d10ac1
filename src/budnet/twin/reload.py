"""Other files for servers that run (certificates, keys, roots), each taken by the way that the server has for it.

PostgreSQL reads its files anew at SIGHUP; Redis takes new names of files by CONFIG SET; an HAProxy's master starts another worker,
and the one before finishes what it has open, within `haproxy_run.FINISH` seconds. Whatever has no way of its own is started again behind
a closed door: packets that would open a connection are dropped meanwhile, and TCP sends them again a second later (RFC 6298, 2.1), so
clients wait and none is refused.
The files are written in any case under the names that they began with, so a later start has the newest.
"""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from budnet.errors import TwinError
from budnet.pki.issuer import Leaf
from budnet.twin import haproxy_master, supervisor
from budnet.twin.certificates import CLIENT
from budnet.twin.linux import LinuxKernel
from budnet.twin.process import HANGUP, RESTART, SETTINGS

_SECONDS = 5.0
_DOOR = "door"
"""The table that keeps new connections from a server that is started again."""
_SETTING = {"server.crt": "tls-cert-file", "server.key": "tls-key-file", "clients.pem": "tls-ca-cert-file"}
"""Redis's, by the files that it began with."""


def files_of(names: tuple[str, ...], leaf: Leaf) -> dict[str, bytes]:
    """What is in a server's files for a certificate: the chain in `.crt`, the key in `.key`, both in `.pem`."""
    contents = {".crt": leaf.chain, ".key": leaf.key, ".pem": leaf.chain + leaf.key}
    return {name: contents[Path(name).suffix] for name in names}


def take(server: supervisor.Running, files: Mapping[str, bytes], kernel: LinuxKernel) -> tuple[supervisor.Running, float]:
    """Gives a server that runs other files, by their names in its directory, and makes it use them.

    Returns the server as it runs then, and for how many seconds new connections had to wait. Leaves this thread in the server's namespace
    or where it was. Raises TwinError where the server does not take them; then the files are as before.
    """
    before = {name: (server.directory / name).read_bytes() for name in files}
    for name, content in files.items():
        replace(server.directory / name, content)
    try:
        return _way(server, files, kernel)
    except (TwinError, OSError) as refused:
        for name, content in before.items():
            replace(server.directory / name, content)
        if server.process.takes == RESTART:
            supervisor.again(server)
        raise TwinError(f"{server.process.name} does not take its new files: {refused}") from refused


def _way(server: supervisor.Running, files: Mapping[str, bytes], kernel: LinuxKernel) -> tuple[supervisor.Running, float]:
    if server.process.takes == RESTART:
        return _restart(server, kernel)
    if server.process.takes == HANGUP:
        os.kill(server.pid, signal.SIGHUP)
    elif server.process.takes == SETTINGS:
        _configure(server, files)
    else:
        haproxy_master.reload(server)
    return server, 0.0


# ---- Redis --------------------------------------------------------------------------------------------------------------


def _configure(server: supervisor.Running, files: Mapping[str, bytes]) -> None:
    """New names, since a setting that stays the same is not applied; all in one command, so they always fit together."""
    mark = hashlib.sha256(b"".join(files.values())).hexdigest()[:16]
    words = ["CONFIG", "SET"]
    for name, content in files.items():
        new = server.directory / f"{mark}-{name}"
        replace(new, content, (server.directory / name).stat().st_mode & 0o777)
        words += [_SETTING[name], str(new)]
    said = _command(server, words)
    if said != "+OK":
        raise TwinError(said)
    for name in files:
        for older in server.directory.glob(f"?*-{name}"):
            if not older.name.startswith(mark):
                older.unlink()


def _command(server: supervisor.Running, words: list[str]) -> str:
    request = f"*{len(words)}\r\n" + "".join(f"${len(w.encode())}\r\n{w}\r\n" for w in words)
    with _inside(server) as tls:
        tls.sendall(request.encode())
        return tls.recv(4096).decode(errors="replace").strip()


# ---- started again ------------------------------------------------------------------------------------------------------


def _restart(server: supervisor.Running, kernel: LinuxKernel) -> tuple[supervisor.Running, float]:
    """Ends it when it has finished what it had begun, and starts it again."""
    began = time.monotonic()
    with _closed(server, kernel):
        _drained(server)
        supervisor.end(server, _SECONDS)
        again = supervisor.again(server)
        try:
            supervisor.wait_ready([again])
            _inside(again).close()  # it may listen before it has read its files
        except (supervisor.ServerFailed, OSError) as failed:
            supervisor.end(again, 0)
            raise TwinError(f"it does not come back: {failed}") from failed
    return again, time.monotonic() - began


@contextmanager
def _closed(server: supervisor.Running, kernel: LinuxKernel) -> Iterator[None]:
    ports = ", ".join(str(port) for protocol, port in server.process.listens if protocol == "tcp")
    rule = f'iifname != "lo" tcp dport {{ {ports} }} tcp flags & (syn | ack) == syn drop'
    empty = f"add table inet {_DOOR}\ndelete table inet {_DOOR}\n"
    node = server.process.namespace
    kernel.rules(node, f"{empty}table inet {_DOOR} {{\nchain input {{ type filter hook input priority -500; {rule}; }}\n}}")
    try:
        yield
    finally:
        kernel.rules(node, empty)


def _drained(server: supervisor.Running) -> None:
    """Until it has accepted every connection that was made before the door was closed: it would reset them when it ends."""
    until = time.monotonic() + _SECONDS
    while supervisor.waiting(server.netns, {port for _, port in server.process.listens}) and time.monotonic() < until:
        time.sleep(0.002)


def _inside(server: supervisor.Running) -> ssl.SSLSocket:
    """TLS from a server's own loopback, where its name cannot be checked and nobody else can be. Raises OSError."""
    supervisor.enter(server.netns)
    port = next(port for _, port in server.process.listens)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    show(context, server.directory.parents[1] / CLIENT)
    plain = socket.create_connection(("127.0.0.1", port), _SECONDS)
    try:
        return context.wrap_socket(plain)
    except BaseException:
        plain.close()
        raise


# ---- files --------------------------------------------------------------------------------------------------------------


def show(context: ssl.SSLContext, certificate: Path) -> None:
    """A client that has a certificate shows it to a server that asks."""
    if certificate.exists():
        context.load_cert_chain(certificate)


def replace(path: Path, content: bytes, mode: int | None = None) -> None:
    """Writes a file whole: whoever opens it has the old or the new one. Its mode stays, or is `mode`."""
    wanted = mode if mode is not None else path.stat().st_mode & 0o777
    part = path.with_name(f"{path.name}.part")
    part.touch(0o600)
    part.write_bytes(content)
    part.chmod(wanted)
    part.rename(path)
