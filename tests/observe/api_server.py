"""An API server's lists, over HTTPS on loopback, from manifests: discovery, pages, tokens, and whatever is to go wrong."""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

TOKEN = "a-token-of-a-reader"
PLURALS = {"NetworkPolicy": "networkpolicies", "Ingress": "ingresses", "IngressClass": "ingressclasses", "Endpoints": "endpoints"}


@dataclass
class Api:
    """What is served, and how. `status`: instead of a list, by its path; `calls`: every request as it came."""

    objects: list[dict[str, Any]]
    status: dict[str, int] = field(default_factory=dict)
    expired: dict[str, int] = field(default_factory=dict)
    """How often the second piece of a list is too old."""
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    """(method, path, token)."""
    page: int = 3
    hang: float = 0.0
    more: tuple[tuple[str, str, str], ...] = ()
    """(group, version, kind) that are served though there is none."""
    tables: dict[tuple[str, str], dict[str, str]] = field(init=False)
    """(group, version) -> kind -> plural."""

    def __post_init__(self) -> None:
        self.tables = {("", "v1"): {}}
        for group, version, kind in (*((*_api(o), o["kind"]) for o in self.objects), *self.more):
            self.tables.setdefault((group, version), {})[kind] = PLURALS.get(kind, kind.lower() + "s")

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        if path in self.status:
            code = self.status[path]
            return code, {
                "kind": "Status",
                "status": "Failure",
                "code": code,
                "message": f"{path.rpartition('/')[2]} is forbidden to reader",
            }
        if path == "/apis":
            return 200, {"kind": "APIGroupList", "groups": [self._group(g) for g in sorted({g for g, _ in self.tables if g})]}
        parts = path.strip("/").split("/")
        group, version = ("", parts[1]) if parts[0] == "api" else (parts[1], parts[2])
        resources = self.tables.get((group, version))
        if resources is None:
            return 404, {"kind": "Status", "code": 404, "message": "the server could not find the requested resource"}
        name = parts[2 if parts[0] == "api" else 3 :]
        if not name:
            rows = [{"name": plural, "kind": kind, "verbs": ["get", "list"]} for kind, plural in resources.items()]
            return 200, {"kind": "APIResourceList", "resources": [*rows, {"name": "pods/log", "kind": "Pod", "verbs": ["get"]}]}
        (kind,) = [k for k, plural in resources.items() if [plural] == name]
        return self._page(path, [o for o in self.objects if (*_api(o), o["kind"]) == (group, version, kind)], kind, query)

    def _group(self, group: str) -> dict[str, Any]:
        versions = sorted((v for g, v in self.tables if g == group), reverse=True)
        return {"name": group, "versions": [{"version": v} for v in versions], "preferredVersion": {"version": versions[0]}}

    def _page(self, path: str, found: list[dict[str, Any]], kind: str, query: dict[str, str]) -> tuple[int, Any]:
        start = int(query.get("continue", 0))
        if start and self.expired.get(path, 0) > 0:
            self.expired[path] -= 1
            return 410, {"kind": "Status", "code": 410, "message": "The provided continue parameter is too old"}
        end = start + min(self.page, int(query["limit"]))
        meta = {"resourceVersion": "7"} | ({"continue": str(end)} if end < len(found) else {})
        items = [{k: v for k, v in o.items() if k not in ("kind", "apiVersion")} for o in found[start:end]]
        return 200, {"kind": f"{kind}List", "apiVersion": "v1", "metadata": meta, "items": items or None}


def _api(of: dict[str, Any]) -> tuple[str, str]:
    group, _, version = of["apiVersion"].rpartition("/")
    return group, version


@contextmanager
def served(api: Api, folder: Path, trusted: bool = True, token: str = TOKEN) -> Iterator[Path]:
    """The server while it runs; yields a kubeconfig with the contexts `shop` and `nowhere`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version, wbufsize = "HTTP/1.1", -1

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            api.calls.append((self.command, url.path, self.headers.get("authorization", "")))
            if api.hang:
                stopped.wait(api.hang)
            allowed = self.headers.get("authorization") == f"Bearer {TOKEN}"
            status, body = api.answer(url.path, dict(parse_qsl(url.query))) if allowed else (401, {"message": "Unauthorized"})
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    stopped = threading.Event()
    certificate, key = _certificate()
    pem = folder / "server.pem"
    pem.write_bytes(key + certificate)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    ca = certificate if trusted else _certificate()[0]
    config = folder / "kubeconfig"
    clusters = {"shop": server.server_port, "nowhere": 1}
    config.write_text(yaml.safe_dump({
        "apiVersion": "v1", "kind": "Config", "current-context": "shop",
        "clusters": [{"name": n, "cluster": {"server": f"https://127.0.0.1:{port}", "certificate-authority-data": base64.b64encode(ca).decode()}} for n, port in clusters.items()],
        "contexts": [{"name": n, "context": {"cluster": n, "user": "reader"}} for n in clusters],
        "users": [{"name": "reader", "user": {"token": token}}],
    }))  # fmt: skip
    try:
        yield config
    finally:
        stopped.set()
        server.shutdown()
        server.server_close()


def _certificate() -> tuple[bytes, bytes]:
    """Signed by itself, for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kube-apiserver")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1)).not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made.public_bytes(serialization.Encoding.PEM), private
