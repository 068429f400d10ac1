"""The second judge: OpenSSL by Python's ssl and by its own client, one handshake for each version and suite.

Run as a program where the server can be reached: `judge.py ADDRESS PORT STARTTLS`, and it prints what `Seen.suites` has.
"""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys

VERSIONS = {"TLS 1.0": ssl.TLSVersion.TLSv1, "TLS 1.1": ssl.TLSVersion.TLSv1_1, "TLS 1.2": ssl.TLSVersion.TLSv1_2}
SUITES_13 = ("TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256")


def suites() -> list[str]:
    """Every suite below TLS 1.3 that this OpenSSL can use with a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:COMPLEMENTOFALL:!PSK:!SRP:!aNULL:@SECLEVEL=0")
    return [c["name"] for c in context.get_ciphers() if not c["name"].startswith("TLS_")]


def takes(address: str, port: int, starttls: bool, version: ssl.TLSVersion, offered: list[str]) -> str:
    """The suite that was agreed on; empty where none was."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers(":".join(offered) + ":@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    try:
        with socket.create_connection((address, port), 3) as plain:
            if starttls:
                plain.sendall(bytes.fromhex("0000000804d2162f"))
                assert plain.recv(1) == b"S"
            with context.wrap_socket(plain) as secure:
                cipher = secure.cipher()
                return cipher[0] if cipher else ""
    except OSError:
        return ""


def takes_13(address: str, port: int, starttls: bool, suite: str) -> bool:
    """Python cannot choose suites of TLS 1.3; OpenSSL's own client can."""
    command = ["openssl", "s_client", "-tls1_3", "-ciphersuites", suite, "-connect", f"{address}:{port}"]
    command += ["-starttls", "postgres"] if starttls else []
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10)
    return f"Cipher is {suite}" in done.stdout


def judge(address: str, port: int, starttls: bool) -> dict[str, list[str]]:
    """By version, sorted."""
    found: dict[str, list[str]] = {}
    for name, version in VERSIONS.items():
        left = suites()
        while left and (suite := takes(address, port, starttls, version, left)):
            found.setdefault(name, []).append(suite)
            left.remove(suite)
    found["TLS 1.3"] = [s for s in SUITES_13 if takes_13(address, port, starttls, s)]
    return {name: sorted(listed) for name, listed in found.items() if listed}


if __name__ == "__main__":
    print(json.dumps(judge(sys.argv[1], int(sys.argv[2]), bool(sys.argv[3]))))
