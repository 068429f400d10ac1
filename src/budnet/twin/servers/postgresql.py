"""PostgreSQL, over TLS alone when it is given a certificate.

It refuses to run as root, so it runs in a nested user namespace. Anyone who can reach it may log in: the twin asks
who can reach it, and a password would be one more thing to hand out.
"""

from __future__ import annotations

from collections.abc import Sequence

from budnet.tls.enforce import DEFAULT, Setting
from budnet.twin.process import HANGUP, NOBODY, File, Process
from budnet.twin.servers import Certificate, lines
from budnet.twin.tools import Tools

CLUSTER = ("--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", "--wal-segsize=1", "--no-sync")
"""How a cluster is made. The write-ahead log is in pieces of 1 MiB, not 16, because it lies in memory."""

# What is written here is lost with the twin, and its queries are `select 1`: durability and parallelism only cost.
_SETTINGS = """\
data_directory = '{dir}/data'
hba_file = '{dir}/pg_hba.conf'
ident_file = '/dev/null'
unix_socket_directories = ''
timezone = 'GMT'
log_timezone = 'GMT'
max_connections = 20
shared_buffers = 2MB
wal_buffers = 64kB
max_wal_size = 4MB
min_wal_size = 2MB
wal_level = minimal
max_wal_senders = 0
fsync = off
full_page_writes = off
synchronous_commit = off
autovacuum = off
jit = off
huge_pages = off
dynamic_shared_memory_type = mmap
max_worker_processes = 0
max_parallel_workers = 0
max_logical_replication_workers = 0"""


_CURVES = {"P-256": "prime256v1", "P-384": "secp384r1", "P-521": "secp521r1"}
"""The names that OpenSSL's older interface has, which PostgreSQL uses."""


def server(
    tools: Tools,
    *,
    name: str,
    namespace: str,
    certificate: Certificate | None = None,
    port: int = 5432,
    addresses: Sequence[str] = (),
    tls: Setting = DEFAULT,
    clients: bytes = b"",
) -> Process:
    """One database, `postgres`, of the user `postgres`. PostgreSQL 15 has no say in the suites of TLS 1.3 and offers one
    curve; `clients` are the roots of those who may come."""
    program = tools.need("postgres")
    if tools.template:
        prepare: tuple[str, ...] = ("tar", "-xf", str(tools.template), "-C", "{dir}")
    else:
        prepare = (*tools.need("initdb").argv, "-D", "{dir}/data", *CLUSTER)
    secure = [
        "ssl = on",
        "ssl_cert_file = '{dir}/server.crt'",
        "ssl_key_file = '{dir}/server.key'",
        f"ssl_min_protocol_version = 'TLSv{tls.minimum}'",
        f"ssl_ciphers = '{':'.join(tls.ciphers)}'" if tls.ciphers else "",
        f"ssl_ecdh_curve = '{_CURVES[tls.groups[0]]}'" if tls.groups else "",
        "ssl_ca_file = '{dir}/clients.pem'" if tls.clients else "",
    ]
    admit = "hostssl all all all trust" + (" clientcert=verify-ca" if tls.clients else "")
    where = ",".join(addresses) or "*"
    settings = lines(_SETTINGS, f"listen_addresses = '{where}'", f"port = {port}", *(secure if certificate else ()))
    files = [
        File("postgresql.conf", settings),
        File("pg_hba.conf", lines(admit if certificate else "host all all all trust")),
    ]
    if certificate:
        files += [File("server.crt", certificate.chain), File("server.key", certificate.key, 0o600)]
    if certificate and tls.clients:
        files.append(File("clients.pem", clients))
    return Process(
        name=name,
        namespace=namespace,
        software=program.called("PostgreSQL"),
        argv=(*program.argv, "-c", "config_file={dir}/postgresql.conf"),
        files=tuple(files),
        prepare=(prepare,),
        env=program.env,
        uid=NOBODY,
        takes=HANGUP,
        listens=(("tcp", port),),
        mark=("data/postmaster.pid", "ready"),  # it listens before it takes queries
    )
