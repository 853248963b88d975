"""Model versions, and the pointer to the active one, which moves by one conditional write."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from app.domain import ActiveModel, ModelVersion, Page, Scoring, VersionState
from app.storage.database import Database, Raw
from app.storage.table import Table, iso, moment

POINTER = "#active"
QUEUED = "queued"
"""The phase of a version that nobody has begun to train."""


class VersionRow(Model):
    class Meta:
        table_name = "versions"

    project = UnicodeAttribute(hash_key=True)
    version = UnicodeAttribute(range_key=True)
    """The version's id, or #active."""
    state = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute(null=True)
    heartbeat_at = UnicodeAttribute(null=True)
    phase = UnicodeAttribute(null=True)
    progress = NumberAttribute(null=True)
    facts = UnicodeAttribute(null=True)
    """JSON: parameters, metrics, counts."""
    detail = UnicodeAttribute(null=True)
    seconds = NumberAttribute(null=True)
    manifest_chunks = NumberAttribute(null=True)
    active_version = UnicodeAttribute(null=True)
    previous = UnicodeAttribute(null=True)


class Versions:
    def __init__(self, database: Database) -> None:
        self._table = Table(database, VersionRow)

    def get(self, project: str, version: str) -> ModelVersion | None:
        row = self._table.get(project, version, consistent=True)
        return _version(row) if row else None

    def create(self, project: str, version: ModelVersion) -> None:
        self._table.put(_row(project, version), VersionRow.version.does_not_exist())

    def update(self, project: str, version: ModelVersion, *, expected: VersionState) -> None:
        """Write a version's progress, provided that it still is in the expected state (else Conflict)."""
        self._table.put(_row(project, version), VersionRow.state == expected.value)

    def start(self, project: str, version: ModelVersion) -> None:
        """Write the first progress of a queued version (else Conflict)."""
        self._table.put(
            _row(project, version), (VersionRow.state == version.state.value) & (VersionRow.phase == QUEUED)
        )

    def delete(self, project: str, version: str) -> None:
        self._table.write_many([], [self._table.key(project, version)])

    def list_page(self, project: str, start: str | None, limit: int) -> Page[ModelVersion]:
        """Versions, newest first."""
        rows, more = self._table.query(
            project,
            range_condition=VersionRow.version > POINTER,
            limit=limit,
            newest_first=True,
            consistent=True,
            start=self._table.key(project, start) if start else None,
        )
        return Page(tuple(_version(row) for row in rows), rows[-1]["version"]["S"] if more and rows else None)

    def active(self, project: str, *, consistent: bool = False) -> ActiveModel | None:
        row = self._table.get(project, POINTER, consistent=consistent)
        return _active(row) if row else None

    def activate(self, project: str, active: ActiveModel, expected: ActiveModel | None) -> None:
        """Move the pointer, provided that it still is where it was expected (else Conflict)."""
        row = VersionRow(
            project=project,
            version=POINTER,
            active_version=active.version,
            previous=active.previous,
            created_at=iso(active.activated_at),
            facts=json.dumps(asdict(active.scoring)),
        )
        unmoved = (
            VersionRow.version.does_not_exist()
            if expected is None
            else (VersionRow.active_version == expected.version) & (VersionRow.created_at == iso(expected.activated_at))
        )
        self._table.put(row, unmoved)


def _row(project: str, version: ModelVersion) -> VersionRow:
    return VersionRow(
        project=project,
        version=version.version,
        state=version.state.value,
        created_at=iso(version.created_at),
        heartbeat_at=iso(version.heartbeat_at),
        phase=version.phase,
        progress=round(version.progress, 4),
        facts=json.dumps(
            {
                "parameters": dict(version.parameters),
                "metrics": dict(version.metrics),
                "counts": dict(version.counts),
            }
        ),
        detail=version.detail,
        seconds=version.seconds,
        manifest_chunks=version.manifest_chunks,
    )


def _version(row: Raw) -> ModelVersion:
    facts: Mapping[str, Any] = json.loads(row["facts"]["S"])
    return ModelVersion(
        version=row["version"]["S"],
        state=VersionState(row["state"]["S"]),
        created_at=moment(row["created_at"]["S"]),
        heartbeat_at=moment(row["heartbeat_at"]["S"]),
        phase=row["phase"]["S"],
        progress=float(row["progress"]["N"]),
        parameters=facts["parameters"],
        metrics=facts["metrics"],
        counts=facts["counts"],
        detail=row["detail"]["S"] if "detail" in row else None,
        seconds=float(row["seconds"]["N"]) if "seconds" in row else None,
        manifest_chunks=int(row["manifest_chunks"]["N"]),
    )


def _active(row: Raw) -> ActiveModel:
    return ActiveModel(
        version=row["active_version"]["S"],
        activated_at=moment(row["created_at"]["S"]),
        previous=row["previous"]["S"] if "previous" in row else None,
        scoring=Scoring(**json.loads(row["facts"]["S"])),
    )
