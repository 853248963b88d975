"""Requests go where botocore would send them."""

from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    ProxyConnectionError,
)

from app.deadline import within
from tests.support.dynamodb_paths import TABLE, a_connection

KEY = {"key": {"S": "a"}}


def sent_to(client: Any) -> str:
    """Returns where botocore would send a request."""
    urls: list[str] = []

    def note(request: Any, **_: object) -> None:
        urls.append(request.url)
        raise ConnectionClosedError(endpoint_url=request.url)

    client.meta.events.register_first("before-send.dynamodb.*", note)
    with within(0.01), suppress(ConnectionClosedError):
        client.get_item(TableName=TABLE, Key=KEY)
    return urls[0]


class TestEndpoint:
    @pytest.fixture(autouse=True)
    def somewhere(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")

    @pytest.mark.parametrize(
        ("region", "variables"),
        [
            ("us-east-1", {}),
            ("cn-north-1", {}),
            ("us-gov-west-1", {"AWS_USE_FIPS_ENDPOINT": "true"}),
            ("eu-west-1", {"AWS_USE_DUALSTACK_ENDPOINT": "true"}),
            ("eu-west-1", {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}),
            ("eu-west-1", {"AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:9/path"}),
        ],
    )
    def test_it_is_botocores(self, region: str, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        connection = a_connection(None, region=region, aws_access_key_id=None, aws_secret_access_key=None)

        assert connection.client._pool.url.rstrip("/") == sent_to(connection._botocore()).rstrip("/")  # noqa: SLF001
        connection.client.close()

    def test_calls_through_a_proxy_are_botocores(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        connection = a_connection(None, aws_access_key_id=None, aws_secret_access_key=None)

        with pytest.raises(ProxyConnectionError):
            connection.dispatch("GetItem", {})
        connection.client.close()
