"""Which requests are worked on at the same time, wait, or are refused, when there are more than a server can do.

- A holder of requests (a key, the user tokens of a key) may have twice as many in progress as places are free, so there
  always is room for another (dynamic thresholds, Choudhury and Hahne, 1998); a free place goes to the holder with the
  fewest requests in progress.
- Few waiting requests keep their order. If many wait, the newest goes first: clients give up the older ones anyway.
  Those of a burst wait for seconds; once the queue of a holder has not been empty for as long, they wait no longer than
  a request takes (adaptive LIFO and controlled delay, Maurer, "Fail at Scale", 2015). Others wait ten times as long
  meanwhile, because they are not the cause (a queue for each flow, as in FQ-CoDel, RFC 8290).
- When too many wait, the oldest of the holder with the most waiting requests is refused.
- When nothing is answered for long, the cause is not a lack of CPU, so more are let in.
"""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

SHARE = 2
"""A holder may have this many requests in progress for each free place."""
BURST_SECONDS = 2.0
"""Time after which a queue that was never empty is no burst; how long requests of a burst wait."""
LEAST_PATIENCE_SECONDS = 0.005
MODEST_PATIENCE = 10
"""How many times as long a request waits that others keep from starting."""
FEW_WAITING = 4
"""Requests that wait in order, as a multiple of the limit."""
STALLED_LATENCIES, LEAST_STALLED_SECONDS = 10, 0.1
"""Time without any response, as a multiple of the latency, after which requests are presumed to wait for a database."""

Clock = Callable[[], float]


def _nothing() -> None: ...


class Limit(Protocol):
    @property
    def limit(self) -> int: ...
    @property
    def latency(self) -> float: ...
    def observe(self, seconds: float, *, is_crowded: bool) -> None: ...
    def widen(self) -> None: ...


@dataclass(eq=False, slots=True)
class Visit:
    """One request at the gate."""

    holder: str
    refuse: Callable[[], None]
    """Called if it may not be worked on."""
    start: Callable[[], None] = _nothing
    """Called instead when it may."""
    since: float = 0.0
    """When it arrived, then when it started."""

    def decide(self, *, starts: bool) -> None:
        """Starts or refuses it, and lets both go: they hold this visit, and a cycle costs a garbage collection."""
        chosen = self.start if starts else self.refuse
        self.start = self.refuse = _nothing
        chosen()


@dataclass(eq=False, slots=True)
class _Queue:
    """The waiting requests of a holder."""

    since: float
    """When the first one began to wait; since then it has not been empty."""
    visits: deque[Visit] = field(default_factory=deque)


class Gate:
    """Lets requests in, all on one thread; `tick` is due regularly while requests wait."""

    def __init__(self, limit: Limit, most_waiting: int, monotonic: Clock) -> None:
        self._limit, self._most_waiting, self._monotonic = limit, most_waiting, monotonic
        self._open: Counter[str] = Counter()
        self._waiting: dict[str, _Queue] = {}
        self._waiting_count = 0
        self._empty_at = monotonic()
        self._was_crowded = False
        self._left_at = monotonic()

    @property
    def open(self) -> int:
        return self._open.total()

    @property
    def waiting(self) -> int:
        return self._waiting_count

    def enter(self, visit: Visit) -> None:
        """Starts a request, now or when a place is free, or refuses it, or an older one instead."""
        visit.since = self._monotonic()
        if self._has_room(visit.holder):
            self._start(visit)
            return
        self._was_crowded = True
        if not self._waiting_count:
            self._empty_at = visit.since
        self._waiting.setdefault(visit.holder, _Queue(visit.since)).visits.append(visit)
        self._waiting_count += 1
        if self._waiting_count > self._most_waiting:
            longest = max(self._waiting, key=lambda holder: len(self._waiting[holder].visits))
            self._take(longest, newest=False).decide(starts=False)
        self.tick()

    def leave(self, visit: Visit) -> None:
        """Frees the place of a request that has been answered."""
        self._left_at = self._monotonic()
        self._limit.observe(self._left_at - visit.since, is_crowded=self._was_crowded)
        self.pause(visit)

    def pause(self, visit: Visit) -> None:
        """Frees the place of a request for a time; `enter` lets it in again."""
        self._open[visit.holder] -= 1
        if not self._open[visit.holder]:
            del self._open[visit.holder]
        self._was_crowded = self._waiting_count > 0
        self.tick()

    def resume(self, visit: Visit) -> None:
        """Takes a place again, even if none is free: it is for the short rest of a request that has waited outside."""
        visit.since = self._monotonic()
        self._open[visit.holder] += 1

    def forget(self, visit: Visit) -> None:
        """Removes a waiting request, because its client has disconnected."""
        queue = self._waiting.get(visit.holder)
        if queue and visit in queue.visits:
            queue.visits.remove(visit)
            self._waiting_count -= 1
            if not queue.visits:
                del self._waiting[visit.holder]

    def tick(self) -> None:
        """Refuses requests that have waited too long, and starts others in free places."""
        if not self._waiting_count:
            return
        now = self._monotonic()
        for holder, queue in list(self._waiting.items()):
            patience = self._patience(queue, now)
            while queue.visits and now - queue.visits[0].since > patience:
                self._take(holder, newest=False).decide(starts=False)
        if now - max(self._left_at, self._empty_at) > max(
            LEAST_STALLED_SECONDS, STALLED_LATENCIES * self._limit.latency
        ):
            self._limit.widen()
        while (following := self._next()) is not None:
            queue = self._waiting[following]
            are_many = len(queue.visits) > FEW_WAITING * self._limit.limit
            visit = self._take(following, newest=are_many or now - queue.since > BURST_SECONDS)
            visit.since = now
            self._start(visit)

    def _patience(self, queue: _Queue, now: float) -> float:
        """Returns how long the requests of a holder wait."""
        if now - self._empty_at <= BURST_SECONDS:
            return BURST_SECONDS
        patience = max(LEAST_PATIENCE_SECONDS, self._limit.latency)
        return patience if now - queue.since > BURST_SECONDS else min(BURST_SECONDS, MODEST_PATIENCE * patience)

    def _next(self) -> str | None:
        """Returns the holder whose request may start."""
        eligible = (holder for holder in self._waiting if self._has_room(holder))
        return min(eligible, key=self._open.__getitem__, default=None)

    def _has_room(self, holder: str) -> bool:
        free = self._limit.limit - self._open.total()
        return free > 0 and self._open[holder] < SHARE * free

    def _start(self, visit: Visit) -> None:
        self._open[visit.holder] += 1
        visit.decide(starts=True)

    def _take(self, holder: str, *, newest: bool) -> Visit:
        queue = self._waiting[holder]
        visit = queue.visits.pop() if newest else queue.visits.popleft()
        self._waiting_count -= 1
        if not queue.visits:
            del self._waiting[holder]
        return visit
