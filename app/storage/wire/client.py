"""DynamoDB's client: calls for rows take a lean path, which costs a tenth of botocore's; botocore makes all others.

Answers and errors are the same. `tests/storage/wire/test_contract.py` sends calls both ways and compares them.
"""

from collections.abc import Callable, Mapping
from time import sleep
from typing import Any
from uuid import uuid4
from zlib import crc32

from botocore import exceptions
from botocore.client import BaseClient
from botocore.parsers import JSONParser
from botocore.session import Session

from app.deadline import remaining_seconds
from app.storage.timeouts import LEAST_SECONDS
from app.storage.wire import endpoint, rows
from app.storage.wire.http import Pool, Response
from app.storage.wire.retries import Retries, failure
from app.storage.wire.signature import Signer

OPERATIONS = frozenset(
    {
        "BatchGetItem",
        "BatchWriteItem",
        "DeleteItem",
        "GetItem",
        "PutItem",
        "Query",
        "Scan",
        "TransactGetItems",
        "TransactWriteItems",
        "UpdateItem",
    }
)
VERSION = "DynamoDB_20120810"
OK = 200
RETRIED = (
    exceptions.ChecksumError,
    exceptions.ClientError,
    exceptions.ConnectionError,
    exceptions.HTTPClientError,
)
"""Errors after which botocore's rules decide whether to try again."""
SKEWED = ("InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed", "SignatureDoesNotMatch")
"""Errors of a signature whose time is too far from the server's, among other causes."""


class Client:
    def __init__(
        self,
        build: Callable[[], BaseClient],
        session: Session,
        *,
        region: str,
        url: str | None,
        attempts: int,
        connect_timeout_seconds: float,
        read_timeout_seconds: float,
        pool_size: int,
    ) -> None:
        """`build` returns botocore's client, which is slow to build; `url` is None for AWS."""
        self._build, self._session = build, session
        url = url or endpoint.regional(session, region) or build().meta.endpoint_url
        self._lean = frozenset[str]() if endpoint.is_behind_proxy(url) else OPERATIONS
        self._pool = Pool(
            url,
            connect_timeout_seconds=connect_timeout_seconds,
            read_timeout_seconds=read_timeout_seconds,
            size=pool_size,
            tls=endpoint.tls(session, url),
        )
        self._signer = Signer(self._pool.host, self._pool.path, region)
        self._retries = Retries(attempts)
        self._agent = session.user_agent()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - botocore creates its classes at run time
        """Everything else that botocore's client has."""
        return getattr(self._build(), name)

    def close(self) -> None:
        self._pool.close()

    def _make_api_call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Calls an operation; PynamoDB calls this method of botocore's clients."""
        if operation not in self._lean:
            answer: dict[str, Any] = self._build()._make_api_call(operation, request)  # noqa: SLF001
            return answer
        if operation == "TransactWriteItems":  # a retry must not write twice
            request = {"ClientRequestToken": str(uuid4()), **request}
        body, call, attempt = rows.encode(request), dict[str, Any](), 1
        while True:
            response = None
            try:
                response = self._send(operation, body)
                answer = _read(operation, response)
            except RETRIED as error:
                pause_seconds = self._pause_seconds(attempt, call, response, error)
                if pause_seconds is None:
                    raise
            else:
                self._retries.succeeded(call, response)
                return answer
            sleep(pause_seconds)
            attempt += 1

    def _send(self, operation: str, body: bytes) -> Response:
        credentials = self._session.get_credentials()
        if credentials is None:
            raise exceptions.NoCredentialsError
        signed = self._signer.headers(credentials.get_frozen_credentials(), f"{VERSION}.{operation}", body)
        headers = {**signed, "User-Agent": self._agent, "Content-Length": len(body)}
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        request = f"POST {self._pool.path} HTTP/1.1\r\n{lines}\r\n".encode() + body
        return self._pool.send(request, max(remaining_seconds(), LEAST_SECONDS))

    def _pause_seconds(
        self, attempt: int, call: dict[str, Any], response: Response | None, error: Exception
    ) -> float | None:
        """Returns the pause before the next attempt; None for no other attempt."""
        if not isinstance(error, exceptions.ClientError):
            return self._retries.pause_seconds(failure(attempt, call, response, None, error))
        if response is not None and attempt == 1 and error.response["Error"]["Code"] in SKEWED:
            return 0.0 if self._signer.follow(response.headers.get("date")) else None
        return self._retries.pause_seconds(failure(attempt, call, response, error.response, None))


def _read(operation: str, response: Response) -> dict[str, Any]:
    """Returns the answer in a response, or raises the error in it."""
    checksum, actual = response.headers.get("x-amz-crc32"), crc32(response.content)
    if checksum is not None and checksum != str(actual):
        raise exceptions.ChecksumError(checksum_type="crc32", expected_checksum=checksum, actual_checksum=actual)
    if response.status_code != OK:
        raise _client_error(operation, response)
    try:
        answer: dict[str, Any] = rows.decode(response.content)
    except ValueError as error:
        raise exceptions.HTTPClientError(error=error) from error
    return answer


def _client_error(operation: str, response: Response) -> exceptions.ClientError:
    """Returns what botocore raises for an error response."""
    facts: Mapping[str, Any] = vars(response) | {"body": response.content}
    parsed = JSONParser().parse(facts, None)
    try:
        modeled = rows.decode(response.content)
    except ValueError:
        modeled = None
    if isinstance(modeled, dict):
        parsed |= {name: value for name, value in modeled.items() if name != "__type"}
    return exceptions.ClientError(parsed, operation)
