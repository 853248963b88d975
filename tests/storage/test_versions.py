"""Rows of model versions, also those that earlier releases wrote."""

from datetime import UTC, datetime, timedelta

from app.config import Settings
from app.domain.models import ModelVersion, VersionState
from app.storage.versions import VersionRow, VersionStore
from app.wiring import Wired

CREATED = datetime(2026, 7, 1, 8, 30, 0, 123456, tzinfo=UTC)
CHOSEN = CREATED - timedelta(days=3)


def a_version(**fields: object) -> ModelVersion:
    return ModelVersion("v1", VersionState.READY, CREATED, CREATED, parameters={"ridge": 0.5}, **fields)  # type: ignore[arg-type]


class TestChosenAt:
    def test_the_time_of_the_choice_is_no_parameter(self, wired: Wired, settings: Settings) -> None:
        store, version = VersionStore(wired.database), a_version(chosen_at=CHOSEN)

        store.create(settings.project, version)

        assert store.get(settings.project, "v1") == version

    def test_a_version_without_a_choice_has_no_time(self, wired: Wired, settings: Settings) -> None:
        store = VersionStore(wired.database)

        store.create(settings.project, a_version())

        assert store.get(settings.project, "v1") == a_version()

    def test_a_row_of_release_0_7_is_read_and_rewritten(self, wired: Wired, settings: Settings) -> None:
        """It kept the time among the parameters."""
        store, project = VersionStore(wired.database), settings.project
        store.create(project, a_version())
        facts = {"parameters": {"ridge": 0.5, "chosen_at": CHOSEN.timestamp()}, "metrics": {}, "counts": {}}
        VersionRow(project, "v1").update(actions=[VersionRow.facts.set(facts)])

        version = store.get(project, "v1")

        assert version == a_version(chosen_at=CHOSEN)
        store.update(project, version, expected=VersionState.READY)
        assert store.get(project, "v1") == version
