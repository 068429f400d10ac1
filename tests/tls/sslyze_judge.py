"""The third judge, for who has sslyze: run by an interpreter that has it as `sslyze_judge.py [TARGETS,TIMES]`, in JSON.

TARGETS are [address, port, starttls]; each is asked that many times in a row, or with 0 all once and at once. It prints, for each, the seconds (and those of the processor), suites by version as `Seen.suites` has them, and curves. sslyze is under the AGPL and no dependency of
budnet; nothing else imports it.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from sslyze import (
    ProtocolWithOpportunisticTlsEnum,
    ScanCommand,
    Scanner,
    ServerNetworkConfiguration,
    ServerNetworkLocation,
    ServerScanRequest,
)

VERSIONS = {f"TLS 1.{minor}": f"tls_1_{minor}_cipher_suites" for minor in range(4)} | {"SSL 3.0": "ssl_3_0_cipher_suites"}
COMMANDS = {ScanCommand(c) for c in (*VERSIONS.values(), "certificate_info", "elliptic_curves")}


def request(address: str, port: int, starttls: str) -> ServerScanRequest:
    way = ProtocolWithOpportunisticTlsEnum.POSTGRES if starttls else None
    configuration = ServerNetworkConfiguration(tls_server_name_indication="localhost", tls_opportunistic_encryption=way)
    return ServerScanRequest(ServerNetworkLocation(address, port, ip_address=address), configuration, scan_commands=COMMANDS)


def found(result: Any) -> dict[str, Any]:
    """Of one server."""
    accepted = {version: getattr(result.scan_result, command).result for version, command in VERSIONS.items()}
    named = {v: sorted(s.cipher_suite.openssl_name for s in a.accepted_cipher_suites) for v, a in accepted.items() if a}
    curves = result.scan_result.elliptic_curves.result
    return {
        "suites": {v: names for v, names in named.items() if names},
        "curves": [c.name for c in (curves and curves.supported_curves) or ()],
    }


def judge(targets: list[tuple[str, int, str]]) -> list[dict[str, Any]]:
    """All of these at once."""
    begun, worked = time.perf_counter(), time.process_time()
    scanner, asked = Scanner(), [request(*target) for target in targets]
    scanner.queue_scans(asked)
    results = {r.server_location: r for r in scanner.get_results()}
    spent = {"seconds": time.perf_counter() - begun, "work": time.process_time() - worked}
    return [found(results[a.server_location]) | spent for a in asked]


if __name__ == "__main__":
    wanted, times = json.loads(sys.argv[1])
    turns = [[target] for target in wanted for _ in range(times)] if times else [wanted]
    print(json.dumps([answer for turn in turns for answer in judge(turn)]))
