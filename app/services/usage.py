"""Usage of projects: counted in memory and stored every few seconds, so that requests need no extra write."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date
from threading import Lock

from app import prices
from app.clock import Clock
from app.config import Settings
from app.domain.access import DailyUsage as Day
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
        """Adds one finished request."""
        today = self._clock.now().date()
        used = Day(today, 1, work.events, work.lists, work.read_units, work.write_units, work.milliseconds)
        with self._lock:
            before = self._days.get((project, today), Day(today))
            self._days[project, today] = summed(before, used)
            if (credential, today) not in self._marked:
                self._keys.add(credential)

    def due(self) -> bool:
        """Whether there is usage to store, and it is time to store it."""
        return self._clock.monotonic() - self._written_at >= self._every_seconds and bool(self._days)

    def write(self) -> None:
        """Stores the counted usage. If the database is unavailable, the rest stays for the next call."""
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
            except Conflict:  # tokens of an OIDC issuer and deleted keys have no row
                pass
            except Unavailable:
                keys.add(credential)
                break
            with self._lock:
                self._marked = {(marked, day) for marked, day in self._marked if day == self._clock.now().date()}
                self._marked.add((credential, self._clock.now().date()))
        with self._lock:
            for (project, day), used in days.items():
                self._days[project, day] = summed(self._days.get((project, day), Day(day)), used)
            self._keys |= keys

    def days(self, project: str, first: date, last: date) -> list[Day]:
        """Returns a project's days from first to last, oldest first, without days that have no usage."""
        return self._store.days(project, first, last)


def summed(first: Day, second: Day) -> Day:
    """Returns the sum of two days' usage, with the date of the first."""
    return replace(first, **{name: getattr(first, name) + getattr(second, name) for name in NUMBERS})


def parts(used: Day, front: prices.Front) -> dict[str, float]:
    """Returns the US dollars of a day's requests through this front, by what is paid for."""
    return prices.parts(
        front=front,
        requests=round(used.requests),
        read_units=used.read_units,
        write_units=used.write_units,
        milliseconds=used.milliseconds,
    )


def dollars(used: Day, front: prices.Front) -> float:
    """Returns the cost of a day's requests through this front."""
    return sum(parts(used, front).values())
