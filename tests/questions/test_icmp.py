"""Questions about ICMP: by type and code, and each of the two over its own IP."""

from __future__ import annotations

import json

import pytest

from budnet.ir import icmp
from budnet.questions import asked, focus
from helpers import GOLDEN, budnet
from questions.shop import SHOP, written

PINGS = str(GOLDEN / "pings" / "topology.yaml")


@pytest.mark.parametrize(
    ("written", "first", "last"),
    [("8", 2048, 2303), ("3:4", 772, 772), ("0-8", 0, 2303), ("3:0-3:4", 768, 772), ("0:1-7", 1, 2047), ("0-255", 0, 65535)],
)
def test_messages_are_numbers(written: str, first: int, last: int) -> None:
    assert icmp.read(written) == (first, last)
    assert icmp.read(icmp.spelt(first, last)) == (first, last)


@pytest.mark.parametrize("text", ["", "256", "3:256", "8:", ":4", "8-", "a", "3:4:5", "1234"])
def test_what_is_no_message(text: str) -> None:
    assert icmp.read(text) is None


@pytest.mark.parametrize("text", ["300/icmp", "8:/icmp", "x/icmpv6", "8/icmp/1", "9-8/icmp"])
def test_what_is_no_port(text: str) -> None:
    with pytest.raises(focus.WrongQuestion):
        focus.ports(text)
    assert asked.written(text) is None or text == "9-8/icmp"


@pytest.mark.parametrize(
    ("source", "destination", "port", "reachable"),
    [
        ("monitor", "store", "icmp", True),
        ("monitor", "store", "icmpv6", True),
        ("monitor", "store", "8/icmp", True),
        ("monitor", "store", "13/icmp", False),  # a timestamp
        ("batch", "store", "13/icmp", True),
        ("batch", "store", "icmpv6", False),
        ("partners", "gate", "3:4/icmp", True),
        ("partners", "gate", "3:3/icmp", False),
        ("monitor", "partners", "icmp", True),
        ("monitor", "partners", "icmpv6", False),
        ("198.51.100.1", "gate", "icmp", False),
    ],
)
def test_reach(source: str, destination: str, port: str, reachable: bool) -> None:
    run = budnet("reach", source, destination, port, "-f", PINGS, "--format", "json")
    assert json.loads(run.stdout)["reachable"] is reachable


def test_an_icmp_that_the_two_do_not_speak(tmp_path: object) -> None:
    run = budnet("reach", "other/probe", "shop/db", "icmpv6", "--from", written(tmp_path, SHOP))  # type: ignore[arg-type]
    assert run.returncode == 3 and "ask for icmp" in run.stderr


def test_the_change_that_explain_writes_opens_this_message_alone(tmp_path: object) -> None:
    run = budnet("explain", "agent", "store", "8/icmp", "-f", PINGS, "--format", "json")
    (change,) = json.loads(run.stdout)["changes"]
    assert change["write"].endswith("{from: agent, to: store, port: 8:0/icmp}")


def test_the_matrix_of_a_type() -> None:
    run = budnet("matrix", PINGS, "--port", "13/icmp", "--format", "csv")
    pairs = [line.split(",")[:2] for line in run.stdout.splitlines()[1:]]
    assert pairs == [["right/work/batch-0", "left/vault/store"], ["right/work/batch-1", "left/vault/store"]]
