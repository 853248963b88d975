"""Store scenarios: the current version of each, and one row for each earlier version."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pynamodb.attributes import BooleanAttribute, JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.models import Model

from app.domain.paging import Page
from app.domain.recommendations import Diversity
from app.domain.scenarios import RowSettings, Scenario, ScenarioSettings
from app.storage.attributes import TimestampAttribute, decoded
from app.storage.database import Database, Raw
from app.storage.table import SEPARATOR, Table, key, moment

CURRENT, VERSION = "present", "version"


class ScenarioRow(Model):
    class Meta:
        table_name = "scenarios"

    project = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute(range_key=True)
    """present#scenario, or version#scenario#number."""
    version = NumberAttribute()
    settings = JSONAttribute()
    updated_at = TimestampAttribute()
    deleted = BooleanAttribute(null=True)


class ScenarioStore:
    def __init__(self, database: Database) -> None:
        self._table = Table(database, ScenarioRow)

    def get(self, project: str, scenario_id: str, *, consistent: bool = False) -> Scenario | None:
        """Returns the current version, deleted or not; None if it never existed."""
        row = self._table.get(project, key(CURRENT, scenario_id), consistent=consistent)
        return _scenario(row) if row else None

    def earlier(self, project: str, scenario_id: str, number: int) -> Scenario | None:
        """Returns an earlier version."""
        row = self._table.get(project, _version_name(scenario_id, number))
        return _scenario(row) if row else None

    def put(self, project: str, scenario: Scenario, previous: Scenario | None) -> None:
        """Replaces the current version, which is kept as an earlier one. Raises Conflict unless it is `previous`."""
        unchanged: Condition
        if previous is None:
            unchanged = ScenarioRow.project.does_not_exist()
        else:
            self._table.write_many([_row(project, previous, _version_name(previous.scenario_id, previous.version))])
            unchanged = ScenarioRow.version == previous.version
        self._table.put(_row(project, scenario, key(CURRENT, scenario.scenario_id)), unchanged)

    def list_page(self, project: str, start: str | None, limit: int) -> Page[Scenario]:
        """Returns a page of scenarios by name; deleted ones make it shorter."""
        rows, more = self._table.query(
            project,
            range_condition=ScenarioRow.name.startswith(CURRENT + SEPARATOR),
            limit=limit,
            start=self._table.key(project, start) if start else None,
        )
        scenarios = tuple(scenario for scenario in map(_scenario, rows) if not scenario.deleted)
        return Page(scenarios, rows[-1]["name"]["S"] if more and rows else None)


def _version_name(scenario_id: str, number: int) -> str:
    return key(VERSION, scenario_id, f"{number:06d}")


def _row(project: str, scenario: Scenario, name: str) -> ScenarioRow:
    return ScenarioRow(
        project=project,
        name=name,
        version=scenario.version,
        settings=asdict(scenario.settings),
        updated_at=scenario.updated_at,
        deleted=scenario.deleted or None,
    )


def _scenario(row: Raw) -> Scenario:
    return Scenario(
        scenario_id=row["name"]["S"].split(SEPARATOR)[1],
        version=int(row["version"]["N"]),
        settings=_settings(decoded(row, "settings")),
        updated_at=moment(row["updated_at"]["S"]),
        deleted="deleted" in row,
    )


def _settings(content: Mapping[str, Any]) -> ScenarioSettings:
    """Decodes settings from JSON; fields that an earlier release did not have get their defaults."""
    lists = {name: tuple(content[name]) for name in ("recommenders", "event_types") if content.get(name) is not None}
    diversity = content.get("diversity")
    return ScenarioSettings(
        **{
            **content,
            **lists,
            "diversity": Diversity(**diversity) if diversity else None,
            "rows": tuple(RowSettings(**row) for row in content.get("rows", ())),
        }
    )
