"""Prometheus on one port, watching only itself."""

from __future__ import annotations

from budnet.twin.process import File, Process
from budnet.twin.servers import hostport, lines
from budnet.twin.tools import Tools


def server(tools: Tools, *, name: str, namespace: str, port: int = 9090, address: str = "") -> Process:
    """It asks itself for its figures once a minute, over its own loopback. It listens on one address, or on all."""
    program = tools.need("prometheus")
    itself = hostport(address or "localhost", port)
    config = lines(
        "global: {scrape_interval: 1m}",
        "scrape_configs:",
        f"- {{job_name: prometheus, static_configs: [{{targets: ['{itself}']}}]}}",
    )
    return Process(
        name=name,
        namespace=namespace,
        software=program.called("Prometheus"),
        argv=(
            *program.argv,
            "--config.file={dir}/prometheus.yml",
            f"--web.listen-address={hostport(address, port)}",
            "--storage.tsdb.path={dir}/data",
            "--storage.tsdb.retention.time=2h",
            "--query.max-concurrency=2",
        ),
        files=(File("prometheus.yml", config),),
        env=(*program.env, ("GOMAXPROCS", "1"), ("GOGC", "20"), ("GOMEMLIMIT", "32MiB")),
        listens=(("tcp", port),),
        mark=("log", "Server is ready"),  # until it has opened its storage it answers 503
    )
