"""The process that is the twin: first in its own namespaces, so that with its end, however it ends, everything is gone.

It answers requests on a socket that it was given: one JSON object a line, each answered by JSON lines of which the last
one has `"end": true`. Work that enters other namespaces is done in a forked child.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import signal
import socket
import ssl
import struct
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from budnet.errors import BudnetError, TwinError
from budnet.twin import (
    browser,
    caller,
    crossing,
    drilling,
    handshake,
    handshakes,
    listeners,
    mesh,
    nftables,
    orders,
    part,
    prober,
    rotation,
    supervisor,
    syscall,
    tunnels,
    watcher,
)
from budnet.twin.certificates import CLIENT, EVERYONE, INTERNAL_ROOTS
from budnet.twin.linux import LinuxKernel
from budnet.twin.staging import Stage
from budnet.twin.steps import steps
from budnet.twin.tools import Tools

HOME = Path("/run/budnet")
"""On a tmpfs that only the twin sees."""

CHANGING = "changing"
"""A file there, locked by who takes servers away or gives them other files: one at a time."""

_WORTH_TWO = 2000
"""So many questions are worth a second process."""

Send = Callable[[dict[str, Any]], None]


class Agent:
    """Builds the twin, then serves it."""

    def __init__(self, staged: Stage, tools: Tools) -> None:
        self.stage, self.plan = staged, staged.plan
        libraries = tools.libnftables()
        if not libraries:
            raise TwinError("libnftables is not on this machine: `make setup` unpacks it on Debian and Ubuntu, elsewhere install nftables")
        self.kernel = LinuxKernel(nftables.library(libraries))
        self.running: list[supervisor.Running] = []
        self.signed: list[orders.Signed] = []
        self.timings: dict[str, float] = {}
        self.tunnels_refused: dict[str, str] = {}
        self.began = time.time()

    # ---- building -------------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Namespaces, wires, filters, servers; returns when all listen."""
        start = time.perf_counter()
        HOME.mkdir(parents=True, exist_ok=True)
        for name, content, mode in self.stage.files:
            path = HOME / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            path.chmod(mode)
        todo = steps(self.plan, self.kernel.read())
        self.kernel.apply(todo)
        self.timings["network"] = time.perf_counter() - start
        self.start_servers()
        self.timings["total"] = time.perf_counter() - start

    def start_servers(self) -> None:
        """Real servers come up while our own listeners are bound; tunnels when their daemons run."""
        home = syscall.network_namespace()
        tunnels.prepare(self.stage.tunnels, self.kernel.spaces)
        for name, space in (n for p in self.stage.processes for n in p.netns):
            syscall.name_namespace(name, self.kernel.spaces[space])
        for process in self.stage.processes:
            folder = HOME / "servers" / process.name.replace("/", "_")
            self.running.append(supervisor.start(process, self.kernel.spaces[process.namespace], folder, self.kernel.spaces))
        ordering = orders.start(self.stage.orders, self.kernel.spaces, HOME, self.resolve_as)
        v6 = [s.id for s in self.plan.spaces if any(a.version == 6 for a in s.addresses)]
        listeners.run(self.plan.listeners, self.kernel.spaces, v6, dict(self.stage.zones))
        supervisor.wait_ready(self.running)
        self.tunnels_refused = tunnels.bring_up(self.stage.tunnels, self.kernel.spaces)
        watcher.start(self.stage.watched, self.kernel.spaces, self.kernel.route, HOME)
        syscall.setns(home)
        os.close(home)
        self.signed = orders.finish(ordering, {r.process.name: r for r in self.running}, self.kernel, HOME)
        orders.stand_in([s.row for s in self.signed if s.error], HOME)

    # ---- serving --------------------------------------------------------------------------------------------------------

    def serve(self, door: socket.socket) -> NoReturn:
        """Answers until told to go down."""
        poll = select.epoll()
        poll.register(door.fileno(), select.EPOLLIN)
        while True:
            for _ in poll.poll(1.0):
                self.accept(door)
            self.reap()

    def accept(self, door: socket.socket) -> None:
        connection, _ = door.accept()
        with connection:
            # an abstract socket has no file whose mode would keep others out
            _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            if uid not in (0, os.getuid()):
                return
            if os.fork() == 0:
                self.child(door, connection)

    def child(self, door: socket.socket, connection: socket.socket) -> NoReturn:
        """One request, in a process of its own."""
        code = 1
        try:
            door.close()
            self.running = supervisor.current(self.running)
            self.request(connection)
            code = 0
        except (BrokenPipeError, ConnectionResetError):
            pass
        except BudnetError as refused:
            _line(connection, {"error": str(refused), "end": True})
        except Exception:  # a bug of ours: who asked must see it, and nobody else can
            _line(connection, {"error": traceback.format_exc(), "end": True})
        finally:
            os._exit(code)

    def request(self, connection: socket.socket) -> None:
        data, descriptors, _, _ = socket.recv_fds(connection, 1 << 16, 3)
        while not data.endswith(b"\n"):
            more = connection.recv(1 << 20)
            if not more:
                return
            data += more
        asked = json.loads(data)
        send: Send = lambda answer: _line(connection, answer)  # noqa: E731
        match asked["do"]:
            case "status":
                send(self.status() | {"end": True})
            case "ask":
                self.ask(asked["questions"], send)
            case "browse":
                self.browse(asked["pages"], send)
            case "links":
                crossing.answer(asked, HOME, self.kernel.spaces, self.stage.tunnels, send)
            case "handshakes":
                self.handshakes(asked["doors"], send)
            case "looks":
                self.looks(asked["places"], send)
            case "rotate":
                send(self.rotate(asked, send) | {"end": True})
            case "call":
                self.call(asked["calls"], asked["lies"], send)
            case "drill":
                send(self.drill(asked, connection, send) | {"end": True})
            case "exec":
                self.exec(asked, descriptors, connection, send)
            case "logs":
                self.logs(asked["node"], send)
            case "down":
                send({"end": True})
                os.kill(1, signal.SIGTERM)

    def status(self) -> dict[str, Any]:
        """What is up, and who answers on each port."""
        return {
            "name": self.plan.name, "plan": self.stage.digest, "made_of": dict(self.stage.made_of), "began": self.began, "timings": self.timings, "missing": list(self.stage.missing),
            "tunnels_down": self.tunnels_down(), "tunnels": {gateway: asdict(h) for gateway, h in watcher.health(HOME).items()},
            "notes": list(self.stage.notes), "signed": [asdict(s) for s in self.signed], "stand_ins": list(self.stage.stand_ins),
            "mesh": {"kind": self.stage.mesh.kind, "said": self.stage.mesh.said},
            "spaces": [{"id": s.id, "kind": s.kind, "addresses": [str(a) for a in s.addresses]} for s in self.plan.spaces],
            "servers": [{"id": r.process.name, "space": r.process.namespace, "software": r.process.software, "pid": r.pid, "listens": r.process.listens, "elsewhere": r.process.elsewhere,
                         "running": _alive(r.pid)} for r in self.running],
            "listeners": [[x.endpoint, x.protocol.name.lower(), x.port, x.loopback] for x in self.plan.listeners],
            "marks": [[m.disposition, m.layer, m.object, str(m.origin)] for m in self.plan.marks],
        }  # fmt: skip

    def tunnels_down(self) -> dict[str, str]:
        """By tunnel, why it is not up: what is watched as it is now, a client's as it was when the twin came up."""
        seen, watched = watcher.health(HOME), {w.tunnel for w in self.stage.watched}
        what = "its ends do not hear each other" if seen else "nobody watches it"
        why = {w.tunnel: what for w in self.stage.watched if w.gateway not in seen or not seen[w.gateway].up}
        return {t: r for t, r in self.tunnels_refused.items() if t not in watched} | {
            t: self.tunnels_refused.get(t, w) for t, w in why.items()
        }

    def ask(self, rows: list[list[Any]], send: Send) -> None:
        """Questions as [source, destination, protocol, port, payload]; answers in batches as [number, kind, mark, said]."""
        questions = [prober.Question(s, d, protocol, port, base64.b64decode(payload)) for s, d, protocol, port, payload in rows]
        batch: list[list[Any]] = []

        def finish(number: int, seen: prober.Observed) -> None:
            batch.append([number, seen.kind, seen.mark, base64.b64encode(seen.said).decode() if seen.said else ""])
            if len(batch) >= 500:
                send({"answers": batch})
                batch.clear()

        closed = frozenset(i for i, mark in enumerate(self.plan.marks) if mark.disposition == "NOT_LISTENING")
        field = prober.Field(self.kernel.spaces, tuple(s.id for s in self.plan.spaces if s.ruleset.chains), closed)
        with (HOME / "probing").open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)  # a namespace's log has one reader: a second probe waits for its turn
            if len(questions) < _WORTH_TWO:
                prober.ask(questions, field, finish)
            else:
                prober.ask_in_two(questions, field, finish, HOME / f"answers.{os.getpid()}")
        send({"answers": batch, "end": True})

    def browse(self, pages: list[list[Any]], send: Send) -> None:
        """HTTPS requests as [source, address, port, host]; answers [number, text of the page or why there is none]."""
        answers = []
        for number, (source, address, port, host) in enumerate(pages):
            syscall.setns(self.kernel.spaces[source])
            answers.append([number, browser.get(address, port, host, HOME / "ca.pem")])
        send({"answers": answers, "end": True})

    def handshakes(self, rows: list[list[Any]], send: Send) -> None:
        """TLS servers to ask (`handshakes.Door`); what each showed, in order."""
        doors = [handshakes.Door(*row) for row in rows]
        send({"seen": list(handshakes.ask(doors, self.kernel.spaces, HOME / CLIENT)), "end": True})

    def looks(self, places: list[list[Any]], send: Send) -> None:
        """TLS handshakes to make (`handshake.Look`); answers what each server showed."""
        answers = []
        for one in (handshake.Look(*place) for place in places):
            syscall.setns(self.kernel.spaces[one.source])
            answers.append(handshake.look(one, HOME).json())
        internal = (HOME / INTERNAL_ROOTS).read_text()
        send({"answers": answers, "internal": internal, "end": True})

    def rotate(self, asked: dict[str, Any], send: Send) -> dict[str, Any]:
        """Rotates certificates under load; sends each phase as it ends. Once begun, it is not left half way."""

        def renew(row: str) -> str:
            begun = orders.start([o for o in self.stage.orders if o.row == row], self.kernel.spaces, HOME, self.resolve_as)
            return "; ".join(s.error for s in orders.finish(begun, running, self.kernel, HOME) if s.error)

        def say(phase: dict[str, Any]) -> None:
            with suppress(OSError):  # nobody may want to know any more, but half a rotation helps nobody
                send(phase)

        with (HOME / CHANGING).open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            running = {r.process.name: r for r in supervisor.current(self.running)}
            return rotation.rotate(asked, running, self.kernel, HOME, renew, say)

    def drill(self, asked: dict[str, Any], connection: socket.socket, send: Send) -> dict[str, Any]:
        """A part is lost under load and comes back; sends each phase as it begins. Back it comes in any case."""
        wanted = select.poll()
        wanted.register(connection, select.POLLIN | select.POLLHUP)
        requests = [drilling.Request(r["consumer"], r["kind"], tuple(r["addresses"]), r["port"], r["name"]) for r in asked["requests"]]
        trust = ssl.create_default_context(cafile=HOME / EVERYONE)
        with (HOME / CHANGING).open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            found = part.together(asked["nodes"], supervisor.current(self.running), self.stage, self.kernel, HOME)
            load = drilling.OpenLoop(requests, self.kernel.spaces, trust, asked["rate"], asked["deadline"])
            return drilling.drill(found, load, asked["away"], asked["patience"], lambda: not wanted.poll(0), send)

    def call(self, rows: list[list[Any]], lies: dict[str, dict[str, str]], send: Send) -> None:
        """Calls to sidecars (`caller.Call`), answered in order (`caller.Said`); `lies` are in their tables meanwhile."""
        calls = [caller.Call(*row) for row in rows]
        with (HOME / "calling").open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            said = caller.lying(HOME / "servers" / mesh.NAME, lies, lambda: caller.ask(calls, self.kernel.spaces, HOME / "mesh"))
        send({"said": said, "end": True})

    def exec(self, asked: dict[str, Any], descriptors: list[int], connection: socket.socket, send: Send) -> None:
        """Runs a command in a namespace with the caller's own standard streams; it ends when the caller goes away."""
        pid = os.fork()
        if pid == 0:
            self.become(asked, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        watch = select.poll()
        watch.register(connection, select.POLLIN | select.POLLHUP)
        while True:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                send({"code": os.waitstatus_to_exitcode(status), "end": True})
                return
            if watch.poll(10):
                os.kill(pid, signal.SIGTERM)
                watch.unregister(connection)

    def become(self, asked: dict[str, Any], descriptors: list[int]) -> NoReturn:
        try:
            for number, descriptor in enumerate(descriptors):
                os.dup2(descriptor, number)
            syscall.setns(self.kernel.spaces[asked["node"]])
            self.resolve_as(asked["node"])
            os.execvpe(asked["command"][0], asked["command"], dict(os.environ) | asked.get("env", {}))
        except OSError as refused:
            os.write(2, f"budnet: {asked['command'][0]}: {refused.strerror}\n".encode())
        os._exit(127)

    def resolve_as(self, node: str) -> None:
        """Gives this process the resolv.conf of a node."""
        text = dict(self.stage.resolv).get(node)
        if text is None:
            return
        path = HOME / f"resolv.{os.getpid()}"
        path.write_text(text)
        syscall.unshare(syscall.NEWNS)
        with suppress(OSError):  # where a machine has no /etc/resolv.conf there is nothing to cover
            syscall.mount(str(path), "/etc/resolv.conf", flags=syscall.MS_BIND)

    def logs(self, node: str, send: Send) -> None:
        """What a server wrote."""
        for running in self.running:
            if running.process.name == node:
                send({"log": (running.directory / "log").read_text(errors="replace"), "end": True})
                return
        send({"error": f"no server runs at {node}: its listeners are budnet's own and write nothing", "end": True})

    def reap(self) -> None:
        """As the first process of its namespace the agent inherits every orphan."""
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _line(connection: socket.socket, answer: dict[str, Any]) -> None:
    connection.sendall(json.dumps(answer).encode() + b"\n")
