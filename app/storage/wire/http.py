"""HTTP/1.1 to one server over pooled connections. A whole exchange ends in time, however slowly its bytes drip."""

import socket
import ssl
from collections import deque
from dataclasses import dataclass, field
from time import monotonic
from urllib.parse import urlsplit
from weakref import finalize

from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)
from httptools import HttpParserError, HttpResponseParser
from urllib3.util.wait import wait_for_read

from app.deadline import patience_seconds

PORTS = {"http": 80, "https": 443}
READ_BYTES = 65_536


@dataclass
class Response:
    """A response, with the names by which botocore's retry conditions read it."""

    status_code: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    """Values by name in lower case."""
    content: bytes = b""


class Pool:
    """Connections to a server, which are kept open between requests.

    Raises:
        EndpointConnectionError, ConnectTimeoutError, SSLError: the server cannot be reached.
        ReadTimeoutError: the response did not arrive in time.
        ConnectionClosedError: the connection broke before the response was complete.
    """

    def __init__(
        self,
        url: str,
        *,
        connect_timeout_seconds: float,
        read_timeout_seconds: float,
        size: int,
        tls: ssl.SSLContext | None,
    ) -> None:
        """`size` connections are kept at most; more are opened when needed. `tls` is None for plain HTTP."""
        parts = urlsplit(url)
        self.url, self.host, self.path = url, parts.netloc, parts.path.rstrip("/") + "/"
        self._address = parts.hostname or "", parts.port or PORTS[parts.scheme]
        self._connect_seconds, self._read_seconds = connect_timeout_seconds, read_timeout_seconds
        self._size, self._tls = size, tls
        self._idle: deque[socket.socket] = deque()
        self._is_closed = False
        finalize(self, _close, self._idle)

    def send(self, request: bytes, seconds: float) -> Response:
        """Sends a whole request and returns its response, within `seconds`."""
        ends_at = monotonic() + seconds
        connection = self._kept() or self._connect(ends_at)
        try:
            response, is_lasting = self._exchange(connection, request, ends_at)
        except BaseException:
            connection.close()
            raise
        if is_lasting and len(self._idle) < self._size and not self._is_closed:
            self._idle.append(connection)
        else:
            connection.close()
        return response

    def close(self) -> None:
        self._is_closed = True
        _close(self._idle)

    def _kept(self) -> socket.socket | None:
        """Returns an idle connection that the server has not closed."""
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was quicker
                return None
            if not wait_for_read(connection, timeout=0):
                return connection
            connection.close()
        return None

    def _connect(self, ends_at: float) -> socket.socket:
        connection = None
        try:
            connection = socket.create_connection(self._address, min(self._connect_seconds, _left(ends_at)))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return self._tls.wrap_socket(connection, server_hostname=self._address[0]) if self._tls else connection
        except OSError as error:
            if connection is not None:
                connection.close()
            if isinstance(error, TimeoutError):
                raise ConnectTimeoutError(endpoint_url=self.url, error=error) from error
            kind = SSLError if isinstance(error, ssl.SSLError) else EndpointConnectionError
            raise kind(endpoint_url=self.url, error=error) from error

    def _exchange(self, connection: socket.socket, request: bytes, ends_at: float) -> tuple[Response, bool]:
        """Returns the response and whether the connection can be used again."""
        reading, read_seconds = _Reading(), max(self._read_seconds, patience_seconds())
        try:
            connection.settimeout(min(read_seconds, _left(ends_at)))
            connection.sendall(request)
            while not reading.is_complete:
                connection.settimeout(min(read_seconds, _left(ends_at)))
                received = connection.recv(READ_BYTES)
                if not received:
                    raise ConnectionResetError("the server closed the connection")
                reading.parser.feed_data(received)
        except TimeoutError as error:
            raise ReadTimeoutError(endpoint_url=self.url, error=error) from error
        except (OSError, HttpParserError) as error:
            raise ConnectionClosedError(endpoint_url=self.url, error=error) from error
        response = Response(reading.parser.get_status_code(), reading.headers, b"".join(reading.parts))
        return response, reading.is_lasting


class _Reading:
    """What httptools has read of a response; it calls the methods."""

    def __init__(self) -> None:
        self.parser = HttpResponseParser(self)
        self.headers: dict[str, str] = {}
        self.parts: list[bytes] = []
        self.is_complete = self.is_lasting = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, part: bytes) -> None:
        self.parts.append(part)

    def on_message_complete(self) -> None:
        self.is_complete, self.is_lasting = True, self.parser.should_keep_alive()


def _close(idle: deque[socket.socket]) -> None:
    while idle:
        idle.pop().close()


def _left(ends_at: float) -> float:
    left = ends_at - monotonic()
    if left <= 0:
        raise TimeoutError("the time of the exchange is over")
    return left
