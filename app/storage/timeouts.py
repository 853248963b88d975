"""Attempts of botocore's clients that end with the deadline of the current request, and responses that are whole.

They replace private parts of botocore; `tests/storage/test_timeouts.py` fails if these change.
"""

from http.client import HTTPResponse
from io import BufferedReader, RawIOBase
from socket import socket
from typing import Any

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session
from urllib3 import Timeout

from app.deadline import is_bounded, patience_seconds, remaining_seconds

LEAST_SECONDS = 0.05
"""What an attempt gets that starts at the very end."""


class _Bounded(RawIOBase):
    """The bytes of a response; the timeout of the socket alone bounds each read, not all of them."""

    def __init__(self, connection: socket, raw: RawIOBase) -> None:
        self._socket, self._raw = connection, raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - as in RawIOBase
        left = remaining_seconds()
        if is_bounded() and left < (self._socket.gettimeout() or left):
            if left <= 0:
                raise TimeoutError("The response did not arrive before the deadline.")
            self._socket.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _BoundedResponse(HTTPResponse):
    def __init__(self, sock: socket, *arguments: Any, **more: Any) -> None:  # noqa: ANN401 - http.client's
        super().__init__(sock, *arguments, **more)
        self.fp: Any = BufferedReader(_Bounded(sock, self.fp.detach()))


class _Connection(AWSHTTPConnection):  # type: ignore[misc]
    response_class = _BoundedResponse


class _TlsConnection(AWSHTTPSConnection):  # type: ignore[misc]
    response_class = _BoundedResponse


class _Pool(AWSHTTPConnectionPool):  # type: ignore[misc]
    ConnectionCls = _Connection


class _TlsPool(AWSHTTPSConnectionPool):  # type: ignore[misc]
    ConnectionCls = _TlsConnection


class DeadlineSession(URLLib3Session):  # type: ignore[misc]
    """Sends requests of a client; connecting, waiting for a response and reading it end with the deadline."""

    def send(self, request: Any) -> Any:  # noqa: ANN401 - botocore's signature
        """Sends a request. Raises ConnectionClosedError if the response is not whole, which botocore does not notice.

        It would take a response that was cut after its first line for one that says that there is no such row.
        """
        response = super().send(request)
        if request.method != "HEAD" and not request.stream_output and _is_cut(response):
            raise ConnectionClosedError(endpoint_url=request.url)
        return response

    def _get_request_timeout(self, request: Any) -> Timeout | None:  # noqa: ANN401 - botocore's signature
        if not is_bounded() and not patience_seconds():
            timeout: Timeout | None = super()._get_request_timeout(request)
            return timeout
        left = max(remaining_seconds(), LEAST_SECONDS) if is_bounded() else None
        read = max(self._timeout.read_timeout, patience_seconds())
        return Timeout(left, connect=self._timeout.connect_timeout, read=read)


def _is_cut(response: Any) -> bool:  # noqa: ANN401 - botocore's
    length = response.headers.get("Content-Length", "")
    if length.isdecimal():
        return len(response.content) != int(length)
    return response.status_code == 200 and "Transfer-Encoding" not in response.headers  # noqa: PLR2004 - OK


def end_with_deadline(client: Any) -> None:  # noqa: ANN401 - botocore creates its classes at run time
    """Makes all calls of a client end with the deadline of the request that they belong to, retries included."""
    session = client._endpoint.http_session  # noqa: SLF001
    session.__class__ = DeadlineSession
    session._manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}  # noqa: SLF001
    client.meta.events.register_first("needs-retry.*.*", _refuse_late_retry)


def _refuse_late_retry(attempts: int, response: object, **_: object) -> bool | None:
    """Returns False, which ends the retries, if the pause before the next attempt could outlast the deadline.

    botocore's standard mode pauses up to 2^(attempts - 1) seconds after an error response, at most 20 s:
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
    """
    longest_pause_seconds = 0.0 if response is None else 2.0 ** (attempts - 1)
    return False if remaining_seconds() < longest_pause_seconds + LEAST_SECONDS else None
