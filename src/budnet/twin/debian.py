"""Real servers for the twin, without root: packages of the machine's own Debian or Ubuntu, unpacked into a folder.

    python -m budnet.twin.debian            fetch what is missing (`make setup` runs this)
    python -m budnet.twin.debian --pin      fetch afresh and write the versions and checksums into servers.lock

Nothing is installed: apt works on a state, a cache and a package database of its own inside the folder, and
`dpkg-deb -x` unpacks, so no script of a package runs and nothing of the machine changes. From the machine come only
its list of sources, so this file names no server, and its keys, so apt vouches for every package by signature.

`servers.lock` pins versions and checksums for the distribution it was made on. A mirror keeps only the newest
build of a package, so a pin that is gone gives way to what the signed index offers, and the report says so.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from importlib import resources
from pathlib import Path

from budnet.twin.process import NOBODY
from budnet.twin.servers.postgresql import CLUSTER
from budnet.twin.supervisor import become
from budnet.twin.tools import STAMP, TEMPLATE, default_root, find

WANTED = (
    "nftables",
    "haproxy",
    "openssh-server",
    "openssh-client",
    "openssh-sftp-server",
    "postgresql",  # an empty package that depends on the release's version of the server
    "redis-server",
    "chrony",
    "dnsmasq-base",
    "docker-registry",
    "pebble",  # and pebble-challtestsrv, a name server that is told what to answer
    "prometheus",
    "charon-systemd",  # strongSwan's daemon that writes no file where the machine keeps its own
    "strongswan-swanctl",
    "libstrongswan-standard-plugins",  # OpenSSL, GCM
    "libcharon-extra-plugins",  # ESP in the daemon: a network namespace of an ordinary account has no XFRM in the kernel
    "wireguard-go",
)

# Dependencies that only a package's scripts, a boot, a web page or a compiled query needs. To apt they are installed.
UNNEEDED = re.compile(
    r"perl|lib.*-perl|postgresql(-client)?-common|ssl-cert|openssl|ucf|runit-helper|lsb-base|systemd.*|dbus.*|procps"
    r"|iproute2|netbase|tzdata|locales(-all)?|python3|javascript-common|libjs-.*|fonts-.*|libllvm.*|logrotate|media-types"
)

# Never used by a server, and half of what the packages hold.
PRUNED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/bin/promtool", "usr/lib/postgresql/*/lib/bitcode")

# template0 is a copy of template1 for pg_dump and initdb; 7 MiB of memory is too much for that.
SLIM = "UPDATE pg_database SET datistemplate = false WHERE datname = 'template0'\nDROP DATABASE template0\n"

LOCK = "servers.lock"


class FetchFailed(RuntimeError):
    """apt or dpkg refused; the message has what they said."""


class WrongChecksum(FetchFailed):
    """An archive is not the one that the lock pins."""


@dataclass(frozen=True, slots=True)
class Package:
    """One archive: as pinned, or as unpacked."""

    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Report:
    """What `fetch` did."""

    root: Path
    packages: Mapping[str, Package]
    """All that is unpacked, by name; empty on a machine without apt."""
    downloaded: int
    """Bytes; 0 when everything was there already."""
    seconds: float
    notes: tuple[str, ...]
    """What a careful user wants to know: pins that gave way, packages this release does not have."""


def fetch(root: Path, say: Callable[[str], None] = print, *, fresh: bool = False) -> Report:
    """Unpack the servers into `root`, unless they are there. Safe to interrupt, and to run twice at once.

    `fresh` fetches in any case, and what the mirror has now instead of what is pinned.
    """
    began = time.monotonic()

    def report(packages: Mapping[str, Package], downloaded: int = 0, notes: Iterable[str] = ()) -> Report:
        return Report(root, packages, downloaded, time.monotonic() - began, tuple(notes))

    if not fresh and (there := _unpacked(root)) and there.key == _key():
        return report(there.packages)
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        say("This machine has no apt, so no server is fetched; the twin uses the programs it finds on PATH.")
        return report({})

    root.parent.mkdir(parents=True, exist_ok=True)
    with _alone(root):
        there = _unpacked(root)
        if not fresh and there and there.key == _key():  # another process was faster
            return report(there.packages)
        work = root.with_name(f"{root.name}.part")
        shutil.rmtree(work, ignore_errors=True)  # what an interrupted run left
        try:
            packages, downloaded, notes = _fetch(work, {} if fresh else pins(release()), say)
            _replace(root, work / "root")
        except FetchFailed as failure:
            if there is None or isinstance(failure, WrongChecksum):
                raise
            packages, downloaded, notes = there.packages, 0, [f"what was unpacked earlier is kept: {failure}"]
        finally:
            shutil.rmtree(work, ignore_errors=True)
    for note in notes:
        say(f"note: {note}")
    return report(packages, downloaded, notes)


def _fetch(work: Path, pinned: Mapping[str, Package], say: Callable[[str], None]) -> tuple[dict[str, Package], int, list[str]]:
    """Make `work/root`: the packages in it, the bytes that were downloaded, notes."""
    apt = Apt(work, pinned)
    say("reading the machine's package index")
    apt.update()
    wanted = apt.available(WANTED)
    versions = closure(apt, wanted)
    notes = [f"{name} is not in this release: the twin does without" for name in WANTED if name not in wanted]

    debs = work / "debs"
    debs.mkdir()
    for number, line in enumerate(apt.download(versions, debs), start=1):
        say(f"[{number}/{len(versions)}] {line}")
    archives = {deb.name.partition("_")[0]: deb for deb in debs.iterdir()}
    if absent := versions.keys() - archives.keys():
        raise FetchFailed(f"apt did not deliver {', '.join(sorted(absent))}")
    packages = {name: Package(version, _sha256(archives[name])) for name, version in versions.items()}
    notes += check(packages, pinned)

    say(f"unpacking {len(packages)} packages")
    target = work / "root"
    target.mkdir()
    for deb in archives.values():
        _run("dpkg-deb", "-x", str(deb), str(target))
    _tidy(target)
    write_stamp(target, packages)
    notes += prepare_postgresql(target, say)
    return packages, sum(deb.stat().st_size for deb in archives.values()), notes


# --- what to unpack -------------------------------------------------------------------------------------------------


def closure(apt: Apt, wanted: Mapping[str, str]) -> dict[str, str]:
    """The wanted packages and what they need beyond a minimal system: package -> version.

    apt decides, by installing into a database in which a minimal system and what is not needed count as installed.
    """
    claimed: set[str] = set()
    while True:
        apt.pretend(claimed)
        found = apt.simulate(wanted)
        unneeded = {name for name in found if UNNEEDED.fullmatch(name)}
        if not unneeded:
            return found
        claimed |= unneeded


def minimal_system(status: str) -> dict[str, str]:
    """Package -> its paragraph, of every package that no machine lacks: the essential ones, apt, and what these need.

    Computed and not listed, because names and versions differ from release to release.
    """
    paragraphs: dict[str, str] = {}
    providers: dict[str, list[str]] = {}
    for paragraph in status.split("\n\n"):
        if _field(paragraph, "Status").endswith(" installed"):
            name = _field(paragraph, "Package")
            paragraphs.setdefault(name, paragraph.strip())
            for virtual in _names(_field(paragraph, "Provides")):
                providers.setdefault(virtual, []).append(name)

    todo = ["apt", *(name for name, text in paragraphs.items() if _field(text, "Essential") == "yes")]
    seen: dict[str, str] = {}
    while todo:
        name = todo.pop()
        if name in paragraphs and name not in seen:
            seen[name] = paragraphs[name]
            for needed in _names(f"{_field(seen[name], 'Pre-Depends')},{_field(seen[name], 'Depends')}"):
                todo += [needed, *providers.get(needed, ())]
    return seen


def check(packages: Mapping[str, Package], pinned: Mapping[str, Package]) -> list[str]:
    """Compare every archive with its pin; notes where a pin has gone. What has a wrong checksum is never unpacked."""
    notes = []
    for name, package in packages.items() if pinned else ():
        held = pinned.get(name)
        if held and held.version == package.version and held.sha256 != package.sha256:
            raise WrongChecksum(f"{name} {package.version} is not the package that {LOCK} pins: its SHA-256 differs")
        if held is None or held.version != package.version:
            expected = f"{held.version} was pinned" if held else "it is not pinned"
            notes.append(f"{name} {package.version} is what the signed index offers; {expected}")
    return notes


def prepare_postgresql(root: Path, say: Callable[[str], None]) -> list[str]:
    """Make the database cluster that the twin copies: 30 ms at start in place of 0.6 s of initdb."""
    programs = find(root).programs
    initdb, postgres = programs.get("initdb"), programs.get("postgres")
    if initdb is None or postgres is None:
        return []
    say("preparing a PostgreSQL cluster")
    data = root / "data"
    uid = NOBODY if os.geteuid() == 0 else None  # these programs refuse to run as root
    env = {**os.environ, **dict(initdb.env)}
    reset = str(postgres.path.with_name("pg_resetwal"))  # leaves one piece of log where initdb made six
    try:
        _run(*initdb.argv, "-D", str(data), *CLUSTER, env=env, uid=uid)
        _run(*postgres.argv, "--single", "-D", str(data), "template1", env=env, text=SLIM, uid=uid)
        _run(reset, "-D", str(data), env=env, uid=uid)
        _run("tar", "-C", str(root), "--remove-files", "-cf", str(root / TEMPLATE), "data")
    except FetchFailed as failure:
        shutil.rmtree(data, ignore_errors=True)
        return [f"no PostgreSQL cluster was prepared, the twin makes one at every start: {failure}"]
    return []


# --- apt ------------------------------------------------------------------------------------------------------------


class Apt:
    """apt on a state of its own. Only the sources and the keys are the machine's."""

    def __init__(self, work: Path, pinned: Mapping[str, Package]) -> None:
        for folder in ("state/lists/partial", "cache/archives/partial"):
            (work / folder).mkdir(parents=True)
        self._status = work / "status"
        self._minimal = minimal_system(Path("/var/lib/dpkg/status").read_text())
        self._env = {**os.environ, "LC_ALL": "C"}
        self._conf = work / "apt.conf"
        preferences = work / "preferences"
        prefer = "Package: {}\nPin: version {}\nPin-Priority: 1001\n\n"
        preferences.write_text("".join(prefer.format(name, package.version) for name, package in pinned.items()))
        # The machine's own hooks are cleared: they clean its cache and wake its daemons.
        self._conf.write_text(
            f"""\
#clear APT::Update;
#clear DPkg;
Dir::State "{work}/state";
Dir::State::lists "{work}/state/lists";
Dir::State::status "{self._status}";
Dir::Cache "{work}/cache";
Dir::Cache::archives "{work}/cache/archives";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
Dir::Etc::preferences "{preferences}";
Dir::Etc::preferencesparts "/dev/null";
Dir::Log "/dev/null";
Acquire::Languages "none";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Acquire::IndexTargets::deb-src::Sources::DefaultEnabled "false";
Acquire::Retries "3";
Acquire::AllowInsecureRepositories "false";
APT::Get::AllowUnauthenticated "false";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
"""
        )
        self.pretend(set())

    def pretend(self, claimed: set[str]) -> None:
        """Write the package database: a minimal system, and `claimed` in a version that satisfies everyone."""
        claims = (
            f"Package: {name}\nStatus: install ok installed\nPriority: optional\nSection: misc\nMaintainer: nobody\n"
            f"Architecture: all\nMulti-Arch: foreign\nVersion: 999:0\nDescription: not needed"
            for name in sorted(claimed)
        )
        real = (text for name, text in self._minimal.items() if name not in claimed)
        self._status.write_text("\n\n".join([*real, *claims]) + "\n\n")

    def update(self) -> None:
        """Read the indexes of the machine's sources. Failure is left to `available` and `download` to find: a dead
        source that has none of our packages is no reason to stop."""
        subprocess.run(["apt-get", "-c", self._conf, "-qq", "update"], env=self._env, capture_output=True, check=False)

    def available(self, names: tuple[str, ...]) -> dict[str, str]:
        """Those of `names` that the release has, with the version apt would take."""
        text = self._apt("apt-cache", "policy", *names)
        found = re.findall(r"^(\S+):\n  Installed: .*\n  Candidate: (?!\(none\))(\S+)", text, re.MULTILINE)
        if not found:
            raise FetchFailed("no package index could be read: is the machine offline?")
        return dict(found)

    def simulate(self, wanted: Mapping[str, str]) -> dict[str, str]:
        """What installing `wanted` would add, and the libraries that it would upgrade: a newer one can lie beside the
        machine's. The C library cannot, since every program is started by the machine's own."""
        text = self._apt("apt-get", "install", "--simulate", *wanted)
        return dict(re.findall(r"^Inst (\S+(?= \()|(?!libc6|libc-bin)lib\S+) (?:\[\S+\] )?\((\S+) ", text, re.MULTILINE))

    def download(self, packages: Mapping[str, str], folder: Path) -> Iterator[str]:
        """Fetch each archive into `folder`, checked against the signed index; yields a line for each that begins."""
        command = ["apt-get", "-c", str(self._conf), "-q", "download"]
        command += [f"{name}={version}" for name, version in packages.items()]
        other = []
        pipe, merged = subprocess.PIPE, subprocess.STDOUT
        with subprocess.Popen(command, env=self._env, cwd=folder, text=True, stdout=pipe, stderr=merged) as process:
            assert process.stdout
            for line in process.stdout:
                if match := re.match(r"Get:.* (\S+) \S+ (\S+) \[(.*)\]$", line):
                    yield f"{match[1]} {match[2]}, {match[3]}"
                else:
                    other.append(line)
        if process.returncode:
            raise FetchFailed(f"apt-get download: {''.join(other).strip()}")

    def _apt(self, *command: str) -> str:
        return _run(command[0], "-c", str(self._conf), "-q", *command[1:], env=self._env)


# --- the lock -------------------------------------------------------------------------------------------------------


def release() -> str:
    """The distribution as the lock names it: `debian-12-amd64`."""
    facts = dict(re.findall(r'^(ID|VERSION_ID)="?([^"\n]*)', Path("/etc/os-release").read_text(), re.MULTILINE))
    architecture = _run("dpkg", "--print-architecture").strip()
    return f"{facts.get('ID', 'linux')}-{facts.get('VERSION_ID', 'rolling')}-{architecture}"


def pins(name: str) -> dict[str, Package]:
    """What servers.lock pins for a release: nothing when it was made on another."""
    return {package: Package(**entry) for package, entry in tomllib.loads(_lock().read_text()).get(name, {}).items()}


def pin(packages: Mapping[str, Package], name: str) -> None:
    """Write servers.lock anew, for one release."""
    row = '"{}" = {{version = "{}", sha256 = "{}"}}\n'
    rows = [row.format(package, it.version, it.sha256) for package, it in sorted(packages.items())]
    head = "# Written by `python -m budnet.twin.debian --pin`: the packages that the twin's servers were tested with.\n"
    _lock().write_text(f"{head}\n[{name}]\n{''.join(rows)}")


def _lock() -> Path:
    return Path(str(resources.files("budnet.catalog") / LOCK))


# --- the folder -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Unpacked:
    key: str
    packages: dict[str, Package]


def _unpacked(root: Path) -> _Unpacked | None:
    """What the stamp of a complete root says."""
    try:
        stamp = json.loads((root / STAMP).read_text())
    except FileNotFoundError:
        return None
    return _Unpacked(stamp["key"], {name: Package(**entry) for name, entry in stamp["packages"].items()})


def write_stamp(root: Path, packages: Mapping[str, Package]) -> None:
    """Declare a root complete."""
    entries = {name: asdict(package) for name, package in sorted(packages.items())}
    (root / STAMP).write_text(json.dumps({"key": _key(), "packages": entries}, indent=1))


def _key() -> str:
    """Changes with everything that decides what is unpacked: the release, the lock and the lists above."""
    system = Path("/etc/os-release")
    files = [path.read_text() for path in (_lock(), system) if path.exists()]
    parts = (WANTED, UNNEEDED.pattern, PRUNED, CLUSTER, SLIM, *files)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _tidy(root: Path) -> None:
    """Remove what no server reads, and every set-user-id bit: nothing here may give anyone a privilege."""
    for pattern in PRUNED:
        for path in root.glob(pattern):
            path.unlink() if path.is_file() else shutil.rmtree(path)
    for folder, _, names in os.walk(root):
        for path in (Path(folder, name) for name in names):
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode) and mode & (stat.S_ISUID | stat.S_ISGID):
                path.chmod(mode & 0o777)


def _replace(old: Path, new: Path) -> None:
    """Put `new` where `old` is. Between the two renames there is no root, which the next run takes for a first one."""
    trash = old.with_name(f"{old.name}.old")
    shutil.rmtree(trash, ignore_errors=True)
    if old.exists():
        old.rename(trash)
    new.rename(old)
    shutil.rmtree(trash, ignore_errors=True)


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """One process at a time, until this one ends in whatever way."""
    with root.with_name(f".{root.name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


# --- small things ---------------------------------------------------------------------------------------------------


def _field(paragraph: str, name: str) -> str:
    match = re.search(rf"^{name}:[ \t]*(.*(?:\n[ \t].*)*)", paragraph, re.MULTILINE)
    return match[1] if match else ""


def _names(relation: str) -> list[str]:
    """The package names of `a (>= 1) | b:any, c`."""
    return re.findall(r"(?:^|[,|])\s*([a-z0-9][a-z0-9.+-]*)", relation)


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _run(*command: str, env: Mapping[str, str] | None = None, text: str = "", uid: int | None = None) -> str:
    """What a command prints, or FetchFailed with what it complained about."""
    other = None if uid is None else partial(become, uid)
    try:
        done = subprocess.run(command, env=env, input=text, capture_output=True, text=True, check=True, preexec_fn=other)
    except subprocess.CalledProcessError as failure:
        raise FetchFailed(f"{' '.join(command[:3])}: {(failure.stderr or failure.stdout).strip()}") from failure
    except subprocess.SubprocessError as failure:
        raise FetchFailed(f"{command[0]}: the kernel refuses a user namespace") from failure
    return done.stdout


def main(arguments: list[str]) -> int:
    """The program; returns its exit status."""
    root = default_root()
    again = "--pin" in arguments
    try:
        report = fetch(root, say=_say, fresh=again)
        if again and report.packages:
            pin(report.packages, release())
            write_stamp(root, report.packages)  # what is unpacked is now what is pinned
    except FetchFailed as failure:
        sys.stderr.write(f"the servers of the twin could not be fetched: {failure}\n")
        return 4
    if report.downloaded:
        _say(f"{len(report.packages)} packages with real servers: {report.downloaded / 1e6:.1f} MB fetched in {report.seconds:.1f} s")
    return 0


def _say(line: str) -> None:
    """On a terminal a count stays in its line; elsewhere it is left out."""
    counted = line.startswith("[")
    if sys.stdout.isatty():
        sys.stdout.write(f"\r\x1b[K{line}" + ("" if counted else "\n"))
        sys.stdout.flush()
    elif not counted:
        sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
