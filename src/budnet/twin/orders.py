"""ACME orders of a twin that is coming up: made from the client's namespace, beside the servers' start.

An order is made in a child, because it is for a namespace of its own; it leaves a file, which the agent
takes when all servers listen.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from budnet.errors import OrderRefused
from budnet.pki import acme
from budnet.pki.issuer import Leaf
from budnet.pki.store import INTERNAL, Vault
from budnet.records import replace
from budnet.twin import reload, supervisor, syscall
from budnet.twin.certificates import EVERYONE, PUBLIC, VAULT, Order
from budnet.twin.linux import LinuxKernel
from budnet.twin.servers import pebble

_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Signed:
    """What came of an order; `error` is empty where it was made."""

    row: str
    origin: str
    by: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Ordering:
    """An order that is being made."""

    order: Order
    pid: int
    result: Path


def start(orders: Sequence[Order], spaces: Mapping[str, int], home: Path, resolve_as: Callable[[str], None]) -> list[Ordering]:
    """Begins all of them; returns at once."""
    out = []
    for order in orders:
        result = home / "pki" / f"order-{order.row}.json"
        pid = os.fork()
        if pid == 0:
            _child(order, spaces, home, result, resolve_as)
        out.append(Ordering(order, pid, result))
    return out


def finish(orderings: Sequence[Ordering], running: Mapping[str, supervisor.Running], kernel: LinuxKernel, home: Path) -> list[Signed]:
    """Waits for them, switches the load balancers, and adds the issuer's root to what clients trust."""
    out = []
    files: dict[str, dict[str, bytes]] = {}
    for one in orderings:
        os.waitpid(one.pid, 0)
        found = json.loads(one.result.read_text()) if one.result.exists() else {"error": "the client ended without a word"}
        one.result.unlink(missing_ok=True)
        software = running[one.order.server].process.software if one.order.server in running else "nobody"
        if "error" in found:
            out.append(Signed(one.order.row, one.order.origin, "the internal CA", found["error"]))
            continue
        leaf = Leaf(found["chain"].encode(), found["key"].encode())
        for name, file in one.order.balancers:
            files.setdefault(name, {}).update(reload.files_of((file,), leaf))
        for file in (EVERYONE, PUBLIC):
            if found["root"] not in (trusted := (home / file).read_text()):
                (home / file).write_text(trusted + found["root"])
        out.append(
            Signed(
                one.order.row,
                one.order.origin,
                f"{software} as {one.order.server.removeprefix('internet/')}, over ACME {one.order.request.challenge}",
            )
        )
    for name, content in files.items():  # all that are for one balancer at once
        reload.take(running[name], content, kernel)
    return out


def stand_in(rows: Collection[str], home: Path) -> None:
    """What was not ordered stays the internal CA's, and is rotated with the rest of it."""
    if rows:
        vault = Vault.read((home / VAULT).read_bytes())
        for one in vault.issued:
            one.signed = INTERNAL if one.layer in rows else one.signed
        reload.replace(home / VAULT, vault.text())


def _child(order: Order, spaces: Mapping[str, int], home: Path, result: Path, resolve_as: Callable[[str], None]) -> NoReturn:
    try:
        try:
            leaf, root = make(order, spaces, home, resolve_as)
            found = {"chain": leaf.chain.decode(), "key": leaf.key.decode(), "root": root}
        except (OrderRefused, OSError) as refused:
            found = {"error": str(refused)}
        part = result.with_suffix(".part")
        part.touch(0o600)
        part.write_text(json.dumps(found))
        part.rename(result)
    finally:
        os._exit(0)


def make(order: Order, spaces: Mapping[str, int], home: Path, resolve_as: Callable[[str], None]) -> tuple[Leaf, str]:
    """The certificate, and the root that it leads to. Moves this process into namespaces; raises OrderRefused, OSError."""

    _await(spaces[order.server], ("tcp", 443), ("tcp", pebble.MANAGEMENT))
    if order.name_server:
        _await(spaces[order.name_server], ("udp", 53), ("tcp", pebble.CONTROL))
    for name, _ in order.balancers:
        _await(spaces[name], ("tcp", 443))
    for name, protocol, port in order.on_the_way:
        _await(spaces[name], (protocol, port))
    root = _root(order, spaces, home)
    syscall.setns(spaces[order.client])
    resolve_as(order.client)
    request = replace(order.request, trust=home / PUBLIC)
    client = syscall.network_namespace()

    def present(name: str, text: str) -> None:
        if order.name_server:
            syscall.setns(spaces[order.name_server])
            try:
                _tell(name, text)
            finally:
                syscall.setns(client)

    return acme.order(request, present), root


def _tell(name: str, text: str) -> None:
    """One more TXT record at the challenge name server."""
    to = http.client.HTTPConnection("127.0.0.1", pebble.CONTROL, timeout=_SECONDS)
    to.request("POST", "/set-txt", json.dumps({"host": f"{name}.", "value": text}))
    answer = to.getresponse()
    if answer.status != 200:
        raise OSError(f"the challenge name server does not take a record: {answer.status} {answer.reason}")


def _root(order: Order, spaces: Mapping[str, int], home: Path) -> str:
    """Pebble makes its root when it starts, and hands it out on loopback."""
    syscall.setns(spaces[order.server])
    host = order.server.removeprefix("internet/")
    context = ssl.create_default_context(cafile=str(home / PUBLIC))
    with (
        socket.create_connection(("127.0.0.1", pebble.MANAGEMENT), _SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=host) as tls,
    ):
        tls.sendall(f"GET /roots/0 HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
        data = b""
        while part := tls.recv(65536):
            data += part
    return data.partition(b"\r\n\r\n")[2].decode()


def _await(space: int, *ports: tuple[str, int]) -> None:
    """Until all of them listen; no longer than the servers themselves are waited for."""
    until = time.monotonic() + _SECONDS
    while not supervisor.listening(space) >= set(ports):
        if time.monotonic() > until:
            raise OSError("a server that the order needs does not listen")
        time.sleep(0.005)
