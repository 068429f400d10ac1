"""chrony as a time server. It serves the machine's own clock and never touches it."""

from __future__ import annotations

from collections.abc import Sequence

from budnet.twin.process import File, Process
from budnet.twin.servers import lines
from budnet.twin.tools import Tools


def server(
    tools: Tools,
    *,
    name: str,
    namespace: str,
    stratum: int = 10,
    port: int = 123,
    addresses: Sequence[str] = (),
) -> Process:
    """Answers everyone as a clock of `stratum`. chrony takes one address of each family at most."""
    program = tools.need("chronyd")
    config = lines(
        f"local stratum {stratum}",
        "allow",
        f"port {port}",
        *(f"bindaddress {address}" for address in addresses),
        "cmdport 0",
        "bindcmdaddress /",  # no socket in /run either, which two servers would fight for
        "pidfile {dir}/pid",
    )
    return Process(
        name=name,
        namespace=namespace,
        software=program.called("chrony"),
        argv=(*program.argv, "-d", "-x", "-u", "root", "-f", "{dir}/chrony.conf"),  # -x: leave the clock alone
        files=(File("chrony.conf", config),),
        env=program.env,
        listens=(("udp", port),),
    )
