"""Fixtures for every test."""

from __future__ import annotations

import signal

import pytest

from budnet.ir.network import Network
from helpers import network_of

# a shell that starts tests in the background has them, and whatever they start, ignore Ctrl-C, which some of them send
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def foundry() -> Network:
    """The reference topology."""
    return network_of("foundry")
