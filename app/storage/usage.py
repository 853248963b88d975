"""Store the usage of projects, one row a day."""

from dataclasses import asdict, fields
from datetime import UTC, date, datetime, timedelta

from pynamodb.attributes import NumberAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.models import Model

from app.domain.access import DailyUsage as Day
from app.storage.database import Database
from app.storage.table import Table

KEPT = timedelta(days=400)
NUMBERS = tuple(field.name for field in fields(Day) if field.name != "day")


class UsageRow(Model):
    class Meta:
        table_name = "usage"

    project = UnicodeAttribute(hash_key=True)
    day = UnicodeAttribute(range_key=True)
    requests = NumberAttribute(null=True)
    events = NumberAttribute(null=True)
    recommendations = NumberAttribute(null=True)
    read_units = NumberAttribute(null=True)
    write_units = NumberAttribute(null=True)
    milliseconds = NumberAttribute(null=True)
    expires_at = TTLAttribute()


class UsageStore:
    def __init__(self, database: Database) -> None:
        self._table = Table(database, UsageRow)

    def add(self, project: str, used: Day) -> None:
        """Adds to the usage of a day."""
        amounts = {name: value for name, value in asdict(used).items() if name in NUMBERS and value}
        if not amounts:
            return
        expires_at = datetime(used.day.year, used.day.month, used.day.day, tzinfo=UTC) + KEPT
        added = [getattr(UsageRow, name).add(round(amount, 6)) for name, amount in amounts.items()]
        self._table.update(project, used.day.isoformat(), [UsageRow.expires_at.set(expires_at), *added])

    def days(self, project: str, first: date, last: date) -> list[Day]:
        """Returns the days with any usage, oldest first."""
        rows, _ = self._table.query(
            project, range_condition=UsageRow.day.between(first.isoformat(), last.isoformat()), consistent=True
        )
        return [
            Day(date.fromisoformat(row["day"]["S"]), **{name: float(row[name]["N"]) for name in NUMBERS if name in row})
            for row in rows
        ]
