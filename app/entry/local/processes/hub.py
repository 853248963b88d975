"""Posts frames to the sockets of all workers, as API Gateway's management API does in the cloud."""

from collections.abc import Callable, Mapping
from contextlib import suppress

from app.api.sockets.push import Busy, Gone
from app.entry.local.processes.channel import Caller, Ended, Silent
from app.entry.local.sockets import SEPARATOR


class Hub:
    def __init__(self, callers: Callable[[], Mapping[str, Caller]]) -> None:
        """`callers` returns the callers of the running workers, by the names with which their connections begin."""
        self._callers = callers

    def post(self, connection_id: str, frame: bytes) -> None:
        """Raises Gone, Busy or TooLarge."""
        try:
            self._call("post", connection_id, frame)
        except Ended as error:
            raise Gone from error
        except Silent as error:
            raise Busy from error

    def close(self, connection_id: str) -> None:
        with suppress(Gone, Ended, Silent):
            self._call("close", connection_id)

    def _call(self, method: str, connection_id: str, *arguments: object) -> None:
        """Raises Gone if there is no such worker, or whatever the call raises."""
        caller = self._callers().get(connection_id.partition(SEPARATOR)[0])
        if caller is None:
            raise Gone
        caller.call(method, connection_id, *arguments)
