"""OpenSSH: a bastion, over which sessions go on (`ssh -J`), and the plain server of a node behind it.

The server runs as the only user that can log in. As root it would have to change groups, which the user namespace of an
ordinary account does not allow; so it runs in a nested one as uid 1000 and finds itself in a passwd of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from budnet.twin.process import File, Process
from budnet.twin.servers import Address, hostport, lines
from budnet.twin.tools import Tools

UID = 1000


def bastion(
    tools: Tools,
    *,
    name: str,
    namespace: str,
    host_key: bytes,
    authorized_keys: Sequence[str],
    permit_open: Sequence[Address] = (),
    user: str = "bastion",
    port: int = 22,
    addresses: Sequence[str] = (),
) -> Process:
    """A server that passes connections on to `permit_open`, and nowhere else. A client is held to the spelling:
    a host that it may reach by name and by address is listed twice. `*` as a host, or 0 as a port, stands for any."""
    opens = " ".join(hostport(host, port) if port else f"{host}:*" for host, port in permit_open) or "none"
    forwarding = ("AllowTcpForwarding local", f"PermitOpen {opens}")
    return _sshd(tools, name, namespace, host_key, authorized_keys, user, port, addresses, forwarding)


def target(
    tools: Tools,
    *,
    name: str,
    namespace: str,
    host_key: bytes,
    authorized_keys: Sequence[str],
    user: str = "admin",
    port: int = 22,
    addresses: Sequence[str] = (),
) -> Process:
    """A server that one logs in to and that passes nothing on."""
    forwarding = ("AllowTcpForwarding no",)
    return _sshd(tools, name, namespace, host_key, authorized_keys, user, port, addresses, forwarding)


def _sshd(
    tools: Tools,
    name: str,
    namespace: str,
    host_key: bytes,
    authorized_keys: Sequence[str],
    user: str,
    port: int,
    addresses: Sequence[str],
    forwarding: Sequence[str],
) -> Process:
    program = tools.need("sshd")
    config = lines(
        *(f"ListenAddress {hostport(address, port)}" for address in addresses or ("0.0.0.0", "::")),
        "HostKey {dir}/host_key",
        "AuthorizedKeysFile {dir}/authorized_keys",
        f"AllowUsers {user}",
        "AuthenticationMethods publickey",
        "StrictModes no",  # the way to the directory leads through folders of other users
        "UsePAM no",
        "UseDNS no",
        "PidFile none",
        "PrintMotd no",
        "AllowAgentForwarding no",
        "AllowStreamLocalForwarding no",
        "Subsystem sftp internal-sftp",
        *forwarding,
        *_helpers(tools),
    )
    return Process(
        name=name,
        namespace=namespace,
        software=program.called("OpenSSH"),
        argv=(*program.argv, "-D", "-e", "-f", "{dir}/sshd_config"),
        files=(
            File("sshd_config", config),
            File("host_key", host_key, 0o600),
            File("authorized_keys", lines(*authorized_keys)),
            File("passwd", lines(f"{user}:x:{UID}:{UID}::{{dir}}:/bin/sh")),
            File("group", lines(f"{user}:x:{UID}:")),  # without the group `tty`, which does not exist in there
        ),
        env=program.env,
        uid=UID,
        binds=(("passwd", "/etc/passwd"), ("group", "/etc/group")),
        listens=(("tcp", port),),
    )


def _helpers(tools: Tools) -> list[str]:
    """Where the programs are that newer servers run for each connection; the path they were built with is not ours."""
    options = (("SshdSessionPath", "sshd-session"), ("SshdAuthPath", "sshd-auth"))
    return [f"{option} {program.path}" for option, name in options if (program := tools.program(name))]
