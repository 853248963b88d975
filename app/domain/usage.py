"""Daily usage of a project."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class DailyUsage:
    """A project's traffic of one day (UTC)."""

    day: date
    requests: float = 0.0
    events: float = 0.0
    recommendations: float = 0.0
    read_units: float = 0.0
    write_units: float = 0.0
    milliseconds: float = 0.0
