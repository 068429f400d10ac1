"""ACME against a directory that does one thing wrong: every refusal is a sentence with the server's own reason."""

from __future__ import annotations

import hashlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest

from acme_directory import Directory, directory, dribble, problem, unbase64
from budnet.errors import OrderRefused
from budnet.pki import acme, keys
from budnet.pki.acme.challenges import answer
from budnet.pki.acme.jws import Key
from budnet.pki.issuer import Leaf

NAMES = ["*.shop.example", "shop.example"]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Directory, Path]]:
    with directory(tmp_path, NAMES) as found:
        yield found


def ordered(served: tuple[Directory, Path], challenge: str = acme.DNS, patience: float = 5.0) -> tuple[Leaf, list[tuple[str, str]]]:
    here, root = served
    shown: list[tuple[str, str]] = []
    request = acme.Request(f"{here.base}/dir", NAMES, challenge, acme.account(), "ec-p256", root, 0.01, patience)
    return acme.order(request, lambda where, what: shown.append((where, what))), shown


def test_an_order_is_made(served: tuple[Directory, Path]) -> None:
    leaf, shown = ordered(served)
    assert [where for where, _ in shown] == ["_acme-challenge.shop.example"] * 2
    assert all(len(unbase64(what)) == 32 for _, what in shown)
    assert keys.kind_of(leaf.certificate.public_key()) == "ec-p256"
    assert served[0].asked == [
        "/dir", "/newNonce", "/newAccount", "/newOrder", "/authorization/0", "/authorization/1", "/challenge/0", "/challenge/1",
        "/authorization/0", "/authorization/1", "/order", "/finalize", "/order", "/certificate",
    ]  # fmt: skip


def test_what_is_shown_by_each_challenge() -> None:
    key = Key(acme.account())
    host, whole = answer(acme.HTTP, "a.example", "t", key)
    assert (host, whole) == ("a.example", f"t.{key.thumbprint}")
    digest = hashlib.sha256(whole.encode()).digest()
    where, text = answer(acme.DNS, "a.example", "t", key)
    assert (where, unbase64(text)) == ("_acme-challenge.a.example", digest)
    assert answer(acme.ALPN, "a.example", "t", key) == ("a.example", digest.hex())


def test_an_account_needs_a_key_that_es256_signs_with() -> None:
    with pytest.raises(ValueError, match="P-256"):
        Key(keys.pem(keys.generate("ed25519")))


def test_a_stale_nonce_is_replaced(served: tuple[Directory, Path]) -> None:
    served[0].faults["/newOrder"] = lambda n: problem(400, "badNonce", "too old") if n < 3 else None
    ordered(served)
    assert served[0].asked.count("/newNonce") == 1, "the refusal brings the next nonce along"


def test_nonces_that_are_never_good_end_it(served: tuple[Directory, Path]) -> None:
    served[0].faults["/newOrder"] = lambda n: problem(400, "badNonce", "too old")
    with pytest.raises(OrderRefused, match="badNonce: too old"):
        ordered(served)


@pytest.mark.parametrize("date", [False, True])
def test_a_rate_limit_says_when_to_come_back(served: tuple[Directory, Path], date: bool) -> None:
    after = formatdate(time.time() + 121, usegmt=True) if date else "120"
    status, body, _ = problem(429, "rateLimited", "too many certificates already issued")
    served[0].faults["/newOrder"] = lambda n: (status, body, {"Retry-After": after})
    with pytest.raises(OrderRefused, match=r"rateLimited: too many certificates already issued; ask again in 1(20|19|21) s"):
        ordered(served)


def test_each_name_that_is_refused_is_named(served: tuple[Directory, Path]) -> None:
    below = [{"type": "urn:ietf:params:acme:error:caa", "detail": "CAA forbids it", "identifier": {"type": "dns", "value": "shop.example"}}]
    served[0].faults["/newOrder"] = lambda n: problem(403, "rejectedIdentifier", "not all", subproblems=below)
    with pytest.raises(OrderRefused, match=r"rejectedIdentifier: not all; shop.example: caa: CAA forbids it"):
        ordered(served)


def test_an_authorization_that_fails(served: tuple[Directory, Path]) -> None:
    error = {"type": "urn:ietf:params:acme:error:unauthorized", "detail": "no TXT record"}
    body = {"status": "invalid", "identifier": {"value": "shop.example"}, "challenges": [{"type": "dns-01", "error": error}]}
    served[0].faults["/authorization/1"] = lambda n: (200, body, {}) if n else None
    with pytest.raises(OrderRefused, match=r"the challenge failed for shop.example: unauthorized: no TXT record"):
        ordered(served)


def test_an_order_that_becomes_invalid(served: tuple[Directory, Path]) -> None:
    error = {"type": "urn:ietf:params:acme:error:badCSR", "detail": "a key that is known to be lost"}
    served[0].faults["/order"] = lambda n: (200, {"status": "invalid", "error": error}, {})
    with pytest.raises(OrderRefused, match="the order was refused: badCSR: a key that is known to be lost"):
        ordered(served)


def test_it_asks_as_often_as_the_server_likes(served: tuple[Directory, Path]) -> None:
    served[0].faults["/order"] = lambda n: (200, {"status": "processing"}, {"Retry-After": "1"}) if served[0].chain and n < 2 else None
    began = time.monotonic()
    ordered(served)
    assert time.monotonic() - began >= 1 and served[0].asked.count("/order") == 3


def test_a_server_that_never_decides(served: tuple[Directory, Path]) -> None:
    served[0].faults["/order"] = lambda n: (200, {"status": "pending"}, {})
    with pytest.raises(OrderRefused, match=r"has not done it within 0\.3 s"):
        ordered(served, patience=0.3)


def test_a_slow_server(served: tuple[Directory, Path]) -> None:
    served[0].faults["/newAccount"] = dribble(3)
    began = time.monotonic()
    with pytest.raises(OrderRefused, match=r"has not done it within 0\.3 s"):
        ordered(served, patience=0.3)
    assert time.monotonic() - began < 2


def test_a_server_that_sends_a_byte_at_a_time(tmp_path: Path) -> None:
    with directory(tmp_path, NAMES) as (_, root):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "server.pem")
        with socket.create_server(("127.0.0.1", 0)) as door:

            def talk() -> None:
                with context.wrap_socket(door.accept()[0], server_side=True) as tls:
                    for byte in b"HTTP/1.1 200 OK\r\n" * 20:
                        try:
                            tls.send(bytes([byte]))
                        except OSError:
                            return
                        time.sleep(0.05)

            threading.Thread(target=talk, daemon=True).start()
            url = f"https://localhost:{door.getsockname()[1]}/dir"
            began = time.monotonic()
            with pytest.raises(OrderRefused, match="has not done it within"):
                acme.order(acme.Request(url, NAMES, acme.DNS, acme.account(), trust=root, patience=0.3), lambda a, b: None)
            assert time.monotonic() - began < 2


@pytest.mark.parametrize(("path", "body", "says"), [
    ("/dir", b"<html>", "it is no JSON object but b'<html>'"),
    ("/dir", b"[1]", "it is no JSON object"),
    ("/dir", {"newNonce": 3}, "it has no 'newNonce'"),
    ("/dir", {"newNonce": "http://localhost/n", "newAccount": "x", "newOrder": "x"}, "'http://localhost/n' is no https URL"),
    ("/dir", {"newNonce": "x", "newAccount": "x", "newOrder": "x", "meta": {"externalAccountRequired": True}}, "externalAccountRequired"),
    ("/newAccount", {}, "it has no header Location"),
    ("/authorization/0", {"status": "pending"}, "it has no 'value'"),
    ("/authorization/0", {"status": "pending", "identifier": {"value": "a"}, "challenges": [{"type": "x-9"}]}, "offers no dns-01 for a, only x-9"),
    ("/order", {"finalize": "x"}, "it has no 'status'"),
    ("/certificate", b"no PEM", "there is no certificate in it"),
])  # fmt: skip
def test_answers_that_make_no_sense(served: tuple[Directory, Path], path: str, body: object, says: str) -> None:
    served[0].faults[path] = lambda n: (200, body, {})
    with pytest.raises(OrderRefused) as refused:
        ordered(served)
    assert says in str(refused.value)


def test_a_certificate_of_another_key(served: tuple[Directory, Path]) -> None:
    served[0].faults["/certificate"] = lambda n: (200, served[0].authority.root, {})
    with pytest.raises(OrderRefused, match="of another key"):
        ordered(served)


def test_an_error_page_is_shown_as_it_is(served: tuple[Directory, Path]) -> None:
    served[0].faults["/newOrder"] = lambda n: (503, b"under repair", {"Retry-After": "30"})
    with pytest.raises(OrderRefused, match="the server refused: 503 under repair; ask again in 30 s"):
        ordered(served)


def test_a_directory_that_is_not_trusted(served: tuple[Directory, Path], tmp_path: Path) -> None:
    (tmp_path / "other.pem").write_bytes(served[0].authority.root)
    with pytest.raises(OrderRefused, match=r"the directory's own certificate is not trusted: .*issuer certificate|self-signed"):
        ordered((served[0], tmp_path / "other.pem"))


def test_nobody_listens(tmp_path: Path) -> None:
    with directory(tmp_path, NAMES) as (here, root):
        gone = here.base
    with pytest.raises(OrderRefused, match=r"localhost cannot be reached: .*refused"):
        acme.order(acme.Request(f"{gone}/dir", NAMES, acme.DNS, acme.account(), trust=root), lambda a, b: None)
