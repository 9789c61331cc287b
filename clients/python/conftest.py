"""What the tests share."""

import uuid

import pytest
from gateways import DIALECTS, Gateway, gateway


@pytest.fixture(params=DIALECTS, ids=[f"over_{dialect}" for dialect in DIALECTS])
def over(request) -> Gateway:
    """A gateway over each dialect in turn."""
    return gateway(request.param)


@pytest.fixture
def mark() -> str:
    """A word that no other test says."""
    return uuid.uuid4().hex
