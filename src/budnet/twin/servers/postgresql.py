"""PostgreSQL, over TLS alone when it is given a certificate.

It refuses to run as root, so it runs in a nested user namespace. Anyone who can reach it may log in: the twin asks
who can reach it, and a password would be one more thing to hand out.
"""

from __future__ import annotations

from collections.abc import Sequence

from budnet.twin.process import NOBODY, File, Process
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


def server(
    tools: Tools,
    *,
    name: str,
    namespace: str,
    certificate: Certificate | None = None,
    port: int = 5432,
    addresses: Sequence[str] = (),
    min_version: str = "TLSv1.2",
    ciphers: Sequence[str] = ("ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"),
) -> Process:
    """One database, `postgres`, of the user `postgres`. `ciphers` are TLS 1.2's; PostgreSQL has no say in TLS 1.3's."""
    program = tools.need("postgres")
    if tools.template:
        prepare: tuple[str, ...] = ("tar", "-xf", str(tools.template), "-C", "{dir}")
    else:
        prepare = (*tools.need("initdb").argv, "-D", "{dir}/data", *CLUSTER)
    tls = [
        "ssl = on",
        "ssl_cert_file = '{dir}/server.crt'",
        "ssl_key_file = '{dir}/server.key'",
        f"ssl_min_protocol_version = '{min_version}'",
        f"ssl_ciphers = '{':'.join(ciphers)}'",
    ]
    where = ",".join(addresses) or "*"
    settings = lines(_SETTINGS, f"listen_addresses = '{where}'", f"port = {port}", *(tls if certificate else ()))
    files = [
        File("postgresql.conf", settings),
        File("pg_hba.conf", lines(f"{'hostssl' if certificate else 'host'} all all all trust")),
    ]
    if certificate:
        files += [File("server.crt", certificate.chain), File("server.key", certificate.key, 0o600)]
    return Process(
        name=name,
        namespace=namespace,
        software=program.called("PostgreSQL"),
        argv=(*program.argv, "-c", "config_file={dir}/postgresql.conf"),
        files=tuple(files),
        prepare=(prepare,),
        env=program.env,
        uid=NOBODY,
        listens=(("tcp", port),),
        mark=("data/postmaster.pid", "ready"),  # it listens before it takes queries
    )
