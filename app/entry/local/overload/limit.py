"""A limit of requests in progress that follows measured latency.

The gradient limit of Netflix (github.com/Netflix/concurrency-limits) and of Envoy's adaptive concurrency filter: if
latency is higher than that of a few requests at a time, requests wait for each other, so fewer are let in.

    gradient = TOLERANCE * unloaded / latency, between 1/2 and 1
    limit    = limit * gradient + HEADROOM, smoothed

`unloaded` is the least latency since the limit was last set as low as it gets for a few requests, which happens
regularly, because what the server does and how fast its database is changes.
"""

import math
from statistics import fmean

WINDOW = 32
"""Requests whose latencies are one measurement: the mean of the middle half, which a few slow requests do not move."""
REMEASURED = 100
"""Measurements after which the unloaded latency is measured again."""
TOLERANCE = 1.25
SMOOTHING = 0.5
HEADROOM = 1
"""Netflix and Envoy add the root of the limit, for services whose requests do not compete for an interpreter."""


class GradientLimit:
    """The number of requests that may be in progress."""

    def __init__(self, least: int, most: int) -> None:
        self._least, self._most = min(least, most), most
        self._limit = float(self._least)
        self._unloaded, self._measurements = math.inf, 0
        self._latencies: list[float] = []
        self._measures_unloaded, self._skipped = True, 0
        self.latency = 0.0
        """The last measurement, in seconds; 0 before the first."""

    @property
    def limit(self) -> int:
        return self._least if self._measures_unloaded else int(self._limit)

    def observe(self, seconds: float, *, is_crowded: bool) -> None:
        """Adds the latency of a request; the limit only grows if it is crowded: if requests wait for their turn."""
        if self._skipped:
            self._skipped -= 1
            return
        self._latencies.append(seconds)
        if len(self._latencies) < WINDOW:
            return
        self.latency = fmean(sorted(self._latencies)[WINDOW // 4 : -WINDOW // 4])
        self._latencies.clear()
        self._measures_unloaded = False
        self._unloaded = min(self._unloaded, self.latency)
        self._measurements += 1
        if self._measurements % REMEASURED == 0:
            self._measure_unloaded()
        else:
            self._adapt(is_crowded=is_crowded)

    def widen(self) -> None:
        """Lets one more in, because those in progress wait for something that fewer would not make faster."""
        self._measures_unloaded = False
        self._limit = min(float(self._most), self._limit + 1)

    def _measure_unloaded(self) -> None:
        self._skipped = self.limit  # those in progress began among more
        self._measures_unloaded, self._unloaded = True, math.inf

    def _adapt(self, *, is_crowded: bool) -> None:
        gradient = min(1.0, max(0.5, TOLERANCE * self._unloaded / self.latency))
        target = self._limit * gradient + HEADROOM
        if target < self._limit or is_crowded:
            limit = self._limit + SMOOTHING * (target - self._limit)
            self._limit = min(float(self._most), max(float(self._least), limit))


class FixedLimit:
    """A limit that stays as it is."""

    latency = 0.0

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def observe(self, seconds: float, *, is_crowded: bool) -> None: ...
    def widen(self) -> None: ...
