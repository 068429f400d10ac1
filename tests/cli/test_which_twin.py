"""A twin that is up is asked only about what it was made of."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from budnet.ir.digest import digests
from budnet.pipeline import load_text
from helpers import budnet, network_of

FILE = """\
budnet: 1
name: shop
networks:
  net: {cidr: 10.9.0.0/16, subnets: {apps: {cidr: 10.9.1.0/24, access: isolated}}}
tls:
  old: {minimum: "1.2", ciphers: [AES256-GCM-SHA384], ciphersuites: [TLS_AES_256_GCM_SHA384], key: rsa-2048}
services:
  web: {subnet: net/apps}
  clock: {subnet: net/apps, software: chrony, ports: {ntp: 123/udp}}
  db: {subnet: net/apps, software: redis, tls: old, ports: {cache: 6379/tcp}}
flows:
  - {from: web, to: db, port: cache}
"""
NAME = f"which-{os.getpid()}"


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "shop.yaml"
    path.write_text(FILE)
    yield path
    budnet("down", "--name", NAME)


@pytest.mark.live
def test_a_file_that_is_taken_otherwise_or_edited_is_another(file: Path) -> None:
    def ask(*arguments: str, verb: str = "probe") -> tuple[int, str]:
        run = budnet(verb, str(file), *arguments, "--name", NAME)
        return run.returncode, run.stderr

    assert ask(verb="up")[0] == 0
    assert ask("tls")[0] == 0
    code, said = ask("tls", "--literal")
    assert code == 4 and "--literal: they differ in tls profiles." in said, said
    assert f"budnet up {file} --literal --name {NAME}" in said
    assert "is up already" in ask("--literal", verb="up")[1]
    code, said = ask("--airgapped", verb="drill")
    assert code == 4 and "--airgapped: they differ in airgap." in said, said
    file.write_text("# more words, and a guarantee\n" + FILE + "guarantees:\n  - {never: {from: db, to: web}}\n")
    assert ask()[0] == 0
    file.write_text(FILE.replace("services:\n", "services:\n  jobs: {subnet: net/apps}\n"))
    code, said = ask()
    assert code == 4 and "endpoints" in said and "tls profiles" not in said
    assert "made of something else" in ask("certificates", verb="show")[1]


@pytest.mark.live
def test_one_of_another_topology_is_left_alone(file: Path) -> None:
    assert budnet("up", str(file), "--name", NAME).returncode == 0
    file.write_text(FILE.replace("name: shop", "name: other"))
    assert budnet("probe", str(file), "--name", NAME).returncode == 0
    assert budnet("ps", "--name", NAME).returncode == 0


def test_digests_are_of_what_is_meant() -> None:
    network = network_of("foundry")
    program = "from budnet.ir.digest import digests; from budnet.pipeline import load; print(digests(load('catalog/foundry').network))"
    for seed in ("1", "2"):
        run = subprocess.run([sys.executable, "-c", program], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True)
        assert run.stdout.strip() == str(digests(network)), run.stderr
    one, two = (digests(n) for text in (FILE, FILE.replace("6379", "6380")) if (n := load_text(text.encode(), "x)'.yaml", {}).network))
    assert {part for part in one if one[part] != two[part]} == {"endpoints", "security_groups", "flows"}
