"""What carries frames to live sockets: API Gateway's management API in the cloud, the server's own sockets locally."""

from typing import Protocol


class Gone(Exception):
    """There is no such connection any more."""


class Busy(Exception):
    """The connection, or the gateway, takes no more at the moment."""


class TooLarge(Exception):
    """The frame is larger than the gateway takes."""


class Pusher(Protocol):
    def post(self, connection_id: str, frame: bytes) -> None:
        """Raises Gone, Busy or TooLarge."""

    def close(self, connection_id: str) -> None:
        """End a connection after what was posted; one that is gone is ended already."""
