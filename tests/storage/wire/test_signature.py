"""Requests are signed as botocore signs them, with credentials that botocore looks up and refreshes."""

from datetime import UTC, datetime, timedelta

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, RefreshableCredentials
from botocore.exceptions import (
    NoCredentialsError,
)

from app.storage.wire.signature import Signer
from tests.support.dynamodb_paths import FINE, Server, a_connection


class TestCredentials:
    @pytest.mark.parametrize("token", [None, "a token/+="])
    def test_the_signature_is_botocores(self, token: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
        credentials = Credentials("AKIDEXAMPLE", "a secret/+=", token)
        signer = Signer("dynamodb.eu-west-1.amazonaws.com", "/", "eu-west-1")
        headers = signer.headers(credentials.get_frozen_credentials(), "DynamoDB_20120810.GetItem", b"{}")
        request = AWSRequest(
            method="POST",
            url="https://dynamodb.eu-west-1.amazonaws.com/",
            data=b"{}",
            headers={name: headers[name] for name in ("Content-Type", "X-Amz-Target")},
        )
        auth = SigV4Auth(credentials, "dynamodb", "eu-west-1")
        moment = datetime.strptime(headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: moment)
        auth.add_auth(request)

        assert headers["Authorization"] == request.headers["Authorization"]

    def test_expiring_credentials_are_refreshed(self, server: Server) -> None:
        server.play(FINE)
        refreshed = iter(["second", "third"])

        def refresh() -> dict[str, str]:
            later = datetime.now(UTC) + timedelta(hours=1)
            name = next(refreshed)
            return {"access_key": name, "secret_key": name, "token": name, "expiry_time": later.isoformat()}

        soon = datetime.now(UTC) + timedelta(seconds=1)
        expiring = RefreshableCredentials("first", "first", "first", soon, refresh, "test")
        connection = a_connection(server.address, aws_access_key_id=None, aws_secret_access_key=None)
        connection.session._credentials = expiring  # noqa: SLF001
        connection.dispatch("GetItem", {})
        connection.client.close()

        [request] = server.requests
        assert request["X-Amz-Security-Token"] == "second"
        assert "Credential=second/" in request["Authorization"]

    def test_missing_credentials_are_looked_up_again(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HOME", "/nowhere")
        server.play(FINE)
        connection = a_connection(server.address, aws_access_key_id=None, aws_secret_access_key=None)
        with pytest.raises(NoCredentialsError):
            connection.dispatch("GetItem", {})
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "now")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "there")
        connection.dispatch("GetItem", {})
        connection.client.close()

        assert "Credential=now/" in server.requests[0]["Authorization"]
