"""What projects use: counted in memory, written down every few seconds, so that no request pays a write for it."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date
from threading import Lock

from app import prices
from app.clock import Clock
from app.config import Settings
from app.domain.usage import DailyUsage as Day
from app.errors import Conflict, Unavailable
from app.storage.usage import UsageStore as Store
from app.telemetry import RequestLog

NUMBERS = tuple(field.name for field in fields(Day) if field.name != "day")


class Usage:
    def __init__(self, store: Store, mark_used: Callable[[str], None], settings: Settings, clock: Clock) -> None:
        self._store, self._mark_used, self._clock = store, mark_used, clock
        self._every_seconds = settings.usage_seconds
        self._lock = Lock()
        self._days: dict[tuple[str, date], Day] = {}
        self._keys: set[str] = set()
        self._marked: set[tuple[str, date]] = set()
        self._written_at = self._clock.monotonic()

    def count(self, project: str, credential: str, work: RequestLog) -> None:
        """Add one finished request."""
        today = self._clock.now().date()
        done = Day(
            today, 1, work.events, work.recommendations or 0, work.read_units, work.write_units, work.milliseconds
        )
        with self._lock:
            before = self._days.get((project, today), Day(today))
            self._days[project, today] = summed(before, done)
            if (credential, today) not in self._marked:
                self._keys.add(credential)

    def due(self) -> bool:
        return self._clock.monotonic() - self._written_at >= self._every_seconds and bool(self._days)

    def write(self) -> None:
        """Write down what was counted; what cannot be written now stays for the next time."""
        with self._lock:
            days, keys = self._days, self._keys
            self._days, self._keys, self._written_at = {}, set(), self._clock.monotonic()
        while days:
            (project, day), used = days.popitem()
            try:
                self._store.add(project, used)
            except Unavailable:
                days[project, day] = used
                break
        while keys and not days:
            credential = keys.pop()
            try:
                self._mark_used(credential)
            except Conflict:  # a token of an issuer has no row, a revoked key none any more
                pass
            except Unavailable:
                keys.add(credential)
                break
            with self._lock:
                self._marked = {(known, day) for known, day in self._marked if day == self._clock.now().date()}
                self._marked.add((credential, self._clock.now().date()))
        with self._lock:
            for (project, day), used in days.items():
                self._days[project, day] = summed(self._days.get((project, day), Day(day)), used)
            self._keys |= keys

    def days(self, project: str, first: date, last: date) -> list[Day]:
        """A project's days, first and last included, oldest first; those without any usage are left out."""
        return self._store.days(project, first, last)


def summed(one: Day, other: Day) -> Day:
    """What was used on two days, as of the first."""
    return replace(one, **{name: getattr(one, name) + getattr(other, name) for name in NUMBERS})


def dollars(used: Day) -> float:
    """What the requests of a day cost."""
    return prices.dollars(
        requests=round(used.requests),
        read_units=used.read_units,
        write_units=used.write_units,
        milliseconds=used.milliseconds,
    )
