"""What a TLS probe costs for each server, against sslyze, which asks the same: versions, suites, groups, certificate.

The servers are HAProxy, PostgreSQL and Redis of a twin, with keys of both kinds and profiles drawn at random; both probes
run as programs at the same client, and neither is charged for its imports. sslyze is under the AGPL and no dependency of
budnet: name an interpreter that has it in BUDNET_SSLYZE, or nothing is compared. Claim: at least 50 times faster for each
server, with the same suites found.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from common import machine, median, table, take_turns

from budnet.pipeline import load_text
from budnet.twin import lab, tools
from budnet.twin.build import plan
from budnet.twin.lab import Twin
from budnet.twin.staging import stage

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from tls.random_profiles import topology

GOAL, REPETITIONS = 50, 3
CLIENT = "main/apps/client"
Targets = list[tuple[str, int, str]]
"""(address, port, starttls)"""

OURS = """
import json, sys, time
from budnet.tls.scan import scan
from budnet.tls.talk import Place
targets, out = json.loads(sys.argv[1]), []
scan(Place("127.0.0.1", 1))
for address, port, starttls in targets:
    begun = time.perf_counter()
    seen = scan(Place(address, port, "", starttls))
    out.append({"seconds": time.perf_counter() - begun, "suites": {v: sorted(s) for v, s in seen.suites.items()}})
print(json.dumps(out))
"""

SSLYZE = """
from sslyze import *
import json, sys, time
targets, out = json.loads(sys.argv[1]), []
versions = {"SSL 3.0": "ssl_3_0_cipher_suites", "TLS 1.0": "tls_1_0_cipher_suites", "TLS 1.1": "tls_1_1_cipher_suites",
            "TLS 1.2": "tls_1_2_cipher_suites", "TLS 1.3": "tls_1_3_cipher_suites"}
commands = {ScanCommand(c) for c in (*versions.values(), "certificate_info", "elliptic_curves")}
for address, port, starttls in targets:
    begun = time.perf_counter()
    way = ProtocolWithOpportunisticTlsEnum.POSTGRES if starttls else None
    scanner = Scanner()
    scanner.queue_scans([ServerScanRequest(ServerNetworkLocation(address, port, ip_address=address),
        ServerNetworkConfiguration(tls_server_name_indication="localhost", tls_opportunistic_encryption=way), scan_commands=commands)])
    (result,) = scanner.get_results()
    suites = {}
    for version, command in versions.items():
        found = getattr(result.scan_result, command).result
        names = sorted(s.cipher_suite.openssl_name for s in found.accepted_cipher_suites) if found else []
        if names:
            suites[version] = names
    out.append({"seconds": time.perf_counter() - begun, "suites": suites})
print(json.dumps(out))
"""


def run(twin: Twin, python: str, program: str, targets: Targets) -> list[dict[str, object]]:
    """A probe as a program at the client; seconds and suites for each target."""
    with tempfile.TemporaryFile() as out, open(os.devnull) as nothing:
        code = twin.exec(CLIENT, (python, "-c", program, json.dumps(targets)), streams=(nothing.fileno(), out.fileno(), 2))
        assert code == 0, "the probe failed"
        out.seek(0)
        found: list[dict[str, object]] = json.loads(out.read())
        return found


def has_sslyze(python: str) -> bool:
    return subprocess.run([python, "-c", "import sslyze"], capture_output=True, check=False).returncode == 0


def main() -> None:
    peer = os.environ.get("BUDNET_SSLYZE", sys.executable)
    if not has_sslyze(peer):
        print(f"sslyze is not here: name an interpreter that has it in BUDNET_SSLYZE\nno ratio (goal at least {GOAL})")
        return
    machine()
    loaded = load_text(topology(1).encode(), "judges.yaml", {})
    network, name, found = loaded.network, f"bench-{os.getpid()}", tools.find()
    assert network is not None
    lab.up(stage(network, plan(network), found), found, name, attached=True)
    twin = Twin(name)
    servers = [e for e in network.inside if e.id != CLIENT]
    targets = [(str(e.addresses[0]), 5432, "postgresql" if e.software == "postgresql" else "") for e in servers]
    try:
        runs = take_turns(
            REPETITIONS, ours=lambda: run(twin, sys.executable, OURS, targets), sslyze=lambda: run(twin, peer, SSLYZE, targets)
        )
    finally:
        twin.down()
    rows, ratios, different = [], [], 0
    for i, server in enumerate(servers):
        mine, theirs = (median([float(str(r[i]["seconds"])) for r in runs[who]]) for who in ("ours", "sslyze"))
        same = all(o[i]["suites"] == s[i]["suites"] for o, s in zip(runs["ours"], runs["sslyze"], strict=True))
        different += not same
        if not same:
            print(f"{server.service}: ours {runs['ours'][0][i]['suites']}, sslyze {runs['sslyze'][0][i]['suites']}")
        ratios.append(theirs / mine)
        rows.append([server.service, mine, theirs, f"{theirs / mine:.0f}", "same" if same else "DIFFERENT"])
    table(["seconds", "ours", "sslyze", "ratio", "suites"], rows)
    print(f"ratio {median(ratios):.0f}, {min(ratios):.0f} at least (goal at least {GOAL}), {different} of {len(servers)} verdicts differ")


if __name__ == "__main__":
    main()
