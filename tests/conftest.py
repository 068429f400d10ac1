"""Fixtures for every test."""

from __future__ import annotations

import pytest
from helpers import network_of

from budnet.ir.network import Network


@pytest.fixture(scope="session")
def foundry() -> Network:
    """The reference topology."""
    return network_of("foundry")
