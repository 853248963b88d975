"""Record calls of a botocore client with their times."""

from threading import Lock
from time import monotonic, sleep
from typing import Any

CALL_SECONDS = 0.05
"""Least duration of a call, so that parallel calls overlap on a busy machine too."""


class Recorder:
    """Calls of a botocore client with their start and end."""

    def __init__(self, client: Any) -> None:
        self.calls: list[tuple[str, float, float]] = []
        self._started: dict[int, float] = {}
        self._lock = Lock()
        client.meta.events.register_first("before-call.dynamodb.*", self._before)
        client.meta.events.register_last("after-call.dynamodb.*", self._after)

    def _before(self, context: dict[str, Any], **_: object) -> None:
        context["started"] = monotonic()
        sleep(CALL_SECONDS)

    def _after(self, context: dict[str, Any], model: Any, **_: object) -> None:
        with self._lock:
            self.calls.append((model.name, context["started"], monotonic()))

    def rounds(self) -> int:
        """Calls that overlap in time are one round trip."""
        count, ends = 0, 0.0
        for _, start, end in sorted(self.calls, key=lambda call: call[1]):
            if start >= ends:
                count += 1
                ends = end
        return count
