"""Claim: one HAProxy carries 50 sidecars in less than a tenth of the memory of 50 HAProxys, and is up sooner; and 500.

Measured: the time from the start of the process, or of all processes, until every sidecar listens in its own network
namespace, and the proportional set size of the processes then. Both run the same recipe: once with all pods, once with
one each. 500 processes are not tried. Then identities: how many a second are signed, a new key for each, beside the floor
(the key and one signature, with nothing around them) and the peer (`openssl`, a process for the request and one to sign).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from common import MB, children, in_namespaces, machine, median, network, pss, seconds, table, take_turns
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from budnet.ir.mesh import Identity
from budnet.ir.network import Network
from budnet.pki import keys
from budnet.pki.identity import Sentry
from budnet.twin import mesh, netlink, supervisor, syscall, tools
from budnet.twin.process import Process
from budnet.twin.servers.sidecars import Sidecar, sidecars

FEW, MANY, TURNS = 50, 500, 3
GOAL = 10
SIGNED = 300


def meshed(size: int) -> Network:
    """`size` apps with sidecars, each of which may call the next."""
    services = "".join(f"  a{i}: {{subnet: lan/pods, namespace: apps, mesh: dapr, ports: {{http: 8080/tcp}}}}\n" for i in range(size))
    flows = "".join(f"  - {{from: a{i}, to: a{(i + 1) % size}, via: mesh}}\n" for i in range(size))
    subnets = "subnets: {pods: {cidr: 10.0.0.0/19, access: isolated}}"
    networks = f"networks:\n  lan: {{cidr: 10.0.0.0/16, cluster: {{services: 172.20.0.0/16}}, {subnets}}}\n"
    return network(f"budnet: 1\nname: meshed\n{networks}services:\n{services}flows:\n{flows}")


def together(found: Network) -> list[Process]:
    return [mesh.carrier(found, tools.find(), Sentry(found.name))]


def apart(found: Network) -> list[Process]:
    """The same, a process for each pod: with its own certificate and list, and all the tables."""
    whole = mesh.parts(found, Sentry(found.name))
    found_tools = tools.find()

    def one(pod: Sidecar) -> Process:
        return sidecars(found_tools, name=pod.namespace, **whole | {"pods": [pod], "apps": {pod.app: whole["apps"][pod.app]}})

    return [one(pod) for pod in whole["pods"]]


def up(processes: list[Process], found: Network) -> dict[str, float]:
    """Seconds until all listen, and bytes then; in namespaces that have nothing but loopback."""
    spaces = {}
    for control in found.access_controls:
        for pod in control.endpoints:
            syscall.unshare(syscall.NEWNET)
            spaces[pod] = syscall.network_namespace()
            with netlink.Netlink() as link:
                link.send([netlink.up(1)])
    for name, space in spaces.items():
        syscall.name_namespace(name, space)
    folder = Path("/run/bench")
    start = time.perf_counter()
    running = [supervisor.start(p, spaces[p.namespace], folder / str(i), spaces) for i, p in enumerate(processes)]
    supervisor.wait_ready(running, 60)
    took = time.perf_counter() - start
    while not all(workers := [children(one.pid) for one in running]):  # a master listens before it has a worker
        time.sleep(0.05)
    memory = sum(pss(pid) for one, own in zip(running, workers, strict=True) for pid in (one.pid, *own))
    supervisor.stop(running)
    return {"seconds": took, "bytes": memory}


def measured(make: Any, size: int) -> dict[str, float]:
    found = meshed(size)
    processes = make(found)
    result: dict[str, float] = in_namespaces(lambda: up(processes, found))
    return result


def floor() -> None:
    for _ in range(SIGNED):
        ec.generate_private_key(ec.SECP256R1()).sign(b"x" * 400, ec.ECDSA(hashes.SHA256()))


def ours() -> None:
    sentry = Sentry("bench")
    for i in range(SIGNED):
        sentry.sign(Identity("public", "apps", f"a{i}"))


def peer(number: int = 20) -> float:
    """Identities a second with `openssl`; 0 where it is not there."""
    program = shutil.which("openssl")
    if not program:
        return 0.0
    sentry = Sentry("bench")
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        (here / "ca").write_bytes(sentry.issuer.pem)
        (here / "ca.key").write_bytes(keys.pem(sentry.issuer.key))
        uri = "subjectAltName=URI:spiffe://public/ns/apps/a"
        request = [program, "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key", "-out", "csr",
                   "-subj", "/CN=a", "-addext", uri]  # fmt: skip
        sign = [
            program,
            "x509",
            "-req",
            "-in",
            "csr",
            "-CA",
            "ca",
            "-CAkey",
            "ca.key",
            "-days",
            "1",
            "-copy_extensions",
            "copy",
            "-out",
            "crt",
        ]

        def one() -> None:
            for command in (request, sign):
                subprocess.run(command, cwd=here, check=True, capture_output=True)

        return number / seconds(lambda: [one() for _ in range(number)])


def main() -> None:
    machine()
    runs = take_turns(TURNS, one=lambda: measured(together, FEW), each=lambda: measured(apart, FEW))
    one, each = ({k: median([r[k] for r in runs[name]]) for k in ("seconds", "bytes")} for name in ("one", "each"))
    many = measured(together, MANY)
    rows: list[list[object]] = [
        [f"{FEW} sidecars in one HAProxy", one["seconds"], f"{one['bytes'] / MB:.1f}"],
        [f"{FEW} HAProxys", each["seconds"], f"{each['bytes'] / MB:.1f}"],
        [f"{MANY} sidecars in one HAProxy", many["seconds"], f"{many['bytes'] / MB:.1f}"],
    ]
    table(["", "seconds until all listen", "MB"], rows)
    signing = take_turns(TURNS, ours=lambda: SIGNED / seconds(ours), floor=lambda: SIGNED / seconds(floor), peer=peer)
    table(["identities", "a second"], [[name, f"{median(found):,.0f}"] for name, found in signing.items()])
    ratio = each["bytes"] / one["bytes"]
    print(f"signing takes {median(signing['floor']) / median(signing['ours']):.1f} times the floor")
    print(
        f"one process takes {ratio:.0f} times less memory than {FEW} (goal at least {GOAL}) and is up {each['seconds'] / one['seconds']:.1f} times sooner"
    )


if __name__ == "__main__":
    os.umask(0o077)
    main()
