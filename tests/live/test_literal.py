"""The faults of the document, with real packets: as written they happen, with the repairs of `check` they do not."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from budnet.ir.network import Network
from budnet.pipeline import load, load_text
from budnet.probe import certificates
from budnet.probe.truth import truth
from budnet.records import replace
from budnet.twin import tools
from budnet.twin.build import plan
from budnet.twin.lab import Twin
from budnet.twin.staging import stage
from helpers import twin_of

pytestmark = pytest.mark.live
TOOLS = tools.find()
WAYS = ("as-written", "repaired")
HELLO = "import socket; s = socket.create_connection(('{}', {}), 2); s.sendall(b'hello\\n'); print(s.recv(99).decode())"
NAMES = "clickhouse.bud-system.svc.cluster.local", "minio.bud-system.svc.cluster.local"
APPS = "control-plane/apps"


LIBRARY = Path(__file__).parent / "certificates.yaml"


def network(way: str) -> Network:
    found = load("catalog/foundry-literal", literal=way == "as-written").network
    assert found is not None
    return found


@pytest.fixture(scope="module", params=WAYS)
def both(request: pytest.FixtureRequest) -> Iterator[tuple[bool, Network, Twin]]:
    """Whether it is as written; the network; its twin."""
    wanted = network(request.param)
    with twin_of(plan(wanted), stage(wanted, plan(wanted), TOOLS)) as twin:
        yield request.param == "as-written", wanted, twin


def run(twin: Twin, node: str, *command: str) -> tuple[int, str]:
    with tempfile.TemporaryFile() as out, open(os.devnull) as nothing:
        code = twin.exec(node, command, streams=(nothing.fileno(), out.fileno(), out.fileno()))
        out.seek(0)
        return code, out.read().decode()


def address(wanted: Network, endpoint: str) -> str:
    return str(wanted.endpoint[endpoint].addresses[0])


def says(twin: Twin, node: str, host: str, port: int) -> str:
    """The name of who answers there; "" where nobody does."""
    code, said = run(twin, node, sys.executable, "-c", HELLO.format(host, port))
    return said.strip() if code == 0 else ""


def test_proof_and_packets_agree_about_the_faults(both: tuple[bool, Network, Twin]) -> None:
    _, wanted, twin = both
    table = truth(wanted, twin)
    assert not table.disagree, "\n".join(map(str, table.disagree[:5]))
    assert table.questions > 4000


def test_the_documented_policy_breaks_sidecars(both: tuple[bool, Network, Twin]) -> None:
    """D601: 3500 and 50001 are open and listen on loopback; 50002, where sidecars call each other, is closed."""
    literal, wanted, twin = both
    callee = address(wanted, f"{APPS}/budcluster")
    reach = "import socket; socket.create_connection(('{}', {}), 2)"
    assert (run(twin, f"{APPS}/budapp", sys.executable, "-c", reach.format(callee, 50002))[0] == 0) is not literal
    assert run(twin, f"{APPS}/budapp", sys.executable, "-c", reach.format(callee, 3500))[0] != 0
    assert run(twin, f"{APPS}/budapp", sys.executable, "-c", reach.format("127.0.0.1", 3500))[0] == 0


@pytest.mark.parametrize("name", NAMES)
def test_stores_that_are_not_in_the_table_have_no_name(both: tuple[bool, Network, Twin], name: str) -> None:
    """D301"""
    literal, _, twin = both
    assert (run(twin, f"{APPS}/budapp", "getent", "hosts", name)[0] == 0) is not literal
    assert run(twin, f"{APPS}/budapp", "getent", "hosts", "postgresql.bud-system.svc.cluster.local")[0] == 0


def test_the_bastion_lets_everybody_try(both: tuple[bool, Network, Twin]) -> None:
    """D701: nobody but the author knows who may; so it is open both ways, and an error."""
    _, wanted, twin = both
    bastion = str(wanted.endpoint["control-plane/public/bastion"].public[0])
    banner = f"import socket; print(socket.create_connection(('{bastion}', 22), 2).recv(9))"
    assert "SSH-2.0" in run(twin, "internet/client", sys.executable, "-c", banner)[1]


def test_a_row_without_names_lets_out_to_anybody(both: tuple[bool, Network, Twin]) -> None:
    """D404: 443 to everywhere, which even is the way around to our own load balancer."""
    literal, wanted, twin = both
    ingress = str(wanted.endpoint["control-plane/public/ingress"].public[0])
    reach = f"import socket; socket.create_connection(('{ingress}', 443), 2)"
    assert (run(twin, "control-plane/management/loki", sys.executable, "-c", reach)[0] == 0) is literal


def test_an_isolated_tier_does_not_leave_whatever_is_written(both: tuple[bool, Network, Twin]) -> None:
    """D406: it has a row, and no route."""
    _, wanted, twin = both
    host = next(e for e in wanted.outside if e.id == "internet/ghcr.io")
    reach = f"import socket; socket.create_connection(('{host.addresses[0]}', 443), 2)"
    code, said = run(twin, "control-plane/data/minio", sys.executable, "-c", reach)
    assert code != 0, said
    assert run(twin, "control-plane/management/loki", sys.executable, "-c", reach)[0] == 0


def test_time_does_not_come_by_tcp(both: tuple[bool, Network, Twin]) -> None:
    """D401"""
    literal, wanted, twin = both
    server = next(e for e in wanted.outside if any(x.port == 123 for x in e.listeners)).addresses[0]
    ask = f"import socket; s = socket.socket(2, 2); s.settimeout(1); s.sendto(b'\\x23' + bytes(47), ('{server}', 123)); s.recv(99)"
    assert (run(twin, f"{APPS}/budapp", sys.executable, "-c", ask)[0] == 0) is not literal


def with_service_at(wanted: Network, service: str, endpoint: str) -> Network:
    """The network in which Kubernetes, which knows nothing of the VPC's addresses, chose one of them for a Service."""
    at = wanted.endpoint[endpoint].addresses[:1]
    services = tuple(replace(s, addresses=at) if s.id == service else s for s in wanted.services)
    assert services != wanted.services
    return replace(wanted, services=services)


@pytest.mark.parametrize(
    ("changed", "who"),
    [(lambda n: n, "vllm"), (lambda n: with_service_at(n, "workload/bud-models/sglang", "workload/workloads/vllm"), "sglang")],
)
def test_a_service_range_inside_a_network_takes_somebody_s_packets(changed: Callable[[Network], Network], who: str) -> None:
    """D501: a pod speaks to vllm's own address, and gets sglang, whose ClusterIP it is as well."""
    wanted = changed(network("repaired"))
    with twin_of(plan(wanted)) as twin:
        assert who in says(twin, "workload/system/prometheus", address(wanted, "workload/workloads/vllm"), 9090)


# -- TLS, with the real servers

TLS_12 = """
import socket, ssl, struct
s = socket.create_connection(('{host}', {port}), 2)
if {port} == 5432:
    s.sendall(struct.pack('!ii', 8, 80877103))
    assert s.recv(1) == b'S'
c = ssl.create_default_context(cafile='/run/budnet/ca.pem')
c.check_hostname = {verify}
c.verify_mode = ssl.CERT_REQUIRED if {verify} else ssl.CERT_NONE
c.maximum_version = ssl.TLSVersion.{version}
print(c.wrap_socket(s, server_hostname='{name}').cipher()[0])
"""


def speaks(twin: Twin, node: str, name: str, port: int, host: str = "", version: str = "TLSv1_2", verify: bool = False) -> str:
    """The suite that a client as Python makes it by default agrees on with a server; else why it does not."""
    script = TLS_12.format(host=host or name, port=port, name=name, version=version, verify=verify)
    return run(twin, node, sys.executable, "-c", script)[1].strip().rpartition("\n")[2]


def test_postgresql_refuses_a_client_that_wants_forward_secrecy(both: tuple[bool, Network, Twin]) -> None:
    """D101: Python's context does not offer the document's suite. TLS 1.3 hides it."""
    literal, _, twin = both
    name = "postgresql.bud-system.svc.cluster.local"
    suite = speaks(twin, f"{APPS}/budapp", name, 5432)
    assert "HANDSHAKE_FAILURE" in suite if literal else suite == "ECDHE-RSA-AES256-GCM-SHA384"
    assert speaks(twin, f"{APPS}/budapp", name, 5432, version="TLSv1_3").startswith("TLS_")


def test_an_ec_key_under_suites_for_rsa_is_an_outage_for_tls_1_2(both: tuple[bool, Network, Twin]) -> None:
    """D102: the load balancer has a certificate, and no suite to use it with."""
    literal, wanted, twin = both
    at = str(wanted.endpoint["control-plane/public/ingress"].public[0])
    suite = speaks(twin, "internet/client", "api.example.com", 443, at)
    assert "HANDSHAKE_FAILURE" in suite if literal else suite == "ECDHE-RSA-AES256-GCM-SHA384"
    assert speaks(twin, "internet/client", "api.example.com", 443, at, version="TLSv1_3").startswith("TLS_")


# -- certificates, ordered for real

CAREFUL = """
import socket, ssl
context = ssl.create_default_context(cafile='/run/budnet/pki/public.pem')
print(context.wrap_socket(socket.create_connection(('{at}', 443), 2), server_hostname='{name}').version())
"""


@pytest.fixture(scope="module", params=WAYS)
def library(request: pytest.FixtureRequest) -> Iterator[tuple[bool, Network, Twin]]:
    """Another topology, whose one row of certificates is a wildcard by HTTP, and too short for a name two labels deep."""
    lines = LIBRARY.read_text().replace("lifetime: 6d}", "challenge: http-01}").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("  readers:"))
    wanted = load_text(text.encode(), LIBRARY.name, {}, literal=request.param == "as-written").network
    assert wanted is not None
    with twin_of(plan(wanted), stage(wanted, plan(wanted), TOOLS)) as twin:
        yield request.param == "as-written", wanted, twin


def test_a_wildcard_is_not_had_by_http(library: tuple[bool, Network, Twin]) -> None:
    """D201: Pebble, as RFC 8555 has it, offers dns-01 alone; the order fails, and the probe names its row."""
    literal, wanted, twin = library
    (site,) = twin.status()["signed"]
    assert site["error"] == ("the server offers no http-01 for library.example, only dns-01" if literal else "")
    rows = "\n".join(map(str, certificates.truth(wanted, twin).disagree))
    assert ("www.library.example 443" in rows and "by the internal CA (certificates.yaml:17:3)" in rows) if literal else not rows


def test_a_name_that_no_certificate_covers_is_refused(library: tuple[bool, Network, Twin]) -> None:
    """D202: what the load balancer shows instead is of the internal CA, which nobody outside knows."""
    literal, wanted, twin = library
    at = str(next(e for e in wanted.inside if e.service == "door").public[0])
    code, said = run(twin, "internet/client", sys.executable, "-c", CAREFUL.format(at=at, name="readers.rooms.library.example"))
    assert (code != 0 and "CERTIFICATE_VERIFY_FAILED" in said) if literal else said.startswith("TLSv1."), said
