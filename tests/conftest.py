"""Fixtures for every test."""

from __future__ import annotations

import pytest

from budnet.ir.network import Network
from helpers import network_of


@pytest.fixture(scope="session")
def foundry() -> Network:
    """The reference topology."""
    return network_of("foundry")
