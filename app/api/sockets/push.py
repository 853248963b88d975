"""The seam to live sockets: API Gateway's management API in the cloud, the server's own sockets locally."""

from typing import Protocol


class Gone(Exception):
    """The connection has ended."""


class Busy(Exception):
    """The connection or the gateway takes no more frames at the moment."""


class TooLarge(Exception):
    """The frame is larger than the gateway allows."""


class Pusher(Protocol):
    def post(self, connection_id: str, frame: bytes) -> None:
        """Raises Gone, Busy or TooLarge."""

    def close(self, connection_id: str) -> None:
        """Ends a connection after its last frame; a connection that is gone is ignored."""
