"""The real servers, spoken to through the network: as users would, from where they may and from where they may not."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from functools import partial

import pytest

from budnet.twin import tools
from budnet.twin.build import plan
from budnet.twin.lab import Twin
from budnet.twin.staging import stage
from helpers import network_of, twin_of

pytestmark = pytest.mark.live
TOOLS = tools.find()
SSH = (*TOOLS.need("ssh").argv, "-F", "/run/budnet/ssh/config", "-o", "ConnectTimeout=3")


@pytest.fixture(scope="module")
def twin() -> Iterator[Twin]:
    wanted = plan(network_of("foundry"))
    with twin_of(wanted, stage(network_of("foundry"), wanted, TOOLS)) as found:
        yield found


def run(twin: Twin, node: str, *command: str) -> tuple[int, str]:
    """Exit code and output of a command at a node."""
    with tempfile.TemporaryFile() as out, open(os.devnull) as nothing:
        libraries = dict(TOOLS.need("psql").env).get("LD_LIBRARY_PATH", "")
        code = twin.exec(node, ("env", f"LD_LIBRARY_PATH={libraries}", *command), streams=(nothing.fileno(), out.fileno(), out.fileno()))
        out.seek(0)
        return code, out.read().decode()


def test_ssh_goes_through_the_bastion_and_no_other_way(twin: Twin) -> None:
    admin = partial(run, twin, "internet/admins", *SSH)
    code, said = admin("nodes-0", "echo", "here")
    assert (code, said) == (0, "here\n")
    code, _ = run(twin, "internet/client", *SSH, "nodes-0", "true")
    assert code == 255
    code, _ = admin("-o", "ProxyJump=none", "nodes-0", "true")
    assert code == 255


@pytest.mark.parametrize(
    ("client", "mode", "fine"), [("budapp-0", "verify-full", True), ("budapp-0", "disable", False), ("budadmin", "require", False)]
)
def test_postgresql_answers_its_clients_over_tls_only(twin: Twin, client: str, mode: str, fine: bool) -> None:
    where = f"host=postgresql.bud-system.svc.cluster.local user=postgres dbname=postgres connect_timeout=2 sslmode={mode} sslrootcert=/run/budnet/ca.pem"
    code, said = run(twin, f"control-plane/apps/{client}", *TOOLS.need("psql").argv, "-X", "-A", "-t", "-c", "select 6 * 7", where)
    assert (code == 0) is fine, said
    assert ("42" in said) is fine


def test_valkey_answers_over_tls(twin: Twin) -> None:
    secure = ("--tls", "--cacert", "/run/budnet/ca.pem", "-h", "valkey.bud-system.svc.cluster.local")
    assert run(twin, "control-plane/apps/budgateway-0", *TOOLS.need("redis-cli").argv, *secure, "ping") == (0, "PONG\n")


def test_the_resolver_of_a_vpc_knows_nothing_of_the_other_cluster(twin: Twin) -> None:
    assert run(twin, "control-plane/apps/budapp-0", "getent", "hosts", "budapp.bud-system.svc.cluster.local")[0] == 0
    assert run(twin, "workload/workloads/vllm-0", "getent", "hosts", "budapp.bud-system.svc.cluster.local")[0] != 0
    assert run(twin, "internet/client", "getent", "hosts", "budapp.bud-system.svc.cluster.local")[0] != 0


@pytest.mark.parametrize(
    ("node", "name", "there"),
    [
        ("control-plane/apps/budapp-0", "postgresql", True),  # the first of its search list
        ("control-plane/apps/budapp-0", "loki.bud-obs", True),  # the second: it has fewer than five dots
        ("control-plane/apps/budapp-0", "kafka-1.kafka", True),
        ("control-plane/apps/budapp-0", "loki", False),  # in another namespace
        ("control-plane/apps/dapr-sentry", "postgresql", False),
        ("control-plane/apps/dapr-sentry", "dapr-placement-0.dapr-placement", True),
        ("control-plane/apps/nodes-0", "postgresql", False),  # a machine has no search list
        ("internet/client", "postgresql", False),
    ],
)
def test_short_names_are_looked_for_as_a_pod_does(twin: Twin, node: str, name: str, there: bool) -> None:
    assert (run(twin, node, "getent", "hosts", name)[0] == 0) is there


def test_logs_are_the_server_s_own(twin: Twin) -> None:
    assert "ready to accept connections" in twin.logs("control-plane/data/postgresql")
