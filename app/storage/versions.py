"""Store model versions, and the pointer to the active one, which moves by one conditional write."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.models import Model

from app.domain.models import ActiveModel, ModelVersion, Scoring, Variant, VersionState
from app.domain.paging import Page
from app.errors import Conflict
from app.storage.attributes import TimestampAttribute, decoded, instant, integer, number, text
from app.storage.database import Database, Raw
from app.storage.table import Table, moment

POINTER, CLAIM = "#active", "#claim"
CHOSEN_AT = "chosen_at"
"""An attribute; up to release 0.7 one of the parameters, in seconds since 1970."""
EARLIER = {"half_life_days", "rating_threshold", "content_weight", "learned_at"}
"""Fields of a scoring that releases up to 0.7 know."""
BEFORE_VERSIONS = "$"
"""Sorts after the rows that begin with # and before all versions."""


class VersionRow(Model):
    class Meta:
        table_name = "versions"

    project = UnicodeAttribute(hash_key=True)
    version = UnicodeAttribute(range_key=True)
    """The id of a version, #active, or #claim (the next training)."""
    state = UnicodeAttribute(null=True)
    created_at = TimestampAttribute(null=True)
    heartbeat_at = TimestampAttribute(null=True)
    phase = UnicodeAttribute(null=True)
    progress = NumberAttribute(null=True)
    facts = JSONAttribute(null=True)
    """Parameters, metrics and counts; for the pointer: scoring, variants and shadows."""
    detail = UnicodeAttribute(null=True)
    seconds = NumberAttribute(null=True)
    manifest_chunks = NumberAttribute(null=True)
    chosen_at = TimestampAttribute(null=True)
    active_version = UnicodeAttribute(null=True)
    previous = UnicodeAttribute(null=True)
    revision = NumberAttribute(null=True)
    newest_item = TimestampAttribute(null=True)


class VersionStore:
    def __init__(self, database: Database) -> None:
        self._table = Table(database, VersionRow)

    def get(self, project: str, version: str) -> ModelVersion | None:
        row = self._table.get(project, version, consistent=True)
        return _version(row) if row else None

    def create(self, project: str, version: ModelVersion) -> None:
        self._table.put(_row(project, version), VersionRow.version.does_not_exist())

    def update(self, project: str, version: ModelVersion, *, expected: VersionState) -> None:
        """Writes a version. Raises Conflict unless it is in the expected state."""
        self._table.put(_row(project, version), VersionRow.state == expected.value)

    def delete(self, project: str, version: str) -> None:
        self._table.write_many([], [self._table.key(project, version)])

    def list_page(self, project: str, start: str | None, limit: int) -> Page[ModelVersion]:
        """Returns a page of versions, newest first."""
        rows, more = self._table.query(
            project,
            range_condition=VersionRow.version > BEFORE_VERSIONS,
            limit=limit,
            newest_first=True,
            consistent=True,
            start=self._table.key(project, start) if start else None,
        )
        return Page(tuple(_version(row) for row in rows), rows[-1]["version"]["S"] if more and rows else None)

    def after(self, project: str, version: str) -> ModelVersion | None:
        """Returns the version that follows an id, oldest first."""
        following = VersionRow.version > max(version, BEFORE_VERSIONS)
        rows, _ = self._table.query(project, range_condition=following, limit=1, consistent=True)
        return _version(rows[0]) if rows else None

    def active(self, project: str, *, consistent: bool = False) -> ActiveModel | None:
        row = self._table.get(project, POINTER, consistent=consistent)
        return _active(row) if row else None

    def activate(self, project: str, active: ActiveModel, expected: ActiveModel | None) -> None:
        """Moves the pointer. Raises Conflict unless it is `expected`."""
        row = VersionRow(
            project=project,
            version=POINTER,
            active_version=active.version,
            previous=active.previous,
            revision=active.revision,
            created_at=active.activated_at,
            facts={
                **_facts(active.scoring),
                "variants": [_facts_of_variant(variant) for variant in active.variants],
                "interleaved": active.interleaved,
                "shadows": [_facts_of_variant(variant) for variant in active.shadows],
            },
        )
        unmoved: Condition = VersionRow.version.does_not_exist()
        if expected is not None:
            same = (
                VersionRow.revision == expected.revision if expected.revision else VersionRow.revision.does_not_exist()
            )
            unmoved = (VersionRow.active_version == expected.version) & same
        self._table.put(row, unmoved)

    def mark_new_items(self, project: str, newest: datetime) -> None:
        """Stores the time of the newest item in the pointer, if there is a pointer."""
        with suppress(Conflict):
            self._table.update(
                project, POINTER, [VersionRow.newest_item.set(newest)], VersionRow.active_version.exists()
            )

    def claim(self, project: str, after: str | None) -> None:
        """Claims the training that follows a version (None: the first one). Raises Conflict if it is claimed."""
        predecessor = after or BEFORE_VERSIONS
        row = VersionRow(project=project, version=CLAIM, active_version=predecessor)
        self._table.put(row, VersionRow.version.does_not_exist() | (VersionRow.active_version != predecessor))


def _row(project: str, version: ModelVersion) -> VersionRow:
    return VersionRow(
        project=project,
        version=version.version,
        state=version.state.value,
        created_at=version.created_at,
        heartbeat_at=version.heartbeat_at,
        phase=version.phase,
        progress=round(version.progress, 4),
        facts={
            "parameters": dict(version.parameters),
            "metrics": dict(version.metrics),
            "counts": dict(version.counts),
        },
        detail=version.detail,
        seconds=version.seconds,
        manifest_chunks=version.manifest_chunks,
        chosen_at=version.chosen_at,
    )


def _version(row: Raw) -> ModelVersion:
    facts: Mapping[str, Any] = decoded(row, "facts")
    parameters = dict(facts["parameters"])
    seconds = parameters.pop(CHOSEN_AT, None)
    return ModelVersion(
        version=row["version"]["S"],
        state=VersionState(row["state"]["S"]),
        created_at=moment(row["created_at"]["S"]),
        heartbeat_at=moment(row["heartbeat_at"]["S"]),
        phase=row["phase"]["S"],
        progress=float(row["progress"]["N"]),
        parameters=parameters,
        metrics=facts["metrics"],
        counts=facts["counts"],
        detail=text(row, "detail"),
        seconds=number(row, "seconds"),
        manifest_chunks=int(row["manifest_chunks"]["N"]),
        chosen_at=instant(row, CHOSEN_AT) if seconds is None else datetime.fromtimestamp(seconds, UTC),
    )


def _active(row: Raw) -> ActiveModel:
    facts: dict[str, Any] = decoded(row, "facts")
    variants, shadows = (tuple(map(_variant, facts.pop(name, ()))) for name in ("variants", "shadows"))
    interleaved = facts.pop("interleaved", False)
    return ActiveModel(
        version=row["active_version"]["S"],
        activated_at=moment(row["created_at"]["S"]),
        previous=text(row, "previous"),
        scoring=Scoring(**facts),
        variants=variants,
        interleaved=interleaved,
        shadows=shadows,
        revision=integer(row, "revision") or 0,
        newest_item=instant(row, "newest_item"),
    )


def _facts(scoring: Scoring) -> dict[str, Any]:
    """Returns the fields of a scoring; without newer fields that are not used, so that earlier releases can read it."""
    unused = asdict(Scoring())
    return {name: value for name, value in asdict(scoring).items() if name in EARLIER or value != unused[name]}


def _facts_of_variant(variant: Variant) -> dict[str, Any]:
    return {**asdict(variant), "scoring": _facts(variant.scoring)}


def _variant(facts: Mapping[str, Any]) -> Variant:
    return Variant(facts["version"], facts["share"], Scoring(**facts["scoring"]))
