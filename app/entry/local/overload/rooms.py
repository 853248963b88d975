"""The gates of one server: for administration, and for everything else. Health checks pass without one."""

import time
from asyncio import AbstractEventLoop, BaseTransport

from cachetools import LRUCache

from app import telemetry
from app.domain.access import Principal
from app.entry.local.overload.gate import Gate
from app.entry.local.overload.limit import FixedLimit, GradientLimit

HEALTH = "/health/"
API = "/v1/"
ADMINISTRATION = ("/v1/keys", "/v1/principal", "/v1/projects", "/v1/usage")
ADMINISTRATION_REQUESTS = 2
LEAST_REQUESTS = 2
"""One interpreter computes for one at a time; how many more may wait for the database, the limit finds out."""
MOST_WAITING, MOST_ARRIVING = 3, 4
"""How many times as many requests may wait for a place, or for their body, as may be in progress."""
MOST_CONNECTIONS = 1_000
"""Beyond it, a new connection closes one that is idle."""
MOST_HOLDERS = 20_000
UNKNOWN = ""
"""Holder of all requests whose credentials have not been accepted yet, and of those without."""
TICK_SECONDS, REPORT_SECONDS = 0.02, 1.0


class Rooms:
    def __init__(self, max_requests: int, most_connections: int = MOST_CONNECTIONS) -> None:
        self.most_connections = most_connections
        self.idle: dict[BaseTransport, None] = {}
        """Connections without a request, longest idle first."""
        self.most_waiting = MOST_WAITING * max_requests
        limit, administration = GradientLimit(LEAST_REQUESTS, max_requests), FixedLimit(ADMINISTRATION_REQUESTS)
        self.work = Gate(limit, self.most_waiting, time.monotonic)
        self.administration = Gate(administration, self.most_waiting, time.monotonic)
        self.arriving, self.most_arriving = 0, MOST_ARRIVING * max_requests
        self._holders: LRUCache[int, str] = LRUCache(MOST_HOLDERS)
        self._refused = 0
        self._is_ticking = False

    def gate(self, path: str) -> Gate | None:
        if path.startswith(HEALTH):
            return None
        return self.administration if path.startswith(ADMINISTRATION) or not path.startswith(API) else self.work

    def holder(self, credentials: int) -> str:
        """Returns whose requests those with these credentials are."""
        return self._holders.get(credentials, UNKNOWN)

    def learn(self, credentials: int, principal: Principal | None) -> None:
        """Remembers whose credentials they are; None if they were not accepted."""
        if principal is None:
            self._holders.pop(credentials, None)
        else:
            self._holders[credentials] = f"{principal.credential}/users" if principal.user_id else principal.credential

    def keep_ticking(self, loop: AbstractEventLoop) -> None:
        """Ticks while requests wait."""
        if not self._is_ticking and (self.work.waiting or self.administration.waiting):
            self._is_ticking = True
            loop.call_later(TICK_SECONDS, self._tick, loop)

    def _tick(self, loop: AbstractEventLoop) -> None:
        self._is_ticking = False
        self.work.tick()
        self.administration.tick()
        self.keep_ticking(loop)

    def count_refusal(self, loop: AbstractEventLoop) -> None:
        """Counts a refused request; they are logged once a second, all in one line."""
        if not self._refused:
            loop.call_later(REPORT_SECONDS, self._report)
        self._refused += 1

    def _report(self) -> None:
        telemetry.log_fields({"route": "none", "status": 503, "refused": self._refused})
        self._refused = 0
