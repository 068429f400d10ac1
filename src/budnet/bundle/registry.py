"""The part of the OCI distribution specification 1.1 that carries manifests and blobs, for pulling and pushing by digest.

Our own client, because a node of the twin has no other. Credentials are not spoken: a registry that asks for them is said to.
TLS is always checked; without TLS it speaks to loopback only.
"""

from __future__ import annotations

import http.client
import json
import ssl
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from budnet.bundle import oci
from budnet.bundle.oci import BadBundle, Descriptor

_ACCEPT = ", ".join((*oci.MANIFESTS, *oci.INDEXES))
_PIECE = 1 << 20
_SECONDS = 30.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Registry:
    """One registry. `host` is the name in its certificate, where it is reached by another one or by its address."""

    def __init__(self, address: str, port: int, authority: Path | None = None, host: str = "", tls: bool = True) -> None:
        if not tls and address not in _LOOPBACK:
            raise BadBundle(f"{address} is spoken to over TLS only")
        self.address, self.port, self.host, self.tls = address, port, host or address, tls
        self._context = ssl.create_default_context(cafile=str(authority) if authority else None) if tls else None

    def manifest(self, name: str, reference: str) -> tuple[Descriptor, bytes]:
        """By tag or by digest; its descriptor is made of the bytes that came."""
        with closing(self._connect()) as line:
            answer = self._ask(line, "GET", f"/v2/{name}/manifests/{reference}", {"Accept": _ACCEPT})
            data = answer.read(oci.LARGEST_MANIFEST + 1)
            kind = str(oci.read_json(data, f"manifest {name}:{reference}").get("mediaType") or answer.headers.get("Content-Type", ""))
        return oci.of(data, kind), data

    def blob(self, name: str, wanted: Descriptor) -> Iterator[bytes]:
        """Its bytes, as they come; the caller checks them against the digest."""
        with closing(self._connect()) as line:
            answer = self._ask(line, "GET", f"/v2/{name}/blobs/{wanted.digest}")
            while piece := answer.read(_PIECE):
                yield piece

    def push_blob(self, name: str, what: Descriptor, content: IO[bytes]) -> bool:
        """Whether it had to be sent: what is there is left."""
        with closing(self._connect()) as line:
            if self._ask(line, "HEAD", f"/v2/{name}/blobs/{what.digest}", missing=True).status == 200:
                return False
        with closing(self._connect()) as line:
            place = self._ask(line, "POST", f"/v2/{name}/blobs/uploads/", {"Content-Length": "0"}).headers["Location"]
        where = urlsplit(place)
        path = f"{where.path}?{where.query}{'&' if where.query else ''}digest={what.digest}"
        with closing(self._connect()) as line:
            self._ask(line, "PUT", path, {"Content-Length": str(what.size), "Content-Type": "application/octet-stream"}, content)
        return True

    def push_manifest(self, name: str, reference: str, what: Descriptor, data: bytes) -> None:
        """A manifest whose blobs are there already."""
        with closing(self._connect()) as line:
            headers = {"Content-Type": what.media_type, "Content-Length": str(len(data))}
            self._ask(line, "PUT", f"/v2/{name}/manifests/{reference}", headers, data)

    def _connect(self) -> http.client.HTTPConnection:
        if self._context is None:
            return http.client.HTTPConnection(self.address, self.port, timeout=_SECONDS)
        line = _Named(self.address, self.port, timeout=_SECONDS, context=self._context)
        line.name = self.host
        return line

    def _ask(
        self, line: http.client.HTTPConnection, verb: str, path: str, headers: Mapping[str, str] = {}, body: IO[bytes] | bytes | None = None,
        missing: bool = False,
    ) -> http.client.HTTPResponse:  # fmt: skip
        try:
            line.request(verb, path, body=body, headers={"Host": f"{self.host}:{self.port}", **headers})
            answer = line.getresponse()
        except (OSError, http.client.HTTPException) as refused:
            raise BadBundle(f"registry {self.host}:{self.port} does not answer: {refused}") from None
        if answer.status == 401:
            raise BadBundle(f"registry {self.host}:{self.port} asks for credentials, which this client does not have")
        if answer.status >= 300 and not missing:
            raise BadBundle(f"registry {self.host}:{self.port} says {answer.status} {answer.reason} to {verb} {path.partition('?')[0]}")
        if missing:
            answer.read()
        return answer


class _Named(http.client.HTTPSConnection):
    """Connects to an address and expects a name."""

    name = ""

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        context: ssl.SSLContext = self._context  # type: ignore[attr-defined]
        self.sock = context.wrap_socket(self.sock, server_hostname=self.name)


def pull(registry: Registry, name: str, reference: str) -> str:
    """The digest of a manifest with everything below it, each byte checked; nothing is kept. BadBundle says what is wrong."""
    import hashlib

    top, data = registry.manifest(name, reference)
    held = {top.digest: data}

    def read(each: Descriptor) -> bytes:
        if each.digest not in held:
            found, held[each.digest] = registry.manifest(name, each.digest)
            if found.digest != each.digest:
                raise BadBundle(f"{name}@{each.digest} is {found.digest}")
        return held[each.digest]

    for each in oci.leads_to(top, read):
        if each.media_type in (*oci.MANIFESTS, *oci.INDEXES):
            read(each)
            continue
        digest, size = hashlib.sha256(), 0
        for piece in registry.blob(name, each):
            digest.update(piece)
            size += len(piece)
        if f"sha256:{digest.hexdigest()}" != each.digest or size != each.size:
            raise BadBundle(f"blob {each.digest} of {name} has other bytes than its digest says")
    return top.digest


def main(arguments: list[str]) -> None:
    """For nodes of the twin: one JSON object with `do` and what it needs as argument; prints one JSON list of answers."""
    said = json.loads(arguments[0])
    registry = Registry(said["address"], said["port"], Path(said["authority"]) if said["authority"] else None, said["host"], said["tls"])
    answers = []
    for row in said["rows"]:
        try:
            if said["do"] == "push":
                from budnet.bundle.push import push_one

                answers.append(push_one(registry, Path(said["bundle"]), *row))
            else:
                answers.append(pull(registry, *row))
        except BadBundle as wrong:
            answers.append(str(wrong))
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
