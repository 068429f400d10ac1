"""Every real server of the twin comes up from its recipe, answers in its own protocol, and listens on nothing else.

The servers run below an agent in user, mount, network and process namespaces of its own (this same file, run as a
program), each in a network namespace without any link. A test asks the agent for a socket in one of these, or has it
run a program there. When the test run ends, in whatever way, the kernel ends all of it.
"""

from __future__ import annotations

import ctypes
import datetime
import fcntl
import http.client
import json
import os
import pickle
import socket
import ssl
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import dns.message
import dns.query
import dns.rcode
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from budnet.records import replace
from budnet.tls.enforce import DEFAULT
from budnet.twin import debian
from budnet.twin.debian import Package
from budnet.twin.process import Process
from budnet.twin.servers import Certificate, chrony, dnsmasq, haproxy, openssh, postgresql, prometheus, redis, registry
from budnet.twin.servers.dnsmasq import Record
from budnet.twin.supervisor import enter, listening, start, stop, wait_ready
from budnet.twin.tools import Tools, find

pytestmark = pytest.mark.live

RECORDS = [
    Record("budapp.bud-system.svc.cluster.local", "A", "172.20.0.10"),
    Record("budapp.bud-system.svc.cluster.local", "A", "172.20.0.11"),
    Record("postgresql.bud-system.svc.cluster.local", "AAAA", "fd00::20"),
    Record("db.cluster.local", "CNAME", "postgresql.bud-system.svc.cluster.local"),
    Record("_sql._tcp.cluster.local", "SRV", "0 10 5432 postgresql.bud-system.svc.cluster.local"),
    Record("172.20.0.10", "PTR", "budapp.bud-system.svc.cluster.local"),
]


# --- the agent: runs inside -----------------------------------------------------------------------------------------


class Agent:
    """Holds the namespaces; each public method is what the other side may ask for."""

    def __init__(self) -> None:
        self._namespaces: dict[str, int] = {}
        self._running: dict[str, Any] = {}

    def up(self, processes: Sequence[Process]) -> dict[str, float]:
        """Start all of them, then wait for all."""
        for process in processes:
            if process.namespace not in self._namespaces:
                self._namespaces[process.namespace] = _namespace()
        begun = time.monotonic()
        batch = [start(it, self._namespaces[it.namespace], Path("/run", it.name)) for it in processes]
        self._running |= {one.process.name: one for one in batch}
        spent = time.monotonic() - begun
        return {name: spent + seconds for name, seconds in wait_ready(batch).items()}

    def down(self, names: Sequence[str]) -> None:
        stop([self._running.pop(name) for name in names])

    def listening(self, namespace: str) -> set[tuple[str, int]]:
        return listening(self._namespaces[namespace])

    def run(self, namespace: str, argv: Sequence[str], env: dict[str, str]) -> tuple[int, str]:
        """A program's exit status and all that it printed."""
        inside = partial(enter, self._namespaces[namespace])
        merged = subprocess.STDOUT
        done = subprocess.run(
            argv,
            env={**os.environ, **env},
            preexec_fn=inside,
            stdout=subprocess.PIPE,
            stderr=merged,
            timeout=20,
            text=True,
        )
        return done.returncode, done.stdout

    def socket(self, namespace: str, family: int, kind: int) -> int:
        """A socket that stays in the namespace in which it was made, whoever uses it."""
        enter(self._namespaces[namespace])
        return socket.socket(family, kind).detach()

    def memory(self) -> dict[str, int]:
        """Bytes by server: its share of the pages of its processes, and what it wrote."""
        groups: dict[int, int] = {}
        for status in Path("/proc").glob("[0-9]*"):
            pss = next(line for line in (status / "smaps_rollup").read_text().splitlines() if line.startswith("Pss:"))
            group = os.getpgid(int(status.name))
            groups[group] = groups.get(group, 0) + int(pss.split()[1]) * 1024
        return {
            name: groups[one.pid] + sum(f.stat().st_blocks * 512 for f in one.directory.rglob("*")) for name, one in self._running.items()
        }

    def log(self, name: str) -> str:
        return Path("/run", name, "log").read_text()


def _namespace() -> int:
    """A network namespace with nothing but a loopback that is up."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.unshare(0x40000000) == 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, 0x8914, struct.pack("16sH14x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _serve(channel: socket.socket) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    agent = Agent()
    while request := channel.recv(1 << 20):
        method, arguments = pickle.loads(request)
        try:
            answer = getattr(agent, method)(*arguments)
        except Exception as failure:
            channel.send(pickle.dumps((False, f"{type(failure).__name__}: {failure}")))
            continue
        if method == "socket":
            socket.send_fds(channel, [pickle.dumps((True, None))], [answer])
            os.close(answer)
        else:
            channel.send(pickle.dumps((True, answer)))


# --- the other side: the tests --------------------------------------------------------------------------------------


class Refused(Exception):
    """The agent raised; the message has the exception's name and text."""


class Twin:
    """The agent as the tests see it."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel

    def ask(self, method: str, *arguments: object) -> Any:
        self._channel.send(pickle.dumps((method, arguments)))
        message, fds, _, _ = socket.recv_fds(self._channel, 1 << 20, 1)
        good, answer = pickle.loads(message)
        if not good:
            raise Refused(answer)
        return socket.socket(fileno=fds[0]) if fds else answer

    def connect(self, namespace: str, port: int, host: str = "127.0.0.1", kind: int = socket.SOCK_STREAM) -> socket.socket:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        made: socket.socket = self.ask("socket", namespace, family, kind)
        made.settimeout(5)
        made.connect((host, port))
        return made

    def run(self, namespace: str, *argv: str, env: Sequence[tuple[str, str]] = ()) -> tuple[int, str]:
        answer: tuple[int, str] = self.ask("run", namespace, argv, dict(env))
        return answer


@pytest.fixture(scope="module")
def bare() -> Iterator[Twin]:
    """An agent without a server."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = ["unshare", "-Urnm", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, __file__]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([*command, str(theirs.fileno())], pass_fds=[theirs.fileno()], env=env) as process:
        theirs.close()
        with ours:
            yield Twin(ours)
        process.wait(10)


@pytest.fixture(scope="module")
def tools() -> Tools:
    return find()


@dataclass(frozen=True)
class World:
    """All servers, up."""

    twin: Twin
    tools: Tools
    authority: Authority
    folder: Path
    """What the clients need: certificates and keys."""
    processes: tuple[Process, ...]
    ready: dict[str, float]


@pytest.fixture(scope="module")
def world(bare: Twin, tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> World:
    authority, folder = Authority(), tmp_path_factory.mktemp("clients")
    host, client = (ed25519.Ed25519PrivateKey.generate() for _ in range(2))
    processes = _processes(tools, authority, host, client)
    user = authority.issue("a client")
    _write(folder / "authority.pem", authority.pem)
    _write(folder / "client.pem", user.chain + user.key)
    _write(folder / "id", _pem(client, "OpenSSH"))
    _write(folder / "stranger", _pem(ed25519.Ed25519PrivateKey.generate(), "OpenSSH"))
    _write(folder / "known_hosts", b"* " + _public(host))
    _write(folder / "config", _SSH_CONFIG.replace("{dir}", str(folder)).encode())
    return World(bare, tools, authority, folder, processes, bare.ask("up", processes))


_SSH_CONFIG = """\
Host *
    UserKnownHostsFile {dir}/known_hosts
    GlobalKnownHostsFile none
    BatchMode yes
Host stranger
    HostName 127.0.0.1
    User jump
    IdentityFile {dir}/stranger
Host bastion behind elsewhere
    IdentityFile {dir}/id
Host bastion
    HostName 127.0.0.1
    User jump
Host behind
    HostName ::1
    Port 2222
    User admin
    ProxyJump bastion
Host elsewhere
    HostName ::1
    Port 2223
    User admin
    ProxyJump bastion
"""


def _processes(
    tools: Tools, authority: Authority, host: ed25519.Ed25519PrivateKey, client: ed25519.Ed25519PrivateKey
) -> tuple[Process, ...]:
    allowed = [_public(client).decode()]
    key = _pem(host, "OpenSSH")
    internal = authority.issue("db.internal")
    return (
        haproxy.load_balancer(
            tools,
            name="edge/ingress",
            namespace="edge",
            certificates=[authority.issue("admin.example.com"), authority.issue("*.inference.example.com")],
            routes=[
                ("*.inference.example.com", [("127.0.0.1", 5000)]),
                ("admin.example.com", [("::1", 9090)]),
                ("idle.example.com", []),
            ],
            tcp=[(6380, [("::1", 6379)])],
        ),
        prometheus.server(tools, name="edge/prometheus", namespace="edge"),
        registry.server(tools, name="edge/registry", namespace="edge"),
        redis.server(tools, name="edge/redis", namespace="edge"),
        redis.server(
            tools,
            name="cache/redis",
            namespace="cache",
            certificate=internal,
            tls=replace(DEFAULT, clients=True),
            clients=authority.pem,
            port=6390,
        ),
        registry.server(tools, name="mirror/registry", namespace="mirror", certificate=internal, port=443),
        postgresql.server(tools, name="data/tls", namespace="data", certificate=internal),
        postgresql.server(tools, name="data/plain", namespace="data", port=5433),
        openssh.bastion(
            tools,
            name="jump/bastion",
            namespace="jump",
            host_key=key,
            authorized_keys=allowed,
            permit_open=[("::1", 2222)],
            user="jump",
        ),
        *(
            openssh.target(tools, name=f"jump/{port}", namespace="jump", host_key=key, authorized_keys=allowed, port=port)
            for port in (2222, 2223)
        ),
        chrony.server(tools, name="time/chrony", namespace="time"),
        dnsmasq.resolver(tools, name="dns/dnsmasq", namespace="dns", records=RECORDS, zones=["cluster.local"]),
    )


# --- what each server answers ---------------------------------------------------------------------------------------


def test_every_server_listens_on_its_ports_and_on_no_other(world: World) -> None:
    for namespace in {process.namespace for process in world.processes}:
        expected = {pair for process in world.processes if process.namespace == namespace for pair in process.listens}
        assert world.twin.ask("listening", namespace) == expected, namespace


def test_no_server_tries_to_reach_anyone(world: World) -> None:
    # There is no route, so every attempt to send to an address outside is counted here and goes nowhere.
    for namespace in {process.namespace for process in world.processes}:
        _, four = world.twin.run(namespace, "cat", "/proc/net/snmp")
        names, values = (line.split() for line in four.splitlines() if line.startswith("Ip:"))
        _, six = world.twin.run(namespace, "cat", "/proc/net/snmp6")
        counters = {**dict(zip(names, values, strict=True)), **dict(line.split() for line in six.splitlines())}
        assert (counters["OutNoRoutes"], counters["Ip6OutNoRoutes"]) == ("0", "0"), namespace


def test_they_are_up_soon_and_small(world: World) -> None:
    memory = world.twin.ask("memory")
    for name, seconds in world.ready.items():
        print(f"{name:20} {1000 * seconds:5.0f} ms {memory[name] / 2**20:6.1f} MiB")
    print(f"{'all':20} {1000 * max(world.ready.values()):5.0f} ms {sum(memory.values()) / 2**20:6.1f} MiB")
    assert max(world.ready.values()) < 5  # far above what is measured: this is no benchmark
    assert sum(memory.values()) < 250 * 2**20


@pytest.mark.parametrize("name", ["admin.example.com", "llama.inference.example.com"])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_load_balancer_shows_the_certificate_of_the_name(world: World, name: str, host: str) -> None:
    # The client checks the name, so a handshake that succeeds had the right certificate.
    with world.authority.context().wrap_socket(world.twin.connect("edge", 443, host), server_hostname=name) as tls:
        assert tls.version() == "TLSv1.3"


def test_the_load_balancer_refuses_what_its_profile_excludes(world: World) -> None:
    context = world.authority.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
        context.wrap_socket(world.twin.connect("edge", 443), server_hostname="admin.example.com")


@pytest.mark.parametrize(
    ("name", "path", "status"),
    [
        ("admin.example.com", "/-/ready", 200),  # Prometheus
        ("llama.inference.example.com", "/v2/", 200),  # the registry
        ("idle.example.com", "/", 503),  # a route without a backend
        ("nobody.example.com", "/", 404),
    ],
)
def test_the_load_balancer_chooses_the_backend_by_host(world: World, name: str, path: str, status: int) -> None:
    raw = world.twin.connect("edge", 443)
    tls = world.authority.context().wrap_socket(raw, server_hostname="admin.example.com")
    assert _get(tls, path, name)[0] == status


def test_the_load_balancer_redirects_http(world: World) -> None:
    status, headers, _ = _get(world.twin.connect("edge", 80), "/x?y", "admin.example.com")
    assert (status, headers["location"]) == (301, "https://admin.example.com/x?y")


def test_the_load_balancer_passes_tcp_on(world: World) -> None:
    assert _ping(world.twin.connect("edge", 6380)) == b"+PONG\r\n"


def test_a_session_goes_through_the_bastion(world: World) -> None:
    status, output = _ssh(world, "behind", "id -un; id -u")
    assert (status, output.split()) == (0, ["admin", str(openssh.UID)]), output


def test_a_terminal_goes_through_the_bastion(world: World) -> None:
    status, output = _ssh(world, "-tt", "behind", "tty")
    assert status == 0, output
    assert "/dev/pts/" in output


def test_the_bastion_passes_nothing_else_on(world: World) -> None:
    status, output = _ssh(world, "elsewhere", "true")
    assert status == 255
    assert "administratively prohibited" in output


def test_a_target_passes_nothing_on(world: World) -> None:
    status, output = _ssh(world, "-J", "behind", "elsewhere", "true")
    assert status == 255
    assert "administratively prohibited" in output


def test_a_stranger_does_not_get_in(world: World) -> None:
    status, output = _ssh(world, "stranger", "true")
    assert status == 255
    assert "Permission denied (publickey)" in output


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_postgresql_answers_over_tls(world: World, host: str) -> None:
    trust = f"sslmode=verify-full sslrootcert={world.folder}/authority.pem"
    query = "select version, cipher from pg_stat_ssl where pid = pg_backend_pid()"
    status, output = _psql(world, f"host=db.internal hostaddr={host} {trust}", query)
    assert (status, output) == (0, "TLSv1.3|TLS_AES_256_GCM_SHA384\n")


def test_postgresql_refuses_plaintext(world: World) -> None:
    status, output = _psql(world, "host=127.0.0.1 sslmode=disable", "select 1")
    assert status == 2
    assert "no encryption" in output


def test_postgresql_without_a_certificate_answers_in_plaintext(world: World) -> None:
    target = "host=::1 port=5433 sslmode=prefer"
    assert _psql(world, target, "create database another") == (0, "CREATE DATABASE\n")
    assert _psql(world, target, "select ssl from pg_stat_ssl where pid = pg_backend_pid()") == (0, "f\n")


def test_redis_answers_over_tls_to_a_client_with_a_certificate(world: World) -> None:
    context = world.authority.context(world.folder / "client.pem")
    assert _ping(context.wrap_socket(world.twin.connect("cache", 6390), server_hostname="db.internal")) == b"+PONG\r\n"


def test_redis_refuses_a_client_without_a_certificate(world: World) -> None:
    with pytest.raises(OSError):  # an alert or the end of the connection, whichever arrives first
        _ping(world.authority.context().wrap_socket(world.twin.connect("cache", 6390), server_hostname="db.internal"))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_redis_answers_in_plaintext(world: World, host: str) -> None:
    assert _ping(world.twin.connect("edge", 6379, host)) == b"+PONG\r\n"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_chrony_tells_the_time(world: World, host: str) -> None:
    with world.twin.connect("time", 123, host, socket.SOCK_DGRAM) as server:
        server.send(struct.pack("!B47x", 4 << 3 | 3))  # version 4, client
        first, stratum, *_, seconds = struct.unpack("!BB38xI4x", server.recv(100))
    assert (first & 7, stratum) == (4, 10)  # server
    assert abs(seconds - 2_208_988_800 - time.time()) < 5  # NTP counts from 1900


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_registry_answers_over_tls(world: World, host: str) -> None:
    tls = world.authority.context().wrap_socket(world.twin.connect("mirror", 443, host), server_hostname="db.internal")
    status, headers, body = _get(tls, "/v2/_catalog", "db.internal")
    assert (status, json.loads(body)) == (200, {"repositories": []})
    assert headers["docker-distribution-api-version"] == "registry/2.0"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_prometheus_is_ready(world: World, host: str) -> None:
    assert _get(world.twin.connect("edge", 9090, host), "/-/ready", "localhost")[0] == 200


APP, SQL = "budapp.bud-system.svc.cluster.local", "postgresql.bud-system.svc.cluster.local"


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        (APP, "A", {"172.20.0.10", "172.20.0.11"}),
        (APP, "AAAA", set()),
        (SQL, "AAAA", {"fd00::20"}),
        ("db.cluster.local", "AAAA", {f"{SQL}.", "fd00::20"}),
        ("_sql._tcp.cluster.local", "SRV", {f"0 10 5432 {SQL}."}),
        ("10.0.20.172.in-addr.arpa", "PTR", {f"{APP}."}),
        ("nobody.cluster.local", "A", "NXDOMAIN"),
        ("1.0.0.10.in-addr.arpa", "PTR", "NXDOMAIN"),
        ("elsewhere.example.org", "A", "REFUSED"),
    ],
)
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("kind_of_socket", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_dnsmasq_answers_what_it_was_told(
    world: World, name: str, kind: str, expected: set[str] | str, host: str, kind_of_socket: socket.SocketKind
) -> None:
    query = dns.message.make_query(name, kind)
    with world.twin.connect("dns", 53, host, kind_of_socket) as server:
        if kind_of_socket is socket.SOCK_STREAM:
            dns.query.send_tcp(server, query)
            answer, _ = dns.query.receive_tcp(server)
        else:
            server.send(query.to_wire())
            answer = dns.message.from_wire(server.recv(4096))
    if isinstance(expected, str):
        assert dns.rcode.to_text(answer.rcode()) == expected
    else:
        assert answer.rcode() == dns.rcode.NOERROR
        assert {row.to_text() for rows in answer.answer for row in rows} == expected


def test_servers_bind_the_addresses_they_are_given(world: World) -> None:
    given = {
        "haproxy": haproxy.load_balancer(
            world.tools, name="some/lb", namespace="some", http=None, tcp=[(81, [])], addresses=["127.0.0.2", "::1"]
        ),
        "redis": redis.server(world.tools, name="some/redis", namespace="some", addresses=["127.0.0.2", "::1"]),
        "postgresql": postgresql.server(world.tools, name="some/sql", namespace="some", addresses=["127.0.0.2", "::1"]),
        "registry": registry.server(world.tools, name="some/registry", namespace="some", address="127.0.0.2"),
        "prometheus": prometheus.server(world.tools, name="some/prometheus", namespace="some", address="::1"),
        "dnsmasq": dnsmasq.resolver(world.tools, name="some/dns", namespace="some", records=[], addresses=["127.0.0.2", "::1"]),
        "chrony": chrony.server(world.tools, name="some/time", namespace="some", addresses=["127.0.0.2", "::1"]),
    }
    world.twin.ask("up", list(given.values()))
    try:
        for process in given.values():
            for protocol, port in process.listens:
                if protocol == "tcp":
                    with pytest.raises(ConnectionRefusedError):
                        world.twin.connect("some", port)
        for port in (81, 6379, 5432, 5000, 53):
            world.twin.connect("some", port, "127.0.0.2").close()
        for port in (81, 6379, 5432, 9090, 53):
            world.twin.connect("some", port, "::1").close()
    finally:
        world.twin.ask("down", [process.name for process in given.values()])
    assert world.twin.ask("listening", "some") == set()


# --- starting and stopping ------------------------------------------------------------------------------------------


def _idle(name: str, *argv: str, **more: Any) -> Process:
    return Process(name=name, namespace="n", software="a shell", argv=argv, **more)


def test_a_server_that_ends_is_named_with_its_log(bare: Twin) -> None:
    process = _idle("ends", "/bin/sh", "-c", "echo no such luck; exit 3", listens=(("tcp", 1),))
    with pytest.raises(Refused, match=r"ServerFailed: ends \(a shell\) ended before it was ready\n    no such luck"):
        bare.ask("up", [process])


@pytest.mark.parametrize(
    "process",
    [
        _idle("absent", "/no/such/program", listens=(("tcp", 1),)),
        _idle("unprepared", "sleep", "60", prepare=(("false",),), listens=(("tcp", 1),)),
        _idle("unbound", "sleep", "60", binds=(("no such file", "/etc/passwd"),), listens=(("tcp", 1),)),
    ],
    ids=lambda process: process.name,
)
def test_a_server_that_cannot_be_started_is_named_with_the_reason(bare: Twin, process: Process) -> None:
    with pytest.raises(Refused, match=f"ServerFailed: {process.name} .*\n    {process.name} could not be started: "):
        bare.ask("up", [process])


def test_servers_are_killed_that_do_not_end_when_asked(bare: Twin) -> None:
    bare.ask("up", [_idle("stubborn", "/bin/sh", "-c", "trap : TERM; sleep 60 & wait; sleep 60")])
    bare.ask("down", ["stubborn"])
    assert "sleep" not in bare.run("n", "sh", "-c", "cat /proc/[0-9]*/cmdline")[1]


def test_libnftables_loads_without_a_search_path(bare: Twin, tools: Tools) -> None:
    program = """
import ctypes, sys
for path in sys.argv[1:]: library = ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
library.nft_ctx_new.restype = ctypes.c_void_p
context = ctypes.c_void_p(library.nft_ctx_new(0))
sys.exit(library.nft_run_cmd_from_buffer(context, b"add table inet t; list tables"))
"""
    if not tools.libnftables():
        pytest.skip("this machine has no libnftables")
    bare.ask("up", [_idle("nobody", "sleep", "60")])
    assert bare.run("n", sys.executable, "-c", program, *map(str, tools.libnftables())) == (0, "table inet t\n")


# --- fetching -------------------------------------------------------------------------------------------------------


def test_a_complete_root_is_left_as_it_is(tmp_path: Path) -> None:
    packages = {"haproxy": Package("2.6.12-1", "aa")}
    debian.write_stamp(tmp_path, packages)
    said: list[str] = []
    report = debian.fetch(tmp_path, said.append)
    assert (report.packages, report.downloaded, said) == (packages, 0, [])


def test_a_machine_without_apt_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    said: list[str] = []
    report = debian.fetch(tmp_path / "servers", said.append)
    assert (report.packages, len(said)) == ({}, 1)
    assert "no apt" in said[0]
    assert list(tmp_path.iterdir()) == []


def test_a_package_is_held_to_its_pin() -> None:
    pinned = {"a": Package("1", "aa"), "b": Package("1", "bb")}
    assert debian.check({"a": Package("1", "aa"), "b": Package("1", "bb")}, pinned) == []
    assert debian.check({"a": Package("2", "cc")}, pinned) == ["a 2 is what the signed index offers; 1 was pinned"]
    assert debian.check({"c": Package("1", "cc")}, pinned) == ["c 1 is what the signed index offers; it is not pinned"]
    assert debian.check({"c": Package("1", "cc")}, {}) == []  # another release: there is nothing to compare with
    with pytest.raises(debian.WrongChecksum, match="a 1 is not the package"):
        debian.check({"a": Package("1", "cc")}, pinned)


def test_a_minimal_system_is_what_the_essential_packages_need() -> None:
    installed = "Status: install ok installed"
    status = f"""\
Package: base
Essential: yes
{installed}
Depends: libc (>= 2) | libc-other,
 virtual

Package: libc
{installed}

Package: provider
{installed}
Provides: virtual (= 1)

Package: apt
{installed}

Package: editor
{installed}
Depends: libc

Package: removed
Essential: yes
Status: deinstall ok config-files
"""
    assert set(debian.minimal_system(status)) == {"base", "libc", "provider", "apt"}


# --- clients --------------------------------------------------------------------------------------------------------


def _get(connected: socket.socket, path: str, host: str) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection(host)
    connection.sock = connected
    with connected:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.headers, response.read()


def _ping(connected: socket.socket) -> bytes:
    with connected:
        connected.sendall(b"PING\r\n")
        return connected.recv(100)


def _ssh(world: World, *arguments: str) -> tuple[int, str]:
    program = world.tools.need("ssh")
    return world.twin.run("jump", *program.argv, "-F", f"{world.folder}/config", *arguments, env=program.env)


def _psql(world: World, target: str, query: str) -> tuple[int, str]:
    program = world.tools.need("psql")
    options = ("--no-psqlrc", "--no-align", "--tuples-only", "--command", query)
    return world.twin.run("data", *program.argv, f"{target} user=postgres dbname=postgres", *options, env=program.env)


# --- keys -----------------------------------------------------------------------------------------------------------


class Authority:
    """A certificate authority of five minutes."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name.from_rfc4514_string("CN=test authority")
        self._cert = self._sign(self._name, self._key, [x509.BasicConstraints(ca=True, path_length=0)])
        self.pem = self._cert.public_bytes(serialization.Encoding.PEM)

    def issue(self, *names: str) -> Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        cert = self._sign(x509.Name.from_rfc4514_string(f"CN={names[0]}"), key, [_alternatives(names)])
        return Certificate(cert.public_bytes(serialization.Encoding.PEM), _pem(key))

    def context(self, client: Path | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self.pem.decode())
        if client:
            context.load_cert_chain(client)
        return context

    def _sign(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, extensions: Sequence[x509.ExtensionType]) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        minutes = datetime.timedelta(minutes=5)
        builder = x509.CertificateBuilder(self._name, subject, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - minutes).not_valid_after(now + minutes)
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self._key, hashes.SHA256())


def _alternatives(names: Sequence[str]) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([x509.DNSName(name) for name in names])


def _pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey, form: str = "PKCS8") -> bytes:
    private = getattr(serialization.PrivateFormat, form)
    return key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption())


def _public(key: ed25519.Ed25519PrivateKey) -> bytes:
    form = serialization.PublicFormat.OpenSSH
    return key.public_key().public_bytes(serialization.Encoding.OpenSSH, form)


def _write(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
