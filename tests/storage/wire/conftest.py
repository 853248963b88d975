from collections.abc import Iterator

import pytest

from tests.support.dynamodb_paths import Server, scripted


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with scripted() as scripting:
        yield scripting
