"""Where the programs of the twin are: in the unpacked packages first, then on the machine.

`find` looks once; what it returns is a value, so recipes that ask it touch nothing.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

STAMP = "stamp.json"
"""Written last into an unpacked root: what it was made from, and the packages in it."""

TEMPLATE = "postgresql.tar"
"""A database cluster fresh from initdb, in an unpacked root. An archive, because PostgreSQL wants its folder
closed to others, and then another account than the one that fetched could not copy it."""

PROGRAMS: Mapping[str, str] = {  # program -> the package that brings it, `*` for a number
    "charon-systemd": "charon-systemd",
    "chronyd": "chrony",
    "dnsmasq": "dnsmasq-base",
    "docker-registry": "docker-registry",
    "haproxy": "haproxy",
    "initdb": "postgresql-*",
    "nft": "nftables",
    "pebble": "pebble",
    "pebble-challtestsrv": "pebble",
    "postgres": "postgresql-*",
    "prometheus": "prometheus",
    "psql": "postgresql-client-*",
    "redis-cli": "redis-tools",
    "redis-server": "redis-server",
    "sftp-server": "openssh-sftp-server",
    "ssh": "openssh-client",
    "sshd": "openssh-server",
    "sshd-auth": "openssh-server",  # OpenSSH 10 and later only
    "swanctl": "strongswan-swanctl",
    "wireguard-go": "wireguard-go",
    "sshd-session": "openssh-server",  # OpenSSH 9.8 and later only
}

NOT_PACKAGED = ("daprd", "sentry")
"""Programs that no package brings: found where the machine has them on its PATH."""

_FOLDERS = ("usr/sbin", "usr/bin", "sbin", "bin", "usr/lib/openssh", "usr/lib/postgresql/*/bin")
_LIBRARIES = ("usr/lib/*-linux-gnu*", "lib/*-linux-gnu*", "usr/lib64", "usr/lib")
_NFTABLES = ("libmnl", "libnftnl", "libjansson", "libxtables", "libnftables")  # each needs only those before it


class Missing(LookupError):
    """A program that is neither unpacked nor on the machine."""

    def __init__(self, program: str) -> None:
        super().__init__(f"{program} is not on this machine: `make setup` unpacks it (package {PROGRAMS.get(program, program)})")
        self.program = program


@dataclass(frozen=True, slots=True)
class Program:
    """How to run one program."""

    name: str
    path: Path
    version: str | None
    """Upstream's version (`15.20`), known for an unpacked program; nothing is run to find it out."""
    env: tuple[tuple[str, str], ...]

    @property
    def argv(self) -> tuple[str, ...]:
        """The start of a command line. The path is absolute: sshd refuses to start without, and PostgreSQL finds
        its other folders relative to it."""
        return (str(self.path),)

    def called(self, software: str) -> str:
        """`software` as a user calls it, with its version where known."""
        return f"{software} {self.version}" if self.version else software


@dataclass(frozen=True, slots=True)
class Tools:
    """What `find` found."""

    programs: Mapping[str, Program]
    packages: Mapping[str, str]
    """The version of every unpacked package; empty when the machine's own programs are used."""
    template: Path | None
    """The prepared database cluster, if there is one."""
    nftables: tuple[Path, ...]

    def program(self, name: str) -> Program | None:
        """The program, if there is one."""
        return self.programs.get(name)

    def need(self, name: str) -> Program:
        """The program, or Missing with the name of the package that has it."""
        if program := self.programs.get(name):
            return program
        raise Missing(name)

    def libnftables(self) -> list[Path]:
        """Shared objects to open with RTLD_GLOBAL, in this order, libnftables itself last; empty where it is missing.

        An unpacked library finds what it needs although no search path names its folder: the loader takes a
        library that is already open under the name that is asked for.
        """
        return list(self.nftables)


def default_root() -> Path:
    """Where packages are unpacked: in the virtual environment, so in the project, and gone with it."""
    chosen = os.environ.get("BUDNET_SERVERS")
    return Path(chosen) if chosen else Path(sys.prefix) / "share/budnet/servers"


def find(root: Path | None = None) -> Tools:
    """Look for every program below `root`, then on PATH and in the folders where distributions put servers."""
    root = (root or default_root()).absolute()
    packages = _packages(root)
    unpacked = _folders(root) if packages else []
    machine = [Path(folder).absolute() for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder]
    machine += [folder for folder in _folders(Path("/")) if folder not in machine]
    libraries = os.pathsep.join(map(str, _globs(root, _LIBRARIES)))

    programs = {}
    for name, package in PROGRAMS.items():
        if path := _first(unpacked, name):
            version = _upstream(packages, package)
            programs[name] = Program(name, path, version, (("LD_LIBRARY_PATH", libraries),))
        elif path := _first(machine, name):
            programs[name] = Program(name, path, None, ())

    programs |= {name: Program(name, path, None, ()) for name in NOT_PACKAGED if (path := _first(machine, name))}
    template = root / TEMPLATE
    return Tools(
        programs=programs,
        packages=packages,
        template=template if packages and template.exists() else None,
        nftables=tuple(_nftables(root) if packages else ()) or tuple(_nftables(Path("/"))),
    )


def _packages(root: Path) -> Mapping[str, str]:
    try:
        packages = json.loads((root / STAMP).read_text())["packages"]
    except FileNotFoundError:
        return {}
    return {name: package["version"] for name, package in packages.items()}


def _folders(root: Path) -> list[Path]:
    return _globs(root, _FOLDERS)


def _globs(root: Path, patterns: Iterable[str]) -> list[Path]:
    """Folders that exist, in the order of the patterns, the highest version first within one."""
    return [path for pattern in patterns for path in sorted(root.glob(pattern), key=_natural, reverse=True)]


def _natural(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", path.as_posix())]


def _first(folders: Iterable[Path], name: str) -> Path | None:
    return next((path for folder in folders if os.access(path := folder / name, os.X_OK)), None)


def _nftables(root: Path) -> list[Path]:
    """The libraries below `root`, or none when libnftables itself is not there."""
    folders = _globs(root, _LIBRARIES)
    every = ([path for folder in folders for path in sorted(folder.glob(f"{name}.so.?*"))] for name in _NFTABLES)
    found = [paths[0] for paths in every if paths]
    return found if found and found[-1].name.startswith(_NFTABLES[-1]) else []


def _upstream(packages: Mapping[str, str], pattern: str) -> str | None:
    """The version of the package matching `pattern`, without Debian's epoch and revision."""
    expression = re.compile(pattern.replace("*", r"\d+"))
    found = next((version for package, version in packages.items() if expression.fullmatch(package)), None)
    if found is None:
        return None
    return re.split(r"[-+~]", found.partition(":")[2] or found)[0]
