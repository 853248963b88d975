"""A project whose model knows a small catalog."""

import httpx2
import pytest

from tests.support.api_calls import train


@pytest.fixture
def trained(client: httpx2.Client) -> httpx2.Client:
    train(client)
    return client
