"""A small ACME directory on loopback that can be told to do one thing wrong; the second reader of what our client signs."""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from budnet.pki.authority import Authority
from budnet.pki.issuer import Template

Reply = tuple[int, object, dict[str, str]]
"""Status, body (an object becomes JSON, bytes are sent as they are), headers."""


def problem(status: int, kind: str, detail: str, **more: Any) -> Reply:
    return status, {"type": f"urn:ietf:params:acme:error:{kind}", "detail": detail, **more}, {}


class Directory:
    """`faults` by path: called with how often it was asked before, returns what to answer instead, or nothing."""

    def __init__(self, host: str, names: list[str]) -> None:
        self.base, self.names = host, names
        self.authority = Authority("fake")
        self.faults: dict[str, Callable[[int], Reply | None]] = {}
        self.asked: list[str] = []
        self.nonces: set[str] = set()
        self.key: ec.EllipticCurvePublicKey | None = None
        self.answered: set[str] = set()
        self.chain = b""

    def answer(self, method: str, path: str, body: bytes) -> Reply:
        before = self.asked.count(path)
        self.asked.append(path)
        if path in self.faults and (wrong := self.faults[path](before)) is not None:
            return wrong
        if path == "/dir":
            return 200, {n: f"{self.base}/{n}" for n in ("newNonce", "newAccount", "newOrder")}, {}
        if path == "/newNonce":
            return 200, b"", {}
        payload = self.opened(path, json.loads(body))
        if path == "/newAccount":
            return 201, {"status": "valid"}, {"Location": f"{self.base}/account/1"}
        if path == "/newOrder":
            assert payload["identifiers"] == [{"type": "dns", "value": n} for n in self.names]
            return 201, self.order(), {"Location": f"{self.base}/order"}
        if path == "/finalize":
            request = x509.load_der_x509_csr(unbase64(payload["csr"]))
            assert request.is_signature_valid
            leaf = self.authority.issuer("web").issue(Template(self.names, timedelta(days=9)))
            public = request.public_key()
            old = leaf.certificate
            made = x509.CertificateBuilder(
                old.issuer, old.subject, public, old.serial_number, old.not_valid_before_utc, old.not_valid_after_utc
            )  # type: ignore[arg-type]
            self.chain = made.sign(self.authority.issuer("web").key, hashes.SHA256()).public_bytes(Encoding.PEM)
            return 200, self.order(), {}
        if path == "/order":
            return 200, self.order(), {}
        if path == "/certificate":
            return 200, self.chain, {}
        kind, _, number = path[1:].partition("/")
        name = self.names[int(number)]
        if kind == "challenge":
            assert payload == {}
            self.answered.add(name)
            return 200, {"status": "processing"}, {}
        state = "valid" if name in self.answered else "pending"
        challenges = [{"type": t, "url": f"{self.base}/challenge/{number}", "token": f"token-{number}"} for t in ("dns-01", "http-01")]
        return 200, {"status": state, "identifier": {"type": "dns", "value": name.removeprefix("*.")}, "challenges": challenges}, {}

    def order(self) -> dict[str, Any]:
        state = "valid" if self.chain else "ready" if len(self.answered) == len(self.names) else "pending"
        return {
            "status": state, "finalize": f"{self.base}/finalize", "certificate": f"{self.base}/certificate",
            "authorizations": [f"{self.base}/authorization/{n}" for n in range(len(self.names))],
        }  # fmt: skip

    def opened(self, path: str, body: dict[str, str]) -> Any:
        """The payload of a request, whose signature, URL, nonce and account are as they must be."""
        head = json.loads(unbase64(body["protected"]))
        assert head["alg"] == "ES256" and head["url"] == f"{self.base}{path}"
        self.nonces.remove(head["nonce"])
        assert ("jwk" in head) is (path == "/newAccount") is not ("kid" in head)
        if "jwk" in head:
            x, y = (int.from_bytes(unbase64(head["jwk"][n])) for n in "xy")
            self.key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        raw = unbase64(body["signature"])
        assert len(raw) == 64 and self.key is not None
        der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
        self.key.verify(der, f"{body['protected']}.{body['payload']}".encode(), ec.ECDSA(hashes.SHA256()))
        return json.loads(unbase64(body["payload"])) if body["payload"] else None


@contextmanager
def directory(folder: Path, names: list[str]) -> Iterator[tuple[Directory, Path]]:
    """One that runs, and the root that its own certificate is below."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            try:
                status, content, headers = here.answer(self.command, self.path, body)
            except Exception as wrong:  # what a test must see: our client's request was not as it should be
                status, content, headers = problem(400, "malformed", repr(wrong))
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            if self.command != "GET":
                here.nonces.add(nonce := f"n{len(here.asked)}")
                headers = {"Replay-Nonce": nonce} | headers
            for name, value in {"Content-Length": str(len(data)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        do_POST = do_HEAD = do_GET

        def log_message(self, *_: object) -> None: ...

    web = Authority("web")
    leaf = web.issuer("web").issue(Template(["localhost"], timedelta(days=1), "ec-p256"))
    (folder / "server.pem").write_bytes(leaf.chain + leaf.key)
    (folder / "root.pem").write_bytes(web.root)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.socket = context.wrap_socket(server.socket, server_side=True)
        here = Directory(f"https://localhost:{server.server_port}", names)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield here, folder / "root.pem"
        finally:
            server.shutdown()


def dribble(seconds: float) -> Callable[[int], Reply | None]:
    """Answers so late that no client waits."""

    def late(_: int) -> Reply | None:
        time.sleep(seconds)
        return None

    return late


def unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
