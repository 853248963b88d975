"""Scenarios: the settings of a placement, stored, versioned, and merged with what a request asks."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from app.config import Settings
from app.domain.paging import Page
from app.domain.preconditions import Precondition
from app.domain.recommendations import RecommendationQuery
from app.domain.scenarios import Scenario, ScenarioSettings
from app.errors import Conflict, NotFound
from app.services.access.credential_cache import StaleCache
from app.services.preconditions import check
from app.storage.scenarios import ScenarioStore as Store

SEPARATOR = "#"
ANYHOW = Precondition()
NONE = "There is no such scenario."


class Scenarios:
    def __init__(self, store: Store, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._store, self._clock = store, clock
        self._known: StaleCache[Scenario] = StaleCache(
            lambda name: store.get(*name.split(SEPARATOR)), settings.pointer_ttl_seconds
        )

    def get(self, project: str, scenario_id: str) -> Scenario:
        """Raises NotFound."""
        return _present(self._store.get(project, scenario_id, consistent=True))

    def remembered(self, project: str, scenario_id: str) -> Scenario:
        """The same, at most `pointer_ttl_seconds` old, or of any age while the database cannot be reached.

        Raises:
            NotFound.
        """
        return _present(self._known.get(project + SEPARATOR + scenario_id))

    def version(self, project: str, scenario_id: str, number: int) -> Scenario:
        """Raises NotFound."""
        present = self._store.get(project, scenario_id, consistent=True)
        if present is not None and present.version == number:
            return present
        found = self._store.earlier(project, scenario_id, number)
        if found is None:
            raise NotFound("There is no such version of a scenario.")
        return found

    def draft(self, project: str, scenario_id: str, placement: ScenarioSettings) -> Scenario:
        """What putting it would store."""
        current = self._store.get(project, scenario_id, consistent=True)
        return self._following(scenario_id, placement, current)

    def put(
        self, project: str, scenario_id: str, placement: ScenarioSettings, expected: Precondition = ANYHOW
    ) -> Scenario:
        """Store settings as a new version; those that are there already change nothing.

        Raises:
            PreconditionFailed: it is not in the expected state.
        """

        def changed(current: Scenario | None) -> Scenario:
            if current is not None and not current.deleted and current.placement == placement:
                return current
            return self._following(scenario_id, placement, current)

        return self._changed(project, scenario_id, changed, expected)

    def delete(self, project: str, scenario_id: str, expected: Precondition = ANYHOW) -> None:
        """Raises NotFound, and PreconditionFailed. Its versions stay."""

        def deleted(current: Scenario | None) -> Scenario:
            present = _present(current)
            return replace(present, version=present.version + 1, updated_at=self._clock(), deleted=True)

        self._changed(project, scenario_id, deleted, expected)

    def list_page(self, project: str, start: str | None, limit: int) -> Page[Scenario]:
        return self._store.list_page(project, start, limit)

    def _following(self, scenario_id: str, placement: ScenarioSettings, current: Scenario | None) -> Scenario:
        return Scenario(scenario_id, current.version + 1 if current else 1, placement, self._clock())

    def _changed(
        self,
        project: str,
        scenario_id: str,
        change: Callable[[Scenario | None], Scenario],
        expected: Precondition,
    ) -> Scenario:
        while True:
            current = self._store.get(project, scenario_id, consistent=True)
            check(expected, None if current is None or current.deleted else current.etag)
            changed = change(current)
            if changed == current:
                return changed
            try:
                self._store.put(project, changed, current)
            except Conflict:  # somebody else was faster: look again
                continue
            self._known.put(project + SEPARATOR + scenario_id, changed)
            return changed


def wish_of(scenario: Scenario, asked: Mapping[str, Any]) -> RecommendationQuery:
    """The scenario's settings, with what a request says itself: that wins, but filters of both have to be passed."""
    placement = scenario.placement
    stored: dict[str, Any] = {
        "limit": placement.limit,
        "recommenders": placement.recommenders,
        "event_types": frozenset(placement.event_types) if placement.event_types is not None else None,
        "event_weights": placement.event_weights,
        "include_seen": placement.include_seen,
        "boost": placement.boost,
        "diversity": placement.diversity,
        "rotation": placement.rotation,
        "exploration": placement.exploration,
    }
    filters = ((placement.filter,) if placement.filter is not None else ()) + tuple(asked.get("filters", ()))
    return RecommendationQuery(**{**stored, **asked, "filters": filters, "scenario": scenario.scenario_id})


def _present(scenario: Scenario | None) -> Scenario:
    if scenario is None or scenario.deleted:
        raise NotFound(NONE)
    return scenario
