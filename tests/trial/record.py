"""What was seen of a server under one attack."""

from collections import Counter
from dataclasses import dataclass, field
from threading import Lock
from time import perf_counter
from typing import Any

import httpx2

DEADLINE_SECONDS = 3.0
"""Of the servers on trial; production gives requests 10 s."""
GRACE_SECONDS = 1.0
MOST_BYTES = 5 * 1024 * 1024
MOST_FAULTS = 5


@dataclass
class Record:
    """Thread-safe; what is in `faults` did not hold."""

    tried: int = 0
    lost: int = 0
    """Acknowledged writes that are not there."""
    doubled: int = 0
    late: int = 0
    """Requests whose response took longer than the deadline and a second, or never came."""
    large: int = 0
    """Responses above 5 MB."""
    slowest: float = 0.0
    notes: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    health_p99: float | None = None
    """Seconds of health checks meanwhile; None if they were not watched."""
    _lock: Lock = field(default_factory=Lock)

    @property
    def held(self) -> bool:
        return not (self.lost or self.doubled or self.late or self.large or self.faults)

    def fault(self, what: str) -> None:
        with self._lock:
            self.faults[what] += 1

    def expect(self, holds: object, what: str) -> None:
        if not holds:
            self.fault(what)

    def note(self, what: str) -> None:
        self.notes.append(what)

    def send(
        self, client: httpx2.Client, method: str, path: str, *statuses: int, may_break: bool = False, **more: Any
    ) -> httpx2.Response | None:
        """Sends a request, whose response must have one of the statuses. Returns None if there is no response.

        `may_break` is for servers that are killed meanwhile.
        """
        start = perf_counter()
        try:
            response = client.request(method, path, **more)
        except httpx2.TimeoutException:
            self.add(perf_counter() - start, 0, 0)
            return None
        except httpx2.TransportError as error:
            if not may_break:
                self.fault(f"{method} {path.partition('?')[0]}: {type(error).__name__}")
            return None
        self.add(perf_counter() - start, response.status_code, len(response.content))
        if response.status_code not in statuses:
            self.fault(f"{method} {path.partition('?')[0]}: {response.status_code} {response.text[:120]}")
        return response

    def add(self, seconds: float, status: int, size: int) -> None:
        """Adds a response; status 0 if none came."""
        with self._lock:
            self.tried += 1
            self.statuses[status] += 1
            self.slowest = max(self.slowest, seconds)
            self.late += status == 0 or seconds > DEADLINE_SECONDS + GRACE_SECONDS
            self.large += size > MOST_BYTES
